"""Pages of a longer result: sequences of records that can be converted to tables of other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from attrs import field, frozen

from heron.models import Match
from heron.records import MOST, cut, line

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

T = TypeVar("T")


def _tuple(given: Sequence[Match]) -> tuple[Match, ...]:
    return tuple(given)


@frozen(repr=False)
class Page(Sequence[T], Generic[T]):
    """One page of a longer result: a sequence of rows. `cursor` leads to the next page and is None on the
    last.

    For a query with similarity, `matches` gives the similarity of each row, and `key` the embedding key. `notes`
    are sentences about the answer, such as that a key has values that count as missing. A slice is a page of these
    rows, without a cursor.
    """

    rows: Sequence[T] = field(converter=tuple)
    cursor: str | None = None
    matches: Sequence[Match] = field(default=(), converter=_tuple)
    key: str | None = None
    notes: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Page[T]: ...

    def __getitem__(self, index: int | slice) -> T | Page[T]:
        if isinstance(index, slice):
            return Page(self.rows[index], None, self.matches[index], self.key, self.notes)
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        text = f"Page {len(self.rows)}{'+' if self.cursor is not None else ''} rows"
        if self.rows:
            text += ": " + ", ".join(line(getattr(row, "name", row), 40) for row in self.rows[:3])
        return f"<{cut(text + (', …' if len(self.rows) > 3 else ''), MOST - 2)}>"

    def _repr_html_(self) -> str:
        from heron.notebooks import page_html

        return page_html(self.rows, [match.score for match in self.matches], self.cursor is not None)

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas `DataFrame`, a column for each field, fact and metadata key.

        Whole numbers stay whole if values are missing (`Int64`), times are `datetime64[us, UTC]`. Frames and
        rows of datasets have additional columns of their own; after a similarity search there is `score`.
        Raises PluginError if pandas is not installed.
        """
        from heron.tables import to_pandas

        table: pandas.DataFrame = to_pandas(self.rows, self.matches)
        return table

    def to_polars(self) -> polars.DataFrame:
        """The same as a Polars `DataFrame`; raises PluginError if polars is not installed."""
        from heron.tables import to_polars

        table: polars.DataFrame = to_polars(self.rows, self.matches)
        return table

    def to_arrow(self) -> pyarrow.Table:
        """The same as an Arrow `Table`; raises PluginError if pyarrow is not installed."""
        from heron.tables import to_arrow

        return to_arrow(self.rows, self.matches)
