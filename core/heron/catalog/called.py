"""Finds items by what people call them: a UUID, a name, or the path or URL of the file in any spelling."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.file_names import has_file_sql, patterns
from heron.catalog.limits import bundles
from heron.catalog.paths import path_of, urls_of
from heron.catalog.spelling import HAS_SCHEME, meanings
from heron.convert import dumps
from heron.errors import HeronError, InvalidInput
from heron.metadata.keys import printable

CALLED_BY = ("uuid", "url", "path", "name")
"""What can name an item."""

ANY = "any"
"""A name, or where no item has it, a path or URL."""

Matches = list[tuple[int, str]]
"""Inner ids and UUIDs of items."""


class Callings:
    """Looks up items by what they are called; `normalise` gives the canonical form of a URL of a storage."""

    def __init__(self, database: Database, access: Access, normalise: Callable[[str], str]) -> None:
        self._database = database
        self._access = access
        self._normalise = normalise

    def __call__(self, by: str, names: Iterable[str]) -> dict[str, Matches]:
        """The items with these UUIDs, URLs, paths or names: inner ids and UUIDs by the given name, older items first.

        By `url`, a URL may be in any spelling, and a path is taken too. Raises InvalidInput for a relative path that means
        one file below the workspace and another one below the current folder, and unless `by` is one of `CALLED_BY` or `ANY`.
        """
        if by not in (*CALLED_BY, ANY):
            raise InvalidInput(f"an item is named by uuid, url, path or name, not by {printable(by)}")
        found: dict[str, Matches] = {}
        for bundle in bundles(dict.fromkeys(names), 500):
            match by:
                case "url":
                    found.update(self._by_url(bundle))
                case "path":
                    found.update(self._at({name: [self._database.places.path(name)] for name in bundle}))
                case "any":
                    found.update(self._equal("name", {name: name for name in bundle}))
                    found.update(self._by_url([name for name in bundle if name not in found]))
                case _:
                    found.update(self._equal(by, {name: name for name in bundle}))
        return found

    def by_file(self, name: str) -> Matches:
        """The items with a file of this name, or at a path that ends with it: their own, or a member."""
        name = self._database.places.path(name)
        rows = self._database.rows(
            f"SELECT id, uuid FROM items WHERE {has_file_sql()} AND deleted_at IS NULL AND {self._access.scope('item', 'items')} "
            "ORDER BY id LIMIT 100",
            [*patterns(name, exact=True), *patterns(name, exact=True)],
        )
        return [(row["id"], row["uuid"]) for row in rows]

    def _by_url(self, names: Sequence[str]) -> dict[str, Matches]:
        """The items whose file a URL or path means; the URL as it is stored comes first."""
        found = self._equal("url", self._database.places.by_stored_form(names))
        found.update(self._spelt([name for name in names if name not in found]))
        canonical: dict[str, list[str]] = {}
        for name in names:
            if name not in found and HAS_SCHEME.match(name) and not name.lower().startswith("file:"):
                try:
                    canonical.setdefault(self._normalise(name), []).append(name)
                except HeronError:
                    continue  # it is no URL of a storage that is known here
        for url, matches in self._equal("url", {url: url for url in canonical}).items():
            found.update(dict.fromkeys(canonical[url], matches))
        return found

    def _equal(self, column: str, names: Mapping[str, str]) -> dict[str, Matches]:
        """The items with these values in a column; `names` are what they are called, by value."""
        found: dict[str, Matches] = {}
        rows = self._database.rows(
            f"SELECT {column}, id, uuid FROM items WHERE {column} IN (SELECT value FROM json_each(?)) "
            f"AND deleted_at IS NULL AND {self._access.scope('item', 'items')} ORDER BY id",
            [dumps([*names])],
        )
        for value, id, uuid in rows if names else ():
            found.setdefault(names[value], []).append((id, uuid))
        return found

    def _at(self, paths_of: Mapping[str, Iterable[str]]) -> dict[str, Matches]:
        """The items whose file has one of the paths of a name, by name."""
        wanted: dict[str, dict[str, None]] = {}
        for name, paths in paths_of.items():
            for path in paths:
                wanted.setdefault(path, {})[name] = None
        urls = dict.fromkeys(url for path in wanted for url in urls_of(path))
        found: dict[str, Matches] = {}
        for url, matches in self._equal("url", {url: url for url in urls}).items():
            for name in wanted.get(path_of(url), ()):
                found.setdefault(name, []).extend(matches)
        return {name: sorted(matches) for name, matches in found.items()}

    def _spelt(self, names: Sequence[str]) -> dict[str, Matches]:
        """The items that these spellings of paths and URLs mean."""
        places = self._database.places
        meant = {name: meanings(name, places.root) for name in names}
        matches = self._at(
            {
                f"{number} {name}": [places.path(path) for path in paths]
                for name, several in meant.items()
                for number, paths in enumerate(several)
            }
        )
        found: dict[str, Matches] = {}
        for name, several in meant.items():
            for number, paths in enumerate(several):
                items = matches.get(f"{number} {name}")
                if items is None:
                    continue
                for other, rest in enumerate(several):
                    others = matches.get(f"{other} {name}")
                    if other != number and others != items and (others or _is_another(rest, paths)):
                        raise _two_meanings(name)
                found[name] = items
        return found


def _is_another(paths: Sequence[str], than: Sequence[str]) -> bool:
    """Whether there is a file at one of these paths that is none of the files at the other paths."""
    here, there = ({os.path.realpath(path) for path in of if os.path.lexists(path)} for of in (paths, than))
    return bool(here - there)


def _two_meanings(name: str) -> InvalidInput:
    return InvalidInput(
        f"{printable(name)} is one file of the workspace, and another one of the current folder",
        hint="give the absolute path",
    )
