"""`heron show`: the facts and metadata of an item, its picture, and its text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.items import print_item
from heron.cli.output import example, json_option, print_json, tell
from heron.cli.stdout import echo
from heron.convert import unstructure

if TYPE_CHECKING:
    from PIL.Image import Image

    from heron.models import Item
    from heron.pictures.viewing import Plane, Viewing

_FORMATS = {
    ".png": ("PNG", 2**31 - 1), ".jpg": ("JPEG", 65_500), ".jpeg": ("JPEG", 65_500), ".webp": ("WEBP", 16_383),
}  # fmt: skip
"""Formats by suffix, with the longest possible side in pixels (libjpeg JPEG_MAX_DIMENSION, WebP 14 bits)."""


def picture_option(what: str, *, required: bool = False) -> Callable[[Any], Any]:
    """The option for the picture file to write; `what` is its help."""
    return click.option(
        "-o",
        "--output",
        required=required,
        type=click.Path(dir_okay=False, path_type=Path),
        help=f"{what}: .png, .jpg or .webp.",
    )


@click.command("show")
@click.argument("item", shell_complete=completing.items)
@picture_option("Write the item's picture to this file")
@click.option(
    "--frame", type=click.IntRange(min=0), metavar="N", help="A frame, slice, member or page, from 0."
)
@click.option(
    "--size",
    type=click.IntRange(1, 16_384),
    metavar="PIXELS",
    help="Longest side of the picture (default 1024; for a frame, its own size).",
)
@click.option(
    "--window", type=float, metavar="WIDTH", help="How many values are shown between black and white."
)
@click.option("--level", type=float, metavar="CENTRE", help="The value in the middle of the window.")
@click.option(
    "--plane", type=click.Choice(["axial", "coronal", "sagittal"]), help="A plane through a volume."
)
@click.option(
    "--index",
    type=click.IntRange(min=0),
    metavar="N",
    help="Which plane, counted to the head, the back or the left (default the middle one).",
)
@click.option("--windows", "as_windows", is_flag=True, help="Print the windows and planes of a scan.")
@click.option("--text", "as_text", is_flag=True, help="Print the text of a document.")
@json_option
@click.pass_obj
@example(
    "heron show harbour.jpg\nheron show harbour.jpg -o picture.png --size 800\n"
    "heron show clip.mp4 --frame 130 -o frame.png\nheron show report.pdf --text\n"
    "heron show scans/head.nii.gz --plane coronal --window 80 --level 40 -o coronal.png"
)
def command(
    context: Context,
    item: str,
    output: Path | None,
    frame: int | None,
    size: int | None,
    window: float | None,
    level: float | None,
    plane: Plane | None,
    index: int | None,
    as_windows: bool,
    as_text: bool,
    as_json: bool,
) -> None:
    """Show an item: what is known of it, its picture, a frame of it, its text.

    ITEM is a name that only one item has, the id that tables show, the path or URL of the file, or a UUID.
    The picture of a video is a sheet of frames; of a scan, its
    middle slice; of audio, its waveform; of a document, its first page. Scans, and images of 16 bits, have
    windows in the units of their values: --windows prints those of the file.
    """
    workspace = context.workspace()
    owner = workspace.items.get(item)
    if output is None:
        alone = {"--window": window, "--level": level, "--plane": plane, "--index": index}
        if not as_windows:
            alone["--frame"] = frame
        for name, given in alone.items():
            if given is not None:
                raise click.UsageError(f"{name} goes with -o.")
    if as_text:
        if as_json:
            text = "".join(workspace.pictures.text(owner))
            print_json({"uuid": owner.uuid, "text": text})
            return
        last = "\n"
        for piece in workspace.pictures.text(owner):
            echo(_readable(piece), nl=False)
            last = piece[-1:] or last
        if last != "\n":
            echo("")
    elif output is not None:
        picture = workspace.pictures.picture(
            owner,
            frame=frame,
            size=size or (1024 if frame is None or plane else None),
            ground="checks",
            window=window,
            level=level,
            plane=plane,
            index=index,
        )
        save_picture(picture, output)
        written = {"file": str(output), "width": picture.width, "height": picture.height}
        tell(as_json, written, f"Wrote {output} ({picture.width} x {picture.height})")
    elif as_windows:
        _print_viewing(owner, workspace.pictures.viewing(owner, frame=frame), as_json)
    else:
        print_item(workspace, owner, as_json)


def _print_viewing(item: Item, viewing: Viewing, as_json: bool) -> None:
    if as_json:
        print_json({"uuid": item.uuid, **unstructure(viewing)})
        return
    if not viewing.windows:
        echo(f"{item.name} has no windows.")
    for place, window in enumerate(viewing.windows):
        name = window.name or ("default" if place == 0 else "")
        echo(f"--window {window.width:g} --level {window.level:g}  {name}".rstrip())
    if viewing.lowest is not None:
        echo(f"values {viewing.lowest:g} to {viewing.highest:g} {viewing.units}".rstrip())
    for plane, count in viewing.planes.items():
        echo(f"--plane {plane}  {count:,} pictures")


def save_picture(picture: Image, output: Path) -> None:
    """Write a picture in the format of the file's suffix; the file appears whole or not at all."""
    from heron.errors import InvalidInput
    from heron.export.files import whole_file

    format, most = _FORMATS.get(output.suffix.lower(), (None, 0))
    if format is None:
        raise InvalidInput(f"{output}: a picture is written as {', '.join(_FORMATS)}")
    if max(picture.size) > most:
        size = f"{picture.width:,} x {picture.height:,} pixels"
        raise InvalidInput(
            f"{output}: {format} cannot store a picture of {size}, a side has at most {most:,}",
            hint="write it as .png, or smaller",
        )
    with whole_file(output) as stream:
        picture.save(stream, format)


def _readable(text: str) -> str:
    """Text without control characters, which could control a terminal; line breaks and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
