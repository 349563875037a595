"""The engine protocol: what every engine implements, wherever it stores the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from heron.answers import Explanation
from heron.models import Json
from heron.search.plan import Plan
from heron.search.tally import Counts, Tally
from heron.search.tree import Field, Table
from heron.search.values import Value

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

Row = tuple[int, Sequence[Json]]
"""The inner id of a row, and its values of the sort terms in stored form."""


Further = Callable[[Sequence[Counts]], Sequence[Tally]]
"""Which tallies are counted after others, by the counts of those."""


def no_more(counts: Sequence[Counts]) -> Sequence[Tally]:
    """No further tally."""
    return ()


class Engine(Protocol):
    """Answers plans over the items and frames of one catalogue.

    Each answer is a consistent snapshot, and all engines give the same answers. No answer contains deleted
    items, their frames, or rows that the acting user may not see, so callers need not check rights. A row is
    found if the condition is true for it; a comparison with a missing value is neither true nor false, as in
    SQL. Rows are identified by inner ids, which increase in the order in which rows were added.

    All methods raise QueryError for a plan that cannot be evaluated (for instance an integer overflow), and NotFound
    for a folder or collection that does not exist.
    """

    def ids(self, plan: Plan) -> Array:
        """The inner ids of all rows of a plan, int64, ascending; the sort terms are ignored."""

    def mask(self, plan: Plan, size: int) -> Array:
        """Whether the row of each inner id from 0 to `size` - 1 is in the plan, bool of shape (size,).

        An engine with columns in memory gives this without a list of ids.
        """

    def quick_mask(self, plan: Plan, size: int) -> Array | None:
        """The same, where columns in memory give it; None where a database would have to look at all rows."""

    def count(self, plan: Plan) -> int:
        """The number of rows of a plan."""

    def page(self, plan: Plan, limit: int, after: Row | None = None) -> Sequence[Row]:
        """The first `limit` rows in the order of the plan, or after a given row, which need not exist any more."""

    def order(self, plan: Plan) -> Array:
        """The inner ids of all rows of a plan, int64, in its order."""

    def tallies(self, plan: Plan, tallies: Sequence[Tally], further: Further = no_more) -> Sequence[Counts]:
        """Counts over the rows of a plan, for each tally, in one state of the catalogue. Rows without a value are left out.

        `further` gives tallies that the counts of the first ones lead to; their counts follow.
        """

    def keeps(self, plan: Plan, ids: Array) -> Array:
        """Whether each of some rows is in the plan: bool, in the order of `ids` (int64, which may repeat).

        It is called with few ids while the plan may have many rows, so it should not evaluate the plan for all rows.
        """

    def values(self, table: Table, fields: Sequence[Field], ids: Sequence[int]) -> Sequence[Sequence[Json]]:
        """The values of fields for some rows: a list for each field, in the order of `ids`.

        Values are in stored form, as they are compared; None if a row has no value or the acting user may not see it.
        Rows of deleted items have values too, since a dataset can contain them.
        """

    def plain_values(self, table: Table, fields: Sequence[Field], ids: Array) -> Sequence[Sequence[Value]]:
        """The values of fields for many rows (int64), as `values.plain` gives them: a sequence for each field.

        An engine with columns in memory makes no object of a value until somebody reads it: `columns.gathered`.
        """

    def explain(self, plan: Plan) -> Explanation:
        """The condition of a plan as this engine writes it, and its parameters."""
