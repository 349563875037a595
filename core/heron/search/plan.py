"""A plan: what a query means, as a tree and sort terms, for whichever engine answers it."""

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
    """The rows of a table for which a condition is true; all of them where there is no condition.

    They come in the order of the sort terms, and rows that are equal by these in the order of their inner ids.
    """

    table: tree.Table = "items"
    condition: tree.Condition | None = None
    sort: tuple[SortTerm, ...] = ()

    def narrowed(self, condition: tree.Condition) -> Plan:
        """The plan of those rows for which another condition is true too."""
        if self.condition is None:
            return evolve(self, condition=condition)
        return evolve(self, condition=tree.All((self.condition, condition)))
