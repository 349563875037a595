"""`heron compare`: how the values of fields differ between two selections, drawn as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heron.cli.bars import HEADS, bar, short, span
from heron.cli.context import Context
from heron.cli.output import example, list_options, print_json_list
from heron.cli.tables import is_csv, print_table, say

if TYPE_CHECKING:
    from heron.search.comparison import Comparison

_BAR = 16


@click.command("compare")
@click.argument("left")
@click.argument("right")
@click.option(
    "--by", "names", metavar="NAMES", help="Names separated by commas; all that have values unless given."
)
@click.option(
    "--most", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="At most N values."
)
@click.option(
    "--bins",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    metavar="N",
    help="Bins of numbers.",
)
@list_options
@click.pass_obj
@example(
    'heron compare "in_dataset(\'train\')" "in_dataset(\'test\')"\n'
    'heron compare "weather = \'sun\'" "weather = \'rain\'" --by width,captured_at'
)  # fmt: skip
def command(
    context: Context, left: str, right: str, names: str | None, most: int, bins: int, as_json: bool
) -> None:
    """Compare the values of fields in two selections, the most different field first.

    LEFT and RIGHT are conditions. The difference is between 0, where both have the same shares of all values, and 1, where no
    value is in both.
    """
    found = context.workspace().compare(left, right, names, most=most, bins=bins)
    if as_json:
        print_json_list(found)
        return
    if is_csv():
        heads = ["name", "form", "value", "end", "left", "right"]
        rows = [
            (each.name, each.form, bucket.value, bucket.end, bucket.left, bucket.right)
            for each in found
            for bucket in each.buckets
        ]
        print_table(heads, rows, "No field has a value.")
        return
    if any(each.difference is None for each in found):
        say("One of the selections has no items, so there is no difference.", err=True)
    heads = ["name", "difference", "left: items", "left: missing", "right: items", "right: missing"]
    rows = [
        (
            each.name, short(None if each.difference is None else round(each.difference, 3)),
            each.left_present, each.left_missing, each.right_present, each.right_missing,
        )
        for each in found
    ]  # fmt: skip
    print_table(heads, rows, "No field has a value.")
    for each in found:
        say("")
        _show(each)


def _show(each: Comparison) -> None:
    say(each.name, bold=True)
    sides = (each.left_present + each.left_missing, each.right_present + each.right_missing)
    shares = [(bucket.left / max(1, sides[0]), bucket.right / max(1, sides[1])) for bucket in each.buckets]
    most = max((share for pair in shares for share in pair), default=0)
    rows = [
        (span(bucket.value, bucket.end), _percent(left), bar(left, most, _BAR), _percent(right), bar(right, most, _BAR))
        for bucket, (left, right) in zip(each.buckets, shares, strict=True)
    ]  # fmt: skip
    print_table([HEADS.get(each.form, each.form), "left", "", "right", ""], rows, "No item has a value.")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
