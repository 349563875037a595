"""Datasets: ordered lists of items to hand on; an item can be in many datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Literal

from heron.answers import Added
from heron.catalog.access import WORKSPACE, Access
from heron.catalog.collections import CollectionService
from heron.catalog.contents import choice_sql
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.dataset_rows import DatasetRows
from heron.catalog.folders import FolderService
from heron.catalog.items import ItemService
from heron.catalog.limits import at_most
from heron.catalog.metadata import MetadataService
from heron.catalog.missing import missing
from heron.catalog.referring import (
    DATASET,
    ITEM,
    CollectionRef,
    DatasetRef,
    FolderRef,
    ItemRefs,
    VersionRef,
    parted_version,
)
from heron.catalog.resolved import BUNDLE, Found, ids_of, in_bundles, parts
from heron.catalog.vectors.owned import OwnedVectors
from heron.catalog.versions.tables import Source, note_source, told
from heron.errors import AlreadyExists, InvalidInput, NotFound
from heron.metadata.keys import check_name
from heron.models import Dataset, DatasetRow, Folder, FrameChoice, Item, Json, now
from heron.uuids import new_uuid
from heron.versions import DatasetVersion

if TYPE_CHECKING:
    from heron.catalog.vectors.store import VectorStore

Duplicates = Literal["skip", "fail", "add"]

FrozenRowsOf = Callable[[object, FrameChoice], Iterator[DatasetRow] | None]


class DatasetService:
    """The datasets of a workspace."""

    def __init__(
        self,
        database: Database,
        access: Access,
        folders: FolderService,
        items: ItemService,
        metadata: MetadataService,
        collections: CollectionService,
        frozen_rows: FrozenRowsOf,
        vectors: Callable[[], VectorStore],
    ) -> None:
        """`frozen_rows` gives the rows of a version of a dataset, or None if no version is meant."""
        self._database = database
        self._access = access
        self._folders = folders
        self._items = items
        self._metadata = metadata
        self._collections = collections
        self._frozen_rows = frozen_rows
        self._vectors = vectors

    def create(
        self,
        title: str,
        *,
        collection: CollectionRef | None = None,
        items: ItemRefs = (),
        description: str = "",
        backing_folder: FolderRef | None = None,
        source: Source | None = None,
    ) -> Dataset:
        """Create a dataset from a collection and from items, or with a backing folder.

        The rows of a dataset with a backing folder are always the items of this folder and of the folders below it. `source` is
        the query that found the items, or any JSON object that tells of it: versions of the dataset keep it.
        """
        self._access.require("create", WORKSPACE, "dataset")
        check_name(title, "dataset title")
        uuid = new_uuid()
        if backing_folder is not None and (collection is not None or items):
            raise InvalidInput(
                "a dataset with a backing folder takes its rows from there", hint="leave out the items"
            )
        members = self._collections.items(collection) if collection is not None else ()
        ids = ids_of(self._items, chain(members, ITEM.many(items))).once()
        with self._database.doing(self, "create"):
            folder = self._folders.ensure(backing_folder) if backing_folder is not None else None
            if self._database.row("SELECT 1 FROM datasets WHERE title = ?", [title]):
                raise AlreadyExists(
                    f"there is a dataset {title!r} already", hint="add to it, or choose another title"
                )
            if folder and self._database.row(
                "SELECT 1 FROM datasets WHERE backing_folder_id = ?", [folder.id]
            ):
                raise AlreadyExists(f"folder {folder.path!r} backs another dataset already")
            self._database.execute(
                "INSERT INTO datasets (uuid, title, description, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
                [uuid, title, description, now(), self._access.user.email],
            )
            new = self.get(uuid)
            if folder is not None:
                self._note_source(new, "create", {"backing_folder": folder.path})
            elif collection is not None:
                self._note_source(
                    new, "create", {"collection": self._collections.get(collection).title}, source
                )
            elif items or source is not None:
                self._note_source(new, "create", {}, source)
            self._add(new, ids, "add")
            if folder is not None:
                self._add_folder(new, folder)
                self._database.execute(
                    "UPDATE datasets SET backing_folder_id = ? WHERE uuid = ?", [folder.id, uuid]
                )
            self._access.note(new)
        return self.get(uuid)

    def get(self, ref: DatasetRef) -> Dataset:
        """The dataset that is meant; raises NotFound with a suggestion."""
        dataset = self.find(ref)
        if dataset is None:
            title, number = parted_version(ref)
            if title is not None and (of := self.find(title)) is not None:
                raise InvalidInput(
                    f"{title}@{number} is a version of a dataset, which never changes, and not a dataset",
                    hint=f"name the dataset, {of.title}; heron datasets versions lists its versions",
                )
            raise missing("dataset", DATASET.key(ref), (dataset.title for dataset in self.list()))
        return dataset

    def find(self, ref: DatasetRef) -> Dataset | None:
        """The dataset that is meant, or None."""
        meant, parameters = DATASET.condition(ref, "title")
        row = self._database.row(
            f"{self._select()} WHERE {meant} AND {self._access.scope('dataset', 'datasets')}", parameters
        )
        return _dataset(row) if row is not None else None

    def list(self, *, limit: int | None = None) -> list[Dataset]:
        """All, or the first `limit`, datasets by title."""
        rows = self._database.rows(
            f"{self._select()} WHERE {self._access.scope('dataset', 'datasets')} ORDER BY title LIMIT ?",
            [at_most(limit)],
        )
        return [_dataset(row) for row in rows]

    def add(
        self,
        ref: DatasetRef,
        items: ItemRefs,
        *,
        duplicates: Duplicates = "skip",
        source: Source | None = None,
    ) -> Added:
        """Add an item, or many, at the end. One that is a row already is skipped, refused (`fail`), or added again (`add`).

        `source` is as in `create`.
        """
        self._to_change(ref, "import or move the items into that folder instead")
        ids = ids_of(self._items, items)
        with self._database.doing(self, "add"):
            dataset = self._to_change(ref, "import or move the items into that folder instead")
            self._note_source(dataset, "add", {}, source)
            return self._add(dataset, ids, duplicates)

    def _to_change(self, ref: DatasetRef, hint: str) -> Dataset:
        """The dataset that is meant, which the user may update; raises InvalidInput if it has a backing folder."""
        dataset = self.get(ref)
        self._access.require("update", dataset)
        _require_free(dataset, hint)
        return dataset

    def _add_folder(self, dataset: Dataset, folder: Folder) -> None:
        """Make rows of the items in a folder and below it, in the order in which these were added."""
        condition, parameters = self._items._condition(folder, recursive=True, deleted=False)
        newest: int = self._database.value("SELECT max(id) FROM items") or 0
        step = max(BUNDLE, newest // 20)  # each statement finds the folders anew
        for first in range(0, newest, step):
            self._database.working(f"dataset {dataset.title}, {first / newest:.0%} of the items")
            self._database.execute(
                f"INSERT INTO dataset_rows (dataset_id, item_id) SELECT {dataset.id:d}, items.id FROM items "
                f"WHERE items.id > {first:d} AND items.id <= {first + step:d} AND {condition} ORDER BY items.id",
                parameters,
            )

    def _add(self, dataset: Dataset, ids: Found, duplicates: Duplicates = "skip") -> Added:
        insert = "INSERT INTO dataset_rows (dataset_id, item_id) SELECT ?1, value FROM json_each(?2) "
        if duplicates == "add":
            insert += "ORDER BY key"
        else:
            insert += (
                "WHERE NOT EXISTS (SELECT 1 FROM dataset_rows WHERE dataset_id = ?1 AND item_id = value) "
                "GROUP BY value ORDER BY min(key)"
            )
        added = 0
        with self._database.write():
            for bundle in in_bundles(self._database, ids):
                added += self._database.execute(insert, [dataset.id, bundle])
            if duplicates == "fail" and added < len(ids):
                raise AlreadyExists(
                    f"{len(ids) - added} of the items are in dataset {dataset.title!r} already",
                    hint="choose skip or add",
                )
        return Added(added, len(ids) - added)

    def remove(self, ref: DatasetRef, items: ItemRefs, *, source: Source | None = None) -> int:
        """Remove an item, or many, from a dataset; returns the number of rows removed. `source` is as in `create`."""
        hint = "move the items out of that folder instead"
        self._to_change(ref, hint)
        ids = ids_of(self._items, items)
        with self._database.doing(self, "remove"):
            dataset = self._to_change(ref, hint)
            self._note_source(dataset, "remove", {}, source)
            delete = "DELETE FROM dataset_rows WHERE dataset_id = ? AND item_id IN (SELECT value FROM json_each(?))"
            return sum(
                self._database.execute(delete, [dataset.id, part]) for part in parts(self._database, ids)
            )

    def _note_source(
        self, dataset: Dataset, verb: str, known: Mapping[str, Json], source: Source | None = None
    ) -> None:
        """Keep by what rows were chosen, for the versions of the dataset."""
        note_source(self._database, dataset.id, verb, {**known, **told(source)}, self._access.user.email)

    def rows(
        self, ref: DatasetRef | VersionRef, *, frames: FrameChoice = "none", vectors: Sequence[str] = ()
    ) -> Iterator[DatasetRow]:
        """The rows in order, as a stream; positions count from 0. `frames` says which frames each row has.

        Members and frames of a row are streams of their own, which are read when they are looped over. The rows of a version,
        as `rain-1@2`, are as they were frozen. Rows and frames have their vectors of the embedding keys `vectors`; raises NotFound for a
        key without vectors, and InvalidInput for a version, which has none.
        """
        return self._exported(ref, frames, vectors)

    def _exported(
        self, ref: DatasetRef | VersionRef, frames: FrameChoice, vectors: Sequence[str]
    ) -> Iterator[DatasetRow]:
        """The rows; those of a dataset, and not of a version, can also be read as plain data."""
        choice_sql(frames)
        dataset = self.find(ref) if not isinstance(ref, DatasetVersion) else None
        if dataset is None:
            if (found := self._frozen_rows(ref, frames)) is not None:
                if vectors:
                    raise InvalidInput(
                        "a version has no vectors", hint="export the dataset itself with --vectors"
                    )
                return found
            dataset = self.get(ref)  # type: ignore[arg-type]
        owned = OwnedVectors(self._database, self._vectors, vectors)
        schema = self._metadata._schema.current
        return DatasetRows(self._database, self._access, self._items, owned, schema, dataset.id, frames)

    def _member_count(self, ref: DatasetRef) -> int:
        """The number of members that the items of the rows have."""
        return self._count_in(ref, "members", "1")

    def _frame_count(self, ref: DatasetRef, frames: FrameChoice) -> int:
        """The number of chosen frames that the items of the rows have."""
        return self._count_in(
            ref, "frames", f"{choice_sql(frames)} AND {self._access.scope('frame', 'frames')}"
        )

    def _count_in(self, ref: DatasetRef, table: Literal["members", "frames"], condition: str) -> int:
        found = self._database.value(
            f"SELECT count(*) FROM dataset_rows AS r JOIN {table} ON {table}.item_id = r.item_id JOIN items ON items.id = r.item_id "
            f"WHERE r.dataset_id = ? AND {self._access.scope('item', 'items')} AND {condition}",
            [self.get(ref).id],
        )
        return int(found)

    def _item_ids(self, ref: DatasetRef) -> Sequence[int]:
        """The inner ids of the items, ascending, each once."""
        dataset = self.get(ref)
        rows = self._database.rows(
            "SELECT DISTINCT items.id FROM dataset_rows JOIN items ON items.id = item_id "
            f"WHERE dataset_id = ? AND {self._access.scope('item', 'items')} ORDER BY items.id",
            [dataset.id],
        )
        return [row[0] for row in rows]

    @one_transaction
    def set_metadata(
        self, ref: DatasetRef, position: int, metadata: Mapping[str, Json], *, merge: bool = False
    ) -> Item:
        """Write the metadata of the item at a position, as `rows` counts them, and return it.

        Raises NotFound past the end.
        """
        dataset = self.get(ref)
        uuid = self._database.value(
            "SELECT items.uuid FROM dataset_rows AS r JOIN items ON items.id = r.item_id "
            f"WHERE r.dataset_id = ? AND {self._access.scope('item', 'items')} ORDER BY r.id LIMIT 1 OFFSET ?",
            [dataset.id, max(position, 0)],
        )
        if uuid is None or position < 0:
            raise NotFound(
                f"dataset {dataset.title!r} has no row {position}, it has {dataset.row_count} rows"
            )
        (self._metadata.merge if merge else self._metadata.replace)({uuid: metadata})
        return self._items.get(uuid)

    @one_transaction
    def update(self, ref: DatasetRef, *, title: str | None = None, description: str | None = None) -> Dataset:
        """Change title or description."""
        dataset = self.get(ref)
        self._access.require("update", dataset)
        if title is not None and title != dataset.title:
            check_name(title, "dataset title")
            if self._database.row("SELECT 1 FROM datasets WHERE title = ?", [title]):
                raise AlreadyExists(f"there is a dataset {title!r} already")
        self._database.execute(
            "UPDATE datasets SET title = coalesce(?, title), description = coalesce(?, description) WHERE id = ?",
            [title, description, dataset.id],
        )
        return self.get(dataset.uuid)

    @one_transaction
    def delete(self, ref: DatasetRef) -> None:
        """Delete a dataset; its items stay."""
        dataset = self.get(ref)
        self._access.require("delete", dataset)
        self._database.execute("DELETE FROM datasets WHERE id = ?", [dataset.id])

    def _select(self) -> str:
        """The SELECT for `_dataset`; rows of items that the user may not see do not count."""
        rows = "SELECT count(*) FROM dataset_rows WHERE dataset_id = datasets.id"
        if not self._access.sees_all("item"):
            rows += f" AND item_id IN (SELECT id FROM items WHERE {self._access.scope('item', 'items')})"
        return f"SELECT *, ({rows}) AS n FROM datasets"


def _require_free(dataset: Dataset, hint: str) -> None:
    """Refuse to change the rows of a dataset that mirrors a folder."""
    if dataset.backing_folder_id is not None:
        raise InvalidInput(f"dataset {dataset.title!r} follows a folder", hint=hint)


def _dataset(row: Row) -> Dataset:
    return Dataset(
        id=row["id"],
        uuid=row["uuid"],
        title=row["title"],
        description=row["description"],
        backing_folder_id=row["backing_folder_id"],
        row_count=row["n"],
        created_at=row["created_at"],
    )
