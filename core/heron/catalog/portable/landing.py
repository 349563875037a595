"""Writes what is staged and matched into the catalogue, in the caller's transaction: by statements over whole tables."""

from __future__ import annotations

from typing import Any

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database
from heron.catalog.limits import bundles
from heron.catalog.mirrors import mirror
from heron.catalog.portable.parts import FRAME_COLUMNS, ITEM_COLUMNS
from heron.catalog.stores import Origin, StoreTable
from heron.convert import dumps
from heron.models import now
from heron.uuids import new_uuid

_EMPTY = {"facts": "'{}'", "metadata": "'{}'", "metrics": "'{}'", "is_key": "0", "description": "''"}
_CHANGED = [name for name in ITEM_COLUMNS if name not in ("uuid", "created_at")]


def _value(name: str, table: str) -> str:
    return f"ifnull({table}.{name}, {_EMPTY[name]})" if name in _EMPTY else f"{table}.{name}"


class Landing:
    """Writes staged rows. `new` counts, by kind, what was not here before, `same` what was and is equal."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access
        self._stores = StoreTable(database)
        self._user = access.user.email
        database.define("new_uuid_for", 1, lambda path: new_uuid())

    def _run(self, sql: str, *given: Any) -> int:
        return self._database.connection.execute(sql, given).rowcount

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """The numbers of new things and of equal ones, by kind, of what is staged and matched."""
        new, same = {}, {}
        for kind in ("folders", "items", "collections", "datasets", "presets"):
            is_new, is_same = "state = 'new'", "state = 'same'"
            if kind == "folders":
                is_new = "target IS NULL AND twin IS NULL"
                is_same = "(target IS NOT NULL OR twin IS NOT NULL) AND clash IS NULL"
            new[kind] = self._database.value(f"SELECT count(*) FROM staged.{kind} WHERE {is_new}")
            same[kind] = self._database.value(f"SELECT count(*) FROM staged.{kind} WHERE {is_same}")
        return new, same

    def land(self) -> range:
        """Write everything but keys and vectors; returns the inner ids of the new items."""
        self._require()
        newest = int(self._database.value("SELECT ifnull(max(id), 0) FROM items"))
        self._folders()
        self._items(newest)
        self._frames()
        self._members()
        self._pictures()
        self._titled("collections")
        self._run(
            "INSERT OR IGNORE INTO collection_items (collection_id, item_id) SELECT c.target, i.target "
            "FROM staged.collection_items AS m JOIN staged.collections AS c ON c.seq = m.collection "
            "JOIN staged.items AS i ON i.seq = m.item"
        )
        self._titled("datasets")
        self._dataset_rows()
        self._presets()
        mirror(self._database, "items.id > ?", [newest])
        return range(newest + 1, int(self._database.value("SELECT ifnull(max(id), 0) FROM items")) + 1)

    def _require(self) -> None:
        """Ask for the rights that the single verbs ask for."""
        access, staged = self._access, "SELECT target FROM staged"
        places = self._database.rows(
            "SELECT DISTINCT folder_target FROM staged.items WHERE state IN ('new', 'take') AND folder_target IS NOT NULL"
        )
        for bundle in bundles(row[0] for row in places):
            access.require_where(
                "create", "folder", "folders.id IN (SELECT value FROM json_each(?))", [dumps(bundle)]
            )
        above = self._database.rows(
            "SELECT DISTINCT above.target FROM staged.folders AS new LEFT JOIN staged.folders AS above "
            "ON above.path = rtrim(rtrim(new.path, replace(new.path, '/', '')), '/') WHERE new.target IS NULL "
            "AND (above.target IS NOT NULL OR above.seq IS NULL)"
        )
        ids = [row[0] for row in above]
        if None in ids:
            access.require("create", WORKSPACE, "folder")
        access.require_where(
            "create",
            "folder",
            "folders.id IN (SELECT value FROM json_each(?))",
            [dumps([id for id in ids if id is not None])],
        )
        access.require_where("update", "folder", f"folders.id IN ({staged}.folders WHERE clash = 'take')")
        access.require_where("update", "item", f"items.id IN ({staged}.items WHERE state = 'take')")
        access.require_where(
            "update", "item",
            "items.id IN (SELECT i.target FROM staged.items AS i JOIN staged.thumbnails AS t ON t.item = i.seq "
            "WHERE i.state = 'same' AND i.target NOT IN (SELECT item_id FROM thumbnails))",
        )  # fmt: skip
        for table, noun in (("collections", "collection"), ("datasets", "dataset")):
            if self._database.value(f"SELECT 1 FROM staged.{table} WHERE target IS NULL LIMIT 1"):
                access.require("create", WORKSPACE, noun)  # type: ignore[arg-type]
        access.require_where(
            "update", "collection",
            "collections.id IN (SELECT c.target FROM staged.collections AS c WHERE c.state = 'take' OR EXISTS "
            "(SELECT 1 FROM staged.collection_items AS m JOIN staged.items AS i ON i.seq = m.item WHERE m.collection = c.seq "
            "AND NOT EXISTS (SELECT 1 FROM collection_items WHERE collection_id = c.target AND item_id = i.target)))",
        )  # fmt: skip
        access.require_where("update", "dataset", f"datasets.id IN ({staged}.datasets WHERE state = 'take')")
        if self._database.value("SELECT 1 FROM staged.presets WHERE state = 'new' LIMIT 1"):
            access.require("create", WORKSPACE, "preset")
        access.require_where(
            "update", "preset", "presets.name IN (SELECT name FROM staged.presets WHERE state = 'take')"
        )

    def _folders(self) -> None:
        """Add new folders, those above first, and change those that are taken."""
        self._run(
            "UPDATE folders SET description = ifnull(s.description, ''), metadata = ifnull(s.metadata, '{}') "
            "FROM staged.folders AS s WHERE s.target = folders.id AND s.clash = 'take'"
        )
        newest = self._database.value("SELECT ifnull(max(id), 0) FROM folders")
        self._run(
            "UPDATE staged.folders AS f SET target = ? + n.rank FROM (SELECT seq, row_number() OVER (ORDER BY path) AS rank "
            "FROM staged.folders WHERE target IS NULL AND twin IS NULL) AS n WHERE n.seq = f.seq",
            newest,
        )
        self._run(
            "UPDATE staged.folders AS f SET target = (SELECT o.target FROM staged.folders AS o WHERE o.seq = f.twin) "
            "WHERE twin IS NOT NULL"
        )
        self._run(
            "INSERT INTO folders (id, uuid, parent_id, name, path, description, metadata, created_at, created_by) "
            "SELECT target, ifnull(uuid, new_uuid_for(path)), (SELECT a.target FROM staged.folders AS a WHERE a.place = "
            "rtrim(rtrim(f.place, replace(f.place, '/', '')), '/')), "
            "replace(f.place, rtrim(f.place, replace(f.place, '/', '')), ''), place, ifnull(description, ''), "
            "ifnull(metadata, '{}'), ifnull(created_at, ?), ? FROM staged.folders AS f WHERE target > ? AND twin IS NULL ORDER BY target",
            now(), self._user, newest,
        )  # fmt: skip
        self._run(
            "UPDATE staged.items SET folder_target = (SELECT target FROM staged.folders WHERE path = folder)"
        )

    def _items(self, newest: int) -> None:
        """Add new items in their order, and change those that are taken."""
        self._run(
            "UPDATE staged.items AS s SET target = ? + n.rank FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS rank "
            "FROM staged.items WHERE state = 'new') AS n WHERE n.seq = s.seq",
            newest,
        )
        names = ", ".join(ITEM_COLUMNS)
        self._stores_and_integrations()
        origin = (
            "(SELECT id FROM temp.portable_origins AS o WHERE o.scheme IS s.scheme AND o.store IS s.store)"
        )
        by = "(SELECT id FROM temp.portable_integrations AS n WHERE n.name = s.integration)"
        self._run(
            f"INSERT INTO items (id, folder_id, created_by, integration_id, store_id, {names}) "
            f"SELECT s.target, s.folder_target, ?, {by}, {origin}, {', '.join(_value(name, 's') for name in ITEM_COLUMNS)} "
            "FROM staged.items AS s WHERE s.state = 'new' ORDER BY s.seq",
            self._user,
        )
        sets = ", ".join(f"{name} = {_value(name, 's')}" for name in _CHANGED)
        self._run(
            f"UPDATE items SET folder_id = s.folder_target, integration_id = {by}, store_id = {origin}, {sets} "
            "FROM staged.items AS s WHERE s.target = items.id AND s.state = 'take'"
        )
        for table in ("members", "frames", "thumbnails"):
            self._run(
                f"DELETE FROM {table} WHERE item_id IN (SELECT target FROM staged.items WHERE state = 'take')"
            )

    def _stores_and_integrations(self) -> None:
        """The stores of the items, which are added, and the integrations of these names that the user sees here."""
        for name, columns in (
            ("portable_origins", "scheme, store, id"),
            ("portable_integrations", "name, id"),
        ):
            self._run(f"DROP TABLE IF EXISTS temp.{name}")
            self._run(f"CREATE TEMP TABLE {name} ({columns})")
        for row in self._database.rows(
            "SELECT DISTINCT scheme, store FROM staged.items WHERE scheme IS NOT NULL"
        ):
            id = self._stores.id_of(Origin(scheme=row["scheme"], store=row["store"]))
            self._run("INSERT INTO temp.portable_origins VALUES (?, ?, ?)", row["scheme"], row["store"], id)
        self._run(
            "INSERT INTO temp.portable_integrations SELECT name, id FROM integrations WHERE name IN "
            f"(SELECT integration FROM staged.items) AND {self._access.scope('integration', 'integrations')}"
        )

    def _frames(self) -> None:
        """Add the frames of new and taken items; those of equal ones are here."""
        newest = self._database.value("SELECT ifnull(max(id), 0) FROM frames")
        self._run(
            "UPDATE staged.frames AS f SET target = ? + n.rank FROM (SELECT f.seq, row_number() OVER (ORDER BY f.seq) AS rank "
            "FROM staged.frames AS f JOIN staged.items AS i ON i.seq = f.item WHERE i.state IN ('new', 'take')) AS n "
            "WHERE n.seq = f.seq",
            newest,
        )
        self._run(
            f"INSERT INTO frames (id, item_id, {', '.join(FRAME_COLUMNS)}) "
            f"SELECT f.target, i.target, {', '.join(_value(name, 'f') for name in FRAME_COLUMNS)} "
            "FROM staged.frames AS f JOIN staged.items AS i ON i.seq = f.item WHERE i.state IN ('new', 'take') ORDER BY f.seq"
        )

    def _members(self) -> None:
        self._run(
            "INSERT INTO members (item_id, position, url, size, etag, frame_count) "
            "SELECT i.target, m.position, m.url, m.size, m.etag, m.frame_count FROM staged.members AS m "
            "JOIN staged.items AS i ON i.seq = m.item WHERE i.state IN ('new', 'take')"
        )

    def _pictures(self) -> None:
        """Add small pictures where there are none."""
        mine = "i.state IN ('new', 'take', 'same')"
        self._run(
            "INSERT OR IGNORE INTO thumbnails (item_id, jpeg) SELECT i.target, t.jpeg FROM staged.thumbnails AS t "
            f"JOIN staged.items AS i ON i.seq = t.item WHERE {mine}"
        )
        self._run(
            "INSERT OR IGNORE INTO frame_thumbnails (frame_id, jpeg) SELECT f.target, t.jpeg FROM staged.frame_thumbnails AS t "
            "JOIN staged.frames AS f ON f.seq = t.frame JOIN staged.items AS i ON i.seq = f.item "
            f"WHERE f.target IS NOT NULL AND {mine}"
        )

    def _titled(self, table: str) -> None:
        """Add new collections, or datasets, and change those that are taken."""
        title = "iif(EXISTS (SELECT 1 FROM {0} AS o WHERE o.title = s.title AND o.id <> {0}.id), {0}.title, s.title)"
        self._run(
            f"UPDATE {table} SET title = {title.format(table)}, description = ifnull(s.description, '') "
            f"FROM staged.{table} AS s WHERE s.target = {table}.id AND s.state = 'take'"
        )
        newest = self._database.value(f"SELECT ifnull(max(id), 0) FROM {table}")
        self._run(
            f"UPDATE staged.{table} AS c SET target = ? + n.rank FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS rank "
            f"FROM staged.{table} WHERE target IS NULL) AS n WHERE n.seq = c.seq",
            newest,
        )
        self._run(
            f"INSERT INTO {table} (id, uuid, title, description, created_at, created_by) "
            f"SELECT target, uuid, title, ifnull(description, ''), created_at, ? FROM staged.{table} "
            "WHERE state = 'new' ORDER BY seq",
            self._user,
        )

    def _dataset_rows(self) -> None:
        """Write the rows of new and taken datasets; a dataset follows a folder if no other one here follows it."""
        self._run(
            "DELETE FROM dataset_rows WHERE dataset_id IN (SELECT target FROM staged.datasets WHERE state = 'take')"
        )
        self._run(
            "INSERT INTO dataset_rows (dataset_id, item_id) SELECT d.target, i.target FROM staged.dataset_rows AS r "
            "JOIN staged.datasets AS d ON d.seq = r.dataset JOIN staged.items AS i ON i.seq = r.item "
            "WHERE d.state IN ('new', 'take') ORDER BY r.seq"
        )
        self._run(
            "UPDATE datasets SET backing_folder_id = f.target FROM staged.datasets AS d JOIN staged.folders AS f "
            "ON f.path = d.backing_folder WHERE d.target = datasets.id AND d.state = 'new' "
            "AND f.target NOT IN (SELECT backing_folder_id FROM datasets WHERE backing_folder_id IS NOT NULL)"
        )

    def _presets(self) -> None:
        self._run(
            "INSERT OR REPLACE INTO presets (name, description, query, created_at, created_by) "
            "SELECT name, ifnull(description, ''), query, created_at, ? FROM staged.presets WHERE state IN ('new', 'take') "
            "ORDER BY seq",
            self._user,
        )

    def misfits(self, counts: dict[str, int]) -> None:
        """Add to the numbers of values that do not fit the type of their key."""
        for name, number in counts.items():
            self._run(
                "UPDATE schema_keys SET not_fitting = not_fitting + ? WHERE name = ? AND not_fitting IS NOT NULL",
                number,
                name,
            )
