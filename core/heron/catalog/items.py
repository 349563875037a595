"""Items: the entries of the catalogue, read page by page, renamed, moved and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Literal

from attrs import fields

from heron.answers import Use
from heron.catalog.access import Access, Verb
from heron.catalog.called import ANY, Callings, Matches
from heron.catalog.contents import Contents
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.folders import FolderService, subtree
from heron.catalog.limits import BUNDLE as BUNDLE
from heron.catalog.limits import at_most
from heron.catalog.limits import bundles as bundles
from heron.catalog.paths import path_sql
from heron.catalog.reading import Columns
from heron.catalog.referring import ITEM, FolderRef, ItemRef, ItemRefs
from heron.catalog.relocation import Relocation
from heron.catalog.short_ids import ShortIds
from heron.catalog.shown import ShownMetadata
from heron.catalog.stores import Origin, different_stores
from heron.catalog.uses import uses_of_ids
from heron.catalog.work import Work, work_on
from heron.convert import dumps, loads
from heron.errors import InvalidInput, NotFound
from heron.metadata.keys import check_name, printable
from heron.models import ITEM_FIELDS, Item, Json, MediaFacts, Member, now
from heron.pages import Page

PAGE = 100
"""The default number of rows of a page."""

PageOrder = Literal["added", "-added", "name", "-name"]
"""The order of a page: that in which items were added, or of their names; backwards with a minus."""

_OF_ITEM, _OF_FACTS = ([part.name for part in fields(record)] for record in (Item, MediaFacts))
_PLACE = _OF_ITEM.index("facts")
ITEM_COLUMNS = Columns("items", ITEM_FIELDS, [*_OF_ITEM[:_PLACE], *_OF_ITEM[_PLACE + 1 :], *_OF_FACTS])
_OWN, _FACTS = slice(len(_OF_ITEM) - 1), slice(len(_OF_ITEM) - 1, len(ITEM_COLUMNS.names))


def item_columns(access: Access) -> str:
    """The columns that a SELECT from items must name first for `item_of`; tags are titles of visible collections."""
    return _selected(access.scope("collection", "c"))


@lru_cache(maxsize=256)
def _selected(collections: str) -> str:
    """The same for a condition on collections: putting the text together takes longer than reading an item."""
    return ITEM_COLUMNS.selected(**_computed(collections))


def item_expressions(access: Access) -> dict[str, str]:
    """The SQL of each of these columns, by its name."""
    return ITEM_COLUMNS.expressions(**_computed(access.scope("collection", "c")))


def _computed(collections: str) -> dict[str, str]:
    return {
        "folder": "(SELECT path FROM folders WHERE folders.id = items.folder_id)",
        "path": path_sql("items.url"),
        "store": "(SELECT name FROM stores WHERE stores.id = items.store_id)",
        "tags": (
            "iif((SELECT 1 FROM collection_items LIMIT 1), "  # asked once for all rows
            "(SELECT group_concat(c.title, char(10)) FROM collection_items AS m JOIN collections AS c "
            f"ON c.id = m.collection_id WHERE m.item_id = items.id AND {collections}), NULL)"
        ),
    }


class ItemService:
    """The items of a workspace."""

    def __init__(
        self,
        database: Database,
        access: Access,
        folders: FolderService,
        shown: ShownMetadata,
        normalise: Callable[[str], str] = str,
    ) -> None:
        """`normalise` gives the canonical form of a URL of a storage; raises HeronError."""
        self._database = database
        self._access = access
        self._folders = folders
        self._shown = shown
        self._called = Callings(database, access, normalise)
        """Finds items by what they are called: `items._called("url", urls)`."""
        self._short_ids = ShortIds(database, access)
        self._contents = Contents(database, access, shown)

    def get(self, ref: ItemRef) -> Item:
        """The item that is meant; raises NotFound, and InvalidInput for a name that several items have."""
        item = self.find(ref)
        if item is None:
            raise _unknown(ITEM.key(ref))
        return item

    def get_all(self, refs: ItemRefs) -> Sequence[Item]:
        """The items that are meant, in the order in which they are named; raises as `get` does if one is missing."""
        found: list[Item] = []
        for bundle in bundles(ITEM.many(refs)):
            ids = self._ids(bundle)
            records = self._records(ids)
            found += (records[id] for id in ids)
        return found

    def find(self, ref: ItemRef) -> Item | None:
        """The item that is meant, or None; raises InvalidInput for a name or a short id of several items, or a path of two files."""
        uuid = ITEM.uuid(ref)
        if uuid is not None:
            row = self._database.row(
                f"SELECT {item_columns(self._access)} FROM items WHERE uuid = ? AND {self._access.scope('item', 'items')}",
                [uuid],
            )
            if row is not None:
                return self._of_rows([row])[0]
        if not isinstance(ref, str):
            return None
        found = self._called(ANY, [ref]).get(ref, [])
        if len(found) > 1:
            raise self._ambiguous(ref, found)
        if found:
            return self._records([found[0][0]]).get(found[0][0])
        short = self._short_ids.find([ref]).get(ref)
        if short is not None:
            return self._records([short.id]).get(short.id)
        held = self._called.by_file(ref)
        if len(held) > 1:
            raise self._ambiguous(ref, held)
        return self._records([held[0][0]]).get(held[0][0]) if held else None

    def _relocation(self, old: str, new: str, origin: Origin | None) -> Relocation:
        """The move of all files below a URL to below another one; both end with a slash."""
        return Relocation(self._database, self._access, old, new, origin)

    def page(
        self,
        *,
        folder: FolderRef | None = None,
        recursive: bool = True,
        limit: int = PAGE,
        cursor: str | None = None,
        deleted: bool = False,
        sort: PageOrder = "added",
    ) -> Page[Item]:
        """One page of items in the order in which they were added, or by name; `cursor` is that of the page before.

        With `deleted`, items that vanished from a synced folder are included. Items of equal names are in the order in which
        they were added. Raises InvalidInput for an invalid cursor.
        """
        limit, (behind, order, after) = at_most(limit), _behind(sort, cursor)
        condition, parameters = self._condition(folder, recursive, deleted)
        rows = self._database.rows(
            f"SELECT {item_columns(self._access)} FROM items WHERE {condition}{behind} ORDER BY {order} LIMIT ?",
            [*parameters, *after, limit + 1],
        )
        items = self._of_rows(rows[:limit])
        if len(rows) <= limit:
            return Page(items, None)
        last = items[-1]
        return Page(items, f"{last.id}:{last.name}" if sort.endswith("name") else str(last.id))

    def list(
        self,
        *,
        folder: FolderRef | None = None,
        recursive: bool = True,
        deleted: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        """All items, or the first `limit`, in the order in which they were added; `stream` does not load them all."""
        items = self.stream(folder=folder, recursive=recursive, deleted=deleted)
        return [*islice(items, None if limit is None else at_most(limit))]

    def stream(
        self, *, folder: FolderRef | None = None, recursive: bool = True, deleted: bool = False
    ) -> Iterator[Item]:
        """All items as a stream, with one page in memory at a time."""
        cursor = None
        while True:
            page = self.page(folder=folder, recursive=recursive, limit=BUNDLE, cursor=cursor, deleted=deleted)
            yield from page
            cursor = page.cursor
            if cursor is None:
                return

    def count(self, *, folder: FolderRef | None = None, recursive: bool = True) -> int:
        """Number of items."""
        condition, parameters = self._condition(folder, recursive, deleted=False)
        return int(self._database.value(f"SELECT count(*) FROM items WHERE {condition}", parameters))

    def members(self, ref: ItemRef) -> Sequence[Member]:
        """The files of an item of several files, in order; empty for an item that is a single file."""
        return [*self._contents.members(self.get(ref))]

    def uses(self, refs: ItemRefs) -> Sequence[Use]:
        """What uses an item, or many: collections, datasets, frozen versions, projects, what was sent, items of several files.

        Raises NotFound, and InvalidInput for a name that several items have.
        """
        return uses_of_ids(
            self._database,
            self._access,
            [id for bundle in bundles(ITEM.many(refs)) for id in self._ids(bundle)],
        )

    def _records(self, ids: Iterable[int]) -> dict[int, Item]:
        """Items by inner ids; ids that do not exist are skipped."""
        found: dict[int, Item] = {}
        for bundle in bundles(ids):
            marks = ",".join("?" * len(bundle))
            rows = self._database.rows(
                f"SELECT {item_columns(self._access)} FROM items WHERE items.id IN ({marks}) "
                f"AND {self._access.scope('item', 'items')}",
                bundle,
            )
            found.update((item.id, item) for item in self._of_rows(rows))
        return found

    def _names_of_facts(self, count: int) -> set[str]:
        """The names of the media facts of the newest items, such as `exif.Model`."""
        rows = self._database.rows(
            f"SELECT facts FROM items WHERE deleted_at IS NULL AND {self._access.scope('item', 'items')} "
            "ORDER BY id DESC LIMIT ?",
            [count],
        )
        return {
            f"{space}.{name}"
            for row in rows
            for space, facts in loads(row["facts"]).items()
            if isinstance(facts, dict)
            for name in facts
        }

    def _of_rows(self, rows: Iterable[Row]) -> Sequence[Item]:
        """The records of rows that were selected with `item_columns`."""
        return self._shown.of(map(item_of, rows))

    def by_name(self, name: str) -> Sequence[Item]:
        """All items of that name."""
        rows = self._database.rows(
            f"SELECT {item_columns(self._access)} FROM items WHERE name = ? AND deleted_at IS NULL "
            f"AND {self._access.scope('item', 'items')} ORDER BY id",
            [name],
        )
        return self._of_rows(rows)

    @one_transaction
    def rename(self, ref: ItemRef, name: str) -> Item:
        """Rename an item; its file keeps its name."""
        item = self.get(ref)
        self._access.require("update", item)
        check_name(name, "item name")
        self._database.execute(
            "UPDATE items SET name = ?, updated_at = ? WHERE id = ?", [name, now(), item.id]
        )
        return self.get(item)

    def move(self, refs: ItemRefs, folder: FolderRef) -> int:
        """Move an item, or many, into a folder, in batches of 1000; returns their number."""
        target = self._folders.get(folder)
        self._access.require("create", target, "item")
        return self._on_each(
            "update", refs, "UPDATE items SET folder_id = ?, updated_at = ? WHERE id = ?", [target.id, now()]
        )

    def delete(self, refs: ItemRefs) -> int:
        """Delete an item, or many, from the catalogue, its collections and datasets, in batches of 1000.

        Files are never touched. Returns the number of items.
        """
        return self._on_each("delete", refs, "DELETE FROM items WHERE id = ?", [])

    def _ids(self, refs: ItemRefs) -> Sequence[int]:
        """The inner ids of items in the order given; raises NotFound, and InvalidInput for an ambiguous name."""
        wanted = [(ITEM.uuid(ref), ref) for ref in ITEM.many(refs)]
        by_uuid: dict[str | None, int] = {}
        for bundle in bundles(uuid for uuid, _ in wanted if uuid is not None):
            by_uuid.update((found, id) for id, found in self._of_uuids(bundle))
        called = self._called(ANY, (r for uuid, r in wanted if uuid not in by_uuid and isinstance(r, str)))
        short = self._short_ids.find(
            r for uuid, r in wanted if uuid not in by_uuid and isinstance(r, str) and not called.get(r)
        )
        ids = []
        for uuid, ref in wanted:
            if uuid in by_uuid:
                ids.append(by_uuid[uuid])
                continue
            matches = called.get(ref, []) if isinstance(ref, str) else []
            if isinstance(ref, str) and ref in short:
                matches = [(short[ref].id, short[ref].uuid)]
            if not matches and isinstance(ref, str):
                matches = self._called.by_file(ref)
            if not matches:
                raise _unknown(ITEM.key(ref))
            if len(matches) > 1:
                raise self._ambiguous(str(ref), matches)
            ids.append(matches[0][0])
        return ids

    def _ambiguous(self, name: str, matches: Matches) -> InvalidInput:
        """The refusal of a name that several items have; it names their stores, if these are what tells them apart."""
        rows = self._database.rows(
            "SELECT DISTINCT scheme, name FROM stores WHERE id IN (SELECT store_id FROM items WHERE id IN "
            "(SELECT value FROM json_each(?)))",
            [dumps([id for id, _ in matches])],
        )
        stores = {row["name"] for row in rows}
        if len(stores) > 1:
            return InvalidInput(
                f"{printable(name)} is in {len(stores)} stores, {different_stores(stores)}",
                hint="give the UUID of one: heron items --columns name,store,uuid lists them",
            )
        return InvalidInput(
            f"{len(matches):,} items are called {printable(name)}",
            hint="give the id, the path or the UUID of one: heron items --columns name,path,uuid lists them",
        )

    def _work(self, ids: Iterable[int]) -> dict[int, Work]:
        """What people have done with some items, by inner id."""
        return work_on(self._database, self._access, ids)

    def _of_several_files(self, ids: Sequence[int]) -> Sequence[int]:
        """The items of several files among some items, by inner id, ascending."""
        rows = self._database.rows(
            "SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) "
            "AND EXISTS (SELECT 1 FROM members WHERE item_id = items.id) "
            f"AND {self._access.scope('item', 'items')} ORDER BY id",
            [dumps(ids)],
        )
        return [row[0] for row in rows]

    def _of_uuids(self, uuids: Sequence[str]) -> Iterator[tuple[int, str]]:
        """The inner ids of items with these UUIDs, with the UUID; also of items that are marked as deleted."""
        rows = self._database.rows(
            f"SELECT id, uuid FROM items WHERE uuid IN ({','.join('?' * len(uuids))}) AND {self._access.scope('item', 'items')}",
            uuids,
        )
        return ((row[0], row[1]) for row in rows)

    def _on_each(self, verb: Verb, refs: ItemRefs, statement: str, parameters: Sequence[Json]) -> int:
        total = 0
        for bundle in bundles(ITEM.many(refs)):
            with self._database.doing(self, "move" if verb == "update" else verb):
                ids = self._ids(bundle)
                self._access.require_all(verb, "item", ids)
                self._database.execute_many(statement, ((*parameters, id) for id in ids))
            total += len(ids)
        return total

    def _condition(
        self, folder: FolderRef | None, recursive: bool, deleted: bool
    ) -> tuple[str, Sequence[Json]]:
        condition = self._access.listing() + ("" if deleted else " AND items.deleted_at IS NULL")
        if folder is None:
            return condition, []
        inside, parameters = subtree("items.folder_id", self._folders.get(folder), recursive=recursive)
        return f"{condition} AND {inside}", parameters


def _behind(sort: PageOrder, cursor: str | None) -> tuple[str, str, Sequence[Json]]:
    """The condition of what lies behind the end of a page, the order, and the parameters of the condition."""
    if sort not in ("added", "-added", "name", "-name"):
        raise InvalidInput(
            f"{printable(sort)} is not an order of items", hint="give added, -added, name or -name"
        )
    sign, way = ("<", " DESC") if sort[0] == "-" else (">", "")
    by_name = sort.endswith("name")
    order = f"items.name{way}, items.id{way}" if by_name else f"items.id{way}"
    if cursor is None:
        return "", order, []
    id, colon, name = cursor.partition(":") if isinstance(cursor, str) else ("", "", "")
    if not (id.isdecimal() and id.isascii() and len(id) < 19 and bool(colon) == by_name):
        raise InvalidInput(f"{printable(cursor)} is not a cursor of this list")
    if by_name:
        return f" AND (items.name, items.id) {sign} (?, ?)", order, [name, int(id)]
    return f" AND items.id {sign} ?", order, [int(id)]


def _unknown(key: str) -> NotFound:
    return NotFound(
        f"there is no item {printable(key)}", hint="heron items lists them with their names and ids"
    )


def item_of(row: Row | Sequence[Json]) -> Item:
    """The record of a row selected with `item_columns`; raises CatalogueError for a damaged row."""
    values = ITEM_COLUMNS.values(row)
    attributes = values[_OWN]
    attributes.insert(_PLACE, MediaFacts(*values[_FACTS]))
    return Item(*attributes)
