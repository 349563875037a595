"""Prints what a change of the schema did to stored values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from heron.cli.tables import print_table, say
from heron.convert import dumps
from heron.models import Json
from heron.wording import counted

if TYPE_CHECKING:
    from heron.answers import Conversion


def print_conversions(conversions: Iterable[Conversion]) -> None:
    """Print what a change did to stored values, with the first of those that could not be converted."""
    for done in conversions:
        if done.converted:
            verb = "Converted" if done.written else "Would convert"
            back = f"; heron schema undo {done.key} restores them" if done.written else ""
            say(f"{verb} {counted(done.converted, 'value')} of {done.key}{back}")
        if done.left:
            stay = "stay as they are" if done.left > 1 else "stays as it is"
            say(f"{counted(done.left, 'value')} of {done.key} cannot be converted without loss, and {stay}:")
            print_examples(done)
            if done.left > len(done.examples):
                say("heron metadata verify lists all")


def print_examples(done: Conversion) -> None:
    """Print the values that a report names."""
    print_table(
        ["item", "value", "reason"],
        [(row.item, _written(row.value), row.reason) for row in done.examples],
        "",
    )
    if done.left > len(done.examples):
        say(f"and {done.left - len(done.examples):,} more")


def _written(value: Json) -> str:
    text = dumps(value)
    return text if len(text) <= 60 else text[:59] + "…"
