"""A command and events: what happens in a workspace is written into a diary beside its catalogue, and `heron diary` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import heron

if TYPE_CHECKING:
    import click


def load() -> click.Command:
    """Make the command."""
    from heron_diary.command import diary

    return diary


@heron.hookimpl
def register_commands() -> Iterable[heron.CliCommand]:
    """Bring the command."""
    yield heron.CliCommand(name="diary", summary="Print what happened in this workspace.", load=load)


@heron.hookimpl
def items_imported(workspace: heron.Workspace, items: Sequence[heron.Item]) -> None:
    """Note new items."""
    from heron_diary.book import note

    note(workspace, f"{len(items)} imported, the first is {items[0].name}")


@heron.hookimpl
def items_deleted(workspace: heron.Workspace, items: Sequence[heron.DeletedItem]) -> None:
    """Note what was deleted."""
    from heron_diary.book import note

    note(workspace, f"{len(items)} deleted, the first was {items[0].name}")


@heron.hookimpl
def dataset_created(workspace: heron.Workspace, dataset: heron.Dataset) -> None:
    """Note new datasets."""
    from heron_diary.book import note

    note(workspace, f"dataset {dataset.title} created")
