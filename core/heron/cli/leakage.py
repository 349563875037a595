"""`heron leakage`: what a test dataset shares with a training dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heron.cli import completing
from heron.cli.collecting import check_titles, collect
from heron.cli.context import Context
from heron.cli.item_tables import check_columns, columns_option, extra_cells, id_column, ids
from heron.cli.output import example, limit_option, list_options, print_json
from heron.cli.progress import counting
from heron.cli.show import picture_option, save_picture
from heron.cli.tables import is_csv, print_beginning, say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.curation.records import Leak, Leakage
    from heron.workspace import Workspace


@click.command("leakage")
@click.argument("train", shell_complete=completing.datasets)
@click.argument("test", shell_complete=completing.datasets)
@click.option(
    "--key", shell_complete=completing.embeddings, metavar="KEY", help="The embedding to compare by."
)
@click.option(
    "--near",
    type=float,
    metavar="COSINE",
    help="Least cosine of a leak; without it, what the embedder of the vectors recommends, or 0.95.",
)
@click.option("--no-frames", is_flag=True, help="Do not compare the vectors of frames.")
@click.option(
    "--turned",
    is_flag=True,
    help="Find copies that are mirrored, or rotated by 90, 180 or 270 degrees, too: by vectors that tell, those of phash first.",
)
@click.option("--collect", "title", metavar="TITLE", help="Make a collection of the items of TEST that leak.")
@picture_option("Draw the items that leak beside those that they resemble")
@columns_option
@limit_option
@list_options
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
    near: float | None,
    no_frames: bool,
    turned: bool,
    title: str | None,
    output: Path | None,
    columns: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Find the items of one dataset that another one contains too.

    TRAIN and TEST are datasets. An item of TEST leaks if it is in TRAIN too, if an item of TRAIN has equal content
    (by content hash), or if an item of TRAIN is near: two of their vectors, including those of frames, have at least
    the cosine of --near.
    """
    check_columns(columns, as_json)
    workspace = context.workspace()
    check_titles(workspace, title)
    with counting("Comparing", "vector") as progress:
        found = workspace.curation.leakage(
            train, test, key, near, frames=not no_frames, turned=turned, progress=progress
        )
    sheet = None
    if output is not None and found.leaks:
        sheet = workspace.curation.sheet(found)
        save_picture(sheet.picture, output)
    print_json(found) if as_json else _print(workspace, found, test, limit, columns, turned=turned)
    collect(workspace, title, found.items, quiet=as_json)
    if sheet is not None and not as_json:
        say(f"Wrote {output} with {sheet.groups:,} of {counted(len(found.items), 'item')}")


def _print(
    workspace: Workspace, found: Leakage, test: str, limit: int | None, names: str | None, *, turned: bool
) -> None:
    first, second = id_column(), f"its {id_column()}"
    columns = ["leaks", first, "is like", second, "why", "score", "frame", "its frame"]
    firsts = ids(workspace, (leak.item for leak in found.leaks))
    seconds = ids(workspace, (leak.of for leak in found.leaks))
    rows: Iterator[tuple[Any, ...]] = map(_row, found.leaks, firsts, seconds)
    if turned:
        columns.append("turned")
        rows = ((*row, leak.turn) for row, leak in zip(rows, found.leaks, strict=True))
    if named := extra_cells(workspace, [leak.item for leak in found.leaks], names):
        columns = [*named, *columns[2:]]
        rows = ((*of, *row[2:]) for row, of in zip(rows, zip(*named.values(), strict=True), strict=True))
    print_beginning(columns, rows, "Nothing leaks.", limit, keep=(first, second))
    if found.leaks:
        say(f"{len(found.items):,} of {counted(found.second, 'item')} of {test} leak")
    for note in found.notes:
        say(f"Note: {note}")


def _row(leak: Leak, id: str, its_id: str) -> tuple[Any, ...]:
    return (
        leak.name,
        id,
        leak.of_name,
        its_id,
        leak.why,
        leak.score,
        _frame(leak.frame),
        _frame(leak.of_frame),
    )


def _frame(number: int | None) -> Any:
    return number if number is None or is_csv() else f"#{number}"
