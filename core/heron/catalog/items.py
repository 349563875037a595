"""Items: the data units of the catalogue, read page by page, renamed, moved and deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from heron.catalog.access import Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.folders import FolderRef, FolderService, subtree
from heron.convert import loads
from heron.errors import InvalidInput, NotFound
from heron.metadata.keys import check_name, printable
from heron.models import Frame, Item, Json, MediaFacts, Member, Page, now

ItemRef = Item | Frame | str
"""An item, its UUID, or one of its frames."""

PAGE = 100
"""Rows of a page unless asked for otherwise."""

BUNDLE = 1000
"""Most items that one transaction of a bulk verb changes."""

_TAGS = (
    "(SELECT group_concat(c.title, char(10)) FROM collection_items AS m "
    "JOIN collections AS c ON c.id = m.collection_id WHERE m.item_id = items.id) AS tags"
)
_FOLDER = "(SELECT path FROM folders WHERE folders.id = items.folder_id) AS folder_path"
COLUMNS = f"items.*, {_TAGS}, {_FOLDER}"
"""What a SELECT from items must name for `item_of`."""


class ItemService:
    """The items of a workspace."""

    def __init__(self, database: Database, access: Access, folders: FolderService) -> None:
        self._database = database
        self._access = access
        self._folders = folders

    def get(self, ref: ItemRef) -> Item:
        """The item of that UUID; raises NotFound."""
        uuid = uuid_of(ref)
        row = self._database.row(
            f"SELECT {COLUMNS} FROM items WHERE uuid = ? AND {self._access.scope('item', 'items')}",
            [str(uuid).lower()],
        )
        if row is None:
            raise NotFound(
                f"there is no item {printable(uuid)}", hint="heron items lists them with their UUIDs"
            )
        return item_of(row)

    def page(
        self,
        *,
        folder: FolderRef | None = None,
        recursive: bool = True,
        limit: int = PAGE,
        after: int = 0,
        deleted: bool = False,
    ) -> Page[Item]:
        """Items in the order in which they came, from the one after the id `after`; the cursor is an id."""
        self._access.require("read", "item")
        if limit < 1:
            raise InvalidInput(f"limit is {limit}, at least 1 is needed")
        condition, parameters = self._condition(folder, recursive, deleted)
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM items WHERE items.id > ? AND {condition} ORDER BY items.id LIMIT ?",
            [after, *parameters, limit + 1],
        )
        items = [item_of(row) for row in rows[:limit]]
        return Page(items, str(items[-1].id) if len(rows) > limit else None)

    def list(
        self, *, folder: FolderRef | None = None, recursive: bool = True, deleted: bool = False
    ) -> Iterator[Item]:
        """All items as a stream, a page in memory at a time."""
        after = 0
        while True:
            page = self.page(folder=folder, recursive=recursive, limit=BUNDLE, after=after, deleted=deleted)
            yield from page
            if page.cursor is None:
                return
            after = int(page.cursor)

    def count(self, *, folder: FolderRef | None = None, recursive: bool = True) -> int:
        """Number of items."""
        condition, parameters = self._condition(folder, recursive, deleted=False)
        return int(self._database.value(f"SELECT count(*) FROM items WHERE {condition}", parameters))

    def members(self, ref: ItemRef) -> Sequence[Member]:
        """The files that an item is made of, in their order; none for an item that is one file."""
        item = self.get(ref)
        self._access.require("read", "item", item.name)
        rows = self._database.rows(
            "SELECT url, size, etag, frame_count FROM members WHERE item_id = ? ORDER BY position", [item.id]
        )
        return [Member(*row) for row in rows]

    def by_name(self, name: str) -> Sequence[Item]:
        """All items of that name."""
        self._access.require("read", "item")
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM items WHERE name = ? AND deleted_at IS NULL "
            f"AND {self._access.scope('item', 'items')} ORDER BY id",
            [name],
        )
        return [item_of(row) for row in rows]

    def named(self, given: str) -> Item:
        """The item of a UUID, or of a name that no other item has; raises NotFound and InvalidInput."""
        try:
            return self.get(given)
        except NotFound:
            found = self.by_name(given)
        if not found:
            raise NotFound(
                f"there is no item {printable(given)}",
                hint="heron items lists them with their UUIDs and names",
            )
        if len(found) > 1:
            raise InvalidInput(
                f"{len(found):,} items are called {printable(given)}",
                hint="give the UUID of one: heron items lists them",
            )
        return found[0]

    @one_transaction
    def rename(self, ref: ItemRef, name: str) -> Item:
        """Give an item another name; the file keeps its own."""
        item = self.get(ref)
        self._access.require("update", "item", item.name)
        check_name(name, "item name")
        self._database.execute(
            "UPDATE items SET name = ?, updated_at = ? WHERE id = ?", [name, now(), item.id]
        )
        return self.get(item)

    def move(self, refs: Iterable[ItemRef], folder: FolderRef) -> int:
        """Move items into a folder, in bundles of 1000; returns their number."""
        target = self._folders.get(folder)
        self._access.require("update", "folder", target.path)
        return self._on_each(
            refs, "UPDATE items SET folder_id = ?, updated_at = ? WHERE id = ?", [target.id, now()]
        )

    def delete(self, refs: Iterable[ItemRef]) -> int:
        """Remove items from the catalogue, its collections and datasets, in bundles of 1000. Files are never touched."""
        self._access.require("delete", "item")
        return self._on_each(refs, "DELETE FROM items WHERE id = ?", [])

    def ids(self, refs: Iterable[ItemRef]) -> Sequence[int]:
        """The inner ids of items in the order given; raises NotFound for an unknown UUID."""
        wanted = [uuid_of(ref) for ref in refs]
        found: dict[str, int] = {}
        for bundle in bundles(wanted):
            marks = ",".join("?" * len(bundle))
            rows = self._database.rows(
                f"SELECT uuid, id FROM items WHERE uuid IN ({marks}) AND {self._access.scope('item', 'items')}",
                bundle,
            )
            found.update((row["uuid"], row["id"]) for row in rows)
        missing = next((uuid for uuid in wanted if uuid not in found), None)
        if missing is not None:
            raise NotFound(
                f"there is no item {printable(missing)}", hint="heron items lists them with their UUIDs"
            )
        return [found[uuid] for uuid in wanted]

    def _on_each(self, refs: Iterable[ItemRef], statement: str, parameters: Sequence[Json]) -> int:
        total = 0
        for bundle in bundles(refs):
            with self._database.write():
                ids = self.ids(bundle)
                self._database.execute_many(statement, ((*parameters, id) for id in ids))
            total += len(ids)
        return total

    def _condition(
        self, folder: FolderRef | None, recursive: bool, deleted: bool
    ) -> tuple[str, Sequence[Json]]:
        condition = self._access.scope("item", "items") + ("" if deleted else " AND items.deleted_at IS NULL")
        if folder is None:
            return condition, []
        inside, parameters = subtree("items.folder_id", self._folders.get(folder), recursive=recursive)
        return f"{condition} AND {inside}", parameters


def uuid_of(ref: ItemRef) -> str:
    """The UUID of an item, in lower case."""
    if isinstance(ref, Item):
        return ref.uuid
    return ref.item if isinstance(ref, Frame) else str(ref).lower()


def bundles(values: Iterable[Json], size: int = BUNDLE) -> Iterator[list[Json]]:
    """Cut a stream into lists of up to `size`."""
    stream = iter(values)
    while bundle := list(islice(stream, size)):
        yield bundle


def item_of(row: Row) -> Item:
    """The record of a row that was selected with `COLUMNS`."""
    return Item(
        id=row["id"],
        uuid=row["uuid"],
        folder_id=row["folder_id"],
        name=row["name"],
        url=row["url"],
        facts=MediaFacts(
            kind=row["kind"],
            media_type=row["media_type"],
            width=row["width"],
            height=row["height"],
            frame_count=row["frame_count"],
            fps=row["fps"],
            duration=row["duration"],
            codec=row["codec"],
            sample_rate=row["sample_rate"],
            channels=row["channels"],
            pages=row["pages"],
            captured_at=row["captured_at"],
            extra=loads(row["facts"]),
            note=row["note"],
        ),
        size=row["size"],
        etag=row["etag"],
        content_hash=row["content_hash"],
        metadata=loads(row["metadata"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        modified_at=row["modified_at"],
        deleted_at=row["deleted_at"],
        integration_id=row["integration_id"],
        tags=tuple(row["tags"].split("\n")) if row["tags"] else (),
        folder_path=row["folder_path"],
    )
