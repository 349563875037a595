"""The engine protocol: the methods of everything that answers plans, wherever it keeps the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from heron.answers import Explanation
from heron.models import Json
from heron.search.plan import Plan
from heron.search.tree import Field, Table

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

Row = tuple[int, Sequence[Json]]
"""The inner id of a row, and its values of the sort terms in stored form."""


class Engine(Protocol):
    """Answers plans over the items and frames of one catalogue.

    Each answer is a consistent snapshot, and all engines give the same answers. Deleted items, their frames,
    and rows that the acting user may not see are in no answer, so that a caller need not know of rights. A
    condition holds for a row where it is true; where a value is missing it is neither true nor false, as in
    SQL. Rows are known by inner ids, which are ascending in the order in which the rows came.

    All methods raise QueryError for a plan that cannot be evaluated (for instance an integer overflow), and NotFound
    for a folder or collection that does not exist.
    """

    def ids(self, plan: Plan) -> Array:
        """The inner ids of all rows of a plan, int64, ascending whatever the sort."""

    def mask(self, plan: Plan, size: int) -> Array:
        """Whether the row of each inner id from 0 to `size` - 1 is in the plan, bool of shape (size,).

        An engine with columns in memory gives this without a list of ids.
        """

    def count(self, plan: Plan) -> int:
        """How many rows a plan has."""

    def page(self, plan: Plan, limit: int, after: Row | None = None) -> Sequence[Row]:
        """The first `limit` rows in the order of the plan, or those that come after a row, which need not exist any more."""

    def keeps(self, plan: Plan, ids: Array) -> Array:
        """Whether each of some rows is in the plan: bool, in the order of `ids` (int64, which may repeat).

        Asked with few ids where the plan has many rows, so it is not to evaluate the plan for all of them.
        """

    def values(self, table: Table, fields: Sequence[Field], ids: Sequence[int]) -> Sequence[Sequence[Json]]:
        """The values of fields for rows that are known already: a list for each field, in the order of `ids`.

        In stored form, as they are compared; None where a row has no value or the acting user may not see it. Rows of
        deleted items have their values, for a dataset may hold such.
        """

    def explain(self, plan: Plan) -> Explanation:
        """How this engine writes the condition of a plan, and the parameters of that."""
