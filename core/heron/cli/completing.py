"""Completion of the values of options and arguments. It never writes to the catalogue, and prints no errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from heron.catalog.naming import Named, Names
    from heron.hooks import PluginManager

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

MOST = 100
"""The most names that are offered."""


def _offering(find: Callable[[click.Context, str], Iterable[str]], *, ending: str = "") -> Complete:
    """A completion that offers the texts that begin with what is typed and that a shell can show."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            found = [text for text in find(context, incomplete) if text.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - a completion that fails offers nothing
            return []
        return [CompletionItem(f"{text}{ending}") for text in found[:MOST] if text.isprintable()]

    return complete


@contextmanager
def _catalogue(context: click.Context) -> Iterator[Names]:
    """The names in the workspace of the command line, which is opened for reading only."""
    from pathlib import Path

    from heron.catalog.access import Access, acting_user
    from heron.catalog.database import Database
    from heron.catalog.naming import Names
    from heron.inside import DIRECTORY, find

    options = context.find_root().params
    given = options.get("workspace")
    root = Path(given) if given else find()
    database = Database(root / DIRECTORY, busy_seconds=0.1, create=False, read_only=True)
    try:
        yield Names(database, Access(database, acting_user(database, options.get("user"))))
    finally:
        database.close()


def _named(noun: Named) -> Complete:
    def find(context: click.Context, incomplete: str) -> Iterable[str]:
        with _catalogue(context) as names:
            return names.beginning(noun, incomplete, MOST)

    return _offering(find)


def _keys(context: click.Context, incomplete: str) -> Iterable[str]:
    with _catalogue(context) as names:
        return names.keys()


def _fields(context: click.Context, incomplete: str) -> Iterable[str]:
    from heron.search.fields import ITEM_NAMES

    return dict.fromkeys([*_keys(context, incomplete), *ITEM_NAMES])


def _sorts(context: click.Context, incomplete: str) -> Iterable[str]:
    """Fields, appended to what is typed already: `-captured_at,na` is completed to `-captured_at,name`."""
    before, comma, last = incomplete.rpartition(",")
    minus = "-" if last.startswith("-") else ""
    return [f"{before}{comma}{minus}{field}" for field in _fields(context, incomplete)]


def _columns(context: click.Context, incomplete: str) -> Iterable[str]:
    before, comma, _ = incomplete.rpartition(",")
    return [f"{before}{comma}{field}" for field in _fields(context, incomplete)]


def _plugins(context: click.Context) -> PluginManager:
    from heron.builtin import plugin_manager

    return plugin_manager(discover=not context.find_root().params.get("no_plugins"))


def _contributed(record: str) -> Complete:
    """The names of the contributions whose record is of the named class."""

    def find(context: click.Context, incomplete: str) -> Iterable[str]:
        from heron import hooks

        return sorted(each.name for each in _plugins(context).contributions(getattr(hooks, record)))

    return _offering(find)


folders = _named("folder")
items = _named("item")
collections = _named("collection")
datasets = _named("dataset")
presets = _named("preset")
projects = _named("project")
users = _named("user")
user_groups = _named("group")
tags = _named("tag")
integrations = _named("integration")
embeddings = _named("vector")
keys = _offering(_keys)
assignments = _offering(_keys, ending="=")
fields = _offering(_fields)
sorts = _offering(_sorts)
columns = _offering(_columns)
formats = _contributed("DatasetExporter")
embedders = _contributed("EmbedderModel")
importers = _contributed("DatasetImporter")
projections = _contributed("ProjectionMethod")
samplers = _contributed("Sampler")
actions = _contributed("ItemAction")
derivers = _contributed("MetadataDeriver")
executors = _contributed("ExecutorBackend")
backends = _contributed("StorageBackend")
types = _contributed("MetadataType")


def things(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Items and files, for a value that can be either."""
    return [*items(context, parameter, incomplete), CompletionItem(incomplete, type="file")]
