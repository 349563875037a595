"""Collections: titled selections of items; the title is a tag on every member."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from heron.answers import Added, NameMatches
from heron.catalog.access import WORKSPACE, Access
from heron.catalog.called import ANY
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.items import BUNDLE, ItemService, bundles, item_columns
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.referring import COLLECTION, CollectionRef, ItemRefs, ProjectRef
from heron.catalog.resolved import Found, ids_of, in_bundles, parts
from heron.errors import AlreadyExists, InvalidInput
from heron.metadata.keys import check_name
from heron.models import Collection, Item, now
from heron.uuids import new_uuid

if TYPE_CHECKING:
    from heron.organisation import Project


class CollectionService:
    """The collections of a workspace."""

    def __init__(
        self,
        database: Database,
        access: Access,
        items: ItemService,
        project_to_change: Callable[[ProjectRef], Project],
    ) -> None:
        self._database = database
        self._access = access
        self._items = items
        self._project_to_change = project_to_change

    def create(
        self, title: str, *, items: ItemRefs = (), description: str = "", project: ProjectRef | None = None
    ) -> Collection:
        """Create a collection of these items, which can belong to a project: who sees the project sees it.

        Raises AlreadyExists if the title is taken, NotFound for an unknown item or project, InvalidInput for an archived project.
        """
        self._access.require("create", WORKSPACE, "collection")
        check_name(title, "collection title")
        uuid = new_uuid()
        ids = ids_of(self._items, items)
        with self._database.doing(self, "create"):
            if self._database.row("SELECT 1 FROM collections WHERE title = ?", [title]):
                raise AlreadyExists(
                    f"there is a collection {title!r} already", hint="add to it, or choose another title"
                )
            self._database.execute(
                "INSERT INTO collections (uuid, title, description, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
                [uuid, title, description, now(), self._access.user.email],
            )
            if project is not None:
                self._put_into(uuid, self._project_to_change(project))
            self._add(self.get(uuid), ids)
            self._access.note(self.get(uuid))
        return self.get(uuid)

    def get(self, ref: CollectionRef) -> Collection:
        """The collection that is meant; raises NotFound with a suggestion."""
        collection = self.find(ref)
        if collection is None:
            titles = (collection.title for collection in self.list())
            raise missing("collection", COLLECTION.key(ref), titles)
        return collection

    def find(self, ref: CollectionRef) -> Collection | None:
        """The collection that is meant, or None."""
        meant, parameters = COLLECTION.condition(ref, "title")
        row = self._database.row(
            f"{self._select()} WHERE {meant} AND {self._access.scope('collection', 'collections')}",
            parameters,
        )
        return _collection(row) if row is not None else None

    def list(self, *, limit: int | None = None) -> list[Collection]:
        """All, or the first `limit`, collections by title."""
        rows = self._database.rows(
            f"{self._select()} WHERE {self._access.scope('collection', 'collections')} ORDER BY title LIMIT ?",
            [at_most(limit)],
        )
        return [_collection(row) for row in rows]

    def add(self, ref: CollectionRef, items: ItemRefs) -> Added:
        """Add an item, or many; items that are members already are skipped."""
        self._to_change(ref)
        ids = ids_of(self._items, items)
        with self._database.doing(self, "add"):
            return self._add(self._to_change(ref), ids)

    def _add(self, collection: Collection, ids: Found) -> Added:
        insert = "INSERT OR IGNORE INTO collection_items SELECT ?, value FROM json_each(?)"
        with self._database.write():
            added = sum(
                self._database.execute(insert, [collection.id, bundle])
                for bundle in in_bundles(self._database, ids)
            )
        return Added(added, len(ids) - added)

    def remove(self, ref: CollectionRef, items: ItemRefs) -> int:
        """Remove an item, or many, from a collection; returns the number of items that were in it."""
        self._to_change(ref)
        ids = ids_of(self._items, items)
        with self._database.doing(self, "remove"):
            collection = self._to_change(ref)
            delete = "DELETE FROM collection_items WHERE collection_id = ? AND item_id IN (SELECT value FROM json_each(?))"
            return sum(
                self._database.execute(delete, [collection.id, part]) for part in parts(self._database, ids)
            )

    def items(self, ref: CollectionRef) -> Iterator[Item]:
        """The members as a stream, in the order in which they were added to the catalogue."""
        collection = self.get(ref)
        after = 0
        while True:
            rows = self._database.rows(
                f"SELECT {item_columns(self._access)} FROM items JOIN collection_items AS m ON m.item_id = items.id "
                f"WHERE m.collection_id = ? AND items.id > ? AND items.deleted_at IS NULL AND {self._access.scope('item', 'items')} "
                "ORDER BY items.id LIMIT ?",
                [collection.id, after, BUNDLE],
            )
            yield from self._items._of_rows(rows)
            if len(rows) < BUNDLE:
                return
            after = rows[-1]["id"]

    def match_names(self, names: Iterable[str] | str) -> NameMatches:
        """Find the items of a list of names, paths and URLs: those with one item, with several, and with none."""
        self._access.require("read", WORKSPACE)
        matched: dict[str, str] = {}
        ambiguous: dict[str, tuple[str, ...]] = {}
        unmatched: list[str] = []
        given = [names] if isinstance(names, str) else names
        for bundle in bundles(dict.fromkeys(given), 500):
            found = self._items._called(ANY, bundle)
            for name in bundle:
                uuids = tuple(uuid for _, uuid in found.get(name, ()))
                if len(uuids) == 1:
                    matched[name] = uuids[0]
                elif uuids:
                    ambiguous[name] = uuids
                else:
                    unmatched.append(name)
        return NameMatches(matched, ambiguous, tuple(unmatched))

    @one_transaction
    def update(
        self, ref: CollectionRef, *, title: str | None = None, description: str | None = None
    ) -> Collection:
        """Change the title, which is the members' tag, or the description."""
        collection = self._to_change(ref)
        if title is not None and title != collection.title:
            check_name(title, "collection title")
            if self._database.row("SELECT 1 FROM collections WHERE title = ?", [title]):
                raise AlreadyExists(f"there is a collection {title!r} already")
        self._database.execute(
            "UPDATE collections SET title = coalesce(?, title), description = coalesce(?, description) WHERE id = ?",
            [title, description, collection.id],
        )
        return self.get(collection.uuid)

    @one_transaction
    def delete(self, ref: CollectionRef) -> None:
        """Delete a collection; its items stay."""
        collection = self.get(ref)
        self._access.require("delete", collection)
        self._require_open(collection)
        self._database.execute("DELETE FROM collections WHERE id = ?", [collection.id])

    def _to_change(self, ref: CollectionRef) -> Collection:
        """The collection that is meant, which the user may update; raises InvalidInput if its project is archived."""
        collection = self.get(ref)
        self._access.require("update", collection)
        self._require_open(collection)
        return collection

    def _require_open(self, collection: Collection) -> None:
        archived = "SELECT 1 FROM collections AS c JOIN projects ON projects.id = c.project_id WHERE c.id = ? AND archived_at IS NOT NULL"
        if self._database.row(archived, [collection.id]):
            name = "a project" if collection.project is None else f"project {collection.project!r}"
            raise InvalidInput(
                f"collection {collection.title!r} belongs to {name} that is archived, and cannot be changed",
                hint="bring the project back first: heron projects update TITLE --unarchive",
            )

    def _put_into(self, ref: CollectionRef, project: Project) -> None:
        """Let a collection belong to a project; raises AlreadyExists if it belongs to another one."""
        collection = self.get(ref)
        self._access.require("update", collection)
        done = self._database.execute(
            "UPDATE collections SET project_id = ? WHERE id = ? AND (project_id IS NULL OR project_id = ?)",
            [project.id, collection.id, project.id],
        )
        if not done:
            name = "another project" if collection.project is None else f"project {collection.project!r}"
            raise AlreadyExists(
                f"collection {collection.title!r} belongs to {name} already",
                hint="take it out of there first: heron projects remove TITLE --collection TITLE",
            )

    def _take_out(self, refs: Iterable[CollectionRef] | CollectionRef, project: Project) -> int:
        """Take collections out of a project; returns how many belonged to it."""
        ids = [self.get(ref).id for ref in COLLECTION.several(refs)]
        return sum(
            self._database.execute(
                "UPDATE collections SET project_id = NULL WHERE id = ? AND project_id = ?", [id, project.id]
            )
            for id in ids
        )

    def _select(self) -> str:
        """The SELECT for `_collection`; members that the user may not see do not count."""
        return (
            f"SELECT *, (SELECT title FROM projects WHERE id = project_id AND {self._access.scope('project', 'projects')}) AS project, "
            "(SELECT count(*) FROM collection_items JOIN items ON items.id = item_id WHERE collection_id = "
            f"collections.id AND deleted_at IS NULL AND {self._access.scope('item', 'items')}) AS n FROM collections"
        )


def _collection(row: Row) -> Collection:
    return Collection(
        row["id"],
        row["uuid"],
        row["title"],
        row["description"],
        row["n"],
        row["created_at"],
        row["project"],
    )
