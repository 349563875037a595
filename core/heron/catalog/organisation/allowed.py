"""What the acting user may do to each of some records, in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from heron.catalog.rights import Noun, Verb
from heron.convert import dumps
from heron.errors import InvalidInput
from heron.metadata.keys import printable

if TYPE_CHECKING:
    from heron.catalog.access import Access
    from heron.catalog.database import Database

VERBS: tuple[Verb, ...] = ("read", "create", "update", "delete", "share")

TABLES: Mapping[str, Noun] = {
    "collections": "collection", "datasets": "dataset", "folders": "folder", "integrations": "integration",
    "items": "item", "projects": "project",
}  # fmt: skip
"""The tables whose records have a UUID and rights of their own, with their nouns."""


def allowed_on(
    database: Database, access: Access, noun: str, uuids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The verbs that are allowed on each record that the user may see, by UUID; raises InvalidInput for another noun."""
    table = next((table for table, each in TABLES.items() if each == noun), None)
    if table is None:
        raise InvalidInput(
            f"{printable(noun)} is no noun of records", hint=f"give one of {', '.join(TABLES.values())}"
        )
    verbs = [verb for verb in VERBS if verb != "create"]
    parts = ", ".join(f"({access.condition(verb, TABLES[table], table)}) IS TRUE" for verb in verbs)
    rows = database.rows(
        f"SELECT uuid, {parts} FROM {table} WHERE uuid IN (SELECT value FROM json_each(?)) AND {access.scope(TABLES[table], table)}",
        [dumps(list(uuids))],
    )
    return {row[0]: tuple(verb for verb, may in zip(verbs, row[1:], strict=True) if may) for row in rows}
