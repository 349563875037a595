"""`heron keyframes`: choose frames of items, list them, and write them as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.output import (
    counting,
    example,
    json_option,
    limit_option,
    print_beginning,
    print_json,
    print_json_stream,
    say,
    skip_option,
    tell,
)
from heron.wording import counted

if TYPE_CHECKING:
    from heron.models import Frame
    from heron.workspace import Workspace

_COLUMNS = ("frame", "seconds", "key", "metadata", "metrics")


@click.group("keyframes")
@example("heron keyframes set clip.mp4 13 17\nheron keyframes list clip.mp4")
def command() -> None:
    """Choose frames of items, list them, and write them as pictures.

    Frames are numbered from 0 in the order in which they are shown. ITEM is a UUID, or a name that only one item has.
    """


@command.command("set")
@click.argument("item", shell_complete=completing.items)
@click.argument("frames", nargs=-1, type=click.FloatRange(min=0), metavar="[FRAME]...")
@click.option("--seconds", is_flag=True, help="FRAME is a time in seconds: the frame that is shown then.")
@click.option(
    "--sampling-rate",
    type=click.FloatRange(min=0),
    metavar="FPS",
    help="Frames to add for each second; 0 adds the first one.",
)
@click.option("--replace", is_flag=True, help="Take out the other frames, but those with metadata.")
@click.option(
    "-m",
    "--metadata",
    shell_complete=completing.assignments,
    multiple=True,
    metavar="KEY=VALUE",
    help="Metadata of each of these frames.",
)
@json_option
@click.pass_obj
@example(
    "heron keyframes set clip.mp4 13 17 19\nheron keyframes set clip.mp4 0.5 2 --seconds -m event=braking\n"
    "heron keyframes set clip.mp4 --sampling-rate 5 --replace"
)
def set_frames(
    context: Context,
    item: str,
    frames: tuple[float, ...],
    seconds: bool,
    sampling_rate: float | None,
    replace: bool,
    metadata: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add key frames to an item, and sampled ones."""
    from heron.cli.values import assignments

    workspace = context.workspace()
    if not frames and sampling_rate is None:
        raise click.UsageError("Which frames? Give their numbers, or a --sampling-rate.")
    owner = workspace.items.get(item)
    values = assignments(metadata, workspace.schema.current()) or None
    count = workspace.frames.set(
        owner,
        dict.fromkeys(frames, values),
        mode="seconds" if seconds else "frame",
        rate=sampling_rate,
        replace=replace,
    )
    sentence = f"{owner.name} has {counted(count, 'frame')} in the catalogue."
    tell(as_json, {"item": owner.uuid, "frames": count}, sentence)


@command.command("list")
@click.argument("item", shell_complete=completing.items)
@click.option("--keys", is_flag=True, help="Only key frames.")
@limit_option
@skip_option
@json_option
@click.pass_obj
@example("heron keyframes list clip.mp4\nheron keyframes list clip.mp4 --keys --json")
def list_frames(
    context: Context, item: str, keys: bool, limit: int | None, cursor: int, as_json: bool
) -> None:
    """List the frames of an item that are in the catalogue."""
    workspace = context.workspace()
    owner = workspace.items.get(item)
    found = (frame for frame in workspace.frames.stream(owner) if frame.is_key or not keys)
    if as_json:
        print_json_stream(found, limit, cursor)
        return
    empty = f"{owner.name} has no {'key ' if keys else ''}frames in the catalogue."
    print_beginning(_COLUMNS, (_row(frame) for frame in found), empty, limit, cursor)


@command.command("extract")
@click.argument("item", shell_complete=completing.items)
@click.argument("frames", nargs=-1, type=click.IntRange(min=0), metavar="[FRAME]...")
@click.option("--keys", is_flag=True, help="Only key frames, where no frame is named.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the PNG files into.",
)
@click.option("--size", type=click.IntRange(1, 16_384), metavar="PIXELS", help="Longest side; else whole.")
@json_option
@click.pass_obj
@example(
    "heron keyframes extract clip.mp4 -o frames/\nheron keyframes extract clip.mp4 13 17 -o frames/ --size 640"
)
def extract(
    context: Context,
    item: str,
    frames: tuple[int, ...],
    keys: bool,
    output: Path,
    size: int | None,
    as_json: bool,
) -> None:
    """Write frames of an item as pictures: those named, or all that are in the catalogue."""
    workspace = context.workspace()
    owner = workspace.items.get(item)
    numbers: Iterable[int] = frames or [
        frame.number for frame in workspace.frames.stream(owner) if frame.is_key or not keys
    ]
    written = []
    with counting("Writing frames") as progress:
        for path in workspace.pictures.write_frames(owner, output, numbers, size=size):
            written.append(str(path))
            progress(len(written))
    if as_json:
        print_json({"item": owner.uuid, "files": written})
        return
    say(f"Wrote {counted(len(written), 'picture')} into {output}")


@command.command("remove")
@click.argument("item", shell_complete=completing.items)
@click.argument("frames", nargs=-1, required=True, type=click.IntRange(min=0), metavar="FRAME...")
@json_option
@click.pass_obj
@example("heron keyframes remove clip.mp4 13 17")
def remove(context: Context, item: str, frames: tuple[int, ...], as_json: bool) -> None:
    """Take frames of an item out of the catalogue, with their metadata."""
    workspace = context.workspace()
    owner = workspace.items.get(item)
    removed = workspace.frames.delete(owner, frames)
    sentence = f"Removed {counted(removed, 'frame')} of {owner.name}"
    tell(as_json, {"item": owner.uuid, "removed": removed}, sentence)


def frame_table(
    workspace: Workspace, frames: Sequence[Frame]
) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Columns and rows of a table of frames, each with the item that it is of."""
    names = {uuid: workspace.items.get(uuid).name for uuid in {frame.item for frame in frames}}
    return ("item", "name", *_COLUMNS), [(frame.item, names[frame.item], *_row(frame)) for frame in frames]


def _row(frame: Frame) -> tuple[object, ...]:
    metadata = ", ".join(f"{key}={value}" for key, value in frame.metadata.items())
    metrics = ", ".join(
        f"{name} {frame.metrics[name]:.3g}"
        for name in ("brightness", "contrast", "sharpness")
        if name in frame.metrics
    )
    seconds = "" if frame.seconds is None else f"{frame.seconds:.3f}"
    return frame.number, seconds, frame.is_key, metadata, metrics
