"""The storage keeps Heron's contract, against a web server of this process."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import heron_http_storage
import pytest

import heron
from heron.testing import StorageContract


class Files(BaseHTTPRequestHandler):
    """Serves `server.files` with ranges, and folders as nginx lists them."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        key = unquote(self.path).lstrip("/")
        files = self.server.files
        if key == "" or key.endswith("/"):
            names = {name[len(key) :].partition("/")[::2] for name in files if name.startswith(key)}
            listed = {(name, "directory" if rest else "file") for name, rest in names}
            listed = {(name, kind) for name, kind in listed if name}
            listed |= {
                (name[len(key) :].split("/")[0], "directory")
                for name in files
                if "/" in name[len(key) :] and name.startswith(key)
            }
            return self.answer(
                200, json.dumps([{"name": name, "type": kind} for name, kind in sorted(listed)]).encode()
            )
        if key not in files:
            return self.answer(404, b"")
        content = files[key]
        told = {
            "ETag": f'"{hashlib.sha1(content).hexdigest()}"',
            "Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT",
        }
        first, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
        if not first:
            return self.answer(200, content, told)
        if int(first) >= len(content):
            return self.answer(416, b"", told)
        part = content[int(first) : int(last) + 1 if last else None]
        told["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        return self.answer(206, part, told)

    def answer(self, status, content, told=()):
        self.send_response(status)
        for name, value in dict(told).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class TestWebStorage(StorageContract):
    backend = next(iter(heron_http_storage.register_storage()))
    secrets = ("s3cret",)
    module = "heron_http_storage"

    @pytest.fixture
    def root(self, server):
        server.files = {}
        return f"web://127.0.0.1:{server.server_port}/lake/"

    @pytest.fixture
    def storage(self, root):
        return self.backend.load({"plain": True, "token": "s3cret"})

    @pytest.fixture
    def put(self, server, root):
        def write(name, content):
            server.files[f"lake/{name}"] = content
            return heron.object_url("web", f"127.0.0.1:{server.server_port}", f"lake/{name}")

        return write
