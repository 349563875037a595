"""Options that choose items: by UUID, folder, condition, preset or a list of names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from heron.cli.query import combined
from heron.models import Item

if TYPE_CHECKING:
    from heron.models import Query
    from heron.workspace import Workspace


def selection(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--item`, `--dataset`, `--folder`, `--where`, `--preset`, `--text` and `--like` to a command."""
    for option in (
        click.option("--min-score", type=float, metavar="S", help="Those from this cosine similarity on."),
        click.option("--nearest", type=click.IntRange(min=1), metavar="N", help="The N most similar ones."),
        click.option(
            "--like", multiple=True, metavar="THING", help="Items similar to an item, frame or picture."
        ),
        click.option("--text", metavar="TEXT", help="Items that look like what a text says."),
        click.option("--preset", metavar="NAME", help="Items that a saved query finds."),
        click.option("--where", metavar="CONDITION", help="Items that a SQL condition finds."),
        click.option("--folder", metavar="PATH", help="Items of a folder and of those below it."),
        click.option("--dataset", metavar="TITLE", help="Items of a dataset."),
        click.option(
            "--item", "items", multiple=True, metavar="ITEM", help="An item by UUID or name; once for each."
        ),
    ):
        function = option(function)
    return function


def selected(
    workspace: Workspace,
    items: tuple[str, ...],
    dataset: str | None,
    folder: str | None,
    where: str | None,
    preset: str | None,
    text: str | None = None,
    like: tuple[str, ...] = (),
    nearest: int | None = None,
    min_score: float | None = None,
) -> Iterator[Item | str]:
    """The chosen items; one way of choosing has to be given."""
    from attrs import evolve

    query = folder or where or preset or text or like
    if sum(map(bool, (items, dataset, query))) != 1:
        raise click.UsageError(
            "Which items? Give --item, or --dataset, or any of --folder, --where, --preset, --text and --like."
        )
    if items:
        return iter([workspace.items.get(item) for item in items])
    if dataset:
        return iter([row.item.uuid for row in workspace.datasets.rows(dataset)])
    parts = {"text": text, "like": like, "nearest": nearest, "min_score": min_score}
    found = evolve(combined(workspace, preset, folder=folder, where=where, **parts), limit=None)
    if found.is_similarity and found.nearest is None and found.min_score is None:
        raise click.UsageError("How many of them? Give --nearest or --min-score.")
    return _settled(workspace, found)


def _settled(workspace: Workspace, query: Query) -> Iterator[str]:
    """The UUIDs that a query finds now, so that what is done to the items does not change what is found."""
    return iter([item.uuid for item in workspace.search.all(query)])
