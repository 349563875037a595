"""Opens and makes workspaces."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from heron.catalog.access import OWNER, unknown_user
from heron.catalog.unfinished import is_unfinished
from heron.errors import AlreadyExists, NotFound
from heron.inside import DIRECTORY, FILE_NAME, is_catalogue, make_workspace_folder
from heron.workspace import Workspace

if TYPE_CHECKING:
    from heron.hooks import PluginManager


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
    if not is_catalogue(root / DIRECTORY / FILE_NAME):
        if not create:
            raise NotFound(f"{root} is not a workspace", hint="run heron init there")
        if user is not None and user != OWNER.email:
            raise unknown_user(user)
        make_workspace_folder(root / DIRECTORY)
    return Workspace(
        root, partial(_plugin_manager, plugins, discover), user=user, create=create, read_only=read_only
    )


def init(path: str | Path = ".", *, plugins: Sequence[object] = (), discover: bool = True) -> Workspace:
    """Make a workspace in a folder, or finish one whose making was interrupted; raises AlreadyExists if it is one already."""
    root = Path(path).absolute()
    file = root / DIRECTORY / FILE_NAME
    if file.exists() and not is_unfinished(file):
        raise AlreadyExists(f"{root} is a workspace already", hint="use it: heron import PATH --folder NAME")
    return open(root, plugins=plugins, discover=discover)


def _plugin_manager(plugins: Sequence[object], discover: bool) -> PluginManager:
    from heron.builtin import plugin_manager

    return plugin_manager(plugins, discover=discover)
