"""A dataset on disk as an importer reads it: nothing outside of its folder can be named."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import IO

from heron.errors import InvalidInput, NotFound
from heron.ingest.forms import lines_of, opened, table_of
from heron.json_stream import LineReader, elements
from heron.metadata.keys import printable
from heron.models import MAX_METADATA, Json
from heron.storage.local_files import walk

_DRIVE = re.compile(r"[A-Za-z]:")


class DatasetSource:
    """A file or a folder with a dataset; see `heron.ImportSource`. Counts the bytes that were read of the file."""

    def __init__(self, path: Path, files: Path | None = None) -> None:
        """Raises NotFound for a path, or a folder of files, that is not there."""
        for place in (path, files):
            if place is not None and not os.path.lexists(place):
                raise NotFound(f"{place} is not there", hint="check the spelling")
        self.path = path
        self.folder = path if path.is_dir() else path.parent
        self.files = (self.folder if files is None else files).absolute()
        if not self.files.is_dir():
            raise InvalidInput(f"{self.files} is not a folder")
        self._stream: IO[bytes] | None = None

    def share(self) -> float | None:
        """The share of the file that was read, from 0 to 1; None if it is not known, as for a folder."""
        if self._stream is None or self._stream.closed or self.path.is_dir():
            return None
        return min(1.0, self._stream.tell() / max(1, self.path.stat().st_size))

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name below the folder."""
        return inside(self.folder, name).is_file()

    def has_file(self, file: str) -> bool:
        """Whether there is a file at this path below the folder of the files."""
        return inside(self.files, file).is_file()

    def open(self, name: str) -> IO[bytes]:
        """A file below the folder, for reading; one that ends with `.gz` is unpacked."""
        place = inside(self.folder, name)
        try:
            raw = place.open("rb")
        except OSError as error:
            raise InvalidInput(f"{place} cannot be read: {error.strerror or error}") from error
        if place == self.path:
            self._stream = raw
        return GzipFile(fileobj=raw, mode="rb") if place.suffix.lower() == ".gz" else raw  # type: ignore[return-value]

    def names(self, folder: str = "", suffixes: Sequence[str] = ()) -> Iterator[str]:
        """The names of the files at or below a folder, in a stable order as a stream."""
        top = inside(self.folder, folder) if folder else self.folder
        if not os.path.lexists(top):
            raise InvalidInput(f"{printable(folder)} is not there, below {self.folder}")
        for place, names in walk(top):
            for name in names:
                if not suffixes or Path(name).suffix.lower() in suffixes:
                    yield (place / name).relative_to(self.folder).as_posix()

    def elements(self, name: str) -> Iterator[tuple[str, Json]]:
        """The elements of the arrays of a JSON file, and its other members, as (path, value)."""
        with self._reading(name) as stream:
            yield from elements(stream, name)

    def lines(self, name: str) -> Iterator[tuple[str, Json]]:
        """The values of a JSONL file, each with its place."""
        read = LineReader()
        with self._reading(name) as stream:
            for number, line in enumerate(lines_of(stream, name), start=1):
                if line.strip():
                    place = f"{name}, line {number}"
                    try:
                        value = read(line)
                    except InvalidInput as error:
                        raise InvalidInput(f"{place}: {error.message}") from error
                    yield place, value

    def rows(self, name: str) -> Iterator[tuple[str, dict[str, str]]]:
        """The rows of a CSV file with a header, each with its place."""
        with self._reading(name) as stream:
            line = 1
            try:
                table = table_of(stream, name, lambda cells: len(cells) > 1, 2 * MAX_METADATA, strict=True)
                header: list[str] | None = None
                for cells in table.rows:
                    line = table.line
                    if not any(cell.strip() for cell in cells):
                        continue
                    if header is None:
                        header = _header(cells, f"{name}, line {line}")
                    else:
                        yield f"{name}, line {line}", _row(cells, header, f"{name}, line {line}")
            except UnicodeDecodeError as error:
                raise InvalidInput(f"{name} is not UTF-8 text") from error
            except csv.Error as error:
                raise InvalidInput(f"{name}, line {line}: not valid CSV: {error}") from error

    @contextmanager
    def _reading(self, name: str) -> Iterator[IO[bytes]]:
        place = inside(self.folder, name)
        try:
            with place.open("rb") as raw, opened(raw, place) as stream:
                if place == self.path:
                    self._stream = raw
                yield stream
        except OSError as error:
            raise InvalidInput(f"{place} cannot be read: {error.strerror or error}") from error

    def digest(self) -> str:
        """A hash of the dataset, with which a resumed import checks that it has not changed: of a folder, names, sizes and times."""
        if not self.path.is_dir():
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        found = hashlib.sha256()
        for place, names in walk(self.folder):
            for name in names:
                status = (place / name).lstat()
                found.update(
                    f"{place / name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(
                        "utf-8", "surrogateescape"
                    )
                )
        return found.hexdigest()


def _header(cells: Sequence[str], place: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    if len({*header}) < len(header):
        raise InvalidInput(f"{place}: two columns have one name")
    return header


def _row(cells: Sequence[str], header: Sequence[str], place: str) -> dict[str, str]:
    if len(cells) > len(header):
        raise InvalidInput(
            f"{place}: it has {len(cells)} cells, the header {len(header)}",
            hint="put a cell that contains a comma in double quotes",
        )
    return dict(zip(header, cells, strict=False))


def inside(folder: Path, name: str) -> Path:
    """The place of a name below a folder; raises InvalidInput for one that could mean something outside of it."""
    parts = name.split("/")
    reason = None
    if not name or "\0" in name or any(ord(character) < 32 for character in name):
        reason = "is no path"
    elif "\\" in name:
        reason = "has a backslash, which is not a separator here"
    elif name.startswith("/") or _DRIVE.match(name):
        reason = "is an absolute path"
    elif name.lower().startswith("file:"):
        reason = "is the URL of a local file"
    elif ".." in parts:
        reason = "leads out of its folder"
    else:
        place = folder.joinpath(*(part for part in parts if part not in ("", ".")))
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder)):
            reason = "is a link that leads out of its folder"
        else:
            return place
    raise InvalidInput(
        f"{printable(name)} {reason}",
        hint=f"paths of a dataset lie below {folder}; --root names another folder",
    )
