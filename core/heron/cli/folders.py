"""`heron folders`: the folders that items are in."""

from __future__ import annotations

import shlex

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.output import (
    confirm,
    example,
    json_option,
    list_options,
    listing,
    page_options,
    print_json,
    print_json_stream,
    tell,
    yes_option,
)
from heron.cli.tables import print_beginning, print_fields, say, shown_rows
from heron.cli.used import used_by
from heron.cli.values import assignments
from heron.jobs import SyncedFolder
from heron.metadata.sidecars import SUFFIX
from heron.wording import counted


@click.group("folders", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron folders\nheron folders create Driving/2026 --description 'Spring runs'")
def command(context: click.Context, as_json: bool) -> None:
    """List, create, move and delete folders."""
    listing(context, list_folders, as_json)


@command.command("list")
@page_options
@click.pass_obj
@example("heron folders list --limit 20\nheron folders list --json")
def list_folders(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List all folders, with the number of items in each and below it."""
    most = shown_rows(limit) if not as_json else limit
    one_more = None if most is None else most + 1  # to know whether there are more
    found = context.workspace().folders._counted(one_more, cursor)
    if as_json:
        from heron.convert import unstructure

        plain = ({**unstructure(folder), "item_count": count} for folder, count in found)
        print_json_stream(plain, limit, cursor, is_skipped=True)
        return
    rows = ((folder.path, count, folder.description) for folder, count in found)
    empty = "There is no folder yet. Make one: heron folders create NAME"
    print_beginning(["path", "items", "description"], rows, empty, limit)


@command.command("create")
@click.argument("path", shell_complete=completing.folders)
@click.option("--description", default="", help="What the folder is for.")
@click.option(
    "--sync",
    "prefix",
    metavar="URL",
    help="Make it a synced folder of this URL; heron sync keeps it equal to what lies below.",
)
@click.option(
    "--integration",
    shell_complete=completing.integrations,
    metavar="NAME",
    help="Integration whose credentials the sync uses.",
)
@click.option(
    "--sidecar-suffix", default=".metadata.json", show_default=True, help="Suffix of metadata sidecars."
)
@click.option("--no-sidecars", is_flag=True, help="Import sidecars as ordinary files.")
@click.option(
    "--flat",
    is_flag=True,
    help="With --sync: put everything into the folder itself, however deep it is nested.",
)
@json_option
@click.pass_obj
@example(
    "heron folders create Driving/2026\nheron folders create Runs --sync s3://bucket/runs/ --integration lab"
)
def create(
    context: Context,
    path: str,
    description: str,
    prefix: str | None,
    integration: str | None,
    sidecar_suffix: str,
    no_sidecars: bool,
    flat: bool,
    as_json: bool,
) -> None:
    """Create a folder, and missing folders above it.

    With --sync, it may exist already: it becomes a synced folder, and keeps its items.
    """
    if prefix is None and (integration is not None or no_sidecars or flat):
        raise click.UsageError("--integration, --no-sidecars and --flat go with --sync.")
    workspace = context.workspace()
    if prefix is None:
        made = workspace.folders.create(path, description=description)
        tell(as_json, made, f"Made folder {made.path}")
        return
    suffix = None if no_sidecars else sidecar_suffix
    with workspace._database.write():  # so that no folder is created if it cannot be synced with the URL
        is_new = workspace.folders.find(path) is None
        if is_new or description:
            workspace.folders.create(path, description=description)
        synced = workspace.ingest.follow(
            path, prefix, integration=integration, sidecar_suffix=suffix, flat=flat
        )
    if as_json:
        print_json(synced)
        return
    say(f"{'Made folder' if is_new else 'Folder'} {synced.folder}, which follows {synced.prefix}")
    say(f"Fill it: heron sync {shlex.quote(synced.folder)}")


@command.command("unsync")
@click.argument("path", shell_complete=completing.folders)
@json_option
@click.pass_obj
@example("heron folders unsync Runs")
def unsync(context: Context, path: str, as_json: bool) -> None:
    """Make a synced folder an ordinary one; its items stay."""
    service = context.workspace().synced
    released = service.get(path)
    service.release(path)
    tell(as_json, released, f"Folder {path} is no longer synced; its items stay")


@command.command("sidecars")
@click.argument("path", shell_complete=completing.folders)
@click.option("--suffix", help="Change the suffix.")
@click.option("--pause", "state", flag_value="pause", help="Skip sidecars until --resume.")
@click.option("--resume", "state", flag_value="resume", help="Read sidecars again.")
@click.option("--none", "state", flag_value="none", help="Import sidecars as ordinary files.")
@json_option
@click.pass_obj
@example(
    "heron folders sidecars Runs\nheron folders sidecars Runs --pause\nheron folders sidecars Runs --suffix .meta.json"
)
def sidecars(context: Context, path: str, suffix: str | None, state: str | None, as_json: bool) -> None:
    """Show or change how a synced folder treats sidecars."""
    synced = context.workspace().synced
    found = synced.get(path)
    if state == "none":
        found = synced.set_sidecars(path, None)
    elif suffix or state:
        paused = state == "pause" or (state is None and found.sidecars_paused)
        found = synced.set_sidecars(path, suffix or found.sidecar_suffix or SUFFIX, paused=paused)
    tell(as_json, found, f"Sidecars of {path} {sidecars_text(found)}")


def sidecars_text(synced: SyncedFolder) -> str:
    """How a synced folder treats sidecars, as the end of a sentence."""
    if synced.sidecar_suffix is None:
        return "are ordinary files"
    paused = ", and are skipped until --resume" if synced.sidecars_paused else ""
    return f"end with {synced.sidecar_suffix}{paused}"


@command.command("show")
@click.argument("path", shell_complete=completing.folders)
@json_option
@click.pass_obj
@example("heron folders show Driving/2026")
def show(context: Context, path: str, as_json: bool) -> None:
    """Show a folder and its content."""
    workspace = context.workspace()
    folder, contents = workspace.folders.get(path), workspace.folders.contents(path)
    synced = next((found for found in workspace.synced.list() if found.folder == folder.path), None)
    if as_json:
        print_json({"folder": folder, "contents": contents, "synced": synced})
        return
    rows = [
        ("path", folder.path), ("uuid", folder.uuid), ("description", folder.description), ("made", folder.created_at),
        ("folders below", contents.folders), ("items", contents.items), ("metadata", folder.metadata or ""),
    ]  # fmt: skip
    if synced is not None:
        rows += [
            ("follows", synced.prefix),
            ("integration", synced.integration),
            ("synced", synced.synced_at or "never"),
            ("sidecars", sidecars_text(synced)),
            ("folders below", "none, it is flat" if synced.flat else "as they are nested there"),
        ]
    print_fields(rows)


@command.command("rename")
@click.argument("path", shell_complete=completing.folders)
@click.argument("name")
@json_option
@click.pass_obj
@example("heron folders rename Driving/2026 2026-spring")
def rename(context: Context, path: str, name: str, as_json: bool) -> None:
    """Give a folder another name."""
    folder = context.workspace().folders.rename(path, name)
    tell(as_json, folder, f"It is now {folder.path}")


@command.command("move")
@click.argument("path", shell_complete=completing.folders)
@click.argument("parent", required=False, shell_complete=completing.folders)
@json_option
@click.pass_obj
@example("heron folders move Driving/2026 Archive\nheron folders move Archive/2026      # to the top")
def move(context: Context, path: str, parent: str | None, as_json: bool) -> None:
    """Move a folder into another one, or to the top."""
    folder = context.workspace().folders.move(path, parent)
    tell(as_json, folder, f"It is now {folder.path}")


@command.command("metadata")
@click.argument("path", shell_complete=completing.folders)
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completing.assignments)
@click.option("--replace", is_flag=True, help="Drop all other keys.")
@json_option
@click.pass_obj
@example("heron folders metadata Driving/2026 city=Algiers")
def metadata(context: Context, path: str, pairs: tuple[str, ...], replace: bool, as_json: bool) -> None:
    """Merge metadata into a folder's own, or show it."""
    workspace = context.workspace()
    if pairs or replace:
        workspace.folders.set_metadata(
            path, assignments(pairs, workspace.schema.current()), merge=not replace
        )
    print_json(workspace.folders.get(path).metadata)


@command.command("delete")
@click.argument("path", shell_complete=completing.folders)
@yes_option
@json_option
@click.pass_obj
@example("heron folders delete Driving/2026")
def delete(context: Context, path: str, yes: bool, as_json: bool) -> None:
    """Delete a folder with everything in it. Shows what that is and what uses it, and asks first. Files stay where they are."""
    folders = context.workspace().folders
    if not yes:
        contents = folders.contents(path)
        confirm(
            f"Folder {path} contains {counted(contents.folders, 'folder')} and {counted(contents.items, 'item')}, with "
            f"{counted(contents.collection_members, 'membership')} in collections and "
            f"{counted(contents.dataset_rows, 'row')} of datasets. {used_by(folders.uses(path))}"
            "Delete all of it from the catalogue?",
            yes,
        )
    gone = folders.delete(path)
    sentence = (
        f"Deleted folder {path} with {counted(gone.folders, 'folder')} and {counted(gone.items, 'item')}."
    )
    tell(as_json, gone, sentence)
