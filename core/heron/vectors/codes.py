"""The first cache: each vector as int8, in a quarter of its bytes or half. Scans read these codes.

A vector is divided by its largest magnitude and multiplied by 127, so that all 255 values are used whatever
its length; this does not change cosine similarity. A vector of zeros becomes zeros. Encoding is exact
arithmetic of IEEE 754: the same vectors give the same codes on every machine, so codes are checked by
encoding some vectors again.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from attrs import evolve, frozen

from heron.inside import open_file
from heron.vectors.files import checksum, exclusive, stamp
from heron.vectors.matrix import Array
from heron.vectors.records import Unusable, read_record, write_record
from heron.vectors.tuning import Tuning

_BLOCK = 1024
_WITNESSES = 16

VERSION = 2
"""Of the encoding and of the record."""


@frozen
class CodesRecord:
    """The content of the JSON file beside the codes."""

    size: int
    checkpoint: int
    rows: int = 0
    checksums: tuple[int, ...] = ()
    """Checksums of all bytes up to each multiple of `Tuning.checkpoint` rows."""

    crc: int = 0
    """Checksum of all bytes up to `rows`."""

    stamp: tuple[int, int, int] | None = None
    """Stamp of the file when it was written: while it stays the same, the checksum need not be computed
    again.
    """

    version: int = VERSION


@frozen(eq=False)
class Codes:
    """Codes that agree with the first rows of the matrix: `array`, int8, shape (rows, size)."""

    array: Array
    record: CodesRecord

    @property
    def rows(self) -> int:
        """How many of the first rows of the matrix have codes."""
        return len(self.array)


def encode(vectors: Array) -> Array:
    """Codes of vectors; float in, int8 out, both of shape (n, size)."""
    codes = np.empty(vectors.shape, np.int8)
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK].astype(np.float32)
        largest = np.abs(block).max(1, keepdims=True, initial=0)
        block /= np.where(largest, largest, 1)
        codes[start : start + _BLOCK] = np.rint(np.multiply(block, 127, out=block), out=block)
    return codes


class CodesFile:
    """`NAME.codes` and `NAME.codes.json` in a folder of caches."""

    def __init__(self, folder: Path, name: str, size: int, tuning: Tuning) -> None:
        self.path = folder / f"{name}.codes"
        self.record_path = folder / f"{name}.codes.json"
        self.lock = folder / f"{name}.codes.lock"
        self._size = size
        self._tuning = tuning

    def opened(self, truth: Array) -> Codes:
        """The codes of the first rows of `truth`, memory-mapped; raises Unusable with the reason if there are
        none.
        """
        record = read_record(self.record_path, CodesRecord, VERSION)
        self._require(record)
        try:
            array = self._mapped(record)
        except OSError as error:
            raise Unusable(f"{self.path.name} cannot be read: {error.strerror or error}") from None
        _compare(array, truth)
        return Codes(array, record)

    def _mapped(self, record: CodesRecord) -> Array:
        found = stamp(self.path)
        if found is None or found[1] < record.rows * self._size:
            raise Unusable("the file is cut short")
        if found != record.stamp and checksum(self.path, record.rows * self._size) != record.crc:
            raise Unusable("the file was damaged")
        with open_file(self.path, "rb") as stream:
            return np.memmap(stream, np.int8, "r", shape=(record.rows, self._size)).view(np.ndarray)

    def _require(self, record: CodesRecord) -> None:
        if record.checkpoint != self._tuning.checkpoint:
            raise Unusable("they were made with other settings")
        if record.size != self._size:
            raise Unusable(f"they were made from vectors of {record.size:,} numbers")
        if record.rows < 1 or len(record.checksums) != record.rows // record.checkpoint:
            raise Unusable("the record beside them is damaged")

    def refresh(self, truth: Array, *, wait: bool = False) -> None:
        """Extend the codes to all rows of `truth`; unusable codes are made again.

        Does nothing while another process is doing it, unless `wait`. Raises OSError if files cannot be
        written.
        """
        with exclusive(self.lock, wait=wait) as is_ours:
            if is_ours:
                self._extend(truth)

    def _extend(self, truth: Array) -> None:
        try:
            record = self.opened(truth).record
        except Unusable:
            self.drop()
            record = CodesRecord(self._size, self._tuning.checkpoint)
        while record.rows < len(truth):
            record = self._append(record, truth[record.rows : record.rows + self._to_next_step(record.rows)])
        if record.stamp != stamp(self.path):
            write_record(self.record_path, evolve(record, stamp=stamp(self.path)))

    def _to_next_step(self, rows: int) -> int:
        return self._tuning.step - rows % self._tuning.step

    def _append(self, record: CodesRecord, vectors: Array) -> CodesRecord:
        """Write codes behind those recorded; they replace whatever an interrupted append has left there."""
        with open_file(self.path, "r+b" if record.rows else "wb") as stream:
            stream.seek(record.rows * self._size)
            stream.write(encode(vectors).data)
            stream.truncate()
            stream.flush()
            os.fsync(stream.fileno())
        record = self._summed(record, record.rows + len(vectors))
        write_record(self.record_path, record)
        return record

    def _summed(self, record: CodesRecord, rows: int) -> CodesRecord:
        """The record of a file that has grown to `rows`."""
        step, checksums = self._tuning.checkpoint, list(record.checksums)
        at, crc = len(checksums) * step, (checksums[-1] if checksums else 0)
        while at + step <= rows:
            crc = checksum(self.path, (at + step) * self._size, start=at * self._size, before=crc)
            at += step
            checksums.append(crc)
        crc = checksum(self.path, rows * self._size, start=at * self._size, before=crc)
        return evolve(record, rows=rows, checksums=tuple(checksums), crc=crc, stamp=stamp(self.path))

    def drop(self) -> None:
        """Remove the files, the record first; whoever has them open can go on reading them."""
        for path in (self.record_path, self.path):
            path.unlink(missing_ok=True)


def _compare(codes: Array, truth: Array) -> None:
    """Encode some vectors again; raises Unusable if their codes differ.

    The last row that both have is among them: when an earlier state of a matrix was restored and other
    vectors were appended, all rows behind that state differ, so the last one does.
    """
    rows = min(len(codes), len(truth))
    witnesses = np.unique(np.linspace(0, rows - 1, min(_WITNESSES, rows)).astype(np.int64))
    if not np.array_equal(encode(truth[witnesses]), codes[witnesses]):
        raise Unusable("they were made from other vectors")
