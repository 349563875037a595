"""The plugin manager: one object for each workspace that finds plugins, isolates broken ones and looks up
contributions.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, TypeVar

import pluggy
from attrs import define, field

from heron.errors import PluginError
from heron.hooks import events, specs
from heron.hooks.checking import check
from heron.hooks.contributions import (
    CliCommand,
    Contribution,
    DatasetExporter,
    EmbedderModel,
    ExecutorBackend,
    MediaDecoder,
    MediaKind,
    MetadataType,
    QualityMetrics,
    QueryFunction,
    Routes,
    StorageBackend,
)
from heron.hooks.derivers import MetadataDeriver
from heron.hooks.door import PASSED, reason
from heron.hooks.registry import Origin, Registry, missing, missing_packages
from heron.hooks.viewers import Viewer
from heron.models import OTHER

GROUP = "heron"
C = TypeVar("C", bound=Contribution)

REGISTER_HOOKS: dict[str, type[Contribution]] = {
    "register_storage": StorageBackend,
    "register_kinds": MediaKind,
    "register_decoders": MediaDecoder,
    "register_metadata_types": MetadataType,
    "register_query_functions": QueryFunction,
    "register_metrics": QualityMetrics,
    "register_derivers": MetadataDeriver,
    "register_embedders": EmbedderModel,
    "register_exporters": DatasetExporter,
    "register_executors": ExecutorBackend,
    "register_commands": CliCommand,
    "register_routes": Routes,
    "register_viewers": Viewer,
}


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


LOADING = threading.RLock()
"""Held while a contribution is loaded: modules that import each other must not be imported by two threads."""


class PluginManager:
    """Holds the plugins of one workspace.

    `hook` calls hooks as pluggy does; `storage`, `decoders`, `metadata_type`, `embedder`, `exporter` and
    `commands` are typed look-ups; `statuses` has the status of each plugin.
    """

    def __init__(
        self,
        *,
        builtin: Sequence[str] = (),
        plugins: Sequence[object] = (),
        discover: bool = True,
        only: Sequence[str] | None = None,
    ) -> None:
        """Load `builtin` modules, then installed plugins (those in `only`, if given), then `plugins` objects."""
        self._recipe: dict[str, Any] = {"builtin": tuple(builtin), "discover": discover, "only": only}
        self._pluggy = pluggy.PluginManager(GROUP)
        self._pluggy.add_hookspecs(specs)
        self._pluggy.add_hookspecs(events)
        self._registry = Registry()
        self.statuses: list[PluginStatus] = []
        self._loaded: list[tuple[PluginStatus, Origin]] = []
        for module in builtin:
            self._load(module.split(".")[-2], module, Origin("built-in", rank=0))
        if discover:
            self._discover(only)
        for number, plugin in enumerate(plugins):
            name = getattr(plugin, "__name__", None) or type(plugin).__name__
            self._add(
                plugin, Origin(f"{name}#{number}", rank=2), PluginStatus(name, "(given by the program)", "")
            )
        self.has_objects = bool(plugins)
        for status, origin in self._loaded:
            status.status = self._registry.verdict(status.name, origin)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings, from which another process makes its own manager; plugins given as objects are
        not included.
        """
        return functools.partial(PluginManager, **self._recipe), ()

    @property
    def hook(self) -> pluggy.HookRelay:
        """The hooks, called as pluggy calls them: `manager.hook.register_storage()`."""
        return self._pluggy.hook

    def hears(self, event: str) -> bool:
        """Whether some plugin hears of an event."""
        return bool(getattr(self._pluggy.hook, event).get_hookimpls())

    def notify(self, event: str, arguments: Callable[[], Mapping[str, Any] | None]) -> list[str]:
        """Call an event hook of every plugin, each with `arguments` of its own, unless these are None.

        Errors of plugins are returned, not raised.
        """
        complaints = []
        for impl in getattr(self._pluggy.hook, event).get_hookimpls():
            if (given := arguments()) is None:
                break
            try:
                impl.function(**{name: given[name] for name in impl.argnames})
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a stranger's code
                complaints.append(f"plugin {impl.plugin_name}: {event} failed: {_reason(error)}")
        return complaints

    def _discover(self, only: Sequence[str] | None) -> None:
        found: dict[str, dict[tuple[str, str], EntryPoint]] = {}
        read: dict[int, tuple[str, str]] = {}  # parsing the metadata of a distribution takes a millisecond
        points = entry_points(group=GROUP)
        for point in points:
            if only is None or point.name in only:
                key = id(point.dist)
                if key not in read:
                    read[key] = _distribution(point)
                found.setdefault(point.name, {}).setdefault(read[key], point)
        for name, same in sorted(found.items()):
            if len(same) > 1:
                names = " and ".join(sorted(distribution for distribution, _ in same))
                for known in same:
                    self.statuses.append(PluginStatus(name, *known, f"conflict between {names}"))
                continue
            [((distribution, version), point)] = same.items()
            self._load(name, point.value, Origin(distribution, rank=1), version)
        for name in only or ():
            if name not in found:
                self.statuses.append(PluginStatus(name, "", "", "failed: no installed plugin has this name"))

    def _load(self, name: str, module: str, origin: Origin, version: str = "") -> None:
        status = PluginStatus(name, origin.distribution, version)
        path, _, attribute = module.partition(":")
        try:
            plugin: object = importlib.import_module(path)
            for part in filter(None, attribute.split(".")):
                plugin = getattr(plugin, part)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code
            status.status = f"failed: {_reason(error)}"
            self.statuses.append(status)
            return
        self._add(plugin, origin, status)

    def _add(self, plugin: object, origin: Origin, status: PluginStatus) -> None:
        """Register a plugin with all its contributions, or not at all."""
        self.statuses.append(status)
        if self._pluggy.is_registered(plugin):
            status.status = f"failed: {self._pluggy.get_name(plugin)} is the same plugin"
            return
        try:
            _refuse_misspelt(plugin)
            self._pluggy.register(plugin, name=f"{origin.distribution}:{status.name}")
            contributions = list(self._collect(plugin))
            if origin.rank:
                for contribution in contributions:
                    check(contribution, is_own=origin.is_own)
                self._refuse_built_in(contributions)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code
            status.status = f"failed: {_reason(error)}"
            if self._pluggy.is_registered(plugin):
                self._pluggy.unregister(plugin)
            return
        for contribution in contributions:
            self._registry.add(contribution, status.name, origin)
            status.contributions += contribution.brings()
        self._loaded.append((status, origin))

    def _collect(self, plugin: object) -> Iterator[Contribution]:
        for hook, record in REGISTER_HOOKS.items():
            impls = [i for i in getattr(self._pluggy.hook, hook).get_hookimpls() if i.plugin is plugin]
            for impl in impls:
                for contribution in impl.function() or ():
                    if not isinstance(contribution, record):
                        raise PluginError(
                            f"{hook} yielded {type(contribution).__name__}, expected {record.__name__}"
                        )
                    yield contribution

    def _refuse_built_in(self, contributions: Sequence[Contribution]) -> None:
        """Raise PluginError for a query function or kind with the name of a built-in one: these are found without plugins.

        No name of an array in manifests can mean two kinds.
        """
        for record in (QueryFunction, MediaKind):
            built_in = {entry.name for entry in self._registry.built_in(record)}
            for contribution in contributions:
                if isinstance(contribution, record) and contribution.name in built_in:
                    raise PluginError(f"{record.sort} {contribution.name} is built in and cannot be replaced")
        taken = {name: kind.name for kind in self.contributions(MediaKind) for name in kind.in_manifests()}
        for kind in contributions:
            for name in kind.in_manifests() if isinstance(kind, MediaKind) else ():
                if taken.get(name, kind.name) != kind.name:
                    raise PluginError(f"kind {kind.name}: {name} in manifests is the kind {taken[name]}")

    def contributions(self, record: type[C]) -> Iterator[C]:
        """All active contributions of one sort, without conflicting ones."""
        return self._registry.of(record)

    def storage(self, scheme: str) -> StorageBackend:
        """The backend for a URL scheme or by its name; raises PluginError, also when several claim the scheme."""
        return self._registry.find(StorageBackend, scheme, lambda backend: backend.schemes)

    def decoders(self) -> list[MediaDecoder]:
        """All media decoders, also if packages that they need are missing."""
        return list(self.contributions(MediaDecoder))

    def fact_namespaces(self) -> list[str]:
        """The namespaces of facts: those that decoders declare, and each kind's, for what manifests give; each once."""
        declared = [name for decoder in self.decoders() for name in decoder.namespaces]
        kinds = (kind.name for kind in self.contributions(MediaKind) if kind.name != OTHER)
        return list(dict.fromkeys([*declared, *kinds]))

    def metrics(self) -> list[QualityMetrics]:
        """All active quality metrics."""
        return list(self._registry.of(QualityMetrics))

    def metadata_type(self, name: str) -> MetadataType:
        """A metadata type by its name or alias; raises PluginError with the known names."""
        return self._registry.find(MetadataType, name, lambda kind: kind.aliases)

    def query_function(self, name: str) -> QueryFunction | None:
        """A function of the query language, or None; raises PluginError where plugins clash over the name."""
        return self._registry.find(QueryFunction, name) if self._registry.knows(QueryFunction, name) else None

    def plugin_of(self, contribution: Contribution) -> str:
        """The name of the plugin that brought a contribution."""
        return self._registry.plugin_of(contribution)

    def is_own(self, contribution: Contribution) -> bool:
        """Whether a contribution is built in, or of a plugin that comes with Heron."""
        origin = self._registry.origin_of(contribution)
        return origin is not None and origin.is_own

    def isolates(self, decoder: MediaDecoder) -> bool:
        """Whether a decoder runs in processes of its own: those of installed plugins of others do that do not refuse.

        Heron's own protect this process themselves, and no other process has the plugins that were given as objects.
        """
        origin = self._registry.origin_of(decoder)
        is_installed = origin is not None and origin.rank == 1
        return decoder.isolation == "process" and is_installed and not self.is_own(decoder)

    def named(self, contribution: Contribution) -> str:
        """A contribution with its plugin and distribution, as messages name it: `decoder flif (plugin my_flif of my-flif)`."""
        origin = self._registry.origin_of(contribution)
        if origin is None or not origin.rank:
            return f"{contribution.sort} {contribution.name}"
        plugin = self._registry.plugin_of(contribution)
        of = "" if origin.is_own or origin.rank == 2 else f" of {origin.distribution}"
        return f"{contribution.sort} {contribution.name} (plugin {plugin}{of})"

    def embedder(self, name: str) -> EmbedderModel:
        """An embedder by name; raises PluginError."""
        return self._registry.find(EmbedderModel, name)

    def exporter(self, name: str) -> DatasetExporter:
        """An exporter by name; raises PluginError with the known names."""
        return self._registry.find(DatasetExporter, name)

    def executor(self, name: str) -> ExecutorBackend:
        """An executor by name; raises PluginError with the known names."""
        return self._registry.find(ExecutorBackend, name)

    def deriver(self, name: str) -> MetadataDeriver:
        """A deriver by name; raises PluginError with the known names."""
        return self._registry.find(MetadataDeriver, name)

    def commands(self) -> dict[str, CliCommand]:
        """The commands that plugins bring, by name."""
        return {command.name: command for command in self.contributions(CliCommand)}

    def load(self, contribution: Contribution, *arguments: Any) -> Any:
        """Call `load` of a contribution with these arguments, once what it needs is there; one at a time.

        Raises PluginError that names the plugin, with the install command if a package is missing.
        """
        self.require(contribution)
        loader: Any = contribution
        try:
            with LOADING:
                return loader.load(*arguments)
        except PASSED:
            raise
        except BaseException as error:  # plugins raise SystemExit, and extensions panics
            raise PluginError(
                f"{self.named(contribution)} cannot be loaded: {reason(error)}",
                hint=install_hint(contribution)
                if contribution.requires and isinstance(error, ImportError)
                else None,
            ) from error

    def require(self, contribution: Contribution) -> None:
        """Raise PluginError, with the install command, when a package that a contribution needs is missing."""
        missing = missing_packages(contribution)
        if missing:
            raise PluginError(
                f"{self.named(contribution)} needs {', '.join(missing)}", hint=install_hint(contribution)
            )

    def missing(self, *packages: str) -> list[str]:
        """Those of some distributions that are not installed."""
        return missing(packages)


def install_hint(contribution: Contribution) -> str:
    """The command that installs what a contribution needs."""
    wanted = f'"heron[{contribution.extra}]"' if contribution.extra else " ".join(contribution.requires)
    return f"pip install {wanted}"


def _refuse_misspelt(plugin: object) -> None:
    """Raise PluginError for functions marked as hooks whose name is no hook."""
    known = [name for name, hook in {**vars(specs), **vars(events)}.items() if hasattr(hook, "heron_spec")]
    names = vars(plugin) if isinstance(plugin, ModuleType) else dir(plugin)
    for name in names:
        marked = isinstance(getattr(getattr(plugin, name, None), "heron_impl", None), dict)
        if marked and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise PluginError(f"unknown hook {name}" + (f", did you mean {close[0]}?" if close else ""))


def _distribution(point: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution of an installed plugin."""
    if point.dist is None:
        return "unknown", ""
    metadata = point.dist.metadata  # each access parses it again
    return metadata["Name"], metadata["Version"]


def _reason(error: BaseException) -> str:
    """An error in one line: the last line of pluggy's own errors, the first line of all others."""
    if isinstance(error, PluginError):
        return error.message
    if isinstance(error, pluggy.PluginValidationError):
        return f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
    return reason(error)
