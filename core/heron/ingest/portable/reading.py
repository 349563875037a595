"""Reads the parts of a portable export: lines and blocks of numbers, whose length, number and checksum have to be right."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any

from heron.catalog.portable.parts import MAX_FOLDERS, MAX_LINE, OWNERS, Part
from heron.convert import loads, loads_given
from heron.errors import InvalidInput
from heron.ingest.portable.source import BROKEN, Source
from heron.models import Json
from heron.portable import PortableManifest, PortablePart, PortableVectors

_LONG = re.compile(rb"[:,\[]\s*-?[0-9]{19}").search
_BLOCK = 8 << 20
"""Bytes of vectors that are in memory at a time."""


class Reader:
    """The parts of an export. Reading a part to its end checks it against the manifest."""

    def __init__(self, source: Source, manifest: PortableManifest) -> None:
        self._source = source
        self.manifest = manifest
        self._parts = {part.name: part for part in manifest.parts}

    def rows(self, part: Part, name: str | None = None) -> Iterator[list[Any]]:
        """The checked rows of a part; raises InvalidInput that names file, line and field."""
        name = name or part.file
        known = self._parts.get(name)
        if known is None:
            return
        if part.name == "folders" and known.rows > MAX_FOLDERS:
            raise InvalidInput(
                f"{self._source.path} has {known.rows:,} folders, at most {MAX_FOLDERS:,} are read"
            )
        for number, line in enumerate(self._lines(known), start=1):
            place = f"{name}, line {number}"
            yield part.values(_parsed(line, place, exact=part is not OWNERS), place)

    def _lines(self, part: PortablePart) -> Iterator[bytes]:
        count = 0
        with _Checked(self._source, part) as stream:
            while line := stream.line(MAX_LINE):
                count += 1
                if count > part.rows:
                    break
                yield line
            stream.require_end(count)

    def blocks(self, given: PortableVectors) -> Iterator[Any]:
        """The vectors of a set, arrays of shape (n, size); raises InvalidInput for a wrong shape, and for NaN."""
        import numpy as np

        part = self._parts[given.file]
        dtype = np.dtype(given.dtype).newbyteorder("<")
        from heron.vectors.npy import header

        begin = header(given.dtype, (part.rows, given.size))
        row = given.size * dtype.itemsize
        with _Checked(self._source, part) as stream:
            if stream.read(len(begin)) != begin:
                raise InvalidInput(
                    f"{given.file} is not a .npy file of {part.rows:,} vectors of {given.size:,} numbers, {given.dtype}"
                )
            left = part.rows
            while left:
                count = min(left, max(1, _BLOCK // row))
                data = stream.read(count * row)
                if len(data) < count * row:
                    raise InvalidInput(f"{given.file} is cut short: it has no {part.rows:,} vectors")
                block = np.frombuffer(data, dtype).reshape(count, given.size)
                if not np.isfinite(block).all():
                    first = part.rows - left + int((~np.isfinite(block)).any(axis=1).argmax())
                    raise InvalidInput(f"{given.file}, vector {first + 1}: a number is not finite")
                yield block
                left -= count
            stream.require_end(part.rows)


def _parsed(line: bytes, place: str, *, exact: bool) -> Json:
    """The value of a line. With `exact`, whole numbers of more than 64 bits are not rounded, so that they are refused later."""
    try:
        return loads_given(line) if exact and _LONG(line) else loads(line)
    except InvalidInput as error:
        raise InvalidInput(f"{place}: {error.message}") from error


class _Checked:
    """A part that is read to its end, and no further than the manifest says."""

    def __init__(self, source: Source, part: PortablePart) -> None:
        self._source = source
        self._part = part
        self._digest = hashlib.sha256()
        self._left = part.bytes
        self._stream: IO[bytes]

    def __enter__(self) -> _Checked:
        self._stream = self._source.open(self._part.name)
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def line(self, most: int) -> bytes:
        """The next line with its end; empty at the end."""
        found = self._take(lambda: self._stream.readline(min(most, self._left)))
        if found and not found.endswith(b"\n"):
            reason = "longer than any line may be" if len(found) >= most else "cut short"
            raise InvalidInput(f"{self._part.name}: a line is {reason}")
        return found

    def read(self, count: int) -> bytes:
        """The next bytes, fewer only at the end."""
        return self._take(lambda: self._stream.read(min(count, self._left)))

    def _take(self, read: Any) -> bytes:
        try:
            found: bytes = read()
        except BROKEN as error:
            raise InvalidInput(f"{self._part.name} cannot be read: {error}") from error
        self._digest.update(found)
        self._left -= len(found)
        return found

    def require_end(self, rows: int) -> None:
        """Raise InvalidInput unless all was read, and is what the manifest says."""
        if self._left or self.read_more() or rows != self._part.rows:
            raise InvalidInput(
                f"{self._part.name} is not what the manifest says: {self._part.rows:,} rows in {self._part.bytes:,} bytes"
            )
        if self._digest.hexdigest() != self._part.sha256:
            raise InvalidInput(
                f"{self._part.name} was changed or damaged: its checksum is another one",
                hint="copy the export again",
            )

    def read_more(self) -> bytes:
        """Bytes behind the end that the manifest gives."""
        try:
            return self._stream.read(1)
        except BROKEN:
            return b"?"


def once(values: Iterable[Any]) -> None:
    """Read a stream to its end."""
    for _ in values:
        pass
