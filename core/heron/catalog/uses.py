"""What uses items: collections, datasets and their frozen versions, projects, what was sent to annotation, items of several files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from itertools import groupby

from heron.answers import Use, UseKind
from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.versions.blocks import key_of
from heron.convert import dumps
from heron.models import Json

_BLOCKS = 256
"""Up to so many blocks of frozen rows, of 16 kB of UUIDs each, are read at once."""


def uses_of(database: Database, access: Access, chosen: str, parameters: Sequence[Json]) -> Sequence[Use]:
    """What uses the items that a condition on `items` chooses, as far as the acting user sees both; one statement for each kind."""

    def read() -> Sequence[Use]:
        return [*_Uses(database, access, chosen, parameters).all()]

    return database.in_one_state(read)


def uses_of_ids(database: Database, access: Access, ids: Sequence[int]) -> Sequence[Use]:
    """The same for items by their inner ids."""
    return uses_of(database, access, "items.id IN (SELECT value FROM json_each(?))", [dumps(list(ids))])


class _Uses:
    def __init__(self, database: Database, access: Access, chosen: str, parameters: Sequence[Json]) -> None:
        self._database = database
        self._access = access
        self._items = f"SELECT items.id FROM items WHERE {chosen} AND {access.scope('item', 'items')}"
        self._parameters = parameters

    def all(self) -> Iterator[Use]:
        scope = self._access.scope
        dataset, project = scope("dataset", "datasets"), scope("project", "projects")
        yield from self._counted(
            "collection",
            "collections.title",
            "collections.uuid",
            "collection_items AS used JOIN collections ON collections.id = used.collection_id",
            scope("collection", "collections"),
        )
        yield from self._counted(
            "dataset",
            "datasets.title",
            "datasets.uuid",
            "dataset_rows AS used JOIN datasets ON datasets.id = used.dataset_id",
            dataset,
        )
        yield from self._versions()
        yield from self._counted(
            "project",
            "projects.title",
            "projects.uuid",
            "dataset_rows AS used JOIN datasets ON datasets.id = used.dataset_id "
            "JOIN project_datasets ON project_datasets.dataset_id = used.dataset_id "
            "JOIN projects ON projects.id = project_datasets.project_id",
            f"{dataset} AND {project}",
        )
        yield from self._counted(
            "sent",
            "projects.title || ' as ' || sent_tasks.format",
            "sent_tasks.uuid",
            "sent_items AS used JOIN sent_tasks ON sent_tasks.id = used.sent_id "
            "JOIN projects ON projects.id = sent_tasks.project_id",
            project,
        )
        yield from self._counted(
            "group",
            "whole.name",
            "whole.uuid",
            "(SELECT items.id AS item_id, members.item_id AS whole_id FROM items "
            "JOIN members ON members.url = items.url) AS used JOIN items AS whole ON whole.id = used.whole_id "
            "JOIN items AS part ON part.id = used.item_id",
            f"whole.deleted_at IS NULL AND whole.store_id IS part.store_id AND {scope('item', 'whole')}",
        )

    def _counted(self, kind: UseKind, name: str, uuid: str, source: str, scope: str) -> Iterator[Use]:
        """Rows `used` of a table, which have an `item_id`, by what they belong to."""
        rows = self._database.rows(
            f"SELECT {name}, {uuid}, count(DISTINCT used.item_id), count(*) FROM {source} "
            f"WHERE used.item_id IN ({self._items}) AND {scope} GROUP BY {uuid} ORDER BY 1, 2",
            self._parameters,
        )
        return (Use(kind, *row) for row in rows)

    def _versions(self) -> Iterator[Use]:
        """Frozen rows are in blocks, which have the UUIDs of their items beside: each block is read once, whatever shares it."""
        seen = (
            "version_blocks AS b JOIN dataset_versions AS v ON v.id = b.version_id "
            f"JOIN datasets ON datasets.id = v.dataset_id AND {self._access.scope('dataset', 'datasets')}"
        )
        if self._database.row(f"SELECT 1 FROM {seen} LIMIT 1") is None:
            return
        uuids = self._database.rows(f"SELECT uuid FROM items WHERE id IN ({self._items})", self._parameters)
        found = self._blocks_with({key_of(row[0]) for row in uuids}, seen)
        rows = self._database.rows(
            f"SELECT datasets.title || '@' || v.number AS name, v.uuid, b.block_id FROM {seen} "
            "WHERE b.block_id IN (SELECT value FROM json_each(?)) ORDER BY datasets.title, v.number",
            [dumps([*found])],
        )
        for (name, uuid), blocks in groupby(rows, key=lambda row: (row[0], row[1])):
            keys = [key for block in blocks for key in found[block["block_id"]]]
            yield Use("version", name, uuid, len({*keys}), len(keys))

    def _blocks_with(self, wanted: Set[bytes], seen: str) -> dict[int, list[bytes]]:
        """The items of blocks that are wanted, by the inner id of the block."""
        found: dict[int, list[bytes]] = {}
        after = 0
        while rows := self._database.rows(
            f"SELECT id, uuids FROM frozen_blocks WHERE id > ? AND id IN (SELECT b.block_id FROM {seen}) ORDER BY id LIMIT {_BLOCKS}",
            [after],
        ):
            for after, uuids in rows:
                keys = [uuids[start : start + 16] for start in range(0, len(uuids), 16)]
                if held := [key for key in keys if key in wanted]:
                    found[after] = held
        return found
