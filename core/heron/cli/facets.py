"""`heron facets`: how many items have each value of a field, drawn as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json_list
from heron.cli.selection import Selection, selection
from heron.cli.tables import print_table, say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.models import Json
    from heron.search.facets import Bucket, Facet

_BAR = 30


@click.command("facets")
@click.argument("names")
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
@json_option
@click.pass_obj
@example('heron facets weather,folder\nheron facets captured_at,exif.Model --where "width > 1000"')
def command(context: Context, names: str, most: int, bins: int, as_json: bool, selection: Selection) -> None:
    """Count items by the values of fields, drawn as bars.

    NAMES are names of conditions, separated by commas. Texts and few numbers are counted by value, the most frequent first,
    many numbers in bins of equal width, and times by year, month, day or hour.
    """
    workspace = context.workspace()
    found = workspace.facets(names, selection.query(workspace), most=most, bins=bins)
    if as_json:
        print_json_list(found)
        return
    for place, facet in enumerate(found):
        if place:
            say("")
        _show(facet)


def _show(facet: Facet) -> None:
    say(f"{facet.name}: {_summary(facet)}", bold=True)
    most = max((bucket.count for bucket in facet.buckets), default=0)
    rows = [(_label(facet, bucket), bucket.count, _bar(bucket.count, most)) for bucket in facet.buckets]
    print_table([_HEADS.get(facet.form, facet.form), "items", ""], rows, "No item has a value.")
    if facet.form == "values" and facet.distinct > len(facet.buckets):
        say(f"… and {counted(facet.distinct - len(facet.buckets), 'more value')} (--most shows more)")


_HEADS = {"values": "value", "bins": "from"}


def _summary(facet: Facet) -> str:
    parts = [counted(facet.distinct, "value"), f"in {counted(facet.present, 'item')}"]
    if facet.missing:
        parts.append(f"missing in {facet.missing:,}")
    if facet.form != "values" and facet.present:
        parts.append(f"from {_text(facet.least)} to {_text(facet.greatest)}")
    return ", ".join(parts)


def _label(facet: Facet, bucket: Bucket) -> str:
    return _text(bucket.value) if bucket.end is None else f"{_text(bucket.value)} to {_text(bucket.end)}"


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _bar(count: int, most: int) -> str:
    """A bar in eighths of a character, so that even one item is seen."""
    eighths = max(1, round(8 * _BAR * count / most)) if count else 0
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
