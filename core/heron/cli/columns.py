"""`heron columns`: the files beside the catalogue from which conditions over many items are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json
from heron.cli.tables import print_table, say, size_cell

if TYPE_CHECKING:
    from heron.catalog.columns.service import ColumnStatus


@click.group("columns")
@example("heron columns status\nheron columns rebuild")
def command() -> None:
    """Show and rebuild the columns, which answer conditions over many items.

    They contain the fields, facts and metadata of items once more, and are written by themselves from 200,000 items on
    if Polars is installed (pip install 'heron[columns]'). Without them, or without some of them, every query has the
    same answer, and takes longer.
    """


@command.command("status")
@json_option
@click.pass_obj
@example("heron columns status\nheron columns status --json")
def status(context: Context, as_json: bool) -> None:
    """Show how many items the columns contain, and how many are still read from the catalogue."""
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


def _show(found: ColumnStatus) -> None:
    print_table(
        ["used", "segments", "rows", "pending", "disk"],
        [("yes" if found.used else "no", found.segments, found.rows, found.pending, size_cell(found.bytes))],
        "",
    )
    if found.reason:
        say(found.reason)
