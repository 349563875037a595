"""Vectors in Parquet, read and written by DuckDB: a column that names items, and a column of lists of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from heron.errors import HeronError, InvalidInput, NotFound, PluginError
from heron.ingest.vector_files.json_lines import COLUMNS
from heron.ingest.vector_files.names import FRAME, columns_naming, named_in
from heron.ingest.vector_files.sources import Bundle, place_in, rows_of_bundle

if TYPE_CHECKING:
    from heron.vectors.matrix import DType

Array = np.ndarray[Any, Any]

_NUMBERS = re.compile(r"(FLOAT|DOUBLE|U?(TINY|SMALL|BIG)INT|U?INTEGER|DECIMAL\(.+\))\[\d*\]")

_FLAT = {"threads": 1, "memory_limit": "512MB"}
"""One thread, since each thread has a group of rows in memory; and a limit, or DuckDB would use all memory."""


@contextmanager
def connected(error: Callable[[str], HeronError], **config: Any) -> Iterator[Any]:
    """A new DuckDB connection, whose exceptions become `error`. Raises PluginError if the package is missing."""
    try:
        import duckdb
    except ImportError as missing:
        raise PluginError("Parquet needs duckdb", hint='pip install "heron[parquet]"') from missing
    try:
        with duckdb.connect(**config) as connection:
            yield connection
    except duckdb.Error as complaint:
        raise error(str(complaint).splitlines()[0]) from complaint


def quoted(name: str) -> str:
    """A name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


class ParquetSource:
    """A table with a column `uuid`, `url`, `path` or `name` for the item, perhaps a column `frame`, and a column of vectors."""

    unit: Literal["row", "line"] = "row"
    dtype: DType = "float32"

    def __init__(self, file: Path, key: str, by: str | None) -> None:
        self.file, self._by = file, by
        self._path = re.sub(
            r"[*?\[]", r"[\g<0>]", str(file)
        )  # or DuckDB would take it for a pattern of file names
        if not file.is_file():
            raise NotFound(f"{file} is not there")
        with connected(self._unreadable) as connection:
            kinds = {
                str(name): str(kind)
                for name, kind, *_ in connection.execute(
                    "DESCRIBE SELECT * FROM read_parquet(?)", [self._path]
                ).fetchall()
            }
            self._names = [*columns_naming(list(kinds), by), *([FRAME] if FRAME in kinds else [])]
            self._column = self._vector_column(kinds, key)
            self.count, size = connection.execute(
                f"SELECT count(*), first(len({quoted(self._column)})) FROM read_parquet(?)", [self._path]
            ).fetchone()
        if not size:
            raise InvalidInput(
                f"{place_in(self, 0)} has no vector" if self.count else f"{file} contains no vectors"
            )
        self.size: int = size

    def _vector_column(self, kinds: Mapping[str, str], key: str) -> str:
        if not [name for name in self._names if name != FRAME]:
            raise InvalidInput(
                f"{self.file} has no column that names items",
                hint=f"give it a column {self._by or 'uuid, url, path or name'}",
            )
        column = next((name for name in (key, *COLUMNS) if name in kinds), None)
        if column is None:
            raise InvalidInput(
                f"{self.file} has no column {key!r} or 'vector'", hint=f"it has: {', '.join(kinds)}"
            )
        if not _NUMBERS.fullmatch(kinds[column]):
            raise InvalidInput(
                f"{self.file}: column {column!r} is {kinds[column]}, expected lists of numbers"
            )
        return column

    def bundles(self) -> Iterator[Bundle]:
        """The vectors in the order of the rows."""
        step = rows_of_bundle(self.size)
        with connected(self._unreadable) as connection:
            for start in range(0, self.count, step):
                end = min(start + step, self.count)
                rows = self._selected(connection, start, end)
                names = [named_in(row, place_in(self, n), self._by) for n, row in enumerate(rows, start)]
                yield Bundle(names, range(start, end), self._vectors(connection, start, end))

    def _selected(self, connection: Any, start: int, end: int) -> Iterator[dict[str, Any]]:
        """The names of the owners of some rows; raises InvalidInput for a row with another number of numbers than the first."""
        chosen = ", ".join(
            quoted(name) if name == FRAME else f"{quoted(name)}::VARCHAR" for name in self._names
        )
        rows = self._asked(connection, f"{chosen}, len({quoted(self._column)})", start, end).fetchall()
        for number, (*values, length) in enumerate(rows, start):
            if length != self.size:
                got = "no vector" if length is None else f"{length:,} numbers"
                raise InvalidInput(f"{place_in(self, number)}: expected {self.size:,} numbers, got {got}")
            yield dict(zip(self._names, values, strict=True))

    def _vectors(self, connection: Any, start: int, end: int) -> Array:
        flat = self._asked(connection, f"unnest({quoted(self._column)}) AS number", start, end).fetchnumpy()
        numbers: Array = flat["number"]
        missing = np.ma.getmaskarray(numbers)
        if missing.any():
            row = start + int(np.argmax(missing)) // self.size
            raise InvalidInput(f"{place_in(self, row)}: a number of the vector is missing")
        return np.asarray(numbers).reshape(-1, self.size)

    def _asked(self, connection: Any, chosen: str, start: int, end: int) -> Any:
        return connection.execute(
            f"SELECT {chosen} FROM read_parquet(?, file_row_number = true) "
            "WHERE file_row_number >= ? AND file_row_number < ?",
            [self._path, start, end],
        )

    def _unreadable(self, reason: str) -> InvalidInput:
        return InvalidInput(f"{self.file} is not readable Parquet: {reason}")


class ParquetTable:
    """A table that is written bundle by bundle, first into a file in a temporary folder."""

    def __init__(self, connection: Any, folder: Path, size: int) -> None:
        self._connection = connection
        self._folder = folder
        self._size = size
        self._waiting: list[tuple[Sequence[str], Sequence[int | None], Array]] = []
        connection.execute("CREATE TABLE vectors (uuid VARCHAR, frame INTEGER, vector FLOAT[])")

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, size: int, error: Callable[[str], HeronError]) -> Iterator[ParquetTable]:
        """A new table for vectors of a size; exceptions of DuckDB become `error`."""
        with connected(error, database=str(folder / "spool.duckdb"), config=_FLAT) as connection:
            yield cls(connection, folder, size)

    def add(self, items: Sequence[str], frames: Sequence[int | None], vectors: Array) -> None:
        """Add rows, the vectors float32 of shape (n, size)."""
        self._waiting.append((items, frames, vectors))
        if sum(len(items) for items, _, _ in self._waiting) >= rows_of_bundle(self._size):
            self._insert()

    def _insert(self) -> None:
        """Insert the waiting rows at once: a statement over hundreds of columns takes as long to plan as to run."""
        if not self._waiting:
            return
        items, frames, parts = zip(*self._waiting, strict=True)
        self._waiting = []
        vectors, numbers = np.concatenate(parts), list(chain.from_iterable(frames))
        columns = {f"n{place}": np.ascontiguousarray(vectors[:, place]) for place in range(self._size)}
        columns["uuid"] = np.array(list(chain.from_iterable(items)), dtype=object)
        columns["frame"] = np.ma.masked_array(
            [number or 0 for number in numbers], [number is None for number in numbers], dtype=np.int32
        )
        listed = ", ".join(f"n{place}" for place in range(self._size))
        self._connection.register("columns", columns)
        self._connection.execute(f"INSERT INTO vectors SELECT uuid, frame, list_value({listed}) FROM columns")
        self._connection.unregister("columns")

    def written(self) -> Path:
        """The table as a Parquet file in the folder."""
        self._insert()
        path = self._folder / "vectors.parquet"
        rows = max(2048, rows_of_bundle(self._size) // 2048 * 2048)  # a multiple of DuckDB's internal blocks
        self._connection.execute(
            f"COPY vectors TO '{_literal(path)}' (FORMAT parquet, ROW_GROUP_SIZE {rows})"
        )
        return path


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")
