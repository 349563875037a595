"""The plugins of a manager: installed ones with a static record are imported once something is needed that only their modules have."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from types import ModuleType
from typing import Any, TypeVar

import pluggy
from attrs import define, field, frozen

from heron import deadline
from heron.errors import PluginError
from heron.hooks import events, program_specs, specs
from heron.hooks.alone import Alone
from heron.hooks.checking import check
from heron.hooks.contributions import Contribution, MediaKind
from heron.hooks.door import reason
from heron.hooks.options import declared
from heron.hooks.query_functions import QueryFunction
from heron.hooks.registry import Origin, Registry
from heron.hooks.static import contributions_of, written
from heron.hooks.tracing import traced
from heron.hooks.versions import refused_api, refused_heron
from heron.installed import GROUP, InstalledPlugin, installed_plugins, place_of, static_record
from heron.scripts import SCRIPT, Script

C = TypeVar("C", bound=Contribution)

_SPECS = (specs, program_specs, events)

EVENTS = [name for name, hook in vars(events).items() if hasattr(hook, "heron_spec")]
"""The names of all events."""

_EVENT = "event {}"

LOADING = Alone()
"""Held while a contribution is loaded: modules that import each other must not be imported by two threads."""


@define
class PluginStatus:
    """One plugin as `heron plugins` lists it. `status` is `loaded` or says in words why not."""

    name: str
    distribution: str
    version: str
    status: str = "loaded"
    contributions: list[str] = field(factory=list)

    @property
    def usable(self) -> bool:
        """Whether everything that the plugin brings can be used now."""
        return self.status == "loaded"


@frozen
class _Sleeping:
    """An installed plugin whose module is not imported yet, with what its static record says."""

    plugin: InstalledPlugin
    record: Mapping[str, Any]
    origin: Origin
    status: PluginStatus

    def hears(self, event: str) -> bool:
        return event in self.record["events"]

    def hides(self, hook: str) -> bool:
        """Whether only the module can tell what the hook yields."""
        return hook in self.record["hooks"] and self.record["hooks"][hook] is None


class LoadedPlugins:
    """Plugins with their contributions, hooks and statuses. A broken one is kept apart, and listed with its reason."""

    def __init__(
        self, hooks: Mapping[str, type[Contribution]], preferred: Callable[[], Sequence[str]]
    ) -> None:
        self._hooks = hooks
        self._pluggy = pluggy.PluginManager(GROUP)
        for module in _SPECS:
            self._pluggy.add_hookspecs(module)
        self.registry = Registry(preferred)
        self._statuses: list[PluginStatus] = []
        self._loaded: list[tuple[PluginStatus, Origin]] = []
        self._sleeping: list[_Sleeping] = []

    def add_built_in(self, module: str) -> None:
        """Load a module of Heron's own."""
        status = PluginStatus(module.split(".")[-2], "built-in", "")
        self._statuses.append(status)
        self._load(module, Origin("built-in", rank=0), status)

    def add_script(self, script: Script) -> None:
        """Run a script of the workspace that the user allowed, and list one that is not."""
        status = PluginStatus(script.name, "(script of this workspace)", "")
        self._statuses.append(status)
        if script.refusal is not None:
            status.status = script.refusal
            return
        module = ModuleType(f"heron_script_{script.name}_{script.mark[:8]}")
        module.__file__ = script.path
        sys.modules[module.__name__] = module  # where pickles of what it defines are found again
        with redirect_stdout(sys.stderr):
            try:
                with (
                    deadline.limited(f"script {script.name}"),
                    traced("run", f"script {script.name}", script.path),
                ):
                    exec(compile(script.source, script.path, "exec"), vars(module))  # noqa: S102 - with the user's consent
            except (KeyboardInterrupt, MemoryError):
                raise
            except BaseException as error:  # noqa: BLE001 - a stranger's code
                status.status = f"failed: {_reason(error)}"
                return
            self._add(module, Origin(SCRIPT, rank=2), status)

    def add_installed(self, only: Sequence[str] | None, besides: Sequence[str] = ()) -> None:
        """Find the installed plugins, or those of some names; names in `besides` are those of others."""
        found: dict[str, list[InstalledPlugin]] = {}
        for plugin in installed_plugins(only):
            found.setdefault(plugin.name, []).append(plugin)
        for name, same in found.items():
            if len({(each.distribution, each.version) for each in same}) > 1:
                between = " and ".join(sorted(each.distribution for each in same))
                for each in same:
                    self._statuses.append(
                        PluginStatus(name, each.distribution, each.version, f"conflict between {between}")
                    )
            else:
                self._add_installed(same[0])
        for name in only or ():
            if name not in found and name not in besides:
                self._statuses.append(PluginStatus(name, "", "", "failed: no installed plugin has this name"))

    def add_object(self, plugin: object, name: str, origin: Origin, shown: str) -> PluginStatus:
        """Register a plugin that is there."""
        status = PluginStatus(name, shown, "")
        self._statuses.append(status)
        self._add(plugin, origin, status)
        return status

    def add_refused(self, status: PluginStatus) -> None:
        """List a plugin that is not used."""
        self._statuses.append(status)

    def statuses(self) -> list[PluginStatus]:
        """All plugins; imports those that were not needed so far, to know whether they can be."""
        self.wake(lambda sleeping: True)
        for status, origin in self._loaded:
            if not status.status.startswith("failed"):
                status.status = self.registry.verdict(status.name, origin)
        return self._statuses

    def in_use(self) -> list[str]:
        """The names of the installed plugins and scripts that have not failed; imports none."""
        return [
            status.name
            for status, origin in self._loaded
            if (origin.rank == 1 or origin.distribution == SCRIPT) and not status.status.startswith("failed")
        ]

    def version_of(self, plugin: str) -> str:
        """The version of the distribution of an installed plugin."""
        return next((status.version for status in self._statuses if status.name == plugin), "")

    def relay(self) -> pluggy.HookRelay:
        """The hooks of all plugins."""
        self.wake(lambda sleeping: True)
        return self._pluggy.hook

    def hears(self, event: str) -> bool:
        """Whether some plugin hears of an event."""
        return any(each.hears(event) for each in self._sleeping) or bool(
            getattr(self._pluggy.hook, event).get_hookimpls()
        )

    def listeners(self, event: str) -> Sequence[pluggy.HookImpl]:
        """The functions that hear of an event."""
        self.wake(lambda sleeping: sleeping.hears(event))
        found: Sequence[pluggy.HookImpl] = getattr(self._pluggy.hook, event).get_hookimpls()
        return found

    def of(self, record: type[C]) -> Iterator[C]:
        """The active contributions of one sort."""
        self.know(record)
        return self.registry.of(record)

    def brought_by(self, plugin: str) -> list[Contribution]:
        """The contributions of a plugin."""
        self.wake(lambda sleeping: sleeping.plugin.name == plugin and any(map(sleeping.hides, self._hooks)))
        return list(self.registry.brought_by(plugin))

    def know(self, record: type[Contribution]) -> None:
        """Import the plugins of which only the module can tell what they bring of one sort."""
        if self._sleeping:
            hooks = [hook for hook, yielded in self._hooks.items() if yielded is record]
            self.wake(lambda sleeping: any(map(sleeping.hides, hooks)))

    def wake(self, is_wanted: Callable[[_Sleeping], bool]) -> None:
        """Import the modules of some plugins that have not been needed so far."""
        if not self._sleeping:
            return
        with LOADING:
            wanted = [each for each in self._sleeping if is_wanted(each)]
            self._sleeping = [each for each in self._sleeping if each not in wanted]
            for each in wanted:
                self._load(each.plugin.module, each.origin, each.status, each)

    def _add_installed(self, plugin: InstalledPlugin) -> None:
        origin = Origin(plugin.distribution, rank=1)
        status = PluginStatus(plugin.name, plugin.distribution, plugin.version)
        self._statuses.append(status)
        if not plugin.is_own and (refusal := refused_heron(plugin.requires)):
            status.status = refusal
            return
        record = static_record(plugin.module)
        if record is None or not self._rest(_Sleeping(plugin, record, origin, status)):
            self._load(plugin.module, origin, status)

    def _rest(self, sleeping: _Sleeping) -> bool:
        """Register what a static record says; False for a record that is wrong: then the module tells what is."""
        if refused_api(sleeping.record.get("api")):
            return False
        contributions: list[Contribution] = []
        try:
            for hook, record in self._hooks.items():
                contributions += contributions_of(sleeping.record, hook, record, sleeping.plugin.module) or ()
            self._check(contributions, sleeping.origin)
        except PluginError:
            return False
        self._enter(contributions, sleeping.status, sleeping.origin)
        sleeping.status.contributions += map(_EVENT.format, sleeping.record["events"])
        self._sleeping.append(sleeping)
        return True

    def _load(
        self, module: str, origin: Origin, status: PluginStatus, slept: _Sleeping | None = None
    ) -> None:
        path, _, attribute = module.partition(":")
        with redirect_stdout(sys.stderr):  # what plugins print: standard output may be JSON
            try:
                with (
                    deadline.limited(f"the import of plugin {status.name}") if origin.rank else nullcontext(),
                    traced("import", f"plugin {status.name}", path),
                ):
                    plugin: object = importlib.import_module(path)
                    for part in filter(None, attribute.split(".")):
                        plugin = getattr(plugin, part)
            except (KeyboardInterrupt, MemoryError):
                raise
            except BaseException as error:  # noqa: BLE001 - a stranger's code
                status.status = f"failed: {_reason(error)}"
                return
            self._add(plugin, origin, status, slept)

    def _add(
        self, plugin: object, origin: Origin, status: PluginStatus, slept: _Sleeping | None = None
    ) -> None:
        """Register a plugin with all its contributions, or not at all; of one that slept, with those that its record hid."""
        if self._pluggy.is_registered(plugin):
            status.status = f"failed: {self._pluggy.get_name(plugin)} is the same plugin"
            return
        if refusal := refused_api(getattr(plugin, "HOOK_API", None)):
            status.status = refusal
            return
        try:
            _refuse_misspelt(plugin)
            self._pluggy.register(plugin, name=f"{origin.distribution}:{status.name}")
            with nullcontext() if origin.is_own else deadline.limited(f"plugin {status.name}"):
                found = {hook: self._yielded(plugin, hook, record) for hook, record in self._hooks.items()}
            if slept is None:
                new = [each for yielded in found.values() for each in yielded]
            else:
                _require_as_written(slept, found)
                new = [each for hook, yielded in found.items() if slept.hides(hook) for each in yielded]
            self._check(new, origin)
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:  # noqa: BLE001 - a stranger's code
            status.status = f"failed: {_reason(error)}"
            if self._pluggy.is_registered(plugin):
                self._pluggy.unregister(plugin)
            return
        self._enter(new, status, origin)
        if slept is None:
            status.contributions += [_EVENT.format(event) for event in EVENTS if self._told(plugin, event)]

    def _told(self, plugin: object, event: str) -> bool:
        return any(impl.plugin is plugin for impl in getattr(self._pluggy.hook, event).get_hookimpls())

    def _enter(self, contributions: Sequence[Contribution], status: PluginStatus, origin: Origin) -> None:
        for contribution in contributions:
            self.registry.add(contribution, status.name, origin)
            status.contributions += contribution.brings()
        if all(known is not status for known, _ in self._loaded):
            self._loaded.append((status, origin))

    def _yielded(self, plugin: object, hook: str, record: type[Contribution]) -> list[Contribution]:
        found: list[Contribution] = []
        for impl in getattr(self._pluggy.hook, hook).get_hookimpls():
            if impl.plugin is not plugin:
                continue
            with traced(hook, f"plugin {impl.plugin_name}") as call:
                found += impl.function() or ()
                call.outcome = ", ".join(str(getattr(each, "name", each)) for each in found)[:300]
        for contribution in found:
            if not isinstance(contribution, record):
                raise PluginError(f"{hook} yielded {type(contribution).__name__}, expected {record.__name__}")
        return found

    def _check(self, contributions: Sequence[Contribution], origin: Origin) -> None:
        if not origin.rank:
            return
        for contribution in contributions:
            check(contribution, is_own=origin.is_own)
        named = [(each.sort, each.name) for each in contributions]
        for sort, name in named:
            if named.count((sort, name)) > 1:
                raise PluginError(f"it brings two of the name {sort} {name}")
        declared(contributions)
        self._refuse_built_in(contributions)

    def _refuse_built_in(self, contributions: Sequence[Contribution]) -> None:
        """Raise PluginError for a query function or kind with the name of a built-in one: these are found without plugins.

        No name of an array in manifests can mean two kinds.
        """
        for record in (QueryFunction, MediaKind):
            built_in = {entry.name for entry in self.registry.built_in(record)}
            for contribution in contributions:
                if isinstance(contribution, record) and contribution.name in built_in:
                    raise PluginError(f"{record.sort} {contribution.name} is built in and cannot be replaced")
        taken = {
            name: kind.name for kind in self.registry.built_in(MediaKind) for name in kind.in_manifests()
        }
        for kind in contributions:
            for name in kind.in_manifests() if isinstance(kind, MediaKind) else ():
                if taken.get(name, kind.name) != kind.name:
                    raise PluginError(f"kind {kind.name}: {name} in manifests is the kind {taken[name]}")


def _require_as_written(slept: _Sleeping, found: Mapping[str, Sequence[Contribution]]) -> None:
    """Raise PluginError if a module yields something else than its static record says."""
    place = place_of(slept.plugin.module)
    assert place is not None
    package = slept.plugin.module.partition(".")[0]
    for hook, yielded in found.items():
        expected = slept.record["hooks"].get(hook, [])
        if expected is not None and written(yielded, place[0], package) != expected:
            raise PluginError(
                f"{place[1].name} says something else than {hook} yields: heron plugins record {slept.plugin.module}"
            )


def _refuse_misspelt(plugin: object) -> None:
    """Raise PluginError for functions marked as hooks whose name is no hook."""
    known = [name for module in _SPECS for name, hook in vars(module).items() if hasattr(hook, "heron_spec")]
    names = vars(plugin) if isinstance(plugin, ModuleType) else dir(plugin)
    for name in names:
        marked = isinstance(getattr(getattr(plugin, name, None), "heron_impl", None), dict)
        if marked and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise PluginError(f"unknown hook {name}" + (f", did you mean {close[0]}?" if close else ""))


def _reason(error: BaseException) -> str:
    """An error in one line: the last line of pluggy's own errors, the first line of all others."""
    if isinstance(error, PluginError):
        return error.message
    if isinstance(error, pluggy.PluginValidationError):
        return f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
    return reason(error)
