"""The action service: lists the actions of plugins, and runs one over items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from attrs import field, frozen

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.items import bundles
from heron.catalog.limits import at_most
from heron.catalog.referring import ITEM, ItemRefs
from heron.errors import HeronError, InvalidInput, PluginError
from heron.hooks import PluginManager
from heron.hooks.action_values import values_of
from heron.hooks.actions import ActionOption, ItemAction
from heron.hooks.door import guarded
from heron.jobs import ImportProblem
from heron.models import Item, Json, Query
from heron.pictures.rounds import PROBLEMS
from heron.records import Record
from heron.storage.waiting import patiently

_LONGEST = 1000
"""The most characters of what an action says."""


@frozen(repr=False)
class ActionInfo(Record):
    """An action as `ws.actions.list` gives it. `problem` says why it cannot be used here; None if it can be."""

    name: str
    summary: str
    applies_to: str
    options: tuple[ActionOption, ...]
    kinds: tuple[str, ...]
    changes: bool
    plugin: str
    problem: str | None = None


@frozen(repr=False)
class ActionReport(Record):
    """What an action did: items that are done and that failed, the first problems, and what it said, the first 100 of it."""

    action: str
    done: int
    failed: int = 0
    problems: tuple[ImportProblem, ...] = ()
    said: tuple[str, ...] = field(default=())


class ActionService:
    """Runs the actions that plugins bring."""

    def __init__(self, workspace: Any, access: Access, plugins: Callable[[], PluginManager]) -> None:
        """`workspace` is the `heron.Workspace` that actions get, which is above this module."""
        self._workspace = workspace
        self._access = access
        self._plugins = plugins

    def list(self, *, limit: int | None = None) -> list[ActionInfo]:
        """The actions of the plugins that are in use, at most `limit` of them."""
        self._access.require("read", WORKSPACE)
        return [*islice(self._infos(), None if limit is None else at_most(limit))]

    def _infos(self) -> Iterator[ActionInfo]:
        plugins = self._plugins()
        for record in plugins.contributions(ItemAction):
            problem = None
            try:
                plugins.require(record)
            except PluginError as error:
                problem = str(error)
            yield ActionInfo(
                record.name, record.summary, record.applies_to, tuple(record.options), tuple(record.kinds), record.changes,
                plugins.plugin_of(record), problem,
            )  # fmt: skip

    @patiently()
    def run(
        self,
        action: str,
        items: ItemRefs | Query | None = None,
        *,
        options: Mapping[str, Json] | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> ActionReport:
        """Run an action with items, or with the workspace if that is what it applies to, and with the values of its options.

        Items of kinds that it does not take are left out. `progress` is called with the number of items done. An item that fails is in
        the report, and the others are done. Raises PluginError for an action that is not available or fails as a whole,
        InvalidInput for options that are wrong, and if items are missing or not taken.
        """
        plugins = self._plugins()
        record = plugins.action(action)
        self._access.require("read", WORKSPACE)
        configured = plugins.options.configured(plugins.plugin_of(record), record)
        values = values_of(
            record,
            {**configured, **{name: value for name, value in (options or {}).items() if value is not None}},
        )
        if (record.applies_to == "workspace") != (items is None):
            raise InvalidInput(
                f"action {action} applies to the workspace, not to items"
                if items is not None
                else f"action {action} applies to items",
                hint="leave them out" if items is not None else "choose some",
            )
        act = plugins.load(record)
        run = _Run(self._workspace, plugins.named(record), act, values)
        if record.applies_to == "workspace":
            return run.whole(record, None)
        assert items is not None
        stream = self._chosen(record, items)
        if record.applies_to == "items":
            return run.whole(record, _counted(stream, progress, run))
        return run.each(record, stream, progress)

    def _chosen(self, record: ItemAction, items: ItemRefs | Query) -> Iterator[Item]:
        """The items of the kinds that an action takes; asks for the right to change them where it does."""
        found = (
            self._workspace.search.all(items)
            if isinstance(items, Query)
            else (self._workspace.items.get(item) for item in ITEM.many(items))
        )
        wanted = (item for item in found if not record.kinds or item.kind in record.kinds)
        for bundle in bundles(wanted, 256):
            if record.changes:
                self._access.require_all("update", "item", [item.id for item in bundle])
            yield from bundle


def _counted(items: Iterator[Item], progress: Callable[[int], None], run: _Run) -> Iterator[Item]:
    """The items; one is done when the next is asked for."""
    for item in items:
        yield item
        run.done += 1
        progress(run.done)


class _Run:
    """One run of an action, with what came of it."""

    def __init__(
        self, workspace: Any, who: str, act: Callable[..., str | None], values: Mapping[str, Any]
    ) -> None:
        self._workspace = workspace
        self._who = who
        self._act = act
        self._values = values
        self.done = 0
        self._failed = 0
        self._problems: list[ImportProblem] = []
        self._said: list[str] = []

    def whole(self, record: ItemAction, items: Iterator[Item] | None) -> ActionReport:
        """Call the action once. What it raises is raised."""
        self._call(record.name, *(() if items is None else (items,)))
        return self._report(record)

    def each(
        self, record: ItemAction, items: Iterator[Item], progress: Callable[[int], None]
    ) -> ActionReport:
        """Call the action with each item."""
        for item in items:
            try:
                self._call(item.name, item)
                self.done += 1
            except HeronError as error:
                self._failed += 1
                if len(self._problems) < PROBLEMS:
                    self._problems.append(ImportProblem(item.name, item.url, str(error)))
            progress(self.done + self._failed)
        return self._report(record)

    def _call(self, about: str, *subject: Any) -> None:
        with guarded(self._who, "act", about, PluginError):
            said = self._act(self._workspace, *subject, dict(self._values))
            if said is not None and not isinstance(said, str):
                raise TypeError(f"returned {type(said).__name__}, expected a text or None")
        if said and len(self._said) < PROBLEMS:
            self._said.append(" ".join(said.split())[:_LONGEST])

    def _report(self, record: ItemAction) -> ActionReport:
        return ActionReport(record.name, self.done, self._failed, tuple(self._problems), tuple(self._said))
