"""`heron contact-sheet`: draws what a query finds, side by side as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from heron.cli.context import Context
from heron.cli.item_tables import nothing
from heron.cli.output import example, json_option, tell
from heron.cli.selection import Selection, selection
from heron.cli.show import picture_option, save_picture
from heron.models import Frame, Item
from heron.pages import Page
from heron.wording import counted

_MOST = 1000
"""The most pictures of a sheet."""


@click.command("contact-sheet")
@selection(text="argument")
@picture_option("The file to write", required=True)
@click.option("--frames", is_flag=True, help="Show frames, not items.")
@click.option("--columns", type=click.IntRange(1, 100), metavar="N", help="Pictures in a row.")
@click.option(
    "--size",
    default=256,
    show_default=True,
    type=click.IntRange(32, 1024),
    metavar="PIXELS",
    help="Size of a cell.",
)
@json_option
@click.pass_obj
@example(
    "heron contact-sheet --folder Photos -o photos.png\n"
    'heron contact-sheet "a red bus" --limit 12 -o buses.png\n'
    "heron contact-sheet --where \"kind = 'image'\" --sort metric.brightness --limit 24 -o dark.png\n"
    "heron contact-sheet --frames --where \"name = 'clip.mp4'\" -o frames.png"
)
def command(
    context: Context,
    output: Path,
    frames: bool,
    columns: int | None,
    size: int,
    selection: Selection,
    as_json: bool,
) -> None:
    """Draw what a query finds side by side as one picture.

    Stored thumbnails are used, others are made when they are needed. An item that was found by one of its
    frames is shown by that frame.
    """
    if selection.given.get("limit", 0) > _MOST:
        raise click.UsageError(f"A sheet holds {_MOST:,} pictures at most: lower --limit.")
    workspace = context.workspace()
    query = selection.query(workspace)
    found: Page[Any] = workspace.search.frames(query) if frames else workspace.search(query)
    if not len(found):
        empty = "" if as_json else nothing(workspace, query, frames=frames)
        tell(as_json, {"file": None, "pictures": 0, "cursor": None}, empty)
        return
    sheet = workspace.pictures.contact_sheet(_shown(found), columns=columns, size=size)
    save_picture(sheet, output)
    more = ", there is more: raise --limit" if found.cursor else ""
    tell(
        as_json,
        {"file": str(output), "pictures": len(found), "cursor": found.cursor},
        f"Wrote {output} with {counted(len(found), 'picture')}{more}",
    )


def _shown(page: Page[Any]) -> list[Item | Frame]:
    frames = [match.frame for match in page.matches] or [None] * len(page)
    return [frame or row for row, frame in zip(page, frames, strict=True)]
