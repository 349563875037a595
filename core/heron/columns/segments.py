"""Segments: Arrow files of some items each, which are never changed; what a newer one contains replaces what older ones do."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from heron.columns.building import Name, Place, name_of
from heron.errors import CatalogueError
from heron.inside import child, require_plain

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]

SUFFIX = ".arrow"
_SAMPLE = 2_000
"""So many texts tell whether texts of a column repeat."""

_TEXTS = 4_096
"""At most so many different texts of a column are numbered."""

_DELETED: Place = ("column", ("deleted_at",))


class UnreadableSegment(CatalogueError):
    """A segment is missing, cut short, or of another make. The columns have to be made anew; nothing is lost."""


@frozen
class SegmentFile:
    """A segment as the catalogue names it; `left_out` are places whose values it does not contain."""

    name: str
    size: int
    rows: int
    left_out: frozenset[Place]


def write_segment(folder: Path, frame: polars.DataFrame, left_out: Iterable[Place]) -> SegmentFile:
    """Write a table, sorted by `id`, to a new file. Raises OSError, as for a full disk, and leaves nothing behind then."""
    name = f"{uuid.uuid4().hex}{SUFFIX}"
    file = child(folder, name)
    try:
        with file.open("xb") as stream:
            frame.rechunk().write_ipc(
                stream, compression="uncompressed", record_batch_size=max(1, frame.height)
            )
            stream.flush()
            os.fsync(stream.fileno())
            size = stream.tell()
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return SegmentFile(name, size, frame.height, frozenset(left_out))


class Segment:
    """An open segment. A column is mapped from the file when it is first used: to open all takes seconds for 10,000,000 items."""

    def __init__(self, folder: Path, file: SegmentFile) -> None:
        """Open a file; raises UnreadableSegment if it is missing, cut short, or no table of Heron."""
        import polars as pl

        path = child(folder, file.name)
        try:
            require_plain(path)
            if path.stat().st_size != file.size:
                raise UnreadableSegment(f"{path} does not have its {file.size:,} bytes")
            self.columns: dict[Name, str] = {
                name_of(title): title for title in pl.read_ipc_schema(path) if title != "id"
            }
            self._table = pl.read_ipc(path, columns=["id"])
            self.ids: Array = self._table["id"].to_numpy()
        except (OSError, ValueError, TypeError, pl.exceptions.PolarsError) as error:
            raise UnreadableSegment(f"{path} cannot be read: {error}") from error
        if len(self.ids) != file.rows:
            raise UnreadableSegment(f"{path} does not have its {file.rows:,} rows")
        self.file = file
        self._path = path
        self._replaced: Array | None = None
        self._living: Array | None = None
        self._bounds: dict[str, int] = {}
        self._numbered: dict[str, tuple[polars.Series, polars.Series] | None] = {}

    def table(self, titles: Iterable[str]) -> polars.DataFrame:
        """A table with at least these columns and `id`; raises UnreadableSegment if the file is gone or was changed meanwhile."""
        import polars as pl

        missing = [title for title in dict.fromkeys(titles) if title not in self._table.columns]
        if missing:
            try:
                if self._path.stat().st_size != self.file.size:
                    raise UnreadableSegment(f"{self._path} does not have its {self.file.size:,} bytes")
                self._table = self._table.hstack(pl.read_ipc(self._path, columns=missing))
            except (OSError, ValueError, TypeError, pl.exceptions.PolarsError) as error:
                raise UnreadableSegment(f"{self._path} cannot be read: {error}") from error
        return self._table

    def table_for(self, *expressions: polars.Expr) -> polars.DataFrame:
        """A table with at least the columns that these expressions read."""
        return self.table(name for expression in expressions for name in expression.meta.root_names())

    def column(self, title: str) -> polars.Series:
        """One column."""
        return self.table([title])[title]

    def living(self) -> Array:
        """Which rows are neither replaced by a newer segment nor deleted: bool, not to be changed."""
        if self._living is None:
            import numpy as np

            mask = np.ones(len(self.ids), dtype=bool) if self._replaced is None else ~self._replaced
            for name, title in self.columns.items():
                if name[:2] == _DELETED:
                    mask &= self.column(title).is_null().to_numpy()
            self._living = mask
        return self._living

    def replace_by(self, newer: Sequence[Segment]) -> None:
        """Leave out the rows that newer segments contain."""
        import numpy as np

        others = [later.ids for later in newer if _overlap(self.ids, later.ids)]
        self._replaced = np.isin(self.ids, np.concatenate(others)) if others else None
        self._living = None

    def derived(self, name: str, make: Callable[[Segment], polars.Series]) -> str:
        """The name of a column that is made of others when it is first used."""
        if name not in self._table.columns:
            self._table = self._table.with_columns(make(self).alias(name))
        return name

    def numbered(self, title: str, *, make: bool) -> tuple[polars.Series, polars.Series] | None:
        """The number of each text of a column, and the texts by their numbers; None for a column in which few repeat.

        To number them takes longer than to count some of them, so this is done only to `make` it.
        """
        if title not in self._numbered and make:
            self._numbered[title] = _numbered(self.column(title))
        return self._numbered.get(title)

    def bound(self, title: str) -> int:
        """The largest absolute value of a column of whole numbers."""
        if title not in self._bounds:
            column = self.column(title)
            least: Any = column.min() or 0
            most: Any = column.max() or 0
            self._bounds[title] = max(abs(int(least)), abs(int(most)))
        return self._bounds[title]


def _numbered(column: polars.Series) -> tuple[polars.Series, polars.Series] | None:
    import polars as pl

    if column.head(_SAMPLE).n_unique() > _SAMPLE // 4:
        return None
    texts = column.unique().drop_nulls()
    return (column.cast(pl.Enum(texts)).to_physical(), texts) if len(texts) <= _TEXTS else None


def _overlap(ids: Array, others: Array) -> bool:
    return bool(len(ids) and len(others) and ids[0] <= others[-1] and others[0] <= ids[-1])
