"""Tells plugins what has happened in a workspace: after the commit, in bundles, each plugin with records of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from heron.catalog.happenings import EVENTS, Happened, uuids_of
from heron.convert import loads
from heron.errors import HeronError, PluginWarning
from heron.installed import DERIVERS

Arguments = Mapping[str, Any]
Holdings = Any
"""A `heron.holdings.Holdings`, which makes its teller, and is therefore not imported here."""


_DERIVES = ("items_imported", "items_updated", "items_restored")
"""The events after which derivers run that ask for it."""

_SHOWN = 5
"""The most problems of one deriver that are told of one bundle of items."""


class Teller:
    """Tells the plugins of one workspace. What a plugin raises becomes a `PluginWarning`, or a complaint to who asked for them."""

    def __init__(self, workspace: Holdings) -> None:
        self._workspace = workspace
        self._complaints: list[str] | None = None

    def listens(self) -> set[str]:
        """The events of the catalogue that some plugin hears."""
        heard = getattr(self._workspace._load_plugins, "heard", None) or self._workspace.plugins.heard
        known = heard()
        events = {event for event in known if event in EVENTS}
        return events | {*_DERIVES} if DERIVERS in known and self._derivers() else events

    def _derivers(self) -> list[str]:
        """The derivers that run as items are imported."""
        from heron.hooks.derivers import MetadataDeriver

        known = self._workspace.plugins.contributions(MetadataDeriver)
        return [deriver.name for deriver in known if deriver.on_import]

    def __call__(self, happened: Happened) -> None:
        """Tell the plugins of one event, with records that are read now: what is not there any more is not told of."""
        if happened.event in _DERIVES:
            self._derive(happened)
        for build in _BUILDERS[happened.event](self._workspace, happened):
            self._tell(happened.event, build)

    def _derive(self, happened: Happened) -> None:
        """Compute the values of new and changed items; what fails is complained of, and is tried again by the next `derive`."""
        for name in self._derivers():
            items = list(self._workspace.items._records(happened.ids).values())
            try:
                done = self._workspace.derive(name, items)
            except HeronError as error:
                self.complain(f"deriver {name} was not run: {error}")
                continue
            for problem in done.problems[:_SHOWN]:
                self.complain(f"deriver {name} failed: {problem.reason}")
            if (more := done.failed + done.waiting - _SHOWN) > 0:
                self.complain(
                    f"deriver {name} failed for {more:,} more items: heron derive {name} tries again"
                )

    def exported(self, dataset: str, path: Path, format: str, rows: int) -> None:
        """Tell the plugins of an export that is written."""
        arguments = {"dataset": dataset, "path": path, "format": format, "rows": rows}
        self._tell("exported", lambda: arguments)

    @contextmanager
    def complaining(self) -> Iterator[list[str]]:
        """What plugins complain of within goes to this list, in place of warnings."""
        before, self._complaints = self._complaints, []
        try:
            yield self._complaints
        finally:
            self._complaints = before

    def complain(self, complaint: str) -> None:
        """Warn of what went wrong with a plugin."""
        if self._complaints is not None:
            self._complaints.append(complaint)
        else:
            warnings.warn(complaint, PluginWarning, stacklevel=2)

    def _tell(self, event: str, build: Callable[[], Arguments | None]) -> None:
        def arguments() -> Arguments | None:
            built = build()
            return None if built is None else {"workspace": self._workspace, **built}

        for complaint in self._workspace.plugins.notify(event, arguments):
            self.complain(complaint)


Build = Callable[[], Arguments | None]


def _items(workspace: Holdings, happened: Happened) -> Iterator[Build]:
    def build() -> Arguments | None:
        found = workspace.items._records(happened.ids)
        items = tuple(found[id] for id in happened.ids if id in found)
        return {"items": items} if items else None

    yield build


def _deleted(workspace: Holdings, happened: Happened) -> Iterator[Build]:
    from heron.hooks.events import DeletedItem  # and with it all hooks, which take a tenth of a second

    located = workspace._database.places.located
    given = [loads(part) for part in happened.left]
    yield lambda: {"items": tuple(DeletedItem(uuid, name, located(url) or url) for uuid, name, url in given)}


def _vectors(workspace: Holdings, happened: Happened) -> Iterator[Build]:
    for key in uuids_of(workspace._database.rows, "vector_sets", happened.ids):
        yield partial(_one, "key", key)


def _datasets(workspace: Holdings, happened: Happened) -> Iterator[Build]:
    for uuid in uuids_of(workspace._database.rows, "datasets", happened.ids):
        yield partial(_found, "dataset", workspace.datasets.find, uuid)


def _collections(workspace: Holdings, happened: Happened) -> Iterator[Build]:
    for uuid in uuids_of(workspace._database.rows, "collections", happened.ids):
        yield partial(_found, "collection", workspace.collections.find, uuid)


def _jobs(workspace: Holdings, happened: Happened) -> Iterator[Build]:
    for id in happened.ids:
        yield partial(_found, "job", workspace.imports.find, id)


def _one(name: str, value: object) -> Arguments:
    return {name: value}


def _found(name: str, find: Callable[[Any], object], ref: str | int) -> Arguments | None:
    record = find(ref)
    return None if record is None else {name: record}


_BUILDERS: Mapping[str, Callable[[Holdings, Happened], Iterator[Build]]] = {
    **dict.fromkeys(EVENTS, _items),
    "items_deleted": _deleted,
    "vectors_added": _vectors,
    "dataset_created": _datasets,
    "dataset_changed": _datasets,
    "collection_changed": _collections,
    "job_finished": _jobs,
}
