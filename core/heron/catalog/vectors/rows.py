"""Which row of which matrix is whose vector: written in the transaction that makes the row count.

The matrix files hold the numbers, append-only; the tables say which rows count, and for whom. What lies in a file
beyond the rows that the table knows belongs to a transaction that never ended, and is written over.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import astuple, evolve, frozen

from heron.catalog.database import Database, Row
from heron.convert import dumps
from heron.errors import CatalogueError, InvalidInput
from heron.inside import child, make_folder

if TYPE_CHECKING:
    import numpy

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
    """A set at one moment: its rows that count, or some of them, with the item and frame of each; and those that do not.

    All are int64.
    """

    kept: VectorSet
    rows: numpy.ndarray[Any, Any]
    items: numpy.ndarray[Any, Any]
    frames: numpy.ndarray[Any, Any]
    gaps: numpy.ndarray[Any, Any]


@frozen
class MadeBy:
    """What makes vectors: an embedder with its model, if it takes one, its revision, and whether it embeds texts too."""

    embedder: str
    model: str | None
    revision: str
    takes_text: bool


class VectorRows:
    """The vector sets of a workspace. `folder` is where the matrix files lie."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self.folder = folder

    def all(self) -> list[VectorSet]:
        """Every set, by key."""
        return [_set_of(row) for row in self._database.rows("SELECT * FROM vector_sets ORDER BY key")]

    def find(self, key: str) -> VectorSet | None:
        """The set of a key, or None where no vector was ever kept."""
        row = self._database.row("SELECT * FROM vector_sets WHERE key = ?", [key])
        return _set_of(row) if row is not None else None

    @property
    def is_changing(self) -> bool:
        """Whether what is read now is of a transaction that has not ended."""
        return self._database.connection.in_transaction

    def state(self, key: str) -> tuple[VectorSet, int] | None:
        """The set of a key, and how many of its rows count no more: other ones whenever anything has changed."""
        row = self._database.row(
            "SELECT *, (SELECT count(*) FROM vector_gaps WHERE set_id = vector_sets.id) AS gaps "
            "FROM vector_sets WHERE key = ?",
            [key],
        )
        return (_set_of(row), row["gaps"]) if row is not None else None

    def contents(self, key: str, first: int = 0) -> Contents | None:
        """What is in the set of a key, rows from `first` on; one statement, so that it is of one moment."""
        row = self._database.row(_CONTENTS, [key, first, key])
        if row is None:
            return None
        return Contents(_set_of(row), *(_numbers(row[name]) for name in ("rows", "items", "frames", "gaps")))

    def steady(self, key: str, read: Callable[[VectorSet], T]) -> T | None:
        """What is read of a set; once more where it was compacted meanwhile, for that takes another file and other rows.

        None where there is no such set.
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
        """The set of a key, made where there is none; raises InvalidInput where it holds vectors of another size."""
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
        """The numbers of a set, as far as they are there, with their caches."""
        from heron.vectors.space import Space

        matrix = self.matrix(kept)
        return Space(matrix, min(kept.row_count, matrix.rows_there()), self.folder, kept.file)

    def put(
        self,
        kept: VectorSet,
        owners: Sequence[Owner],
        vectors: numpy.ndarray[Any, Any],
        marks: Sequence[int] | None = None,
    ) -> None:
        """Keep a vector for each owner, instead of the one it has; float32 of shape (len(owners), size).

        `marks` tell of what and by what a vector was computed; None is for vectors that were given.
        """
        if not len(owners):
            return
        with self._database.write():
            count = self._database.value("SELECT row_count FROM vector_sets WHERE id = ?", [kept.id])
            self._make_folder()
            self.matrix(kept).write(count, vectors)
            rows = [
                (kept.id, row, item, frame, mark)
                for row, (item, frame), mark in zip(
                    range(count, count + len(owners)), owners, marks or repeat(None), strict=False
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
        """Forget the vectors of some owners; returns how many there were."""
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

    def marks(self, kept: VectorSet, items: Sequence[int]) -> dict[Owner, int | None]:
        """The marks of the vectors of some items and of their frames."""
        places = ",".join("?" * len(items))
        rows = self._database.rows(
            f"SELECT item_id, frame_id, mark FROM vectors WHERE item_id IN ({places}) AND set_id = ?",
            [*items, kept.id],
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def live_count(self, kept: VectorSet) -> int:
        """Number of rows that count."""
        gaps: int = self._database.value("SELECT count(*) FROM vector_gaps WHERE set_id = ?", [kept.id])
        return kept.row_count - gaps

    def made_by(self, kept: VectorSet, made_by: MadeBy) -> None:
        """Note what makes the vectors of a set."""
        self._database.execute(
            "UPDATE vector_sets SET embedder = ?, model = ?, revision = ?, takes_text = ? WHERE id = ?",
            [*astuple(made_by), kept.id],
        )

    def remove_made(self, kept: VectorSet) -> int:
        """Forget all vectors of a set that an embedder made; returns how many there were."""
        return self._database.execute("DELETE FROM vectors WHERE set_id = ? AND mark IS NOT NULL", [kept.id])

    def made_count(self, kept: VectorSet) -> int:
        """Number of vectors of a set that an embedder made."""
        count: int = self._database.value(
            "SELECT count(*) FROM vectors WHERE set_id = ? AND mark IS NOT NULL", [kept.id]
        )
        return count

    def compact(self, kept: VectorSet) -> int:
        """Copy the rows that count to a new file, in their order, and let it take the place of the old one.

        Returns the number of rows left out. Whoever reads the old file meanwhile keeps it until they are done.
        """
        with self._database.write():
            now = self.contents(kept.key)
            if now is None or not len(now.gaps):
                return 0
            self._write_anew(now)
        return len(now.gaps)

    def _write_anew(self, now: Contents) -> None:
        """Give a set another file, with its rows that count."""
        source = now.kept
        target = evolve(source, file=new_file())
        count = self._copy(now, target)
        for statement in _RENUMBER:
            self._database.execute(statement, {"set": source.id})  # type: ignore[arg-type]
        self._database.execute(
            "UPDATE vector_sets SET file = ?, row_count = ? WHERE id = ?", [target.file, count, source.id]
        )

    def _copy(self, now: Contents, target: VectorSet) -> int:
        import numpy as np

        mapped, matrix, count = self.matrix(now.kept).mapped(now.kept.row_count), self.matrix(target), 0
        live = np.sort(now.rows)
        for start in range(0, len(live), _BLOCK):
            block = mapped[live[start : start + _BLOCK]]
            matrix.write(count, block)
            count += len(block)
        return count

    def delete(self, kept: VectorSet) -> None:
        """Remove a set with all its vectors; `sweep` takes its file away."""
        self._database.execute("DELETE FROM vector_sets WHERE id = ?", [kept.id])

    def drop_missing(self, key: str) -> int:
        """Forget the rows that a file, cut short, has lost; returns how many those are.

        The rows that are left get a file of their own, so that who has the set open sees that it is another one,
        also once it has as many rows again.
        """
        with self._database.write():
            kept = self.find(key)
            there = self.matrix(kept).rows_there() if kept is not None else 0
            if kept is None or there >= kept.row_count:
                return 0
            self._database.execute("DELETE FROM vectors WHERE set_id = ? AND row >= ?", [kept.id, there])
            self._database.execute("DELETE FROM vector_gaps WHERE set_id = ? AND row >= ?", [kept.id, there])
            self._database.execute("UPDATE vector_sets SET row_count = ? WHERE id = ?", [there, kept.id])
            now = self.contents(key)
            assert now is not None
            self._write_anew(now)
        return kept.row_count - there

    def sweep(self) -> int:
        """Take away the files that belong to no set, as a compaction that was killed leaves them; returns their number."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            return 0
        if self.is_changing or not self._database.settle():
            return 0  # what names a file now may be undone, by a rollback or a power cut
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
_BLOCK = 8192
_OURS = re.compile(r"m[0-9a-f]{12}\..*")

_CONTENTS = (
    "SELECT vector_sets.*, owners.*, (SELECT group_concat(row) FROM vector_gaps WHERE set_id = vector_sets.id) AS gaps "
    "FROM vector_sets, (SELECT group_concat(row) AS rows, group_concat(item_id) AS items, group_concat(frame_id) AS frames "
    "FROM vectors WHERE set_id = (SELECT id FROM vector_sets WHERE key = ?) AND row >= ?) AS owners WHERE key = ?"
)

_RENUMBER = (
    "CREATE TEMP TABLE moved AS SELECT row AS old, row_number() OVER (ORDER BY row) - 1 AS new "
    "FROM vectors WHERE set_id = :set",
    "CREATE UNIQUE INDEX temp.moved_old ON moved(old)",
    "UPDATE vectors SET row = -1 - (SELECT new FROM moved WHERE old = row) WHERE set_id = :set",
    "UPDATE vectors SET row = -1 - row WHERE set_id = :set",
    "DELETE FROM vector_gaps WHERE set_id = :set",
    "DROP TABLE moved",
)


def _numbers(text: str | None) -> numpy.ndarray[Any, Any]:
    """Whole numbers with commas between; a million of them take a tenth of the memory of as many of Python's."""
    import numpy as np

    return np.fromstring(text, dtype=np.int64, sep=",") if text else np.empty(0, dtype=np.int64)


def new_file() -> str:
    """A name for a matrix file that no other one had."""
    return f"m{token_hex(6)}"


def _set_of(row: Row) -> VectorSet:
    return VectorSet(*(row[name] for name in VectorSet.__annotations__))
