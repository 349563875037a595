"""Options that make a query: conditions, words, what rows are to be similar to, and their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from heron.models import Query
    from heron.workspace import Workspace


def conditions(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which rows are meant."""
    return _with(
        function,
        click.option("--where", metavar="CONDITION", help="SQL condition over fields, facts and metadata."),
        click.option("--folder", metavar="PATH", help="Only this folder and those below it."),
        click.option("--words", metavar="WORDS", help='Words that a text key holds; "a phrase", begin*.'),
        click.option("--preset", metavar="NAME", help="Start from a saved query."),
    )


def similarity(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for rows that are similar to something."""
    return _with(
        function,
        click.option(
            "--like",
            multiple=True,
            metavar="THING",
            help="Similar to an item (UUID or name), a frame (ITEM#NUMBER), a picture, or a vector in a .npy file.",
        ),
        click.option("--key", metavar="KEY", help="The embedding to compare by."),
        click.option(
            "--nearest",
            type=click.IntRange(min=1),
            metavar="N",
            help="Only the N most similar (sorted: 100).",
        ),
        click.option("--min-score", type=float, metavar="S", help="Only from this cosine similarity on."),
        click.option("--exact", is_flag=True, help="Compare with every vector instead of by the index."),
    )


def order(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that puts rows in an order."""
    sort = click.option(
        "--sort", metavar="NAMES", help="Names with commas between; - in front for descending."
    )
    return sort(function)


def _with(function: Callable[..., Any], *options: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(options):
        function = option(function)
    return function


def combined(workspace: Workspace, preset: str | None = None, **parts: Any) -> Query:
    """The query of a preset, if one is named, with these parts added; two conditions both have to hold."""
    from attrs import evolve

    from heron.models import Query

    query = workspace.presets.get(preset).query if preset else Query()
    if isinstance(parts.get("text"), tuple):  # words of a sentence without quotes
        parts["text"] = " ".join(parts["text"]) or None
    given = {name: value for name, value in parts.items() if value not in (None, (), False)}
    if query.where and given.get("where"):
        from heron.search.parse import both

        given["where"] = both(query.where, given["where"])
    return evolve(query, **given)
