"""The events: hooks that are called when something has happened in a workspace, and return nothing, each with an example.

`workspace` is the `heron.Workspace` in which it happened, open as the user who did it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from heron.hooks.specs import hookspec
from heron.records import Record

if TYPE_CHECKING:
    from pathlib import Path

    from heron.jobs import ImportJob
    from heron.models import Collection, Dataset, Item


@frozen(repr=False)
class DeletedItem(Record):
    """What is left of an item that was deleted from the catalogue. Its file is where it was."""

    uuid: str
    name: str
    url: str


@hookspec
def items_imported(workspace: Any, items: Sequence[Item]) -> None:
    """Hear of new items, from imports, syncs, merges and the Python API.

    Events are told after the commit, in the process that wrote, at most 1,024 items at a time, and to each plugin with records
    of its own. A hook names the arguments that it wants. What it raises becomes a warning, and undoes nothing. It may change
    the workspace: what that causes is told too, but not without end.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def items_imported(workspace, items):
            print(f"{len(items)} new items in {workspace.root}, the first is {items[0].url}")
        ```
    """


@hookspec
def items_updated(workspace: Any, items: Sequence[Item]) -> None:
    """Hear of items whose facts have changed, as when their files were replaced, or their metrics computed.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def items_updated(items):
            print(f"{len(items)} items have other facts")
        ```
    """


@hookspec
def items_vanished(workspace: Any, items: Sequence[Item]) -> None:
    """Hear of items that a sync marked as deleted, since their files are gone.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def items_vanished(items):
            print(f"{items[0].name} is gone")
        ```
    """


@hookspec
def items_restored(workspace: Any, items: Sequence[Item]) -> None:
    """Hear of items that were marked as deleted, and whose files are back.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def items_restored(items):
            print(f"{items[0].name} is back")
        ```
    """


@hookspec
def items_deleted(workspace: Any, items: Sequence[DeletedItem]) -> None:
    """Hear of items that were deleted from the catalogue; what is left of one is its UUID, name and URL.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def items_deleted(items):
            print(f"{items[0].name} ({items[0].uuid}) was deleted")
        ```
    """


@hookspec
def metadata_changed(workspace: Any, items: Sequence[Item]) -> None:
    """Hear of items whose metadata, or that of their frames, has changed.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def metadata_changed(items):
            print(f"{items[0].name} has {items[0].metadata}")
        ```
    """


@hookspec
def vectors_added(workspace: Any, key: str) -> None:
    """Hear of an embedding key that has new vectors.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def vectors_added(key):
            print(f"{key} has new vectors")
        ```
    """


@hookspec
def dataset_created(workspace: Any, dataset: Dataset) -> None:
    """Hear of each new dataset, with the rows that it has at the end of the transaction.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def dataset_created(dataset):
            print(f"dataset {dataset.title} has {dataset.row_count} rows")
        ```
    """


@hookspec
def dataset_changed(workspace: Any, dataset: Dataset) -> None:
    """Hear of a dataset that has other rows, or another title or description.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def dataset_changed(dataset):
            print(f"dataset {dataset.title} has {dataset.row_count} rows now")
        ```
    """


@hookspec
def collection_changed(workspace: Any, collection: Collection) -> None:
    """Hear of a collection that is new, or has other items, or another title or description.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def collection_changed(collection):
            print(f"collection {collection.title} was changed")
        ```
    """


@hookspec
def exported(workspace: Any, dataset: str, path: Path, format: str, rows: int) -> None:
    """Hear of a dataset that was written to a file or folder; `dataset` is its title, or that of a version.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def exported(dataset, path, format, rows):
            print(f"{rows} rows of {dataset} are in {path}")
        ```
    """


@hookspec
def job_finished(workspace: Any, job: ImportJob) -> None:
    """Hear of an import or sync that has ended, also if it failed or is incomplete: `job.state` says how.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def job_finished(job):
            print(f"import {job.id} is {job.state}: {job.added} new items")
        ```
    """
