"""Opens and makes workspaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from heron.builtin import PluginSource
from heron.catalog.access import OWNER, WORKSPACE, Access, acting_user, unknown_user
from heron.catalog.database import Database
from heron.catalog.unfinished import is_unfinished
from heron.errors import AlreadyExists, CatalogueError, NotFound
from heron.inside import DIRECTORY, FILE_NAME, is_catalogue, make_workspace_folder, require_settled
from heron.workspace import Workspace

if TYPE_CHECKING:
    from heron.backups import Restored


def open(
    path: str | Path = ".",
    *,
    user: str | None = None,
    plugins: Sequence[object] = (),
    discover: bool = True,
    create: bool = True,
    read_only: bool = False,
) -> Workspace:
    """Open the workspace in a folder; with `create`, make one if there is none.

    `user` is the e-mail address of the acting user; None is the owner, who is `owner` in a new workspace.
    `plugins` are plugin objects to use in addition to the installed ones; `discover` False ignores the installed ones.
    With `read_only`, every change raises PermissionDenied. Raises NotFound, CatalogueError, and PermissionDenied for an unknown user.
    """
    root = Path(path).absolute()
    require_settled(root)
    if not is_catalogue(root / DIRECTORY / FILE_NAME):
        if not create:
            raise NotFound(f"{root} is not a workspace", hint="run heron init there")
        if user is not None and user != OWNER.email:
            raise unknown_user(user)
        make_workspace_folder(root / DIRECTORY)
    return Workspace(
        root,
        PluginSource(plugins, discover=discover, root=root),
        user=user,
        create=create,
        read_only=read_only,
    )


def init(path: str | Path = ".", *, plugins: Sequence[object] = (), discover: bool = True) -> Workspace:
    """Make a workspace in a folder, or finish one whose making was interrupted; raises AlreadyExists if it is one already."""
    root = Path(path).absolute()
    file = root / DIRECTORY / FILE_NAME
    if file.exists() and not is_unfinished(file):
        raise AlreadyExists(f"{root} is a workspace already", hint="use it: heron import PATH --folder NAME")
    return open(root, plugins=plugins, discover=discover)


def restore(
    backup: str | Path,
    path: str | Path = ".",
    *,
    replace: bool = False,
    dry_run: bool = False,
    user: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Restored:
    """Restore a backup, or the newest one of a series, as the workspace in a folder.

    All files are copied beside it and checked: their checksums, the catalogue by SQLite's own checks, and that all vectors are there.
    Then the workspace appears at once. `replace` lets it take the place of one that is there, which is kept aside until then, and which no
    other process may have open. `dry_run` checks everything, in the temporary folder. `user`, by default the owner, must be an
    admin of the workspace that is replaced and of that in the backup. `progress` is called with bytes done and in total.
    Raises NotFound, AlreadyExists, CatalogueBusy, PermissionDenied, CatalogueError for a backup that is damaged, forged or newer than this
    Heron, and HeronError for a place that cannot be written; then nothing has changed.
    """
    from heron.export.backups.restoring import restore as restored

    def allowed(directory: Path) -> None:
        try:
            database = Database(directory, create=False, read_only=True)
        except CatalogueError:
            if user is None:
                return  # it is damaged, and who may write its folder may replace it
            raise
        try:
            Access(database, acting_user(database, user)).require("update", WORKSPACE)
        finally:
            database.close()

    return restored(
        Path(backup),
        Path(path),
        replace=replace,
        dry_run=dry_run,
        user=user or OWNER.email,
        allowed=allowed,
        progress=progress,
    )
