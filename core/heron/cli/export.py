"""`heron export`: writes a workspace, or a part of one, so that another workspace can take it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from heron.cli.context import Context
from heron.cli.exits import DONE, FAILURES
from heron.cli.output import example, json_option, print_json
from heron.cli.progress import counting
from heron.cli.selection import Selection, selection
from heron.cli.tables import say, size_cell
from heron.portable import PortableExport
from heron.wording import counted
from heron.workspace import Workspace

SHOWN = 20
"""Files that cannot be read of which an export names each."""

_ALONE = ("folder", "collection", "dataset", "items")
"""Options that, given alone, name a part by itself."""


@click.command("export")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="PATH",
    help="Folder to create, or with the suffix .zip the file to write.",
)  # fmt: skip
@click.option(
    "--format", "format", type=click.Choice(["heron"]), default="heron", show_default=True,
    help="The format; heron datasets export has those of other programs.",
)  # fmt: skip
@selection(order=False)
@click.option("--media", is_flag=True, help="Copy the files of items too.")
@click.option("--thumbnails", is_flag=True, help="Write the small pictures too.")
@json_option
@click.pass_obj
@example(
    "heron export -o lake.heron\nheron export -o lake.zip --media --thumbnails\n"
    "heron export -o rain.heron --dataset rain-1 --media\nheron export -o wide.heron --where 'width > 1000'"
)
def command(
    context: Context,
    output: Path,
    format: str,
    selection: Selection,
    media: bool,
    thumbnails: bool,
    as_json: bool,
) -> None:
    """Write the workspace, or the part that options choose, so that heron merge can take it elsewhere.

    It holds folders, items with their metadata, frames, vectors, the schema, collections, datasets and presets, as JSON lines
    and NumPy files. Users, roles, credentials and the log stay here. docs/portable-exports.md describes the format.
    """
    write_portable(context.workspace(), output, part_of(context, selection), media, thumbnails, as_json)


def part_of(context: Context, chosen: Selection) -> dict[str, Any]:
    """The argument of an export for the options that were given."""
    if not chosen:
        return {}
    for name in _ALONE:
        if chosen.only(name):
            return {name: chosen.given[name]}
    return {"items": chosen.query(context.workspace())}


def write_portable(
    workspace: Workspace, output: Path, part: dict[str, Any], media: bool, thumbnails: bool, as_json: bool
) -> None:
    """Write an export, and say what it contains."""
    if output.suffix.lower() == ".zip" and output.is_dir():
        raise click.UsageError(f"File {str(output)!r} is a directory.")
    unreadable: list[str] = []
    with counting("Writing", "item") as progress:
        done = workspace.portable.export(
            output, **part, media=media, thumbnails=thumbnails, unreadable=unreadable, progress=progress
        )
    if as_json:
        print_json({**_plain(done), "unreadable": unreadable})
        click.get_current_context().exit(FAILURES if unreadable else DONE)
    rows = done.rows
    parts = [
        counted(rows[name], name[:-1]) for name in ("items", "folders", "collections", "datasets", "presets")
    ]
    files = f", and {counted(done.media, 'file')}" if media else ""
    say(f"Wrote {', '.join(parts)}{files} to {output} ({size_cell(done.bytes)} without files).")
    if done.left_out.get("datasets"):
        number = counted(done.left_out["datasets"], "dataset")
        say(f"Left out {number} with other rows; an export of the whole workspace has them.", err=True)
    for sentence in unreadable[:SHOWN]:
        say(f"Left out, it cannot be read: {sentence}", err=True)
    if len(unreadable) > SHOWN:
        say(f"… and {len(unreadable) - SHOWN:,} more", err=True)
    if unreadable:
        click.get_current_context().exit(FAILURES)


def _plain(done: PortableExport) -> dict[str, Any]:
    return {
        "file": done.file,
        "rows": dict(done.rows),
        "bytes": done.bytes,
        "media": done.media,
        "left_out": dict(done.left_out),
    }
