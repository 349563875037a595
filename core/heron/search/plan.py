"""A plan: the meaning of a query as a condition tree and sort terms, independent of the engine that answers it."""

from __future__ import annotations

from attrs import evolve, frozen

from heron.search import tree


@frozen
class SortTerm:
    """A field to sort by. Rows without a value come last in both directions."""

    field: tree.Field
    descending: bool = False


@frozen
class Plan:
    """The rows of a table for which a condition is true; all rows if there is no condition.

    They are in the order of the sort terms; rows with equal values are in the order of their inner ids. `notes` are sentences
    about the values of its fields, for whoever reads the answer, and `facts` the names of the media facts among these.
    """

    table: tree.Table = "items"
    condition: tree.Condition | None = None
    sort: tuple[SortTerm, ...] = ()
    notes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    def narrowed(self, condition: tree.Condition) -> Plan:
        """The plan with an additional condition."""
        if self.condition is None:
            return evolve(self, condition=condition)
        return evolve(self, condition=tree.All((self.condition, condition)))
