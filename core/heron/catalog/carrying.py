"""Copies what people have done with redundant items to those that are kept: metadata, collections, datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from heron.answers import CarriedOver, Conflict
from heron.catalog.access import Access
from heron.catalog.database import Database, one_transaction
from heron.catalog.work import FOUND
from heron.convert import dumps, is_same, loads
from heron.metadata.validation import written
from heron.models import Json, now

Groups = Iterable[tuple[str, Sequence[str]]]
"""The UUID of each item that is kept, with those of the redundant ones."""


@frozen
class _Holder:
    """An item with its metadata."""

    id: int
    uuid: str
    name: str
    metadata: Mapping[str, Json]


class Carrying:
    """Copies work between items. What the acting user may not see is not copied."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    @one_transaction
    def carry_over(self, groups: Groups) -> CarriedOver:
        """Copy to the kept items what they lack, of all groups in one transaction.

        A key whose values differ is a conflict and is not copied. Raises MetadataError if metadata becomes too large.
        """
        return self._carried(groups, writes=True)

    def planned(self, groups: Groups) -> CarriedOver:
        """What `carry_over` would do; nothing is written."""
        return self._carried(groups, writes=False)

    def _carried(self, groups: Groups, *, writes: bool) -> CarriedOver:
        items = values = collections = rows = 0
        conflicts: list[Conflict] = []
        notes: dict[str, None] = {}
        for kept_uuid, redundant in groups:
            holders = self._holders([kept_uuid, *redundant])
            kept = holders.get(kept_uuid)
            rest = [holders[uuid] for uuid in redundant if uuid in holders and uuid != kept_uuid]
            if kept is None or not rest:
                continue
            new, differing = _merged(kept, rest)
            joins = self._collections(kept, rest)
            enters, following = self._datasets(kept, rest)
            if writes and (new or joins or enters):
                self._write(kept, new, joins, enters)
            items += bool(new or joins or enters)
            values, collections, rows = values + len(new), collections + len(joins), rows + len(enters)
            conflicts += differing
            notes.update(dict.fromkeys(following))
            notes.update(dict.fromkeys(self._with_frames(rest)))
        return CarriedOver(items, values, collections, rows, tuple(conflicts), tuple(notes), written=writes)

    def _holders(self, uuids: Sequence[str]) -> dict[str, _Holder]:
        rows = self._database.rows(
            "SELECT id, uuid, name, metadata FROM items WHERE uuid IN (SELECT value FROM json_each(?)) "
            f"AND deleted_at IS NULL AND {self._access.scope('item', 'items')}",
            [dumps(list(uuids))],
        )
        return {
            row["uuid"]: _Holder(row["id"], row["uuid"], row["name"], loads(row["metadata"])) for row in rows
        }

    def _collections(self, kept: _Holder, rest: Sequence[_Holder]) -> list[int]:
        """The collections that hold a redundant item but not the kept one, without those of `heron duplicates`."""
        rows = self._database.rows(
            "SELECT DISTINCT collections.id FROM collection_items AS m JOIN collections ON collections.id = m.collection_id "
            "WHERE m.item_id IN (SELECT value FROM json_each(?)) AND collections.description NOT IN (?, ?) AND NOT EXISTS "
            "(SELECT 1 FROM collection_items AS k WHERE k.collection_id = m.collection_id AND k.item_id = ?) "
            f"AND {self._access.scope('collection', 'collections')} ORDER BY collections.id",
            [_ids(rest), *FOUND.values(), kept.id],
        )
        return [row["id"] for row in rows]

    def _datasets(self, kept: _Holder, rest: Sequence[_Holder]) -> tuple[list[int], list[str]]:
        """The datasets that hold a redundant item but not the kept one, and notes about those that follow a folder."""
        rows = self._database.rows(
            "SELECT DISTINCT datasets.id, datasets.title, datasets.backing_folder_id AS folder FROM dataset_rows AS r "
            "JOIN datasets ON datasets.id = r.dataset_id WHERE r.item_id IN (SELECT value FROM json_each(?)) AND NOT EXISTS "
            "(SELECT 1 FROM dataset_rows AS k WHERE k.dataset_id = r.dataset_id AND k.item_id = ?) "
            f"AND {self._access.scope('dataset', 'datasets')} ORDER BY datasets.id",
            [_ids(rest), kept.id],
        )
        following = [
            f"dataset {row['title']!r} follows a folder, so no row was added to it"
            for row in rows
            if row["folder"] is not None
        ]
        return [row["id"] for row in rows if row["folder"] is None], following

    def _with_frames(self, rest: Sequence[_Holder]) -> list[str]:
        """A note for each redundant item whose frames have metadata."""
        rows = self._database.rows(
            "SELECT DISTINCT item_id FROM frames WHERE item_id IN (SELECT value FROM json_each(?)) AND metadata <> '{}'",
            [_ids(rest)],
        )
        names = {holder.id: holder.name for holder in rest}
        return [f"metadata of frames of {names[row['item_id']]} is not copied" for row in rows]

    def _write(
        self, kept: _Holder, new: Mapping[str, Json], collections: Sequence[int], datasets: Sequence[int]
    ) -> None:
        if new:
            self._access.require_all("update", "item", [kept.id])
            self._database.execute(
                "UPDATE items SET metadata = ?, updated_at = ? WHERE id = ?",
                [written({**kept.metadata, **new}, kept.name), now(), kept.id],
            )
        self._access.require_all("update", "collection", collections)
        self._database.execute_many(
            "INSERT OR IGNORE INTO collection_items VALUES (?, ?)", [(id, kept.id) for id in collections]
        )
        self._access.require_all("update", "dataset", datasets)
        self._database.execute_many(
            "INSERT INTO dataset_rows (dataset_id, item_id) VALUES (?, ?)", [(id, kept.id) for id in datasets]
        )


def _merged(kept: _Holder, rest: Sequence[_Holder]) -> tuple[dict[str, Json], list[Conflict]]:
    """The values that the kept item lacks, and the conflicts: keys of which two items have different values."""
    new: dict[str, Json] = {}
    conflicts: list[Conflict] = []
    for key in dict.fromkeys(key for holder in rest for key in holder.metadata):
        having = [holder for holder in (kept, *rest) if key in holder.metadata]
        first = having[0]
        differing = [other for other in having[1:] if not is_same(first.metadata[key], other.metadata[key])]
        conflicts += [
            Conflict(kept.uuid, key, first.name, first.metadata[key], other.name, other.metadata[key])
            for other in differing
        ]
        if first is not kept and not differing:
            new[key] = first.metadata[key]
    return new, conflicts


def _ids(holders: Sequence[_Holder]) -> str:
    return dumps([holder.id for holder in holders])
