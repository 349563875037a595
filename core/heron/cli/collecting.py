"""Makes a collection of what a command found; its title is validated before the work begins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from heron.cli.tables import say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.workspace import Workspace


def check_titles(workspace: Workspace, *titles: str | None) -> None:
    """Raise AlreadyExists or InvalidInput for a title that a new collection cannot have."""
    from heron.errors import AlreadyExists, InvalidInput
    from heron.metadata.keys import check_name

    given = [title for title in titles if title is not None]
    taken = {collection.title for collection in workspace.collections.list()} if given else set()
    for title in given:
        check_name(title, "collection title")
        if title in taken:
            raise AlreadyExists(
                f"there is a collection {title!r} already", hint="add to it, or choose another title"
            )
    if len(set(given)) < len(given):
        raise InvalidInput(f"two collections cannot both be called {given[0]!r}")


def collect(
    workspace: Workspace, title: str | None, items: Iterable[str], *, quiet: bool, description: str = ""
) -> None:
    """Make a collection of items if a title is given, and print that unless `quiet`."""
    if title is None:
        return
    made = workspace.collections.create(title, items=items, description=description)
    if not quiet:
        say(f"Made collection {title} of {counted(made.item_count, 'item')}")
