"""Zip archives as folders of media files: members are read from the archive and never unpacked to disk."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote, unquote

from attrs import define, evolve

from heron.errors import HeronError, MediaError
from heron.hooks import MediaFile
from heron.media.sniff import HEAD
from heron.metadata.keys import ARCHIVE_MARK, file_name, shown_path

MEMBERS = 100_000
"""Most members of an archive."""

RATIO = 1100
"""Largest ratio of a member's size to its compressed size; deflate reaches 1032 at most."""

LARGEST = 4 << 30
"""Largest member, in bytes."""

_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError,
    ValueError, OSError,
)  # fmt: skip


def is_zip(head: bytes) -> bool:
    """Whether bytes begin like a zip archive that is not empty (PKWARE APPNOTE 4.3.7)."""
    return head.startswith(b"PK\x03\x04")


@define
class ZipMember:
    """A member of a zip archive; implements the `MediaFile` protocol."""

    url: str
    name: str
    size: int
    head: bytes
    archive: MediaFile
    member: str
    opened: zipfile.ZipFile | None = None
    """The open archive while its members are iterated, so that its directory is not read again for each
    member.
    """

    path: Path | None = None
    media_type: str = "application/octet-stream"

    def open(self) -> BinaryIO:
        """A new seekable binary file of the member's content; seeking backwards decompresses from the start
        again.
        """
        return cast(BinaryIO, io.BufferedReader(cast(Any, _Opened(self.archive, self.member, self.opened))))


class _Opened(io.RawIOBase):
    """The decompressed bytes of a member, with the archive that is closed together with it."""

    def __init__(self, archive: MediaFile, member: str, opened: zipfile.ZipFile | None) -> None:
        super().__init__()
        self._place = (archive, member)
        self._closing = ExitStack()
        with ExitStack() as closing, _explained(archive, member):
            if opened is None or opened.fp is None:
                opened = closing.enter_context(zipfile.ZipFile(closing.enter_context(archive.open())))
            self._stream = closing.enter_context(opened.open(_checked(archive, opened.getinfo(member))))
            self._closing = closing.pop_all()

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there is data; returns the bytes read, 0 at the end."""
        with _explained(*self._place):
            data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        with _explained(*self._place):
            return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """The position of the next byte."""
        return self._stream.tell()

    def close(self) -> None:
        """Close the member and the archive."""
        if not self.closed:
            self._closing.close()
        super().close()


def members(archive: MediaFile) -> Iterator[ZipMember | MediaError]:
    """The members of an archive, each with its first bytes; an error in place of one that cannot be read.

    Folders, hidden files and nested archives are skipped. Raises MediaError for a damaged archive.
    """
    with archive.open() as stream:
        with _explained(archive):
            opened = zipfile.ZipFile(stream)
        with opened:
            listed = [info for info in opened.infolist() if not _is_passed_over(info)]
            if len(listed) > MEMBERS:
                raise MediaError(f"{archive.name} holds {len(listed):,} files, at most {MEMBERS:,} are read")
            for info in listed:
                try:
                    with _explained(archive, info.filename), opened.open(_checked(archive, info)) as content:
                        head = content.read(HEAD)
                except MediaError as error:
                    yield error
                    continue
                yield evolve(_member(archive, info, head), opened=opened)


def member_of(archive: MediaFile, url: str) -> ZipMember:
    """The member that a URL with a fragment names; raises MediaError if the archive does not contain it."""
    name = unquote(url.rpartition(ARCHIVE_MARK)[2])
    with archive.open() as stream, _explained(archive, name):
        opened = zipfile.ZipFile(stream)
        info = _checked(archive, opened.getinfo(name))
        with opened, opened.open(info) as content:
            return _member(archive, info, content.read(HEAD))


def _member(archive: MediaFile, info: zipfile.ZipInfo, head: bytes) -> ZipMember:
    url = f"{archive.url}{ARCHIVE_MARK}{quote(info.filename)}"
    name = file_name(info.filename.rpartition("/")[2])
    return ZipMember(url, name, info.file_size, head, archive, info.filename)


def _is_passed_over(info: zipfile.ZipInfo) -> bool:
    name = info.filename.rpartition("/")[2]
    return info.is_dir() or name.startswith(".") or "__MACOSX/" in info.filename or info.file_size == 0


def _checked(archive: MediaFile, info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """Refuse members that are encrypted, or that look like a decompression bomb."""
    place = f"{shown_path(info.filename)} in {archive.name}"
    if info.flag_bits & 1:
        raise MediaError(f"{place} is encrypted", hint="unpack the archive and import the folder")
    if info.file_size > LARGEST or info.file_size > RATIO * max(info.compress_size, 1):
        raise MediaError(f"{place} is refused as a decompression bomb: {info.file_size:,} bytes")
    return info


class _explained:  # noqa: N801 - reads as a verb in a with statement
    """Turns errors of the zip library into MediaError; errors of the storage pass unchanged."""

    def __init__(self, archive: MediaFile, member: str = "") -> None:
        self._place = f"{shown_path(member)} in {archive.name}" if member else archive.name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, HeronError):
            return
        if isinstance(error, KeyError):
            raise MediaError(f"{self._place} is not there any more") from error
        if isinstance(error, _BROKEN):
            raise MediaError(f"{self._place} cannot be unpacked: {error}") from error
