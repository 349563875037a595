"""Serves a folder of this machine as an S3 bucket, so that the quickstart needs no account and no server."""

from __future__ import annotations

import mimetypes
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Self
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

_PAGE = 1000
_PIECE = 128 * 1024
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_SIGNING = ("x-amz-", "awsaccesskeyid", "signature", "expires", "x-id")
"""Prefixes of the parameters that identify the client, not the request."""

_LISTING = frozenset((
    "list-type", "prefix", "delimiter", "start-after", "continuation-token", "max-keys", "encoding-type", "fetch-owner",
))  # fmt: skip
_ERRORS = {
    "InvalidArgument": (400, "An argument is not valid."),
    "AccessDenied": (403, "There is no permission to read the file."),
    "NoSuchBucket": (404, "The specified bucket does not exist."),
    "NoSuchKey": (404, "The specified key does not exist."),
    "MethodNotAllowed": (405, "This bucket can only be read."),
    "PreconditionFailed": (412, "The object was replaced."),
    "InvalidRange": (416, "The requested range is not satisfiable."),
    "NotImplemented": (501, "This bucket only lists (version 2) and returns objects."),
}


class LakeBucket:
    """Serves the files below a folder as the objects of a bucket, read-only, at `endpoint` within a `with` statement.
    It is for the quickstart and for tests on this machine: it listens only on 127.0.0.1 and **checks no signatures**, so any
    credentials are accepted. URLs are in path style: `{endpoint}/{bucket}/{key}`. Links, and files and folders whose names
    begin with a dot, are not objects, so nothing outside the folder can be read. Each page of a listing walks the folder
    again.
    """

    def __init__(self, folder: Path, bucket: str) -> None:
        self._server = _Server(folder.resolve(), bucket)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: object, error: object, where: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    """Keeps the folder and a list of open connections, so that leaving the bucket closes them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, bucket: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.bucket = bucket
        self.open: set[socket.socket] = set()

    def server_close(self) -> None:
        super().server_close()
        for connection in tuple(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def walk(self) -> Iterator[str]:
        """The keys of all objects, in any order."""
        for here, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(here).relative_to(self.folder)
            yield from (key for name in files if self.path(key := (below / name).as_posix()))

    def path(self, key: str) -> Path | None:
        """The file of an object; None for anything else, such as `..`, a link, or an absolute path."""
        if any(part.startswith(".") for part in key.split("/")):
            return None
        path = self.folder / key
        try:
            key.encode()  # a name that is not Unicode cannot be a key
            # A key that follows a link, or is another spelling such as a//b, resolves to something else.
            return path if path.is_file() and str(path.resolve()) == f"{self.folder}/{key}" else None
        except (OSError, ValueError):
            return None


class _Refused(Exception):
    """A request that is answered with an error; the text is the code."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def handle(self) -> None:
        with suppress(ConnectionError):  # clients may close the connection at any time
            super().handle()

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:
        pass  # the screen belongs to the tour

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        bucket, _, key = path.removeprefix("/").partition("/")
        given = parse_qsl(query, keep_blank_values=True)
        asked = {name: value for name, value in given if not name.lower().startswith(_SIGNING)}
        try:
            if bucket and unquote(bucket) != self.server.bucket:
                raise _Refused("NoSuchBucket")
            if key and not asked:
                self._send_object(unquote(key))
            elif bucket and not key and asked.get("list-type") == "2" and asked.keys() <= _LISTING:
                self._send_xml(200, _listing(self.server, asked))
            elif bucket and not key and not asked and self.command == "HEAD":
                self._send_xml(200, "")
            else:
                raise _Refused("NotImplemented")
        except _Refused as refusal:
            self._refuse(str(refusal))

    do_HEAD = do_GET  # noqa: N815 - names that http.server looks for

    def do_PUT(self) -> None:
        left = int(self.headers.get("Content-Length") or 0)
        while left and (piece := self.rfile.read(min(left, _PIECE))):
            left -= len(piece)
        self.close_connection = True
        self._refuse("MethodNotAllowed")

    do_POST = do_DELETE = do_PUT  # noqa: N815

    def _send_object(self, key: str) -> None:
        path = self.server.path(key)
        if path is None:
            raise _Refused("NoSuchKey")
        try:
            file = path.open("rb")
        except OSError:
            raise _Refused("AccessDenied") from None
        with file:
            found = os.fstat(file.fileno())
            condition = self.headers.get("If-Match", "*")
            if condition != "*" and _etag(found) not in re.findall(r'[^\s,"]+', condition):
                raise _Refused("PreconditionFailed")
            part = _part(self.headers.get("Range", ""), found.st_size)
            begin, end = part or (0, found.st_size)
            self.send_response(206 if part else 200)
            if part:
                self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{found.st_size}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(end - begin))
            self.send_header("Content-Type", mimetypes.guess_type(path.name)[0] or "application/octet-stream")
            self.send_header("ETag", f'"{_etag(found)}"')
            self.send_header("Last-Modified", formatdate(int(found.st_mtime), usegmt=True))
            self.end_headers()
            if self.command == "GET" and begin < end:
                sent = self.connection.sendfile(file, begin, end - begin)
                self.close_connection = self.close_connection or sent < end - begin

    def _refuse(self, code: str) -> None:
        status, message = _ERRORS[code]
        self._send_xml(status, _tags(Error=_tags(Code=code, Message=message, Resource=escape(self.path))))

    def _send_xml(self, status: int, xml: str) -> None:
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}'.encode()
        self.send_response(status, HTTPStatus(status).phrase)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _listing(server: _Server, asked: Mapping[str, str]) -> str:
    """A page of ListObjectsV2. Its last entry is the token of the next page."""
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    token = unquote(asked.get("continuation-token", ""))
    after = "" if token else asked.get("start-after", "")
    most = asked.get("max-keys", str(_PAGE))
    if not re.fullmatch("[0-9]{1,9}", most):
        raise _Refused("InvalidArgument")
    keys = sorted(key for key in server.walk() if key.startswith(prefix) and key > after)
    rolled = dict.fromkeys(_rolled_up(key, prefix, delimiter) for key in keys)
    entries = [entry for entry in rolled if entry > token]
    page = entries[: min(int(most), _PAGE)]
    truncated = 0 < len(page) < len(entries)
    text = quote if asked.get("encoding-type") == "url" else escape
    xml = _tags(Name=escape(server.bucket), Prefix=text(prefix), Delimiter=text(delimiter), MaxKeys=most)
    xml += _tags(KeyCount=len(page), IsTruncated=str(truncated).lower())
    xml += _tags(EncodingType="url") if text is quote else ""
    xml += _tags(NextContinuationToken=quote(page[-1])) if truncated else ""
    for entry in page:
        if delimiter and delimiter in entry[len(prefix) :]:
            xml += _tags(CommonPrefixes=_tags(Prefix=text(entry)))
        else:
            xml += _contents(server.folder / entry, text(entry))
    return f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{xml}</ListBucketResult>'


def _rolled_up(key: str, prefix: str, delimiter: str) -> str:
    """A key, or its part up to the first delimiter after the prefix."""
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return key if end < 0 else key[: end + len(delimiter)]


def _contents(path: Path, key: str) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""  # removed since the folder was walked
    modified = datetime.fromtimestamp(int(found.st_mtime), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    facts = _tags(Key=key, LastModified=modified, ETag=f"&quot;{_etag(found)}&quot;", Size=found.st_size)
    return _tags(Contents=facts + _tags(StorageClass="STANDARD"))


def _etag(found: os.stat_result) -> str:
    """Time and size instead of a hash; the hyphen tells clients that it is not an MD5."""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"


def _part(header: str, size: int) -> tuple[int, int] | None:
    """Start and end of the requested range; None for the whole object, also if the range is not valid."""
    found = _RANGE.fullmatch(header)
    first, last = found.groups() if found else ("", "")
    if not (first or last) or (first and last and int(last) < int(first)):
        return None
    begin = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if begin >= end:
        raise _Refused("InvalidRange")
    return begin, end


def _tags(**texts: object) -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())
