"""Trees of folders below a folder: made at once for many paths, and taken back where they stay empty."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import field, frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.folders import MAX_DEPTH, FolderService
from heron.convert import dumps
from heron.models import Folder

Names = tuple[str, ...]
"""The names of folders from one folder down to another; empty for that folder itself."""


@frozen
class Made:
    """Folders by their names below a root, and those of them that are new, the highest first."""

    folders: dict[Names, Folder]
    new: list[Folder] = field(factory=list)
    cut: frozenset[Names] = frozenset()
    """Names that lead deeper than folders may be; their folder is the deepest one that is possible."""


class FolderTrees:
    """Makes the folders below a folder into which an import writes. All methods work in the caller's transaction."""

    def __init__(self, database: Database, access: Access, folders: FolderService) -> None:
        self._database = database
        self._access = access
        self._folders = folders

    def ensure(self, root: Folder, wanted: Collection[Names]) -> Made:
        """The folders with these names below a root; missing ones are created, with those above them."""
        most = MAX_DEPTH - root.path.count("/") - 1
        chains = {names[:depth] for names in wanted for depth in range(1, min(len(names), most) + 1)}
        made = Made(self._there(root, chains), cut=frozenset(names for names in wanted if len(names) > most))
        for names in sorted(chains - made.folders.keys(), key=len):
            folder = self._folders._insert(names[-1], made.folders[names[:-1]], "", "{}")
            made.folders[names] = folder
            made.new.append(folder)
        for names in made.cut:
            made.folders[names] = made.folders[names[:most]]
        return made

    def _there(self, root: Folder, wanted: Iterable[Names]) -> dict[Names, Folder]:
        """Those of the folders that exist, and the root."""
        by_path = {"/".join((root.path, *names)): names for names in wanted}
        rows = self._database.rows(
            "SELECT folders.* FROM json_each(?) AS wanted CROSS JOIN folders ON folders.path = wanted.value "
            f"WHERE {self._access.scope('folder', 'folders')}",
            [dumps([*by_path])],
        )
        return {(): root, **{by_path[folder.path]: folder for folder in self._folders._of_rows(rows)}}

    def prune(self, folders: Iterable[Folder]) -> None:
        """Delete those of the folders that contain nothing; they were just created."""
        for folder in sorted(folders, key=lambda folder: folder.path.count("/"), reverse=True):
            self._access.require("delete", folder)
            self._database.execute(
                "DELETE FROM folders WHERE id = ? AND NOT EXISTS (SELECT 1 FROM items WHERE folder_id = folders.id) "
                "AND NOT EXISTS (SELECT 1 FROM folders AS below WHERE below.parent_id = folders.id)",
                [folder.id],
            )
