"""`heron collections`: items under a title."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.item_tables import Cells, columns_option, item_cells, named_cells, print_stream, values_of
from heron.cli.output import (
    confirm,
    example,
    json_option,
    list_options,
    listing,
    page_options,
    print_json_stream,
    print_records,
    tell,
    yes_option,
)
from heron.cli.selection import Selection, selection
from heron.cli.tables import say
from heron.convert import item_to_dict, unstructure
from heron.errors import InvalidInput, NotFound
from heron.models import Item
from heron.wording import counted
from heron.workspace import Workspace


@click.group("collections", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron collections create 'Rainy nights' --where \"weather = 'rain' AND night\"")
def command(context: click.Context, as_json: bool) -> None:
    """Put items together under a title."""
    listing(context, list_collections, as_json)


@command.command("list")
@page_options
@click.pass_obj
@example("heron collections list")
def list_collections(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List the collections."""
    print_records(
        context.workspace().collections.list(),
        as_json,
        ["title", "items", "description"],
        lambda c: (c.title, c.item_count, c.description),
        "There is no collection yet: heron collections create TITLE --where …",
        limit,
        cursor,
    )


@command.command("create")
@click.argument("title")
@selection()
@click.option(
    "--names", type=click.Path(dir_okay=False, path_type=Path), help="File with an item name a line."
)
@click.option("--description", default="", help="What the collection is for.")
@click.option(
    "--in",
    "home",
    metavar="PROJECT",
    shell_complete=completing.projects,
    help="The project to which it belongs: who sees the project sees it.",
)
@json_option
@click.pass_obj
@example(
    "heron collections create Best --item 01a1fc7f-6634-7b8f-8ffa-50166ba72775\nheron collections create Test --names names.txt\n"
    "heron collections create Night --in Survey --project Survey --where 'dark'"
)
def create(
    context: Context,
    title: str,
    names: Path | None,
    description: str,
    home: str | None,
    selection: Selection,
    as_json: bool,
) -> None:
    """Make a collection of items that are chosen now; items that the query finds later are not added."""
    workspace = context.workspace()
    chosen, matches = _chosen(workspace, names, selection, quiet=as_json)
    collection = workspace.collections.create(title, items=chosen, description=description, project=home)
    sentence = f"Made collection {title} of {counted(collection.item_count, 'item')}"
    tell(as_json, {**unstructure(collection), **matches}, sentence)


@command.command("add")
@click.argument("title", shell_complete=completing.collections)
@selection()
@click.option(
    "--names", type=click.Path(dir_okay=False, path_type=Path), help="File with an item name a line."
)
@json_option
@click.pass_obj
@example("heron collections add Best --where 'width > 4000'")
def add(context: Context, title: str, names: Path | None, selection: Selection, as_json: bool) -> None:
    """Add items to a collection."""
    workspace = context.workspace()
    chosen, matches = _chosen(workspace, names, selection, quiet=as_json)
    done = workspace.collections.add(title, chosen)
    sentence = f"Added {counted(done.added, 'item')}, {done.skipped:,} were in it already"
    tell(as_json, {**unstructure(done), **matches}, sentence)


@command.command("remove")
@click.argument("title", shell_complete=completing.collections)
@selection()
@json_option
@click.pass_obj
@example("heron collections remove Best --where 'width < 1000'")
def remove(context: Context, title: str, selection: Selection, as_json: bool) -> None:
    """Remove items from a collection."""
    workspace = context.workspace()
    removed = workspace.collections.remove(title, selection.chosen(workspace))
    tell(as_json, {"removed": removed}, f"Removed {counted(removed, 'item')}")


@command.command("show")
@click.argument("title", shell_complete=completing.collections)
@columns_option
@page_options
@click.pass_obj
@example("heron collections show 'Rainy nights'")
def show(
    context: Context, title: str, columns: str | None, limit: int | None, cursor: int, as_json: bool
) -> None:
    """List the items of a collection."""
    workspace = context.workspace()
    collection, items = workspace.collections.get(title), workspace.collections.items(title)

    def cells(part: Sequence[Item]) -> Cells:
        if columns is None:
            return item_cells(workspace, part)
        return named_cells(workspace, part, columns)

    if as_json:
        rows = map(item_to_dict, items) if columns is None else values_of(workspace, items, columns)
        print_json_stream(rows, limit, cursor, collection=collection)
        return
    empty = f"Collection {title} is empty; add items: heron collections add {shlex.quote(title)} --where …"
    print_stream(items, cells, empty, limit, cursor)


@command.command("update")
@click.argument("title", shell_complete=completing.collections)
@click.option("--title", "new_title", help="The new title, which is the tag on its items.")
@click.option("--description", help="The new description.")
@json_option
@click.pass_obj
@example("heron collections update Best --title 'Best of 2026'")
def update(
    context: Context, title: str, new_title: str | None, description: str | None, as_json: bool
) -> None:
    """Change title or description."""
    changed = context.workspace().collections.update(title, title=new_title, description=description)
    tell(as_json, changed, f"It is now {changed.title}")


@command.command("delete")
@click.argument("title", shell_complete=completing.collections)
@yes_option
@json_option
@click.pass_obj
@example("heron collections delete Best")
def delete(context: Context, title: str, yes: bool, as_json: bool) -> None:
    """Delete a collection; its items stay."""
    collections = context.workspace().collections
    found = collections.get(title)
    confirm(f"Delete collection {title} of {counted(found.item_count, 'item')}? The items stay.", yes)
    collections.delete(title)
    tell(as_json, found, f"Deleted collection {title}")


def _chosen(
    workspace: Workspace, names: Path | None, selection: Selection, *, quiet: bool
) -> tuple[Sequence[str], dict[str, Any]]:
    """The items, and how the names of a file were matched, which is printed unless `quiet`."""
    if names is None:
        return selection.chosen(workspace), {}
    if selection:
        raise click.UsageError("--names cannot be used together with other options that choose items.")
    try:
        lines = names.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NotFound(f"{names} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{names} is not UTF-8 text", hint="save it as UTF-8") from error
    found = workspace.collections.match_names(line.strip() for line in lines if line.strip())
    uuids = list(found.matched.values())
    if quiet:
        return uuids, {"names": unstructure(found)}
    say(
        f"Names: {len(found.matched):,} matched, {len(found.ambiguous):,} ambiguous, {len(found.unmatched):,} unmatched"
    )
    for name, several in found.ambiguous.items():
        say(f"  ambiguous, left out: {name} ({counted(len(several), 'item')})")
    for name in found.unmatched:
        say(f"  unmatched: {name}")
    return uuids, {}
