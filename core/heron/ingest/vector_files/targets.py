"""Writes vectors to files; each file appears under its name only when it is complete."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from heron.catalog.vectors.store import StoredVectors
from heron.errors import HeronError, InvalidInput
from heron.export.files import whole_file
from heron.ingest.vector_files.npy import ids_beside

Write = Callable[[StoredVectors], None]
"""Writes a batch of vectors."""


@contextmanager
def target(file: Path, size: int, dtype: str, ids: Path | None) -> Iterator[tuple[Write, list[Path]]]:
    """A function that writes vectors in the format of the file's suffix, and all files that this creates.

    Raises InvalidInput.
    """
    suffix = file.suffix.lower()
    if suffix not in (".npy", ".parquet", ".jsonl", ".ndjson"):
        raise InvalidInput(f"{file}: vectors are written to .npy, .parquet or .jsonl")
    if ids is not None and suffix != ".npy":
        raise InvalidInput(f"{file} contains the names of its items, leave {ids} out")
    if suffix == ".npy":
        ids = ids or ids_beside(file)
        with whole_file(ids) as texts, whole_file(file) as stream, _npy(stream, texts, size, dtype) as write:
            yield write, [file, ids]
        return
    writer = _parquet(file, size) if suffix == ".parquet" else _json_lines(file)
    with writer as write:
        yield write, [file]


@contextmanager
def _npy(stream: IO[bytes], ids: IO[bytes], size: int, dtype: str) -> Iterator[Write]:
    """Write an array, its header last, when the length is known, and an id on each line: UUID, or UUID#FRAME."""
    count = 0
    little_endian = np.dtype(dtype).newbyteorder("<")

    def write(batch: StoredVectors) -> None:
        nonlocal count
        stream.write(np.ascontiguousarray(batch.vectors, little_endian).tobytes())
        names = zip(batch.items, batch.frames, strict=True)
        ids.write("".join(f"{i}\n" if f is None else f"{i}#{f}\n" for i, f in names).encode())
        count += len(batch.items)

    start = _write_header(stream, 0, size, little_endian)
    yield write
    stream.seek(0)
    assert _write_header(stream, count, size, little_endian) == start


def _write_header(stream: IO[bytes], count: int, size: int, dtype: np.dtype[Any]) -> int:
    """Write the header of a `.npy` file, in which the count has room to grow; returns the offset of the numbers."""
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(
        stream, {"descr": descr, "fortran_order": False, "shape": (count, size)}
    )
    return stream.tell()


@contextmanager
def _json_lines(file: Path) -> Iterator[Write]:
    """Write an object on each line.

    Numbers have the digits of a float64. The fewest digits that identify a float32 do not always give the same float32
    back when they are parsed as a float64 first, such as 7.038531e-26.
    """
    import orjson

    with whole_file(file) as stream:

        def write(batch: StoredVectors) -> None:
            for item, frame, vector in zip(batch.items, batch.frames, batch.vectors, strict=True):
                named = {"uuid": item} if frame is None else {"uuid": item, "frame": frame}
                row = {**named, "vector": vector.astype(np.float64)}
                stream.write(orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE))

        yield write


@contextmanager
def _parquet(file: Path, size: int) -> Iterator[Write]:
    """Write columns `uuid`, `frame` and `vector`. A temporary folder beside the file stores the rows until all are known."""
    from heron.ingest.vector_files.parquet import ParquetTable

    def unwritable(reason: object) -> HeronError:
        return HeronError(f"{file} cannot be written: {reason}")

    try:
        folder = tempfile.TemporaryDirectory(prefix=".heron-", dir=file.absolute().parent)
    except OSError as error:
        raise unwritable(error.strerror or error) from error
    with folder as name, ParquetTable.opened(Path(name), size, unwritable) as table:
        yield lambda batch: table.add(batch.items, batch.frames, batch.vectors)
        with table.written().open("rb") as whole, whole_file(file) as stream:
            shutil.copyfileobj(whole, stream)
