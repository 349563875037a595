"""`heron contact-sheet`: what a query finds, side by side as one picture."""

from __future__ import annotations

from pathlib import Path

import click

from heron.cli.context import Context
from heron.cli.output import counted, example, say
from heron.cli.selection import combined
from heron.cli.show import save_picture


@click.command("contact-sheet")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write: .png, .jpg or .webp.",
)
@click.option("--where", metavar="CONDITION", help="SQL condition over fields, facts, metrics and metadata.")
@click.option("--folder", metavar="PATH", help="Only this folder and those below it.")
@click.option("--sort", metavar="NAMES", help="Names with commas between; - in front for descending.")
@click.option("--preset", metavar="NAME", help="Start from a saved query.")
@click.option("--frames", is_flag=True, help="Show frames, not items.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000), help="Most pictures.")
@click.option("--columns", type=click.IntRange(1, 100), metavar="N", help="Pictures in a row.")
@click.option(
    "--size",
    default=256,
    show_default=True,
    type=click.IntRange(32, 1024),
    metavar="PIXELS",
    help="Size of a cell.",
)
@click.pass_obj
@example(
    "heron contact-sheet --folder Photos -o photos.png\n"
    "heron contact-sheet --where \"kind = 'image'\" --sort metric.brightness --limit 24 -o dark.png\n"
    "heron contact-sheet --frames --where \"name = 'clip.mp4'\" -o frames.png"
)
def command(
    context: Context,
    output: Path,
    where: str | None,
    folder: str | None,
    sort: str | None,
    preset: str | None,
    frames: bool,
    limit: int,
    columns: int | None,
    size: int,
) -> None:
    """Draw what a query finds side by side as one picture.

    Thumbnails that are kept are used, others are made on the way.
    """
    workspace = context.workspace()
    query = combined(workspace, preset, where=where, folder=folder, sort=sort, limit=limit)
    found = workspace.search.frames(query) if frames else workspace.search(query)
    if not len(found):
        say(f"No {'frame' if frames else 'item'} is like that.")
        return
    sheet = workspace.pictures.contact_sheet(found.rows, columns=columns, size=size)
    save_picture(sheet, output)
    more = ", there is more: raise --limit" if found.cursor else ""
    say(f"Wrote {output} with {counted(len(found), 'picture')}{more}")
