"""What derivers have computed: for each item or frame the fingerprint of what the values stand on, and a hash of the values that were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from attrs import frozen

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database
from heron.catalog.frames import FrameService
from heron.catalog.metadata import MetadataService
from heron.convert import dumps, loads
from heron.models import Json


@frozen
class Before:
    """What is known of one item, or frame, and one deriver: the fingerprint of its last run, None if there was none.

    `is_given` says that somebody else gave or changed the values of its keys.
    """

    fingerprint: str | None
    is_given: bool


@frozen
class Values:
    """The values of one item, or frame: its inner id, the UUID of the item, the fingerprint of what they stand on, and the values by key."""

    id: int
    uuid: str
    fingerprint: str
    values: Mapping[str, Json]
    number: int | None = None
    """The number of the frame, None for an item."""


@frozen
class _Tables:
    """Where the metadata of items, or of frames, stands, and what derivers have computed of them."""

    owners: str
    derived: str
    column: str


OF: Mapping[str, _Tables] = {
    "items": _Tables("items", "derived", "item_id"),
    "frames": _Tables("frames", "derived_frames", "frame_id"),
}
"""The tables by what a deriver applies to."""


class DerivedStore:
    """Keeps derived values in the metadata, and what they stand on beside it."""

    def __init__(
        self, database: Database, access: Access, metadata: MetadataService, frames: FrameService
    ) -> None:
        self._database = database
        self._access = access
        self._metadata = metadata
        self._frames = frames

    def _before(
        self, deriver: str, keys: Sequence[str], ids: Sequence[int], of: str = "items"
    ) -> dict[int, Before]:
        """What is known of items, or of frames, by inner id."""
        at = OF[of]
        rows = self._database.rows(
            f"SELECT {at.owners}.id, {at.owners}.metadata, fingerprint, written FROM {at.owners} LEFT JOIN {at.derived} "
            f"ON {at.derived}.{at.column} = {at.owners}.id AND deriver = ? "
            f"WHERE {at.owners}.id IN (SELECT value FROM json_each(?))",
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

    def _with_frames(self, ids: Sequence[int]) -> set[int]:
        """Those of some items that have frames in the catalogue, by inner id."""
        rows = self._database.rows(
            "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM frames WHERE item_id = value)",
            [dumps(ids)],
        )
        return {row[0] for row in rows}

    def _keep(self, deriver: str, keys: Sequence[str], made: Sequence[Values], of: str = "items") -> int:
        """Store values in place of those that the items, or frames, have, and what these stand on, in one transaction.

        What is deleted meanwhile is left out, also if something new has its inner id; returns the number of the others.
        """
        with self._database.doing(self, "keep"):
            owners = self._owners(of, [each.id for each in made])
            made = [each for each in made if owners.get(each.id) == (each.uuid, each.number)]
            values = [(each, {**dict.fromkeys(keys), **each.values}) for each in made]
            if of == "items":
                self._metadata.merge((each.uuid, given) for each, given in values)
            else:
                self._frames._merge({each.id: given for each, given in values})
            written = self._metadata_of(of, [each.id for each in made])
            at = OF[of]
            self._database.execute_many(
                f"INSERT OR REPLACE INTO {at.derived} ({at.column}, deriver, fingerprint, written) VALUES (?, ?, ?, ?)",
                [
                    (each.id, deriver, each.fingerprint, _hash(_own(loads(written[each.id]), keys)))
                    for each in made
                ],
            )
        return len(made)

    def _owners(self, of: str, ids: Sequence[int]) -> dict[int, tuple[str, int | None]]:
        """The UUIDs of items, or of the items of frames with the numbers of these, by inner id."""
        number = "NULL" if of == "items" else "frames.number"
        owners = OF[of].owners
        joined = "items" if of == "items" else "frames JOIN items ON items.id = frames.item_id"
        rows = self._database.rows(
            f"SELECT {owners}.id, uuid, {number} FROM {joined} WHERE {owners}.id IN (SELECT value FROM json_each(?))",
            [dumps(ids)],
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    def _metadata_of(self, of: str, ids: Sequence[int]) -> dict[int, str]:
        rows = self._database.rows(
            f"SELECT id, metadata FROM {OF[of].owners} WHERE id IN (SELECT value FROM json_each(?))",
            [dumps(ids)],
        )
        return {row["id"]: row["metadata"] for row in rows}


def _own(metadata: Mapping[str, Json], keys: Sequence[str]) -> dict[str, Any]:
    return {key: metadata[key] for key in keys if key in metadata}


def _hash(values: Mapping[str, Json]) -> str:
    """A hash of stored values, which differs when one of them does."""
    return sha256(dumps([[key, values[key]] for key in sorted(values)]).encode()).hexdigest()[:32]
