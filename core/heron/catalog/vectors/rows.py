"""The tables that say which row of which matrix file is the vector of which item or frame.

The matrix files are append-only; the tables say which of their rows are live, and who owns them. A row exists
once its transaction is committed. Rows of a file behind those in the table belong to a transaction that was
not committed, and are replaced by the next write.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import repeat
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import astuple, frozen

from heron.catalog.database import Database, Row
from heron.convert import dumps
from heron.errors import CatalogueError, InvalidInput
from heron.inside import child, make_folder

if TYPE_CHECKING:
    import numpy

    from heron.catalog.vectors.sums import BlockSums
    from heron.vectors.matrix import Matrix
    from heron.vectors.space import Space

T = TypeVar("T")

Owner = tuple[int, int]
"""Inner ids of an item and of a frame of it; 0 stands for the item itself."""

DIRECTORY = "vectors"

_INSERT = "INSERT INTO vectors (set_id, row, item_id, frame_id, mark) VALUES (?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM vectors WHERE item_id = ? AND frame_id = ? AND set_id = ?"


@frozen
class VectorSet:
    """The vectors of one key: the name of its matrix file without suffix, its rows, and the embedder that makes them."""

    id: int
    key: str
    size: int
    dtype: str
    file: str
    row_count: int
    embedder: str | None
    model: str | None
    revision: str | None
    takes_text: bool = False


@frozen(eq=False)
class Contents:
    """A set at one moment: its live rows, or some of them, with the item and frame of each; and its gaps.

    All are int64.
    """

    kept: VectorSet
    rows: numpy.ndarray[Any, Any]
    items: numpy.ndarray[Any, Any]
    frames: numpy.ndarray[Any, Any]
    gaps: numpy.ndarray[Any, Any]


@frozen
class MadeBy:
    """The maker of vectors: an embedder with its model, if it takes one, its revision, and whether it embeds
    texts too.
    """

    embedder: str
    model: str | None
    revision: str
    takes_text: bool


class VectorRows:
    """The vector sets of a workspace. `folder` contains the matrix files."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self.folder = folder

    @cached_property
    def sums(self) -> BlockSums:
        """The checksums of the vectors."""
        from heron.catalog.vectors.sums import BlockSums

        return BlockSums(self._database)

    def all(self) -> list[VectorSet]:
        """Every set, by key."""
        return [_set_of(row) for row in self._database.rows("SELECT * FROM vector_sets ORDER BY key")]

    def find(self, key: str) -> VectorSet | None:
        """The set of a key, or None if no vector was ever stored."""
        row = self._database.row("SELECT * FROM vector_sets WHERE key = ?", [key])
        return _set_of(row) if row is not None else None

    @property
    def is_changing(self) -> bool:
        """Whether reads now see an uncommitted transaction of this process."""
        return self._database.connection.in_transaction

    def state(self, key: str) -> tuple[VectorSet, int] | None:
        """The set of a key and its number of gaps; this pair changes whenever the set changes."""
        row = self._database.row(
            "SELECT *, (SELECT count(*) FROM vector_gaps WHERE set_id = vector_sets.id) AS gaps "
            "FROM vector_sets WHERE key = ?",
            [key],
        )
        return (_set_of(row), row["gaps"]) if row is not None else None

    def contents(self, key: str, first: int = 0) -> Contents | None:
        """The content of the set of a key, rows from `first` on, read by one statement, so that it is
        consistent.
        """
        row = self._database.row(_CONTENTS, [key, first, key])
        if row is None:
            return None
        return Contents(_set_of(row), *(_numbers(row[name]) for name in ("rows", "items", "frames", "gaps")))

    def steady(self, key: str, read: Callable[[VectorSet], T]) -> T | None:
        """The result of `read`; it is called again if the set was compacted meanwhile, which changes its file
        and rows.

        None if there is no such set.
        """
        while (kept := self.find(key)) is not None:
            try:
                found = read(kept)
            except CatalogueError:
                if self._is_current(kept):
                    raise
            else:
                if self._is_current(kept):
                    return found
        return None

    def _is_current(self, kept: VectorSet) -> bool:
        now = self.find(kept.key)
        return now is not None and now.file == kept.file

    def ensure(self, key: str, size: int, dtype: str) -> VectorSet:
        """The set of a key, created if there is none; raises InvalidInput if it holds vectors of another
        size.
        """
        known = self.find(key)
        if known is None or (known.row_count == 0 and (known.size, known.dtype) != (size, dtype)):
            self._database.execute(
                "INSERT INTO vector_sets (key, size, dtype, file) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
                "size = excluded.size, dtype = excluded.dtype, file = excluded.file",
                [key, size, dtype, new_file()],
            )
            known = self.find(key)
            assert known is not None
        if known.size != size:
            raise InvalidInput(
                f"key {key!r} takes {size:,} numbers by the schema, but its vectors have {known.size:,}",
                hint=f"heron vectors delete {key!r} removes them, then others can be kept",
            )
        return known

    def matrix(self, kept: VectorSet) -> Matrix:
        """The file with the numbers of a set."""
        from heron.vectors.matrix import Matrix

        dtype: Any = kept.dtype
        return Matrix(child(self.folder, f"{kept.file}.{_SUFFIXES[kept.dtype]}"), kept.size, dtype)

    def space(self, kept: VectorSet) -> Space:
        """The vectors of a set, as far as the file has them, with their caches."""
        from heron.vectors.space import Space

        matrix = self.matrix(kept)
        return Space(matrix, min(kept.row_count, matrix.rows_there()), self.folder, kept.file)

    def put(
        self,
        kept: VectorSet,
        owners: Sequence[Owner],
        vectors: numpy.ndarray[Any, Any],
        fingerprints: Sequence[int] | None = None,
    ) -> None:
        """Store a vector for each owner, in place of its present one; float32 of shape (len(owners), size).

        `fingerprints` say from which content and by which model a vector was computed; None for vectors that
        were given.
        """
        if not len(owners):
            return
        with self._database.write():
            count = self._database.value("SELECT row_count FROM vector_sets WHERE id = ?", [kept.id])
            self._make_folder()
            self.sums.write(kept.id, self.matrix(kept), count, vectors)
            rows = [
                (kept.id, row, item, frame, mark)
                for row, (item, frame), mark in zip(
                    range(count, count + len(owners)), owners, fingerprints or repeat(None), strict=False
                )
            ]
            try:
                with self._database.write():
                    self._database.connection.executemany(_INSERT, rows)
            except CatalogueError as error:
                # An owner has one already, or is named twice: the last one counts.
                if not isinstance(error.__cause__, sqlite3.IntegrityError):
                    raise
                last = {(item, frame): (set, row, item, frame, mark) for set, row, item, frame, mark in rows}
                self.remove(kept, list(last))
                self._database.execute_many(_INSERT, last.values())
                lost = {row[1] for row in rows} - {row[1] for row in last.values()}
                self._database.execute_many(
                    "INSERT INTO vector_gaps (set_id, row) VALUES (?, ?)", [(kept.id, row) for row in lost]
                )
            self._database.execute(
                "UPDATE vector_sets SET row_count = ? WHERE id = ?", [count + len(owners), kept.id]
            )

    def remove(self, kept: VectorSet, owners: Sequence[Owner]) -> int:
        """Delete the vectors of some owners; returns how many there were."""
        return self._database.execute_many(_DELETE, [(item, frame, kept.id) for item, frame in owners])

    def row_of(self, kept: VectorSet, owner: Owner) -> int | None:
        """The row of an owner's vector."""
        row: int | None = self._database.value(
            "SELECT row FROM vectors WHERE item_id = ? AND frame_id = ? AND set_id = ?", [*owner, kept.id]
        )
        return row

    def existing(self, owners: Sequence[Owner]) -> set[Owner]:
        """Those of some owners that are in the catalogue."""
        items, frames = {item for item, _ in owners}, {frame for _, frame in owners}
        there = self._database.rows(
            "SELECT id, 0 FROM items WHERE id IN (SELECT value FROM json_each(?)) UNION ALL "
            "SELECT item_id, id FROM frames WHERE id IN (SELECT value FROM json_each(?))",
            [dumps(sorted(items)), dumps(sorted(frames))],
        )
        return {(row[0], row[1]) for row in there} & set(owners)

    def fingerprints(self, kept: VectorSet, items: Sequence[int]) -> dict[Owner, int | None]:
        """The fingerprints of the vectors of some items and of their frames."""
        places = ",".join("?" * len(items))
        rows = self._database.rows(
            f"SELECT item_id, frame_id, mark FROM vectors WHERE item_id IN ({places}) AND set_id = ?",
            [*items, kept.id],
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def live_count(self, kept: VectorSet) -> int:
        """Number of live rows."""
        gaps: int = self._database.value("SELECT count(*) FROM vector_gaps WHERE set_id = ?", [kept.id])
        return kept.row_count - gaps

    def made_by(self, kept: VectorSet, made_by: MadeBy) -> None:
        """Record the maker of the vectors of a set."""
        self._database.execute(
            "UPDATE vector_sets SET embedder = ?, model = ?, revision = ?, takes_text = ? WHERE id = ?",
            [*astuple(made_by), kept.id],
        )

    def remove_made(self, kept: VectorSet) -> int:
        """Delete all vectors of a set that an embedder made; returns how many there were."""
        return self._database.execute("DELETE FROM vectors WHERE set_id = ? AND mark IS NOT NULL", [kept.id])

    def made_count(self, kept: VectorSet) -> int:
        """Number of vectors of a set that an embedder made."""
        count: int = self._database.value(
            "SELECT count(*) FROM vectors WHERE set_id = ? AND mark IS NOT NULL", [kept.id]
        )
        return count

    def delete(self, kept: VectorSet) -> None:
        """Delete a set with all its vectors; `sweep` removes its file."""
        self._database.execute("DELETE FROM vector_sets WHERE id = ?", [kept.id])

    def sweep(self) -> int:
        """Remove files that belong to no set, such as those of a killed compaction; returns their number."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            return 0
        if self.is_changing or not self._database.settle():
            return 0  # a rollback or a power cut may undo the rows that name a file now
        with self._database.write():  # so that no other process is about to use one
            known = {kept.file for kept in self.all()}
            ours = [path for path in self.folder.iterdir() if _OURS.fullmatch(path.name)]
            gone = [path for path in ours if path.name.partition(".")[0] not in known]
            for path in gone:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        return len(gone)

    def _make_folder(self) -> None:
        try:
            make_folder(self.folder)
        except OSError as error:
            raise CatalogueError(f"{self.folder} cannot be made: {error.strerror or error}") from error


_SUFFIXES = {"float32": "f32", "float16": "f16"}
_OURS = re.compile(r"m[0-9a-f]{12}\..*")

_CONTENTS = (
    "SELECT vector_sets.*, owners.*, (SELECT group_concat(row) FROM vector_gaps WHERE set_id = vector_sets.id) AS gaps "
    "FROM vector_sets, (SELECT group_concat(row) AS rows, group_concat(item_id) AS items, group_concat(frame_id) AS frames "
    "FROM vectors WHERE set_id = (SELECT id FROM vector_sets WHERE key = ?) AND row >= ?) AS owners WHERE key = ?"
)


def _numbers(text: str | None) -> numpy.ndarray[Any, Any]:
    """Integers from a comma-separated text, as an array: a million take a tenth of the memory of Python's
    integers.
    """
    import numpy as np

    return np.fromstring(text, dtype=np.int64, sep=",") if text else np.empty(0, dtype=np.int64)


def new_file() -> str:
    """A new, unique name for a matrix file."""
    return f"m{token_hex(6)}"


def _set_of(row: Row) -> VectorSet:
    return VectorSet(*(row[name] for name in VectorSet.__annotations__))
