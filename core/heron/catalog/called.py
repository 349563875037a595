"""Finds items by what people call them: a UUID, a name, or the path or URL of the file in any spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.limits import bundles
from heron.catalog.paths import path_of, urls_of
from heron.convert import dumps
from heron.errors import InvalidInput
from heron.metadata.keys import printable

CALLED_BY = ("uuid", "url", "path", "name")
"""What can name an item."""

Matches = list[tuple[int, str]]
"""Inner ids and UUIDs of items."""


def called(database: Database, access: Access, by: str, names: Iterable[str]) -> dict[str, Matches]:
    """The items with these UUIDs, URLs, paths or names: inner ids and UUIDs by the given name, older items first.

    Raises InvalidInput unless `by` is `uuid`, `url`, `path` or `name`.
    """
    if by not in CALLED_BY:
        raise InvalidInput(f"an item is named by uuid, url, path or name, not by {printable(by)}")
    found: dict[str, Matches] = {}
    for bundle in bundles(dict.fromkeys(names), 500):
        if by == "path":
            found.update(_at(database, access, {name: [database.places.path(name)] for name in bundle}))
            continue
        given = database.places.by_stored_form(bundle) if by == "url" else {name: name for name in bundle}
        rows = database.rows(
            f"SELECT {by} AS name, id, uuid FROM items WHERE {by} IN (SELECT value FROM json_each(?)) "
            f"AND deleted_at IS NULL AND {access.scope('item', 'items')} ORDER BY id",
            [dumps([*given])],
        )
        for row in rows:
            found.setdefault(given[row["name"]], []).append((row["id"], row["uuid"]))
    return found


def _at(database: Database, access: Access, paths_of: Mapping[str, Iterable[str]]) -> dict[str, Matches]:
    """The items whose file has one of the paths that a name may mean, by name."""
    wanted: dict[str, list[str]] = {}
    for name, paths in paths_of.items():
        for path in paths:
            wanted.setdefault(path, []).append(name)
    urls = dict.fromkeys(url for path in wanted for url in urls_of(path))
    rows = database.rows(
        "SELECT url, id, uuid FROM items WHERE url IN (SELECT value FROM json_each(?)) "
        f"AND deleted_at IS NULL AND {access.scope('item', 'items')} ORDER BY id",
        [dumps([*urls])],
    )
    found: dict[str, Matches] = {}
    for url, id, uuid in rows:
        for name in wanted.get(path_of(url), ()):
            found.setdefault(name, []).append((id, uuid))
    return found
