"""Opens portable exports, which may come from a stranger: folders and zip archives, read file by file and never unpacked blindly."""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

from heron.catalog.portable.parts import TABLES
from heron.convert import loads, structure
from heron.errors import InvalidInput, NotFound
from heron.metadata.keys import printable
from heron.portable import FORMAT, MANIFEST, VERSION, PortableManifest

MOST_RATIO = 120
"""The most times that a member of an archive may be larger than its compressed form, if it is large."""

_SMALL = 16 << 20
_MOST_MANIFEST = 16 << 20
_MOST_MEMBERS = 5_000_000
_MOST_VECTORS = 4096
_VECTORS = re.compile(r"vectors/[1-9][0-9]{0,5}\.(npy|jsonl)")
_TABLES = {part.file for part in TABLES}


class Source(Protocol):
    """The files of an export."""

    path: Path

    def open(self, name: str) -> IO[bytes]:
        """A file of the export; raises InvalidInput if it is not there, or not a regular file."""
        ...

    def size(self, name: str) -> int:
        """The size of a file in bytes, as far as the export says it."""
        ...


def check_file_name(name: object) -> str:
    """Return the name of a file within an export; raises InvalidInput for one that leads elsewhere."""
    parts = name.split("/") if isinstance(name, str) else [""]
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts) or re.match(
        "[A-Za-z]:", parts[0]
    ):
        raise InvalidInput(f"{printable(name)} is not the name of a file within an export, and is not used")
    return cast(str, name)


class FolderSource:
    """An export that is a folder. Links are not followed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, name: str) -> IO[bytes]:
        """A regular file, no part of whose path is a link."""
        folder = -1
        try:
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            *above, last = check_file_name(name).split("/")
            for part in above:
                below = os.open(
                    part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder
                )
                os.close(folder)
                folder = below
            found = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except OSError as error:
            raise InvalidInput(
                f"{self.path}: {name} cannot be used: {_reason(error)}",
                hint="export again, or copy the export as it was",
            ) from error
        finally:
            if folder >= 0:
                os.close(folder)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise InvalidInput(f"{self.path}: {name} is not a regular file, and is not used")
        return os.fdopen(found, "rb")

    def size(self, name: str) -> int:
        """The size of the file."""
        with self.open(name) as stream:
            return os.fstat(stream.fileno()).st_size


class ZipSource:
    """An export that is a zip archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        names = set()
        if len(archive.filelist) > _MOST_MEMBERS:
            raise InvalidInput(
                f"{path} has {len(archive.filelist):,} files, at most {_MOST_MEMBERS:,} are read"
            )
        for info in archive.filelist:
            check_file_name(info.filename.rstrip("/"))
            if info.filename in names:
                raise InvalidInput(f"{path} has two files {printable(info.filename)}")
            names.add(info.filename)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise InvalidInput(f"{path}: {printable(info.filename)} is a link, and is not used")
            if info.flag_bits & 1:
                raise InvalidInput(f"{path}: {printable(info.filename)} is encrypted")
            if info.file_size > _SMALL and info.file_size > MOST_RATIO * max(1, info.compress_size):
                raise InvalidInput(
                    f"{path}: {printable(info.filename)} would grow from {info.compress_size:,} to {info.file_size:,} bytes, "
                    "and is not read",
                    hint="such an archive is made to fill a disk; if it is yours, unpack it, and merge the folder",
                )

    def open(self, name: str) -> IO[bytes]:
        """A member of the archive."""
        info = self._archive.NameToInfo.get(check_file_name(name))
        if info is None:
            raise InvalidInput(f"{self.path} has no file {name}")
        return self._archive.open(info)

    def size(self, name: str) -> int:
        """The size that the archive gives."""
        info = self._archive.NameToInfo.get(check_file_name(name))
        if info is None:
            raise InvalidInput(f"{self.path} has no file {name}")
        return info.file_size


BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


def is_export(path: Path) -> bool:
    """Whether a path is a portable export: a folder, or a zip archive, with a manifest of this format."""
    try:
        with opened(path) as source, source.open(MANIFEST) as stream:
            return FORMAT.encode() in stream.read(4096)
    except (InvalidInput, NotFound):
        return False


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open an export; raises NotFound, and InvalidInput for what is no export."""
    if path.is_dir():
        yield FolderSource(path)
        return
    if not path.exists():
        raise NotFound(f"{path} is not there")
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise InvalidInput(
            f"{path} is not a portable export: {error}", hint="heron export writes a folder, or a .zip file"
        ) from error
    with archive:
        yield ZipSource(path, archive)


def manifest_of(source: Source) -> PortableManifest:
    """The checked manifest of an export; raises InvalidInput, also for a newer version of the format."""
    path = source.path
    try:
        with source.open(MANIFEST) as stream:
            text = stream.read(_MOST_MANIFEST + 1)
    except InvalidInput as error:
        raise InvalidInput(
            f"{path} is not a portable export: it has no file {MANIFEST} that can be read",
            hint="heron export writes such a folder, or .zip file",
        ) from error
    except BROKEN as error:
        raise InvalidInput(f"{path}: {MANIFEST} cannot be read: {error}") from error
    if len(text) > _MOST_MANIFEST:
        raise InvalidInput(f"{path}: {MANIFEST} is larger than {_MOST_MANIFEST:,} bytes")
    try:
        given: Any = loads(text)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {MANIFEST} is {error.message}") from error
    if not isinstance(given, dict) or given.get("format") != FORMAT:
        raise InvalidInput(f"{path}: {MANIFEST} is not the manifest of a portable export")
    version = given.get("version")
    if type(version) is not int or version < 1:
        raise InvalidInput(f"{path}: {printable(version)} is not a version of the format")
    if version > VERSION:
        raise InvalidInput(
            f"{path} has version {version} of the format, and this Heron reads versions up to {VERSION}",
            hint="upgrade with pip install --upgrade heron",
        )
    found = structure(given, PortableManifest, f"{path}: {MANIFEST}")
    _check(found, path)
    return found


def _check(manifest: PortableManifest, path: Path) -> None:
    """Raise InvalidInput unless the manifest names each part once, and no others."""
    names = [part.name for part in manifest.parts]
    if len(set(names)) < len(names):
        raise InvalidInput(f"{path}: {MANIFEST} names a part twice")
    for name in names:
        if name not in _TABLES and not _VECTORS.fullmatch(name):
            raise InvalidInput(f"{path}: {MANIFEST} names a part {printable(name)} that is none")
    from heron.catalog.portable.parts import OPTIONAL

    needed = {part.file for part in TABLES if part.name not in OPTIONAL}
    vectors = [name for each in manifest.vectors for name in (each.file, each.owners)]
    missing = (needed | set(vectors)) - set(names)
    if missing:
        raise InvalidInput(f"{path}: {MANIFEST} does not name the part {printable(min(missing))}")
    if len(set(vectors)) < len(vectors) or len({each.key for each in manifest.vectors}) < len(
        manifest.vectors
    ):
        raise InvalidInput(f"{path}: {MANIFEST} names the vectors of a key twice")
    for each in manifest.vectors:
        if not 1 <= each.size <= _MOST_VECTORS or each.dtype not in ("float32", "float16"):
            raise InvalidInput(
                f"{path}: the vectors of {printable(each.key)} have a size or type that none can have"
            )
    if any(part.rows < 0 or part.bytes < 0 for part in manifest.parts):
        raise InvalidInput(f"{path}: {MANIFEST} has a number below 0")


def _reason(error: OSError) -> str:
    import errno

    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "it is a link, or lies behind one"
    return error.strerror or str(error)
