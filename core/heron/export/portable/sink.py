"""Where the parts of a portable export are written one after the other: a new folder, or a zip archive."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from heron.convert import dumps
from heron.errors import InvalidInput
from heron.export.files import whole_file
from heron.export.folders import NewFolder, whole_folder
from heron.export.media import ItemFiles
from heron.models import Json
from heron.portable import MANIFEST, PortablePart

_EPOCH = (1980, 1, 1, 0, 0, 0)
_STORED = (".npy", ".jpg", ".jpeg", ".png", ".zip", ".mp4")


class Sink(Protocol):
    """Takes files, one after the other."""

    def create(self, name: str) -> IO[bytes]:
        """A new file, to be closed before the next one is created."""
        ...

    def has(self, name: str) -> bool:
        """Whether a file of this name was created."""
        ...

    def remove(self, name: str) -> bool:
        """Remove a file that could not be completed; False if the sink cannot do that."""
        ...


class FolderSink:
    """Files below a new folder."""

    def __init__(self, folder: NewFolder) -> None:
        self._folder = folder

    def create(self, name: str) -> IO[bytes]:
        """A new file below the folder."""
        return self._folder.create(name)

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return (self._folder.path / name).exists()

    def remove(self, name: str) -> bool:
        """Remove the file."""
        (self._folder.path / name).unlink(missing_ok=True)
        return True


class ZipSink:
    """Members of a zip archive; all have the same time, so that equal exports are equal files."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def create(self, name: str) -> IO[bytes]:
        """A new member."""
        if self.has(name):
            raise InvalidInput(f"the export writes {name!r} twice")
        info = zipfile.ZipInfo(name, _EPOCH)
        info.external_attr = 0o100644 << 16
        info.compress_type = zipfile.ZIP_STORED if name.lower().endswith(_STORED) else zipfile.ZIP_DEFLATED
        return self._archive.open(info, "w", force_zip64=True)

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._archive.NameToInfo

    def remove(self, name: str) -> bool:
        """A member cannot be removed."""
        return False


@contextmanager
def new_sink(path: Path, files: ItemFiles) -> Iterator[Sink]:
    """A new folder, or for the suffix `.zip` a new archive, which appears under its name only once it is complete."""
    if path.suffix.lower() == ".zip":
        with whole_file(path) as stream, zipfile.ZipFile(stream, "w", allowZip64=True) as archive:
            yield ZipSink(archive)
        return
    with whole_folder(path, files) as folder:
        yield FolderSink(folder)


class Hashing(io.RawIOBase):
    """A stream whose bytes are counted and hashed as they are written."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Write bytes."""
        self._target.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)


class Parts:
    """Writes parts into a sink, and keeps the record of each for the manifest."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.written: list[PortablePart] = []

    def rows(self, name: str, rows: Iterable[dict[str, Json]]) -> int:
        """Write rows as JSON, one a line; returns their number."""
        return self._write(name, ((dumps(row).encode() + b"\n", 1) for row in rows))

    def blocks(self, name: str, blocks: Iterable[tuple[bytes, int]]) -> int:
        """Write blocks of bytes, each with the number of rows in it."""
        return self._write(name, blocks)

    def _write(self, name: str, blocks: Iterable[tuple[bytes, int]]) -> int:
        count = 0
        with self._sink.create(name) as stream:
            hashing = Hashing(stream)
            with io.BufferedWriter(hashing, 1 << 20) as buffered:
                for data, number in blocks:
                    buffered.write(data)
                    count += number
        self.written.append(PortablePart(name, count, hashing.size, hashing.digest.hexdigest()))
        return count

    def manifest(self, text: str) -> None:
        """Write the manifest, which makes the export complete."""
        with self._sink.create(MANIFEST) as stream:
            stream.write(text.encode())
