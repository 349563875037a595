"""Folders, which contain items. They are nested, and are named by their path such as `Driving/2026`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from heron.answers import FolderContents, Use
from heron.catalog.access import WORKSPACE, Access, Noun, Verb
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.limits import at_most
from heron.catalog.mirrors import mirror_moved_folder
from heron.catalog.missing import missing
from heron.catalog.referring import FOLDER, FolderRef
from heron.catalog.schema import SchemaService
from heron.catalog.uses import uses_of
from heron.convert import dumps, loads
from heron.errors import AlreadyExists, InvalidInput
from heron.metadata.keys import check_name
from heron.metadata.validation import Validator
from heron.models import Folder, Json, now
from heron.uuids import new_uuid

MAX_DEPTH = 100
"""The most names in a folder path: SQLite deletes a tree by a cascade of limited depth."""


_FEW = 1000
"""Up to so many folders are counted one by one."""


class FolderService:
    """The folders of a workspace."""

    def __init__(self, database: Database, access: Access, schema: SchemaService) -> None:
        self._database = database
        self._access = access
        self._schema = schema

    def create(
        self, path: str, *, description: str = "", metadata: Mapping[str, Json] | None = None
    ) -> Folder:
        """Create a folder, and missing folders above it; raises AlreadyExists if it exists."""
        names = split_path(path)
        with self._database.doing(self, "create"):
            if self.find("/".join(names)) is not None:
                raise AlreadyExists(f"folder {'/'.join(names)!r} is there already")
            parent: Folder | None = None
            for depth, name in enumerate(names, start=1):
                here = self.find("/".join(names[:depth]))
                if here is None:
                    validator = Validator(self._schema.current())
                    text = validator.dumps(metadata or {}, f"folder {path!r}")
                    if validator.unknown:
                        self._schema._remember_unknown(validator.unknown)
                    last = depth == len(names)
                    here = self._insert(name, parent, description if last else "", text if last else "{}")
                    self._access.note(here)
                parent = here
        assert parent is not None
        return parent

    def ensure(self, ref: FolderRef) -> Folder:
        """The folder that a reference means; with a path, it is created if it is missing."""
        if FOLDER.uuid(ref) is not None:
            return self.get(ref)
        return self.find(ref) or self.create(str(ref))

    def _missing(self, ref: FolderRef) -> list[str]:
        """The paths of the folders that `ensure` would create, the topmost first."""
        if FOLDER.uuid(ref) is not None or self.find(ref) is not None:
            return []
        names = str(ref).strip("/").split("/")
        paths = ("/".join(names[: count + 1]) for count in range(len(names)))
        return [path for path in paths if self.find(path) is None]

    def _prune(self, paths: Sequence[str]) -> None:
        """Delete those of some folders, which `_missing` named, that are empty: nothing was put into them."""
        for path in reversed(paths):
            self._database.execute(
                "DELETE FROM folders WHERE path = ? AND created_by = ? "
                "AND NOT EXISTS (SELECT 1 FROM items WHERE folder_id = folders.id) "
                "AND NOT EXISTS (SELECT 1 FROM folders AS below WHERE below.parent_id = folders.id) "
                "AND NOT EXISTS (SELECT 1 FROM synced_folders WHERE folder_id = folders.id)",
                [path, self._access.user.email],
            )

    def find(self, ref: FolderRef) -> Folder | None:
        """The folder that is meant, or None."""
        meant, parameters = FOLDER.condition(ref, "path", str(ref).strip("/"))
        row = self._database.row(
            f"SELECT * FROM folders WHERE {meant} AND {self._access.scope('folder', 'folders')}", parameters
        )
        return self._of_rows([row])[0] if row is not None else None

    def get(self, ref: FolderRef) -> Folder:
        """The folder that is meant; raises NotFound with a suggestion."""
        folder = self.find(ref)
        if folder is None:
            name = ref.path if isinstance(ref, Folder) else str(ref)
            rows = self._database.rows(
                f"SELECT path FROM folders WHERE {self._access.scope('folder', 'folders')} LIMIT 5000"
            )
            paths = [row["path"] for row in rows]
            raise missing("folder", name, paths)
        return folder

    def _by_id(self, id: int) -> Folder | None:
        """The folder with that inner id, or None."""
        row = self._database.row(
            f"SELECT * FROM folders WHERE id = ? AND {self._access.scope('folder', 'folders')}", [id]
        )
        return self._of_rows([row])[0] if row is not None else None

    def list(
        self, parent: FolderRef | None = None, *, recursive: bool = True, limit: int | None = None
    ) -> list[Folder]:
        """The folders of the workspace, or below a folder, ordered by path."""
        condition, parameters = self._access.scope("folder", "folders"), []
        if parent is not None:
            above = self.get(parent)
            condition += " AND substr(path, 1, ?) = ?"
            parameters += [len(above.path) + 1, above.path + "/"]
        if not recursive and parent is not None:
            condition += " AND parent_id = ?"
            parameters.append(self.get(parent).id)
        elif not recursive:  # a folder below one that the user may not see is at the top for them
            seen = self._access.scope("folder", "above")
            condition += f" AND NOT EXISTS (SELECT 1 FROM folders AS above WHERE above.id = folders.parent_id AND {seen})"
        rows = self._database.rows(
            f"SELECT * FROM folders WHERE {condition} ORDER BY path LIMIT ?", [*parameters, at_most(limit)]
        )
        return [*self._of_rows(rows)]

    def _counted(self, limit: int | None, skip: int) -> Sequence[tuple[Folder, int]]:
        """At most `limit` folders by path, after `skip` others, each with the number of items in it and below it.

        Items marked as deleted do not count. Up to a thousand are counted one by one, so that no others are read.
        """
        rows = self._database.rows(
            f"SELECT * FROM folders WHERE {self._access.scope('folder', 'folders')} ORDER BY path LIMIT ? OFFSET ?",
            [at_most(limit), skip],
        )
        folders = self._of_rows(rows)
        counts = self._counts() if len(folders) > _FEW else self._counts_of(folders)
        return [(folder, counts.get(folder.uuid, 0)) for folder in folders]

    def _counts_of(self, folders: Sequence[Folder]) -> dict[str, int]:
        """What `_counts` says of some folders."""
        seen = f"{self._access.scope('folder', 'place')} AND {self._access.scope('item', 'items')}"
        count = (
            "SELECT count(*) FROM folders AS place CROSS JOIN items ON items.folder_id = place.id "
            "WHERE (place.id = top.id OR place.path > top.path || '/' AND place.path < top.path || '0') "
            f"AND deleted_at IS NULL AND {seen}"  # '0' follows '/', so the paths between begin with both
        )
        rows = self._database.rows(
            f"SELECT uuid, ({count}) FROM json_each(?) AS given CROSS JOIN folders AS top ON top.id = given.value",
            [dumps([folder.id for folder in folders])],
        )
        return {row[0]: row[1] for row in rows}

    def _counts(self) -> dict[str, int]:
        """The number of items in each folder and below it, by the folder's UUID; items marked as deleted do not count."""
        own = self._database.rows(
            "SELECT folder_id, count(*) FROM items WHERE deleted_at IS NULL "
            f"AND {self._access.scope('item', 'items')} GROUP BY folder_id"
        )
        counts: dict[int, int] = {row[0]: row[1] for row in own}
        found: dict[str, int] = {}
        above: list[Folder] = []  # the folders that hold the one at hand, in the order of the tree
        for folder in sorted(self.list(), key=lambda folder: folder.path.split("/")):
            while above and not folder.path.startswith(above[-1].path + "/"):
                above.pop()
            above.append(folder)
            for holder in above:
                found[holder.uuid] = found.get(holder.uuid, 0) + counts.get(folder.id, 0)
        return found

    def contents(self, ref: FolderRef) -> FolderContents:
        """What deleting the folder would remove."""
        folder = self.get(ref)
        below, parameters = subtree("id", folder, recursive=True)
        below += f" AND {self._access.scope('folder', 'folders')}"
        inside, _ = subtree("folder_id", folder, recursive=True)
        inside += f" AND {self._access.scope('item', 'items')}"
        items = f"SELECT id FROM items WHERE {inside}"

        def count(source: str) -> int:
            return int(self._database.value(f"SELECT count(*) FROM {source}", parameters))

        def held_in(table: str, noun: Noun) -> str:
            scope = self._access.scope(noun, f"{noun}s")
            holders = "" if scope == "1" else f" AND {noun}_id IN (SELECT id FROM {noun}s WHERE {scope})"
            return f"{table} WHERE item_id IN ({items}){holders}"

        return FolderContents(
            folders=count(f"folders WHERE {below}") - 1,
            items=count(f"items WHERE {inside}"),
            dataset_rows=count(held_in("dataset_rows", "dataset")),
            collection_members=count(held_in("collection_items", "collection")),
        )

    def uses(self, ref: FolderRef) -> Sequence[Use]:
        """What uses the items of the folder and of the folders below it, as `items.uses` says of single items."""
        return uses_of(
            self._database, self._access, *subtree("items.folder_id", self.get(ref), recursive=True)
        )

    @one_transaction
    def rename(self, ref: FolderRef, name: str) -> Folder:
        """Rename a folder; it stays in its parent."""
        folder = self.get(ref)
        check_folder_name(name)
        return self._place(folder, folder.path.rpartition("/")[0], name)

    @one_transaction
    def move(self, ref: FolderRef, parent: FolderRef | None) -> Folder:
        """Move a folder with everything below it into another folder, or to the top for None."""
        folder = self.get(ref)
        above = self.get(parent).path if parent is not None else ""
        if above == folder.path or above.startswith(folder.path + "/"):
            raise InvalidInput(f"folder {folder.path!r} cannot be moved into itself")
        return self._place(folder, above, folder.name)

    @one_transaction
    def set_metadata(self, ref: FolderRef, metadata: Mapping[str, Json], *, merge: bool = False) -> Folder:
        """Replace the folder's metadata, or merge into it; when merged, a key given as None is removed."""
        with self._database.write():
            folder = self.get(ref)
            self._access.require("update", folder)
            validator, place = Validator(self._schema.current()), f"folder {folder.path!r}"
            stored = loads(self._database.value("SELECT metadata FROM folders WHERE id = ?", [folder.id]))
            kept = {key: value for key, value in stored.items() if merge and key not in metadata}
            text = validator.write({**kept, **validator.encode(metadata, place)}, place)
            self._database.execute("UPDATE folders SET metadata = ? WHERE id = ?", [text, folder.id])
            if validator.unknown:
                self._schema._remember_unknown(validator.unknown)
        return self.get(folder.uuid)

    @one_transaction
    def update(self, ref: FolderRef, *, description: str) -> Folder:
        """Change the description."""
        folder = self.get(ref)
        self._access.require("update", folder)
        self._database.execute("UPDATE folders SET description = ? WHERE id = ?", [description, folder.id])
        return self.get(folder.uuid)

    @one_transaction
    def delete(self, ref: FolderRef) -> FolderContents:
        """Delete a folder with everything in it, and return what was deleted. Files are never touched."""
        folder = self.get(ref)
        self._require_below("delete", folder)
        inside, parameters = subtree("items.folder_id", folder, recursive=True)
        self._access.require_where("delete", "item", inside, parameters)
        with self._database.write():
            gone = self.contents(folder)
            self._database.execute("DELETE FROM folders WHERE id = ?", [folder.id])
        return gone

    def _require_below(self, verb: Verb, folder: Folder) -> None:
        """Check a right on a folder and on all folders below it, including folders that the user does not see."""
        self._access.require(verb, folder)
        below, parameters = subtree("folders.id", folder, recursive=True)
        self._access.require_where(verb, "folder", below, parameters)

    def _require_new(self, path: str, parent: Folder | None) -> None:
        """Check the right to create a folder in another one; raises AlreadyExists if a folder has that path."""
        self._access.require("create", parent or WORKSPACE, "folder")
        if self._database.row("SELECT 1 FROM folders WHERE path = ?", [path]):
            raise AlreadyExists(f"folder {path!r} is there already")

    def _of_rows(self, rows: Iterable[Row]) -> Sequence[Folder]:
        """The records of rows of `folders`."""
        return self._schema._shown.of(map(_folder, rows))

    def _insert(self, name: str, parent: Folder | None, description: str, metadata: str) -> Folder:
        uuid = new_uuid()
        path = f"{parent.path}/{name}" if parent else name
        self._require_new(path, parent)
        self._database.execute(
            "INSERT INTO folders (uuid, parent_id, name, path, description, metadata, created_at, created_by) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                uuid,
                parent.id if parent else None,
                name,
                path,
                description,
                metadata,
                now(),
                self._access.user.email,
            ],
        )
        return self.get(uuid)

    def _place(self, folder: Folder, above: str, name: str) -> Folder:
        self._require_below("update", folder)
        path = f"{above}/{name}" if above else name
        with self._database.write():
            if path != folder.path:
                self._require_new(path, self.get(above) if above else None)
            below, parameters = subtree("id", folder, recursive=True)
            slashes = "max(length(path) - length(replace(path, '/', '')))"
            deepest = self._database.value(f"SELECT {slashes} FROM folders WHERE {below}", parameters)
            _check_depth(path.count("/") + 1 + deepest - folder.path.count("/"))
            parent_id = self.get(above).id if above else None
            self._database.execute(
                "UPDATE folders SET name = ?, parent_id = ? WHERE id = ?", [name, parent_id, folder.id]
            )
            self._database.execute(
                "UPDATE folders SET path = ? || substr(path, ?) WHERE path = ? OR substr(path, 1, ?) = ?",
                [path, len(folder.path) + 1, folder.path, len(folder.path) + 1, folder.path + "/"],
            )
            if path != folder.path:
                mirror_moved_folder(
                    self._database, *subtree("items.folder_id", self.get(folder.uuid), recursive=True)
                )
        return self.get(folder.uuid)

    def _paths_by_id(self) -> dict[int, str]:
        """The paths of all folders by their inner ids."""
        return {row[0]: row[1] for row in self._database.rows("SELECT id, path FROM folders")}

    def _ids_from(self, folder: Folder, *, recursive: bool) -> Sequence[int]:
        """The inner ids of a folder, and if `recursive` of those below it."""
        inside, given = subtree("folders.id", folder, recursive=recursive)
        return [row[0] for row in self._database.rows(f"SELECT id FROM folders WHERE {inside}", given)]


def subtree(column: str, folder: Folder, *, recursive: bool) -> tuple[str, list[Json]]:
    """An SQL condition that `column` is the folder, or with `recursive` a folder below it, and its parameters."""
    if not recursive:
        return f"{column} = ?", [folder.id]
    return (
        f"{column} IN (SELECT id FROM folders WHERE id = ? OR substr(path, 1, ?) = ?)",
        [folder.id, len(folder.path) + 1, folder.path + "/"],
    )


def within(folder: Folder) -> tuple[str, list[Json]]:
    """An SQL condition that a joined row of `folders` is the folder or lies below it, and its parameters."""
    return "(folders.id = ? OR substr(folders.path, 1, ?) = ?)", [
        folder.id,
        len(folder.path) + 1,
        folder.path + "/",
    ]


def split_path(path: str) -> list[str]:
    """The names of a folder path; raises InvalidInput for an empty or illegal one."""
    names = path.strip("/").split("/") if isinstance(path, str) else []
    for name in names or [""]:
        check_folder_name(name)
    _check_depth(len(names))
    return names


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"a folder path has at most {MAX_DEPTH} names, this one would have {depth}")


def check_folder_name(name: str) -> str:
    """Return a legal folder name: no `/`, not `.` or `..`."""
    check_name(name, "folder name")
    if "/" in name or name in (".", ".."):
        raise InvalidInput(f"folder name {name!r} cannot be '.' or '..', or contain '/'")
    return name


def _folder(row: Row) -> Folder:
    return Folder(
        id=row["id"],
        uuid=row["uuid"],
        name=row["name"],
        path=row["path"],
        parent_id=row["parent_id"],
        description=row["description"],
        metadata=loads(row["metadata"]),
        created_at=row["created_at"],
    )
