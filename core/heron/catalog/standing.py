"""What the acting user is in the organisation, and what follows from it, kept for one state of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from attrs import frozen

T = TypeVar("T")

MANY = 1_000
"""Up to so many rows that a user may see or change are named in statements by their inner ids."""

_RANGES = 3


@frozen
class Standing:
    """What the acting user is in the organisation, by the inner id."""

    id: int
    is_admin: bool
    is_internal: bool


class Known:
    """What is known of a user's rights in one state of the catalogue, found when it is first asked for."""

    def __init__(self, state: Hashable, standing: Standing | None) -> None:
        self.state = state
        self.standing = standing
        self._found: dict[Hashable, Any] = {}

    def once(self, key: Hashable, find: Callable[[], T]) -> T:
        """What `find` returned when this was first asked."""
        if key not in self._found:
            self._found[key] = find()
        found: T = self._found[key]
        return found


def one_of(column: str, ids: Sequence[int]) -> str:
    """A SQL condition that a column has one of some whole numbers, which ascend.

    A few ranges are compared, which costs a row half of what looking it up in a list costs.
    """
    if not ids:
        return "0"
    ranges: list[tuple[int, int]] = []
    for id in ids:
        if ranges and ranges[-1][1] == id - 1:
            ranges[-1] = ranges[-1][0], id
        else:
            ranges.append((id, id))
    if len(ranges) > _RANGES:
        return f"{column} IN ({','.join(map(str, ids))})"
    parts = [f"{column} = {a}" if a == b else f"{column} BETWEEN {a} AND {b}" for a, b in ranges]
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
