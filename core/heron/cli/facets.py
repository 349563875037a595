"""`heron facets`: how many items have each value of a field, drawn as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heron.cli.bars import HEADS, bar, short, span
from heron.cli.context import Context
from heron.cli.output import example, list_options, print_json_list
from heron.cli.selection import Selection, selection
from heron.cli.tables import is_csv, print_table, say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.search.facets import Facet


@click.command("facets")
@click.argument("names", nargs=-1, required=True)
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
@selection(order=False)
@list_options
@click.pass_obj
@example('heron facets weather,folder\nheron facets captured_at,exif.Model --where "width > 1000"')
def command(
    context: Context, names: tuple[str, ...], most: int, bins: int, as_json: bool, selection: Selection
) -> None:
    """Count items by the values of fields, drawn as bars.

    NAMES are names of conditions, separated by commas or spaces, and `collections` and `datasets`. Texts and few numbers are counted by value, the most frequent first,
    keys of type text by word, many numbers in bins of equal width, and times by year, month, day or hour.
    """
    workspace = context.workspace()
    found = workspace.facets(",".join(names), selection.query(workspace), most=most, bins=bins)
    if as_json:
        print_json_list(found)
        return
    if is_csv():
        heads = ["name", "form", "value", "end", "items"]
        rows = [
            (facet.name, facet.form, bucket.value, bucket.end, bucket.count)
            for facet in found
            for bucket in facet.buckets
        ]
        print_table(heads, rows, "No item has a value.")
        return
    for place, facet in enumerate(found):
        if place:
            say("")
        _show(facet)


def _show(facet: Facet) -> None:
    say(f"{facet.name}: {_summary(facet)}", bold=True)
    most = max((bucket.count for bucket in facet.buckets), default=0)
    rows = [
        (span(bucket.value, bucket.end), bucket.count, bar(bucket.count, most)) for bucket in facet.buckets
    ]
    print_table([HEADS.get(facet.form, facet.form), "items", ""], rows, "No item has a value.")
    if facet.form in HEADS and facet.form != "bins":
        _say_more(facet)


def _say_more(facet: Facet) -> None:
    what = HEADS[facet.form]
    if facet.distinct is None:
        say("… and less frequent words (--most shows more)")
    elif facet.distinct > len(facet.buckets):
        say(f"… and {counted(facet.distinct - len(facet.buckets), f'more {what}')} (--most shows more)")


def _summary(facet: Facet) -> str:
    what = HEADS.get(facet.form, "value") if facet.form != "bins" else "value"
    parts = [f"in {counted(facet.present, 'item')}"]
    if facet.distinct is not None:
        parts.insert(0, counted(facet.distinct, what))
    if facet.missing:
        parts.append(f"missing in {facet.missing:,}")
    if facet.least is not None and facet.form != "values":
        parts.append(f"from {short(facet.least)} to {short(facet.greatest)}")
    return ", ".join(parts)
