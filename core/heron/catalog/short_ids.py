"""Short ids: the last digits of an item's UUID, as many as make it unique among the items that the user may see.

UUIDs of version 7 begin with the time, so those of one import have a long beginning in common; their ends are random.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.convert import dumps
from heron.errors import InvalidInput
from heron.metadata.keys import printable

LEAST = 6
"""The fewest digits of a short id."""

_SIZES = (*range(LEAST, 13), *range(14, 18))
"""The lengths of short ids: up to the last part of a UUID, or with some digits of the part before, in front of its hyphen."""

_NAMED = 3
"""The items that an error names."""

_ENDING = re.compile("(?=.*[a-f])[0-9a-f]{6,12}|[0-9a-f]{1,4}-[0-9a-f]{12}")
"""An end of a UUID. It has a letter or a hyphen, so that a number, as many files have it for a name, is never an id."""

_BEGINNING = re.compile(r"(?=.*[a-f-])[0-9a-f]{6,8}|(?=.*[a-f-])[0-9a-f]{8}-[0-9a-f-]{0,26}")
"""The beginning of a UUID, with six characters or more."""


@frozen
class Called:
    """An item that a short id means."""

    id: int
    uuid: str
    name: str


class ShortIds:
    """Makes short ids of items, and finds items by them."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def of(self, uuids: Iterable[str]) -> dict[str, str]:
        """The short id of each UUID; the whole UUID where its end is not unique.

        One scan of the index over UUIDs, which takes a tenth of a second for a million items.
        """
        wanted = list(dict.fromkeys(uuids))
        others: dict[str, list[str]] = {}
        for called in self._ending([uuid[-LEAST:] for uuid in wanted]):
            others.setdefault(called.uuid[-LEAST:], []).append(called.uuid)
        return {uuid: _shortest(uuid, others.get(uuid[-LEAST:], ())) for uuid in wanted}

    def find(self, texts: Iterable[str]) -> dict[str, Called]:
        """The items that texts mean, by an end or a beginning of their UUID; texts that mean none are left out.

        Raises InvalidInput, with a few of the items, for a text that means several.
        """
        known = {text: text.lower() for text in texts}
        ends = {text: low for text, low in known.items() if _ENDING.fullmatch(low)}
        ending = self._ending([low[-LEAST:] for low in ends.values()]) if ends else []
        found: dict[str, Called] = {}
        for text, low in known.items():
            meant = {c.uuid: c for c in ending if text in ends and c.uuid.endswith(low)}
            if _BEGINNING.fullmatch(low):
                meant.update((c.uuid, c) for c in self._beginning(low))
            if len(meant) > 1:
                raise _ambiguous(text, list(meant.values()))
            found.update((text, called) for called in meant.values())
        return found

    def _ending(self, ends: Sequence[str]) -> list[Called]:
        return self._called("substr(uuid, ?) IN (SELECT value FROM json_each(?))", [-LEAST, dumps(ends)])

    def _beginning(self, start: str) -> list[Called]:
        return self._called("uuid >= ? AND uuid < ?", [start, f"{start}~"], limit=_NAMED + 1)

    def _called(self, condition: str, parameters: Sequence[object], limit: int = -1) -> list[Called]:
        scope = self._access.scope("item", "items")
        rows = self._database.rows(  # the inner query reads nothing but the index over UUIDs
            f"SELECT id, uuid, name FROM items WHERE id IN (SELECT id FROM items WHERE {condition}) AND {scope} "
            "ORDER BY id LIMIT ?",
            [*parameters, limit],
        )
        return [Called(*row) for row in rows]


def _shortest(uuid: str, same: Sequence[str]) -> str:
    for size in _SIZES:
        end = uuid[-size:]
        if _ENDING.fullmatch(end) and not any(other.endswith(end) for other in same if other != uuid):
            return end
    return uuid


def _ambiguous(text: str, meant: Sequence[Called]) -> InvalidInput:
    few = ", ".join(f"{printable(called.name)} {called.uuid}" for called in meant[:_NAMED])
    more = ", …" if len(meant) > _NAMED else ""
    return InvalidInput(
        f"{printable(text)} is a part of the UUIDs of several items: {few}{more}",
        hint="give more of the UUID",
    )
