"""`heron items`: the entries of the catalogue."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve

from heron.cli import completing
from heron.cli.contents import (
    check_contents,
    contents_option,
    frames_option,
    print_contents,
    print_json_item,
    print_json_page,
)
from heron.cli.context import Context
from heron.cli.item_tables import columns_option, nothing, print_columns, print_page, written
from heron.cli.output import (
    ROWS,
    confirm,
    cursor_option,
    example,
    json_option,
    list_options,
    print_json,
    print_json_list,
    tell,
    yes_option,
)
from heron.cli.selection import Selection, selection
from heron.cli.tables import print_fields, say, size_cell
from heron.cli.used import used_by, used_rows
from heron.convert import item_to_dict, unstructure
from heron.wording import counted

if TYPE_CHECKING:
    from heron.models import FrameChoice, Item
    from heron.pages import Page
    from heron.workspace import Workspace


def _listing(function: Any) -> Any:
    return selection()(columns_option(cursor_option(contents_option(list_options(function)))))


@click.group("items", invoke_without_command=True)
@_listing
@click.pass_context
@example(
    "heron items\nheron items --folder Photos --limit 20\nheron items --columns name,width,captured_at\nheron items show harbour.jpg"
)
def command(
    context: click.Context,
    selection: Selection,
    columns: str | None,
    cursor: str | None,
    contents: tuple[str, ...],
    as_json: bool,
) -> None:
    """List, show, move and delete items.

    ITEM is a name that only one item has, the id that tables show, the path or URL of the file, or a UUID.
    """
    if context.invoked_subcommand is None:
        _list(context.obj, selection, columns, cursor, contents, as_json)


@command.command("list")
@_listing
@click.pass_obj
@example("heron items list --json")
def list_items(
    context: Context,
    selection: Selection,
    columns: str | None,
    cursor: str | None,
    contents: tuple[str, ...],
    as_json: bool,
) -> None:
    """List items, by default in the order in which they were added."""
    _list(context, selection, columns, cursor, contents, as_json)


def _list(
    context: Context,
    selection: Selection,
    columns: str | None,
    cursor: str | None,
    contents: tuple[str, ...],
    as_json: bool,
) -> None:
    check_contents(contents, columns, as_json)
    workspace = context.workspace()
    page = _page(workspace, selection, cursor)
    empty = _empty(workspace, selection, cursor) if not len(page) and not as_json else ""
    if contents:
        print_json_page(workspace, page, map(item_to_dict, page), contents)
    elif as_json:
        rows = workspace.search.values(page.rows, columns) if columns is not None else map(item_to_dict, page)
        print_json_list(rows, page.cursor)
    elif columns is not None:
        print_columns(workspace, page, columns, empty)
    elif selection.only("folder", "limit"):
        print_page(workspace, page, empty)
    else:
        print_page(workspace, page, empty, selection.query(workspace))


def _empty(workspace: Workspace, selection: Selection, cursor: str | None) -> str:
    """The sentence for a list without items."""
    if selection.only("limit") or not workspace.items.page(limit=1):
        return "There is no item yet. Import some: heron import PATH --folder NAME"
    return nothing(workspace, evolve(selection.query(workspace), cursor=cursor))


def _page(workspace: Workspace, selection: Selection, cursor: str | None) -> Page[Item]:
    """A page of items. Without conditions the search is not needed, which saves its imports."""
    from heron.catalog.items import PAGE

    if not selection.only("folder", "limit"):
        return workspace.search(selection.query(workspace), cursor=cursor)
    if cursor is not None and not re.fullmatch("[0-9]{1,18}", cursor):
        raise click.UsageError(f"{cursor!r} is not a cursor of this list.")
    given = selection.given
    return workspace.items.page(folder=given.get("folder"), limit=given.get("limit", PAGE), cursor=cursor)


@command.command("show")
@click.argument("item", shell_complete=completing.items)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="Write the item's thumbnail to this file; with -, print only the thumbnail to standard output.",
)
@frames_option(default="marked")
@click.option(
    "--limit", type=ROWS, help="Members, and frames, to print (default: 20 in a table, all with --json)."
)
@list_options
@click.pass_obj
@example("heron items show 01a1fc7f-6634-7b8f-8ffa-50166ba72775\nheron items show thorax --json --frames all")
def show(
    context: Context, item: str, output: str | None, frames: FrameChoice, limit: int | None, as_json: bool
) -> None:
    """Show everything that the catalogue has about an item, what uses it, its members and the frames that are marked."""
    workspace = context.workspace()
    if output == "-" and as_json:
        raise click.UsageError("-o - and --json both write to standard output: give one of them.")
    found = workspace.items.get(item)
    if output:
        _write_thumbnail(workspace, found, output)
        if output == "-":
            return
    print_item(workspace, found, as_json, frames, limit)


def print_item(
    workspace: Workspace,
    item: Item,
    as_json: bool,
    frames: FrameChoice = "marked",
    limit: int | None = None,
) -> None:
    """Print all that is known of an item, with what uses it, its members and frames; for each vector, its key and its size."""
    known = item_to_dict(item)
    vectors, uses = workspace.vectors.sizes(item), workspace.items.uses(item)
    if as_json:
        print_json_item(
            workspace, item, {**known, "vectors": vectors, "uses": unstructure(uses)}, frames, limit
        )
        return
    facts, metadata = known.pop("facts"), known.pop("metadata")
    known["size"] = size_cell(item.size)
    known["tags"] = ", ".join(item.tags)
    rows = [("name", item.name), *((n, v) for n, v in known.items() if n != "name" and v not in (None, ""))]
    rows += [(f"{space}.{name}", value) for space, values in facts.items() for name, value in values.items()]
    rows += [(f"metadata.{key}", value) for key, value in metadata.items()]
    rows += [(f"vector.{key}", counted(size, "number")) for key, size in vectors.items()]
    rows += used_rows(uses)
    print_fields((name, value if name == "size" else written(value)) for name, value in rows)
    print_contents(workspace, item, frames, limit)


def _write_thumbnail(workspace: Workspace, item: Item, output: str) -> None:
    from pathlib import Path

    from heron.errors import NotFound
    from heron.export.files import whole_file

    jpeg = workspace.thumbnails.find(item)
    if jpeg is None:
        raise NotFound(f"item {item.name} has no thumbnail", hint="import with --thumbnails to make them")
    with whole_file(Path(output)) as stream:
        stream.write(jpeg)


@command.command("sign")
@click.argument("item", shell_complete=completing.items)
@click.option(
    "--expires",
    type=click.IntRange(min=1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long the URL is valid.",
)
@json_option
@click.pass_obj
@example("heron items sign harbour.jpg --expires 600")
def sign(context: Context, item: str, expires: int, as_json: bool) -> None:
    """Print a URL with which anybody can read an item's file for a limited time; for an item of several files,
    one URL for each.
    """
    workspace = context.workspace()
    found = workspace.items.get(item)
    members = workspace.items.members(found)
    sign = partial(workspace.storage.sign, found, expires=expires)
    signed = [sign(member=member.url) for member in members] or [sign()]
    if as_json:
        print_json({"urls": signed, "expires": expires})
        return
    for url in signed:
        say(url)


@command.command("rename")
@click.argument("item", shell_complete=completing.items)
@click.argument("name")
@json_option
@click.pass_obj
@example("heron items rename 01a1fc7f-6634-7b8f-8ffa-50166ba72775 'Harbour at dusk'")
def rename(context: Context, item: str, name: str, as_json: bool) -> None:
    """Rename an item; its file keeps its name."""
    renamed = context.workspace().items.rename(item, name)
    tell(as_json, item_to_dict(renamed), f"It is now {renamed.name}")


@command.command("move")
@click.argument("target", metavar="FOLDER", shell_complete=completing.folders)
@click.argument("named", nargs=-1, metavar="[ITEM]...", shell_complete=completing.items)
@selection()
@json_option
@click.pass_obj
@example(
    "heron items move Archive harbour.jpg 01a1fc7f-6634-7b8f-8ffa-50166ba72775\n"
    "heron items move Archive --where \"captured_at < '2020'\""
)
def move(context: Context, target: str, named: tuple[str, ...], selection: Selection, as_json: bool) -> None:
    """Move items into a folder."""
    workspace = context.workspace()
    moved = workspace.items.move(selection.among(named).chosen(workspace), target)
    tell(as_json, {"moved": moved, "folder": target}, f"Moved {counted(moved, 'item')} to {target}")


@command.command("delete")
@click.argument("named", nargs=-1, metavar="[ITEM]...", shell_complete=completing.items)
@selection()
@yes_option
@json_option
@click.pass_obj
@example("heron items delete 01a1fc7f-6634-7b8f-8ffa-50166ba72775")
def delete(context: Context, named: tuple[str, ...], selection: Selection, yes: bool, as_json: bool) -> None:
    """Remove items from the catalogue, its collections and datasets. Says what uses them, and asks first. Files stay where they are."""
    workspace = context.workspace()
    chosen = selection.among(named).chosen(workspace)
    if not yes:
        names = [item.name for item in workspace.items.get_all(chosen[:5])] + ["…"][: len(chosen) > 5]
        used = used_by(workspace.items.uses(chosen))
        confirm(f"{used}Delete {counted(len(chosen), 'item')} from the catalogue ({', '.join(names)})?", yes)
    deleted = workspace.items.delete(chosen)
    tell(as_json, {"deleted": deleted}, f"Deleted {counted(deleted, 'item')}")
