"""`heron keyframes`: choose frames of items, list them, and write them as pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.exits import status_of_counts
from heron.cli.item_tables import Cells, columns_option, frame_cells, named_cells, print_stream, values_of
from heron.cli.output import example, json_option, page_options, print_json, print_json_stream, tell
from heron.cli.progress import counting
from heron.cli.repeating import not_done, repeatable, say_waiting
from heron.cli.selection import Selection, selection
from heron.cli.tables import say
from heron.errors import HeronError
from heron.wording import counted

if TYPE_CHECKING:
    from heron.catalog.referring import ItemRef
    from heron.models import Frame

_FRAME: click.ParamType[Any] = click.FloatRange(min=0)


@click.group("keyframes")
@example("heron keyframes set clip.mp4 13 17\nheron keyframes list clip.mp4")
def command() -> None:
    """Choose frames of items, list them, and write them as pictures.

    Frames are numbered from 0 in the order in which they are shown.
    ITEM is a name that only one item has, the id that tables show, the path or URL of the file, or a UUID.
    """


@command.command("set")
@click.argument("named", nargs=-1, metavar="[ITEM] [FRAME]...", shell_complete=completing.items)
@selection()
@click.option(
    "--seconds", is_flag=True, help="FRAME is a time in seconds; it means the frame shown at that time."
)
@click.option(
    "--sampling-rate",
    type=click.FloatRange(min=0),
    metavar="FPS",
    help="Frames to add per second; 0 adds the first one.",
)
@click.option("--replace", is_flag=True, help="Remove the other frames, except those with metadata.")
@click.option("--only-these", is_flag=True, help="No other frame is a key frame any more; all frames stay.")
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
    "heron keyframes set clip.mp4 --sampling-rate 5 --replace\nheron keyframes set clip.mp4 13 19 --only-these\n"
    "heron keyframes set --folder Films --sampling-rate 5"
)
def set_frames(
    context: Context,
    named: tuple[str, ...],
    selection: Selection,
    seconds: bool,
    sampling_rate: float | None,
    replace: bool,
    only_these: bool,
    metadata: tuple[str, ...],
    as_json: bool,
) -> int:
    """Add key frames and sampled frames to an item.

    If options choose items, leave ITEM out: the frames are added to each of the chosen items.
    """
    from heron.cli.values import assignments

    workspace = context.workspace()
    if not selection and not named:
        raise click.UsageError("Which item? Give ITEM, or options that choose items.")
    numbers = [_FRAME.convert(word, None, None) for word in (named if selection else named[1:])]
    if not numbers and sampling_rate is None:
        raise click.UsageError("Which frames? Give their numbers, or a --sampling-rate.")
    values = assignments(metadata, workspace.schema.current()) or None

    def add(owner: ItemRef) -> int:
        return workspace.frames.set(
            owner,
            dict.fromkeys(numbers, values),
            mode="seconds" if seconds else "frame",
            rate=sampling_rate,
            replace=replace,
            only_these=only_these,
        )

    if selection:
        return _add_to_each(selection.chosen(workspace), add, as_json)
    owner = workspace.items.get(named[0])
    count = add(owner)
    sentence = f"{owner.name} has {counted(count, 'frame')} in the catalogue."
    tell(as_json, {"item": owner.uuid, "frames": count}, sentence)
    return 0


def _add_to_each(uuids: Sequence[str], add: Callable[[ItemRef], int], as_json: bool) -> int:
    """Add frames to several items, ask again at the end for those whose store does not answer, and print what failed."""
    from heron.references import UnsetVariable
    from heron.storage.waiting import OUTAGES, patiently

    done, total, failed = 0, 0, list[str]()
    waiting: dict[str, HeronError] = {}
    with (
        repeatable("the frames that were added are kept"),
        patiently() as patience,
        counting("Adding frames", total=len(uuids)) as progress,
    ):

        def add_to(chosen: Iterable[str]) -> None:
            nonlocal done, total
            for uuid in chosen:
                try:
                    total += add(uuid)
                    done += 1
                except OUTAGES as error:
                    waiting[uuid] = error
                except HeronError as error:
                    failed.append(str(error))
                progress(done + len(failed))

        add_to(uuids)
        for _ in patience.rounds(
            lambda: sum(not isinstance(e, UnsetVariable) for e in waiting.values()), "item"
        ):
            again = list(waiting)
            waiting.clear()
            add_to(again)
    has = "has" if done == 1 else "have"
    sentence = f"{counted(done, 'item')} {has} {counted(total, 'frame')} in the catalogue{not_done(len(failed), len(waiting))}."
    reasons = [str(error) for error in waiting.values()]
    found = {
        "items": done,
        "frames": total,
        "problems": [*failed, *reasons],
        "waiting": len(waiting),
    }
    tell(as_json, found, sentence)
    if not as_json:
        for problem in failed:
            say(f"  failed: {problem}")
        for problem in list(dict.fromkeys(reasons))[:20]:
            say(f"  waiting: {problem}")
        say_waiting(len(waiting))
    return status_of_counts(len(failed), len(waiting))


@command.command("list")
@click.argument("item", shell_complete=completing.items)
@click.option("--keys", is_flag=True, help="Only key frames.")
@columns_option
@page_options
@click.pass_obj
@example("heron keyframes list clip.mp4\nheron keyframes list clip.mp4 --keys --json")
def list_frames(
    context: Context,
    item: str,
    keys: bool,
    columns: str | None,
    limit: int | None,
    cursor: int,
    as_json: bool,
) -> None:
    """List the frames of an item that are in the catalogue."""
    workspace = context.workspace()
    owner = workspace.items.get(item)
    found = (frame for frame in workspace.frames.stream(owner) if frame.is_key or not keys)
    if as_json and columns is not None:
        print_json_stream(values_of(workspace, found, columns, frames=True), limit, cursor)
        return
    if as_json:
        print_json_stream(found, limit, cursor)
        return
    empty = f"{owner.name} has no {'key ' if keys else ''}frames in the catalogue. Add some: heron keyframes set ITEM FRAME"

    def cells(frames: Sequence[Frame]) -> Cells:
        if columns is not None:
            return named_cells(workspace, frames, columns, frames=True)
        return frame_cells(workspace, frames, of_item=owner)

    print_stream(found, cells, empty, limit, cursor)


@command.command("extract")
@click.argument("item", shell_complete=completing.items)
@click.argument("frames", nargs=-1, type=click.IntRange(min=0), metavar="[FRAME]...")
@click.option("--keys", is_flag=True, help="Only key frames, if no frame is named.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the PNG files into.",
)
@click.option(
    "--size",
    type=click.IntRange(1, 16_384),
    metavar="PIXELS",
    help="Longest side (default: the size of the frame).",
)
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
    """Write frames of an item as pictures: the named frames, or all that are in the catalogue."""
    workspace = context.workspace()
    owner = workspace.items.get(item)
    numbers: Sequence[int] = frames or [
        frame.number for frame in workspace.frames.stream(owner) if frame.is_key or not keys
    ]
    from heron.storage.waiting import patiently

    written = []
    with patiently(), counting("Writing frames", "frame", len(numbers)) as progress:
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
    """Remove frames of an item from the catalogue, with their metadata."""
    workspace = context.workspace()
    owner = workspace.items.get(item)
    removed = workspace.frames.delete(owner, frames)
    sentence = f"Removed {counted(removed, 'frame')} of {owner.name}"
    tell(as_json, {"item": owner.uuid, "removed": removed}, sentence)
