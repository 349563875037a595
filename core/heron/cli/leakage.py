"""`heron leakage`: what a test dataset shares with a training dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heron.cli import completing
from heron.cli.collecting import check_titles, collect
from heron.cli.context import Context
from heron.cli.output import counting, example, json_option, limit_option, print_beginning, print_json, say
from heron.cli.show import picture_option, save_picture
from heron.wording import counted

if TYPE_CHECKING:
    from heron.curation.records import Leak, Leakage


@click.command("leakage")
@click.argument("train", shell_complete=completing.datasets)
@click.argument("test", shell_complete=completing.datasets)
@click.option(
    "--key", shell_complete=completing.embeddings, metavar="KEY", help="The embedding to compare by."
)
@click.option(
    "--near", type=float, default=0.95, show_default=True, metavar="COSINE", help="Least cosine of a leak."
)
@click.option("--no-frames", is_flag=True, help="Do not compare the vectors of frames.")
@click.option("--collect", "title", metavar="TITLE", help="Make a collection of the items of TEST that leak.")
@picture_option("Draw the items that leak beside those that they resemble")
@limit_option
@json_option
@click.pass_obj
@example(
    "heron leakage train test\nheron leakage train test --near 0.98 --key clip -o leaks.png\n"
    "heron leakage train test --collect 'Not for testing'"
)
def command(
    context: Context,
    train: str,
    test: str,
    key: str | None,
    near: float,
    no_frames: bool,
    title: str | None,
    output: Path | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Find the items of one dataset that another one contains too.

    TRAIN and TEST are datasets. An item of TEST leaks if it is in TRAIN too, if an item of TRAIN has equal content
    (by content hash), or if an item of TRAIN is near: two of their vectors, including those of frames, have at least
    the cosine of --near.
    """
    workspace = context.workspace()
    check_titles(workspace, title)
    with counting("Comparing") as progress:
        found = workspace.curation.leakage(train, test, key, near, frames=not no_frames, progress=progress)
    sheet = None
    if output is not None and found.leaks:
        sheet = workspace.curation.sheet(found)
        save_picture(sheet.picture, output)
    print_json(found) if as_json else _print(found, test, limit)
    collect(workspace, title, found.items, quiet=as_json)
    if sheet is not None and not as_json:
        say(f"Wrote {output} with {sheet.groups:,} of {counted(len(found.items), 'item')}")


def _print(found: Leakage, test: str, limit: int | None) -> None:
    columns = ["why", "score", "leaks", "frame", "is like", "frame", "uuid", "uuid of that"]
    print_beginning(columns, map(_row, found.leaks), "Nothing leaks.", limit)
    if found.leaks:
        say(f"{len(found.items):,} of {counted(found.second, 'item')} of {test} leak")
    for note in found.notes:
        say(f"Note: {note}")


def _row(leak: Leak) -> tuple[Any, ...]:
    frame, of_frame = ("" if number is None else f"#{number}" for number in (leak.frame, leak.of_frame))
    score = "" if leak.score is None else f"{leak.score:.3f}"
    return leak.why, score, leak.name, frame, leak.of_name, of_frame, leak.item, leak.of
