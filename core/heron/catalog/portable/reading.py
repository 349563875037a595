"""Reads what a portable export contains, a bundle of rows at a time, in the caller's one state of the catalogue."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from heron.catalog.access import SCHEMA, WORKSPACE, Access
from heron.catalog.database import Database, Row
from heron.catalog.folders import subtree
from heron.catalog.limits import BUNDLE, bundles
from heron.catalog.portable.parts import FRAME_COLUMNS, ITEM_COLUMNS
from heron.catalog.vectors.store import VectorStore
from heron.convert import dumps, loads
from heron.models import Collection, Dataset, Folder, Json
from heron.portable import NeededIntegration

if TYPE_CHECKING:
    from heron.catalog.vectors.rows import VectorSet

CHOSEN = "IN (SELECT id FROM temp.portable_items)"

_JSON = frozenset({"facts", "metadata", "metrics", "parameters", "query"})
_BOOLEAN = frozenset({"is_key", "indexed"})

_ITEMS = (
    f"SELECT items.id AS place, {', '.join(f'items.{name}' for name in ITEM_COLUMNS)}, folders.path AS folder, "
    "integrations.name AS integration, stores.scheme, stores.name AS store "
    "FROM temp.portable_items AS chosen CROSS JOIN items ON items.id = chosen.id "
    "JOIN folders ON folders.id = items.folder_id LEFT JOIN integrations ON integrations.id = items.integration_id "
    "AND {integrations} LEFT JOIN stores ON stores.id = items.store_id "
    "WHERE chosen.id > ? ORDER BY chosen.id LIMIT ?"
)
_FRAMES = (
    f"SELECT frames.id AS place, items.uuid AS item, {', '.join(f'frames.{name}' for name in FRAME_COLUMNS)} "
    "FROM frames CROSS JOIN temp.portable_items AS chosen ON chosen.id = frames.item_id JOIN items ON items.id = frames.item_id "
    "WHERE frames.id > ? ORDER BY frames.id LIMIT ?"
)
_THUMBNAILS = (
    "SELECT chosen.id AS place, uuid AS item, jpeg FROM temp.portable_items AS chosen "
    "CROSS JOIN thumbnails ON item_id = chosen.id JOIN items ON items.id = item_id WHERE chosen.id > ? ORDER BY chosen.id LIMIT ?"
)
_FRAME_THUMBNAILS = (
    "SELECT frame_id AS place, uuid AS item, number, jpeg FROM frame_thumbnails CROSS JOIN frames ON frames.id = frame_id "
    "CROSS JOIN temp.portable_items AS chosen ON chosen.id = item_id JOIN items ON items.id = item_id "
    "WHERE frame_id > ? ORDER BY frame_id LIMIT ?"
)
_MEMBERS = (
    "SELECT item_id, position, uuid AS item, members.url, members.size, members.etag, members.frame_count "
    "FROM members CROSS JOIN temp.portable_items AS chosen ON chosen.id = item_id JOIN items ON items.id = item_id "
    "WHERE (item_id, position) > (?, ?) ORDER BY item_id, position LIMIT ?"
)
_FOLDERS = (
    "SELECT path AS place, uuid, path, description, metadata, created_at FROM folders "
    "WHERE id IN (SELECT id FROM temp.portable_folders) AND path > ? ORDER BY path LIMIT ?"
)
_ABOVE = (
    "WITH RECURSIVE above(id) AS (SELECT DISTINCT folder_id FROM items WHERE id IN (SELECT id FROM temp.portable_items) "
    "UNION SELECT parent_id FROM folders JOIN above ON folders.id = above.id WHERE parent_id IS NOT NULL) "
    "INSERT OR IGNORE INTO temp.portable_folders SELECT id FROM folders WHERE id IN (SELECT id FROM above)"
)


class PortableReader:
    """What the acting user sees of a workspace, as rows for an export."""

    def __init__(self, database: Database, access: Access, vectors: VectorStore) -> None:
        self._database = database
        self._access = access
        self._vectors = vectors

    def choose(self, chosen: Folder | Iterable[str] | None) -> None:
        """Choose the items of the workspace (None), of a folder and those below it, or those with some UUIDs."""
        self._access.require("read", WORKSPACE)
        run = self._database.connection.execute
        for name in ("portable_items", "portable_folders"):
            run(f"DROP TABLE IF EXISTS temp.{name}")
            run(f"CREATE TEMP TABLE {name} (id INTEGER PRIMARY KEY)")
        items, folders = self._access.scope("item", "items"), self._access.scope("folder", "folders")
        if chosen is None or isinstance(chosen, Folder):
            inside, given = (
                ("1", []) if chosen is None else subtree("items.folder_id", chosen, recursive=True)
            )
            run(f"INSERT INTO temp.portable_items SELECT id FROM items WHERE {inside} AND {items}", given)
            below, given = ("1", []) if chosen is None else subtree("folders.id", chosen, recursive=True)
            run(f"INSERT INTO temp.portable_folders SELECT id FROM folders WHERE {below}", given)
        else:
            for bundle in bundles(chosen):
                run(
                    "INSERT OR IGNORE INTO temp.portable_items SELECT id FROM items "
                    f"WHERE uuid IN (SELECT value FROM json_each(?)) AND {items}",
                    [dumps(bundle)],
                )
        run(_ABOVE)
        run(f"DELETE FROM temp.portable_folders WHERE id NOT IN (SELECT id FROM folders WHERE {folders})")

    def done(self) -> None:
        """Forget what was chosen."""
        for name in ("portable_items", "portable_folders"):
            self._database.connection.execute(f"DROP TABLE IF EXISTS temp.{name}")

    # Rows

    def folders(self) -> Iterator[dict[str, Json]]:
        """The folders, by path."""
        return self._paged(_FOLDERS, "")

    def items(self) -> Iterator[dict[str, Json]]:
        """The items, in the order in which they were added."""
        return self._paged(
            _ITEMS.replace("{integrations}", self._access.scope("integration", "integrations")), 0
        )

    def members(self) -> Iterator[dict[str, Json]]:
        """The members of items."""
        after = (0, -1)
        while rows := self._database.rows(_MEMBERS, [*after, BUNDLE]):
            after = (rows[-1]["item_id"], rows[-1]["position"])
            yield from (_plain(row, skip=("item_id",)) for row in rows)

    def frames(self) -> Iterator[dict[str, Json]]:
        """The frames of items."""
        return self._paged(_FRAMES, 0)

    def thumbnails(self) -> Iterator[dict[str, Json]]:
        """The small pictures of items."""
        return self._paged(_THUMBNAILS, 0)

    def frame_thumbnails(self) -> Iterator[dict[str, Json]]:
        """The small pictures of frames."""
        return self._paged(_FRAME_THUMBNAILS, 0)

    def keys(self) -> Iterator[dict[str, Json]]:
        """The keys of the schema, in order."""
        self._access.require("read", SCHEMA)
        for row in self._database.rows("SELECT * FROM schema_keys ORDER BY position, id"):
            known = _plain(row)
            yield {
                name: known[name]
                for name in ("name", "type", "parameters", "state", "indexed")
                if name in known
            }

    def collections(self, chosen: Collection | None, *, whole: bool) -> Iterator[dict[str, Json]]:
        """The collections, in the order in which they were made; of a part, those with items of it, and the chosen one."""
        condition = (
            "1"
            if whole
            else f"id = ? OR id IN (SELECT collection_id FROM collection_items WHERE item_id {CHOSEN})"
        )
        rows = self._database.rows(
            f"SELECT id, uuid, title, description, created_at FROM collections WHERE ({condition}) "
            f"AND {self._access.scope('collection', 'collections')} ORDER BY id",
            [] if whole else [chosen.id if chosen else 0],
        )
        return (_plain(row, skip=("id",)) for row in rows)

    def collection_items(self) -> Iterator[dict[str, Json]]:
        """The items of the collections, collection by collection."""
        scope = self._access.scope("collection", "collections")
        after = (0, 0)
        while rows := self._database.rows(
            "SELECT collection_id, item_id, collections.uuid AS collection, items.uuid AS item FROM collection_items "
            "CROSS JOIN temp.portable_items AS chosen ON chosen.id = item_id JOIN collections ON collections.id = collection_id "
            f"JOIN items ON items.id = item_id WHERE {scope} AND (collection_id, item_id) > (?, ?) ORDER BY collection_id, item_id LIMIT ?",
            [*after, BUNDLE],
        ):
            after = (rows[-1]["collection_id"], rows[-1]["item_id"])
            yield from (_plain(row, skip=("collection_id", "item_id")) for row in rows)

    def datasets(self, chosen: Dataset | None, *, whole: bool) -> Iterator[dict[str, Json]]:
        """The datasets, in the order in which they were made; of a part, those whose rows all are in it."""
        rows = self._database.rows(
            "SELECT datasets.id, datasets.uuid, title, datasets.description, "
            f"iif({self._access.scope('folder', 'folders')}, folders.path, NULL) AS backing_folder, datasets.created_at "
            "FROM datasets LEFT JOIN folders ON folders.id = backing_folder_id "
            f"WHERE {self._whole(whole)} AND {self._access.scope('dataset', 'datasets')} ORDER BY datasets.id",
            [] if whole else [chosen.id if chosen else 0],
        )
        return (_plain(row, skip=("id",)) for row in rows)

    def datasets_left_out(self, *, whole: bool) -> int:
        """The number of datasets with items of the part of which other rows are not in it."""
        if whole:
            return 0
        return int(
            self._database.value(
                f"SELECT count(*) FROM datasets WHERE NOT {self._whole(False)} AND {self._access.scope('dataset', 'datasets')} "
                f"AND id IN (SELECT dataset_id FROM dataset_rows WHERE item_id {CHOSEN})",
                [0],
            )
        )

    def dataset_rows(self, chosen: Dataset | None, *, whole: bool) -> Iterator[dict[str, Json]]:
        """The rows of the datasets, in the order in which they were added."""
        return self._paged(
            "SELECT r.id AS place, datasets.uuid AS dataset, items.uuid AS item FROM dataset_rows AS r "
            "CROSS JOIN temp.portable_items AS chosen ON chosen.id = r.item_id JOIN datasets ON datasets.id = r.dataset_id "
            f"JOIN items ON items.id = r.item_id WHERE {self._whole(whole)} AND {self._access.scope('dataset', 'datasets')} "
            "AND r.id > ? ORDER BY r.id LIMIT ?",
            0,
            *([] if whole else [chosen.id if chosen else 0]),
        )

    def _whole(self, whole: bool) -> str:
        """The condition that a dataset is the chosen one, a parameter, or has no rows but those of the part."""
        if whole:
            return "1"
        rows = "SELECT 1 FROM dataset_rows AS o WHERE o.dataset_id = datasets.id"
        return (
            f"(datasets.id = ? OR (EXISTS ({rows}) AND NOT EXISTS ({rows} AND o.item_id NOT {CHOSEN} "
            f"AND o.item_id IN (SELECT id FROM items WHERE {self._access.scope('item', 'items')}))))"
        )

    def presets(self) -> Iterator[dict[str, Json]]:
        """The saved queries, by name."""
        rows = self._database.rows(
            f"SELECT * FROM presets WHERE {self._access.scope('preset', 'presets')} ORDER BY name"
        )
        return (_plain(row, skip=("created_by",)) for row in rows)

    def integrations(self) -> tuple[NeededIntegration, ...]:
        """The integrations by which the items are read, by name."""
        rows = self._database.rows(
            "SELECT name, backend FROM integrations WHERE id IN (SELECT integration_id FROM items "
            f"WHERE id {CHOSEN}) AND {self._access.scope('integration', 'integrations')} ORDER BY name"
        )
        return tuple(NeededIntegration(*row) for row in rows)

    def workspace(self) -> str:
        """The UUID of the workspace."""
        return str(self._database.value("SELECT uuid FROM workspace"))

    def item_ids(self) -> Iterator[int]:
        """The inner ids of the items, ascending."""
        after = 0
        while rows := self._database.rows(
            "SELECT id FROM temp.portable_items WHERE id > ? ORDER BY id LIMIT ?", [after, BUNDLE]
        ):
            after = rows[-1][0]
            yield from (row[0] for row in rows)

    # Vectors

    def vector_sets(self) -> Sequence[tuple[VectorSet, int]]:
        """The vector sets with vectors of the items, and how many those are, by key."""
        counted = (
            (
                kept,
                self._database.value(
                    f"SELECT count(*) FROM vectors WHERE set_id = ? AND item_id {CHOSEN}", [kept.id]
                ),
            )
            for kept in self._vectors._rights.all()
        )
        return [(kept, count) for kept, count in counted if count]

    def owners(self, kept: VectorSet) -> Iterator[dict[str, Json]]:
        """The owners of the vectors of a set, row by row."""
        return self._paged(
            "SELECT vectors.row AS place, items.uuid AS item, frames.number, mark AS fingerprint FROM vectors "
            "CROSS JOIN temp.portable_items AS chosen ON chosen.id = vectors.item_id JOIN items ON items.id = vectors.item_id "
            "LEFT JOIN frames ON frames.id = vectors.frame_id WHERE set_id = ? AND row > ? ORDER BY row LIMIT ?",
            -1,
            kept.id,
        )

    def blocks(self, kept: VectorSet) -> Iterator[Any]:
        """The vectors of a set in the order of `owners`: arrays of shape (n, size) of the type of the set."""
        mapped = self._vectors._rows.matrix(kept).mapped(kept.row_count)
        after = -1
        while rows := self._database.rows(
            "SELECT row FROM vectors CROSS JOIN temp.portable_items AS chosen ON chosen.id = item_id "
            "WHERE set_id = ? AND row > ? ORDER BY row LIMIT ?",
            [kept.id, after, BUNDLE],
        ):
            after = rows[-1][0]
            yield mapped[[row[0] for row in rows]]

    def _paged(self, sql: str, after: int | str, *before: Json) -> Iterator[dict[str, Json]]:
        """The rows of a SELECT that begins after a place, without the place, which is its first column."""
        while rows := self._database.rows(sql, [*before, after, BUNDLE]):
            after = rows[-1][0]
            yield from (_plain(row, skip=("place",)) for row in rows)


def _plain(row: Row, *, skip: Sequence[str] = ()) -> dict[str, Json]:
    """A row as plain data; unknown values and empty objects are left out."""
    found: dict[str, Json] = {}
    for name in row.keys():  # noqa: SIM118 - no mapping
        value = row[name]
        if value is None or name in skip:
            continue
        if name in _JSON:
            value = loads(value)
            if not value and name != "query":
                continue
        elif name in _BOOLEAN:
            value = bool(value)
        elif name == "jpeg":
            value = base64.b64encode(value).decode()
        found[name] = value
    return found
