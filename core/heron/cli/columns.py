"""`heron columns`: the files beside the catalogue from which conditions over many items are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json
from heron.cli.progress import counting_of
from heron.cli.tables import print_table, say, size_cell
from heron.wording import counted

if TYPE_CHECKING:
    from heron.catalog.columns.service import ColumnStatus


@click.group("columns")
@example("heron columns status\nheron columns rebuild\nheron columns push s3://lake-columns/photos")
def command() -> None:
    """Show, rebuild and push the columns, which answer conditions over many items.

    They contain the fields, facts, metrics and metadata of items and frames once more, and are written by themselves from
    200,000 items or frames on, in programs that ask many queries from 20,000 on, if Polars is installed (pip install 'heron[columns]'). Without them, or without some of them, every query has the
    same answer, and takes longer.
    """


@command.command("status")
@json_option
@click.pass_obj
@example("heron columns status\nheron columns status --json")
def status(context: Context, as_json: bool) -> None:
    """Show how many items and frames the columns contain, and how many are still read from the catalogue."""
    found = context.workspace().columns.status()
    if as_json:
        print_json(found)
    else:
        _show(found)


@command.command("rebuild")
@json_option
@click.pass_obj
@example("heron columns rebuild")
def rebuild(context: Context, as_json: bool) -> None:
    """Delete the columns and write them again from the catalogue."""
    found = context.workspace().columns.rebuild()
    if as_json:
        print_json(found)
        return
    _show(found)


@command.command("push")
@click.argument("destination", metavar="DEST")
@click.option("--integration", metavar="NAME", help="Has the credentials for DEST.")
@click.option("--delta", is_flag=True, help="Keep logs of Delta Lake beside the files, from now on.")
@json_option
@click.pass_obj
@example(
    "heron columns push /media/share/columns\n"
    "heron columns push s3://lake-columns/photos --integration lake\n"
    "heron columns push columns --delta"
)
def push(context: Context, destination: str, integration: str | None, delta: bool, as_json: bool) -> None:
    """Write items, frames and vectors as Parquet files for other engines, such as DuckDB, Dask and Spark.

    DEST is a folder or a URL, as s3://BUCKET/PREFIX. The files of each table are named in _heron.json there, which is
    written last, so that readers never see half a push. Pushing again writes only what has changed. What you may not see
    is not pushed. docs/scaling.md has the layout, and queries for each engine.
    """
    columns = context.workspace().columns
    with counting_of("Pushing", "row") as progress:
        done = columns.push(destination, integration=integration, delta=delta, progress=progress)
    if as_json:
        print_json(done)
        return
    rows = ", ".join(f"{name} {count:,}" for name, count in done.tables.items())
    say(f"{done.destination} shows the catalogue of {done.shown_at}: {rows}")
    say(
        f"{counted(done.files, 'file')} of {size_cell(done.bytes)}, {done.written:,} of them written now, "
        f"{counted(done.removed, 'old file')} deleted"
    )
    for name, count in done.left_out.items():
        say(f"{name}: {counted(count, 'value')} of another type left out")
    if done.problem:
        say(done.problem)


def _show(found: ColumnStatus) -> None:
    print_table(
        ["used", "segments", "items", "frames", "pending", "disk"],
        [
            (
                ("by some programs" if found.reason else "yes") if found.used else "no",
                found.segments,
                found.rows,
                found.frames,
                found.pending,
                size_cell(found.bytes),
            )
        ],
        "",
    )
    if found.reason:
        say(found.reason)
