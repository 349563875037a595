"""Prints what an item consists of: its members and chosen frames, as bounded tables or as a stream of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

import click

from heron.cli.output import print_json_pieces
from heron.cli.tables import is_csv, print_table, say, size_cell
from heron.convert import dumps
from heron.models import FrameChoice
from heron.wording import counted

if TYPE_CHECKING:
    from heron.models import Item
    from heron.pages import Page
    from heron.workspace import Workspace

_DEFAULT: FrameChoice = "marked"
"""The frames that `heron items show` prints unless --frames is given."""

_ROWS = 20
"""Members, and frames, in the tables of one item, unless --limit is given."""


def frames_option(**more: Any) -> Callable[[Any], Any]:
    """The option --frames, which chooses frames of items."""
    return click.option(
        "--frames",
        type=click.Choice(get_args(FrameChoice)),
        help="Frames: those with metadata, key frames, both of these (marked), all, or none.",
        show_default=True,
        **more,
    )


contents_option = click.option(
    "--with",
    "contents",
    type=click.Choice(["members", "frames"]),
    multiple=True,
    help="With --json: add the members, or the frames with metadata and key frames, of each item.",
)


def print_contents(workspace: Workspace, item: Item, choice: FrameChoice, limit: int | None) -> None:
    """Print the members and the chosen frames of an item as tables, the first of each, and how many there are."""
    if is_csv():
        return
    most = limit or _ROWS
    contents = workspace.items._contents
    members = enumerate(contents.members(item))
    rows: list[tuple[Any, ...]] = [
        (position, member.path, size_cell(member.size), member.frame_count if member.frame_count > 1 else "")
        for position, member in islice(members, most)
    ]
    if rows:
        count = contents.member_count(item)
        say("")
        say(counted(count, "member"), bold=True)
        print_table(["member", "path", "size", "frames"], rows, "", keep=("path",))
        _say_rest(count - len(rows), item)
    frames = workspace.frames.stream(item, only=choice)
    rows = [
        (frame.number, frame.seconds, frame.is_key, _metadata(frame.metadata))
        for frame in islice(frames, most)
    ]
    if rows:
        count = contents.frame_count(item, choice)
        say("")
        say(f"{counted(count, 'frame')} ({_CHOSEN[choice]})", bold=True)
        print_table(["frame", "seconds", "key", "metadata"], rows, "", keep=("metadata",))
        _say_rest(count - len(rows), item, "" if choice == _DEFAULT else f" --frames {choice}")


_CHOSEN = {
    "metadata": "with metadata",
    "key": "key frames",
    "marked": "with metadata, or key frames",
    "all": "all that are in the catalogue",
}


def _say_rest(rest: int, item: Item, options: str = "") -> None:
    if rest > 0:
        shown = f"heron items show {item.uuid}{options} --json"
        say(f"… and {rest:,} more: --limit prints more, {shown} all of them")


def _metadata(metadata: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}={value if isinstance(value, str) else dumps(value)}" for key, value in metadata.items()
    )


def check_contents(contents: tuple[str, ...], columns: str | None, as_json: bool) -> None:
    """Refuse --with for output that has no place for members and frames."""
    if contents and (columns is not None or not as_json):
        raise click.UsageError("--with goes with --json, without --columns.")


def print_json_item(
    workspace: Workspace, item: Item, known: dict[str, Any], choice: FrameChoice, limit: int | None
) -> None:
    """Print an item as a JSON object, with its members and chosen frames, which are streams."""
    from heron.export.plain import json_pieces

    contents = workspace.items._contents
    members, frames = contents.members(item), contents.frames(item, choice)
    print_json_pieces(json_pieces(known, islice(members, limit), islice(frames, limit)))


def print_json_page(
    workspace: Workspace,
    page: Page[Item],
    rows: Iterable[dict[str, Any]],
    contents: Iterable[str],
    **more: Any,
) -> None:
    """Print a page of items as JSON, in the shape of all lists, with the members or marked frames of each item."""
    from heron.export.plain import json_pieces

    def pieces() -> Iterable[str]:
        head = "".join(f"{dumps(key)}:{dumps(value)}," for key, value in more.items())
        yield f'{{{head}"items":['
        for number, (item, row) in enumerate(zip(page, rows, strict=True)):
            yield "," if number else ""
            of_item = workspace.items._contents
            yield from json_pieces(
                row,
                of_item.again(item) if "members" in contents else (),
                of_item.again(item, "marked") if "frames" in contents else (),
            )
        yield f'],"cursor":{dumps(page.cursor)}}}'

    print_json_pieces(pieces())
