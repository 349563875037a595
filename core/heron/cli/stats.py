"""`heron stats`: the values of fields over a selection in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heron.cli.bars import short
from heron.cli.context import Context
from heron.cli.output import example, list_options, print_json_list
from heron.cli.selection import Selection, selection
from heron.cli.tables import is_csv, print_table

if TYPE_CHECKING:
    from heron.search.statistics import Statistics


@click.command("stats")
@click.argument("names", nargs=-1)
@selection(order=False)
@list_options
@click.pass_obj
@example("heron stats\nheron stats width,captured_at,exif.ISO --where \"kind = 'image'\"")
def command(context: Context, names: tuple[str, ...], as_json: bool, selection: Selection) -> None:
    """Describe the values of fields: how many there are, quartiles, mean, and the most frequent one.

    NAMES are names of conditions, separated by commas or spaces; by default all metadata keys and the usual fields that have a value.
    """
    workspace = context.workspace()
    found = workspace.stats(",".join(names) or None, selection.query(workspace))
    if as_json:
        print_json_list(found)
        return
    heads = ["name", "items", "missing", "distinct", "most frequent", "least", "median", "greatest", "mean", "25 %", "75 %"]  # fmt: skip
    cell = (lambda value: value) if is_csv() else short
    rows = [
        [
            each.name, each.present, each.missing, each.distinct, _most(each),
            *map(cell, (each.least, each.median, each.greatest, each.mean, each.lower, each.upper)),
        ]
        for each in found
    ]  # fmt: skip
    if is_csv():
        heads.append("items with the most frequent")
        for row, each in zip(rows, found, strict=True):
            row[4] = each.most
            row.append(each.most_count)
    print_table(heads, rows, "No field has a value.")


def _most(each: Statistics) -> str:
    return f"{short(each.most)} ({each.most_count:,})" if each.most_count else ""
