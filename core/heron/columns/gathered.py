"""Values of one field for many rows: a column of Polars, whose values become objects of Python only when somebody reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars

Look = Literal["text", "number", "time", "label"]
"""What the values are: `time` is a whole number of microseconds since 1970, `label` the place of a value in a list."""

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Gathered(Sequence[Any]):
    """A sequence of values, None where one is missing. It is equal to a sequence of the same values."""

    def __init__(
        self,
        look: Look,
        series: polars.Series,
        labels: Sequence[Any] = (),
        whole: polars.Series | None = None,
    ) -> None:
        """`labels` are the values of labels by their places; `whole` tells which of some floats are whole numbers."""
        self.look = look
        self.series = series
        self.labels = labels
        self.whole = whole

    def __len__(self) -> int:
        return len(self.series)

    def __getitem__(self, place: Any) -> Any:
        return self._values[place]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._values == tuple(other)

    def __hash__(self) -> int:
        return hash(self._values)

    @cached_property
    def _values(self) -> tuple[Any, ...]:
        given = self.series.to_list()
        if self.look == "label":
            return tuple(None if place is None else self.labels[place] for place in given)
        if self.look == "time":
            return tuple(None if each is None else _START + timedelta(microseconds=each) for each in given)
        if self.whole is not None:
            kinds = zip(given, self.whole.to_list(), strict=True)
            return tuple(int(each) if is_whole and each is not None else each for each, is_whole in kinds)
        return tuple(given)
