"""`heron collections`: items under a title."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from heron.cli.context import Context
from heron.cli.output import (
    ITEM_COLUMNS,
    confirm,
    example,
    item_row,
    json_option,
    limit_option,
    print_beginning,
    print_json_stream,
    print_records,
    say,
    yes_option,
)
from heron.cli.selection import Selection, selection
from heron.convert import item_to_dict
from heron.errors import InvalidInput, NotFound
from heron.wording import counted
from heron.workspace import Workspace


@click.group("collections", invoke_without_command=True)
@click.pass_context
@example("heron collections create 'Rainy nights' --where \"weather = 'rain' AND night\"")
def command(context: click.Context) -> None:
    """Put items together under a title."""
    if context.invoked_subcommand is None:
        context.invoke(list_collections, as_json=False)


@command.command("list")
@json_option
@click.pass_obj
@example("heron collections list")
def list_collections(context: Context, as_json: bool) -> None:
    """List the collections."""
    print_records(
        context.workspace().collections.list(),
        as_json,
        ["title", "items", "description"],
        lambda c: (c.title, c.item_count, c.description),
        "There is no collection yet: heron collections create TITLE --where …",
    )


@command.command("create")
@click.argument("title")
@selection()
@click.option(
    "--names", type=click.Path(dir_okay=False, path_type=Path), help="File with an item name a line."
)
@click.option("--description", default="", help="What it is for.")
@click.pass_obj
@example(
    "heron collections create Best --item 01a1fc7f-6634-7b8f-8ffa-50166ba72775\nheron collections create Test --names names.txt"
)
def create(context: Context, title: str, names: Path | None, description: str, selection: Selection) -> None:
    """Make a collection of items that are chosen now; what a query finds later does not join it."""
    workspace = context.workspace()
    chosen = _chosen(workspace, names, selection)
    collection = workspace.collections.create(title, items=chosen, description=description)
    say(f"Made collection {title} of {counted(collection.item_count, 'item')}")


@command.command("add")
@click.argument("title")
@selection()
@click.option(
    "--names", type=click.Path(dir_okay=False, path_type=Path), help="File with an item name a line."
)
@click.pass_obj
@example("heron collections add Best --where 'width > 4000'")
def add(context: Context, title: str, names: Path | None, selection: Selection) -> None:
    """Add items to a collection."""
    workspace = context.workspace()
    done = workspace.collections.add(title, _chosen(workspace, names, selection))
    say(f"Added {counted(done.added, 'item')}, {done.skipped:,} were in it already")


@command.command("remove")
@click.argument("title")
@selection()
@click.pass_obj
@example("heron collections remove Best --where 'width < 1000'")
def remove(context: Context, title: str, selection: Selection) -> None:
    """Take items out of a collection."""
    workspace = context.workspace()
    removed = workspace.collections.remove(title, selection.chosen(workspace))
    say(f"Removed {counted(removed, 'item')}")


@command.command("show")
@click.argument("title")
@limit_option
@json_option
@click.pass_obj
@example("heron collections show 'Rainy nights'")
def show(context: Context, title: str, limit: int | None, as_json: bool) -> None:
    """List the items of a collection."""
    collections = context.workspace().collections
    collection, items = collections.get(title), collections.items(title)
    if as_json:
        print_json_stream(map(item_to_dict, islice(items, limit)), "items", collection=collection)
        return
    print_beginning(ITEM_COLUMNS, map(item_row, items), f"Collection {title} is empty.", limit)


@command.command("update")
@click.argument("title")
@click.option("--title", "new_title", help="The new title, which is the tag on its items.")
@click.option("--description", help="The new description.")
@click.pass_obj
@example("heron collections update Best --title 'Best of 2026'")
def update(context: Context, title: str, new_title: str | None, description: str | None) -> None:
    """Change title or description."""
    changed = context.workspace().collections.update(title, title=new_title, description=description)
    say(f"It is now {changed.title}")


@command.command("delete")
@click.argument("title")
@yes_option
@click.pass_obj
@example("heron collections delete Best")
def delete(context: Context, title: str, yes: bool) -> None:
    """Delete a collection; its items stay."""
    collections = context.workspace().collections
    count = counted(collections.get(title).item_count, "item")
    confirm(f"Delete collection {title} of {count}? The items stay.", yes)
    collections.delete(title)
    say(f"Deleted collection {title}")


def _chosen(workspace: Workspace, names: Path | None, selection: Selection) -> list[str]:
    if names is None:
        return selection.chosen(workspace)
    if selection:
        raise click.UsageError("--names cannot be used together with other options that choose items.")
    try:
        lines = names.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NotFound(f"{names} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{names} is no UTF-8 text", hint="save it as UTF-8") from error
    found = workspace.collections.match_names(line.strip() for line in lines if line.strip())
    say(
        f"Names: {len(found.matched):,} matched, {len(found.ambiguous):,} ambiguous, {len(found.unmatched):,} unmatched"
    )
    for name, uuids in found.ambiguous.items():
        say(f"  ambiguous, left out: {name} ({counted(len(uuids), 'item')})")
    for name in found.unmatched:
        say(f"  unmatched: {name}")
    return list(found.matched.values())
