"""What derivers have computed: for each item the fingerprint of what the values stand on, and a hash of the values that were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from attrs import frozen

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database
from heron.catalog.metadata import MetadataService
from heron.convert import dumps, loads
from heron.models import Json


@frozen
class Before:
    """What is known of one item and one deriver: the fingerprint of its last run, None if there was none.

    `is_given` says that somebody else gave or changed the values of its keys.
    """

    fingerprint: str | None
    is_given: bool


@frozen
class Values:
    """The values of one item: its inner id, its UUID, the fingerprint of what they stand on, and the values by key."""

    id: int
    uuid: str
    fingerprint: str
    values: Mapping[str, Json]


class DerivedStore:
    """Keeps derived values in the metadata, and what they stand on beside it."""

    def __init__(self, database: Database, access: Access, metadata: MetadataService) -> None:
        self._database = database
        self._access = access
        self._metadata = metadata

    def _before(self, deriver: str, keys: Sequence[str], ids: Sequence[int]) -> dict[int, Before]:
        """What is known of items, by inner id."""
        rows = self._database.rows(
            "SELECT items.id, items.metadata, fingerprint, written FROM items LEFT JOIN derived "
            "ON derived.item_id = items.id AND deriver = ? WHERE items.id IN (SELECT value FROM json_each(?))",
            [deriver, dumps(ids)],
        )
        found = {}
        for id, metadata, fingerprint, written in rows:
            now = _own(loads(metadata), keys)
            is_given = bool(now) and _hash(now) != written
            is_lost = not now and written is not None and written != _hash({})
            found[id] = Before(None if is_lost else fingerprint, is_given)
        return found

    def _require_read(self) -> None:
        """Raise PermissionDenied unless the user may use the workspace."""
        self._access.require("read", WORKSPACE)

    def _require_update(self, ids: Sequence[int]) -> None:
        """Raise PermissionDenied unless the user may change all of these items."""
        self._access.require_all("update", "item", ids)

    def _keep(self, deriver: str, keys: Sequence[str], made: Sequence[Values]) -> int:
        """Store the values of items in place of those that they have, and what these stand on, in one transaction.

        Items that are deleted meanwhile are left out; returns the number of the others.
        """
        with self._database.doing(self, "keep"):
            marks = dumps([each.id for each in made])
            there = self._database.rows(
                "SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?))", [marks]
            )
            left = {row["id"] for row in there}
            made = [each for each in made if each.id in left]
            nothing = dict.fromkeys(keys)
            self._metadata.merge((each.uuid, {**nothing, **each.values}) for each in made)
            ids = [each.id for each in made]
            rows = self._database.rows(
                "SELECT id, metadata FROM items WHERE id IN (SELECT value FROM json_each(?))", [dumps(ids)]
            )
            written = {row["id"]: _hash(_own(loads(row["metadata"]), keys)) for row in rows}
            self._database.execute_many(
                "INSERT OR REPLACE INTO derived (item_id, deriver, fingerprint, written) VALUES (?, ?, ?, ?)",
                [(each.id, deriver, each.fingerprint, written[each.id]) for each in made],
            )
        return len(made)


def _own(metadata: Mapping[str, Json], keys: Sequence[str]) -> dict[str, Any]:
    return {key: metadata[key] for key in keys if key in metadata}


def _hash(values: Mapping[str, Json]) -> str:
    """A hash of stored values, which differs when one of them does."""
    return sha256(dumps([[key, values[key]] for key in sorted(values)]).encode()).hexdigest()[:32]
