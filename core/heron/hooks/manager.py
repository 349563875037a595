"""The plugin manager: one object for each workspace that finds plugins, isolates broken ones and looks up
contributions.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import pluggy

from heron import deadline
from heron.errors import PluginError
from heron.hooks.actions import ItemAction
from heron.hooks.backends import StorageBackend
from heron.hooks.choosing import ProjectionMethod, Sampler
from heron.hooks.contributions import (
    CliCommand,
    Contribution,
    DatasetExporter,
    ExecutorBackend,
    MediaDecoder,
    MediaKind,
    MetadataType,
    PluginOptions,
    QualityMetrics,
    Routes,
)
from heron.hooks.derivers import MetadataDeriver
from heron.hooks.door import PASSED, Stranger, guarded, reason
from heron.hooks.embedders import EmbedderModel
from heron.hooks.importers import DatasetImporter
from heron.hooks.loading import EVENTS, LOADING, LoadedPlugins, PluginStatus
from heron.hooks.options import Options, Stored
from heron.hooks.query_functions import QueryFunction
from heron.hooks.registry import Conflict, Origin, missing, missing_packages
from heron.hooks.tables import PluginTables
from heron.hooks.tracing import shown, traced
from heron.hooks.versions import install_command
from heron.hooks.viewers import Viewer
from heron.installed import DERIVERS
from heron.models import OTHER
from heron.scripts import SCRIPT, Script

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
    "register_importers": DatasetImporter,
    "register_actions": ItemAction,
    "register_projections": ProjectionMethod,
    "register_samplers": Sampler,
    "register_tables": PluginTables,
    "register_executors": ExecutorBackend,
    "register_commands": CliCommand,
    "register_routes": Routes,
    "register_viewers": Viewer,
    "register_options": PluginOptions,
}


BUILT_IN = "(built-in)"
"""What stands for Heron's own parts, where a plugin is named."""


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
        scripts: Sequence[Script] = (),
        preferred: Sequence[str] | None = None,
        options: tuple[Stored, frozenset[str]] | None = None,
    ) -> None:
        """Load `builtin` modules, then installed plugins and scripts (those in `only`, if given), then `plugins` objects.

        `preferred` settles conflicts; without it, what the user prefers on this machine. `options` are the `Options.recipe` of another process.
        """
        self._recipe: dict[str, Any] = {
            "builtin": tuple(builtin),
            "discover": discover,
            "only": only,
            "scripts": scripts,
        }
        self.isolates_all = False  # whether no decoder runs in this process, because one has crashed it
        self._preferred = preferred
        self._plugins = LoadedPlugins(REGISTER_HOOKS, self.preferred)
        self._registry = self._plugins.registry
        for module in builtin:
            self._plugins.add_built_in(module)
        if discover:
            self._plugins.add_installed(only, besides=[script.name for script in scripts])
        for script in scripts:
            if only is None or script.name in only:
                self._plugins.add_script(script)
        for number, plugin in enumerate(plugins):
            name = getattr(plugin, "__name__", None) or type(plugin).__name__
            self._plugins.add_object(
                plugin, name, Origin(f"{name}#{number}", rank=2), "(given by the program)"
            )
        self.has_objects = bool(plugins)
        self.options = Options(self._brought_by)
        if options is not None:
            self.options.adopt(*options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings, from which another process makes its own manager.

        Plugins that failed here are not imported there, and those given as objects are not included.
        """
        found: dict[str, Any] = {
            "only": self._plugins.in_use(),
            "preferred": self.preferred(),
            "options": self.options.recipe(),
        }
        return functools.partial(PluginManager, **{**self._recipe, **found}), ()

    @property
    def statuses(self) -> list[PluginStatus]:
        """The status of each plugin; imports all that have not been needed so far."""
        return self._plugins.statuses()

    @property
    def hook(self) -> pluggy.HookRelay:
        """The hooks, called as pluggy calls them: `manager.hook.register_storage()`."""
        return self._plugins.relay()

    def preferred(self) -> Sequence[str]:
        """What settles conflicts: `PLUGIN`, or `PLUGIN for CLAIM`."""
        if self._preferred is None:
            from heron.consent import preferred

            self._preferred = preferred()
        return self._preferred

    def conflicts(self, record: type[Contribution] | None = None) -> list[Conflict]:
        """What several plugins claim, also hosts that patterns of both match, or only what is of one sort; with the one that is preferred."""
        if record is None:
            self._plugins.statuses()
        else:
            self._plugins.know(record)
        found = [
            Conflict(claim, sorted({entry.plugin for entry in entries}), self._registry.preferred_of(claim))
            for claim, entries in self._registry.conflicts().items()
            if record is None or claim.startswith(f"{record.sort} ")
        ]
        return [*found, *self._registry.overlaps()] if record is None else found

    def claims_of(self, plugin: str) -> list[str]:
        """What a plugin claims, such as `storage s3`; raises PluginError for one that brings nothing."""
        return list(dict.fromkeys(claim for each in self._brought_by(plugin) for claim in each.claims()))

    def settle(self, found: Sequence[C], *claims: str) -> C:
        """Which of several contributions is used where all of them claim the same; raises PluginError for a conflict."""
        return self._registry.settle(found, claims)

    def hears(self, event: str) -> bool:
        """Whether some plugin hears of an event."""
        return self._plugins.hears(event)

    def heard(self) -> list[str]:
        """The events of which some plugin hears, and DERIVERS if one of others brings any."""
        told = [name for name in EVENTS if self.hears(name)]
        derive = any(not self.is_own(deriver) for deriver in self.contributions(MetadataDeriver))
        return [*told, DERIVERS] if derive else told

    def notify(self, event: str, arguments: Callable[[], Mapping[str, Any] | None]) -> list[str]:
        """Call an event hook of every plugin, each with `arguments` of its own, unless these are None.

        Errors of plugins are returned, not raised.
        """
        complaints = []
        for impl in self._plugins.listeners(event):
            if (given := arguments()) is None:
                break
            try:
                heard = {name: given[name] for name in impl.argnames}
                who = f"plugin {impl.plugin_name}"
                with deadline.limited(f"{event} of {who}"), traced(event, who, shown(heard)):
                    impl.function(**heard)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a stranger's code
                complaints.append(f"plugin {impl.plugin_name}: {event} failed: {reason(error)}")
        return complaints

    def contributions(self, record: type[C]) -> Iterator[C]:
        """All active contributions of one sort, without conflicting ones."""
        return self._plugins.of(record)

    def storage(self, scheme: str) -> StorageBackend:
        """The backend for a URL scheme or by its name; raises PluginError, also when several claim the scheme."""
        return self._find(StorageBackend, scheme, lambda backend: backend.schemes)

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
        return list(self._plugins.of(QualityMetrics))

    def metadata_type(self, name: str) -> MetadataType:
        """A metadata type by its name or alias; raises PluginError with the known names."""
        return self._find(MetadataType, name, lambda kind: kind.aliases)

    def knows_type(self, name: str) -> bool:
        """Whether some plugin brings a metadata type of that name, or with that alias, even if plugins clash over it."""
        self._plugins.know(MetadataType)
        return self._registry.is_claimed(f"metadata type {name}")

    def source_of(self, contribution: Contribution) -> tuple[str, str, str]:
        """The plugin that brought a contribution, with its distribution and version; `script` for a script, and nothing for one that a program gave."""
        plugin, origin = self.plugin_of(contribution), self._registry.origin_of(contribution)
        if origin is None or origin.rank != 1:
            return plugin, SCRIPT if origin is not None and origin.distribution == SCRIPT else "", ""
        return plugin, origin.distribution, self._plugins.version_of(plugin)

    def query_function(self, name: str) -> QueryFunction | None:
        """A function of the query language, or None; raises PluginError where plugins clash over the name."""
        self._plugins.know(QueryFunction)
        return self._find(QueryFunction, name) if self._registry.knows(QueryFunction, name) else None

    def plugin_of(self, contribution: Contribution) -> str:
        """The name of the plugin that brought a contribution."""
        return self._registry.plugin_of(contribution)

    def is_own(self, contribution: Contribution) -> bool:
        """Whether a contribution is built in, or of a plugin that comes with Heron."""
        origin = self._registry.origin_of(contribution)
        return origin is not None and origin.is_own

    def isolates(self, part: MediaDecoder | QualityMetrics | EmbedderModel) -> bool:
        """Whether a part runs in processes of its own: those of installed plugins of others do that do not refuse.

        Heron's own protect this process themselves, and no other process has the plugins that were given as objects.
        """
        origin = self._registry.origin_of(part)
        is_installed = origin is not None and origin.rank == 1
        return part.isolation == "process" and is_installed and not self.is_own(part)

    def home_of(self, part: Contribution) -> str | None:
        """The plugin that a process of its own has to load for a part, or BUILT_IN; None for one that only this process has."""
        origin = self._registry.origin_of(part)
        if origin is None or origin.rank > 1:
            return None
        return self.plugin_of(part) if origin.rank else BUILT_IN

    def named(self, contribution: Contribution) -> str:
        """A contribution with its plugin and distribution, as messages name it: `decoder flif (plugin my_flif of my-flif)`."""
        origin = self._registry.origin_of(contribution)
        if origin is None or not origin.rank:
            return f"{contribution.sort} {contribution.name}"
        plugin = self._registry.plugin_of(contribution)
        of = "" if origin.is_own or origin.rank == 2 else f" of {origin.distribution}"
        named = f"{contribution.sort} {contribution.name} (plugin {plugin}{of})"
        return named if origin.is_own else Stranger(named)

    def guarded(self, part: Contribution, verb: str, about: str, hint: str) -> AbstractContextManager[None]:
        """Within it runs code of a part; whatever comes out of it but an answer in time is a PluginError that names it."""
        return guarded(self.named(part), verb, about, PluginError, hint)

    def embedder(self, name: str) -> EmbedderModel:
        """An embedder by name; raises PluginError."""
        return self._find(EmbedderModel, name)

    def exporter(self, name: str) -> DatasetExporter:
        """An exporter by name; raises PluginError with the known names."""
        return self._find(DatasetExporter, name)

    def importer(self, name: str) -> DatasetImporter:
        """An importer by name; raises PluginError with the known names."""
        return self._find(DatasetImporter, name)

    def executor(self, name: str) -> ExecutorBackend:
        """An executor by name; raises PluginError with the known names."""
        return self._find(ExecutorBackend, name)

    def deriver(self, name: str) -> MetadataDeriver:
        """A deriver by name; raises PluginError with the known names."""
        return self._find(MetadataDeriver, name)

    def action(self, name: str) -> ItemAction:
        """An action by name; raises PluginError with the known names."""
        return self._find(ItemAction, name)

    def knows_command(self, name: str) -> bool:
        """Whether some plugin brings a command of that name, even if plugins clash over it."""
        self._plugins.know(CliCommand)
        return self._registry.is_claimed(f"command {name}")

    def command(self, name: str) -> CliCommand:
        """The command of that name; raises PluginError where plugins clash over it."""
        return self._find(CliCommand, name)

    def projection(self, name: str) -> ProjectionMethod:
        """A projection by name; raises PluginError with the known names."""
        return self._find(ProjectionMethod, name)

    def sampler(self, name: str) -> Sampler:
        """A sampler by name; raises PluginError with the known names."""
        return self._find(Sampler, name)

    def tables(self, name: str) -> PluginTables:
        """The tables of a plugin by name; raises PluginError with the known names."""
        return self._find(PluginTables, name)

    def commands(self) -> dict[str, CliCommand]:
        """The commands that plugins bring, by name."""
        return {command.name: command for command in self.contributions(CliCommand)}

    def load(self, contribution: Contribution, *arguments: Any, **given: Any) -> Any:
        """Call `load` of a contribution with these arguments, once what it needs is there; one at a time.

        `given` are its options, where another process has found them. Raises PluginError that names the plugin, with the install command if a
        package is missing.
        """
        self.require(contribution)
        given = given or self.options_of(contribution)
        loader: Any = contribution
        who = str(self.named(contribution))
        try:
            what = shown({**{f"argument {n}": each for n, each in enumerate(arguments, 1)}, **given})
            limited = nullcontext() if self.is_own(contribution) else deadline.limited(f"load of {who}")
            with LOADING, limited, traced("load", who, what) as call:
                loaded = loader.load(*arguments, **given)
                call.outcome = type(loaded).__name__
                return loaded
        except PASSED:
            raise
        except BaseException as error:  # plugins raise SystemExit, and extensions panics
            lacks = contribution.requires and isinstance(error, ImportError)
            hint = install_hint(contribution) if lacks else None
            raise PluginError(f"{who} cannot be loaded: {reason(error)}", hint=hint) from error

    def options_of(self, contribution: Contribution) -> dict[str, dict[str, Any]]:
        """What `load` of a contribution gets by name: `options`, where it declares any that are not set elsewhere."""
        if not contribution.options or contribution.set_elsewhere:
            return {}
        return {"options": self.options.of(self.plugin_of(contribution), contribution.options)}

    def _brought_by(self, plugin: str) -> list[Contribution]:
        if found := self._plugins.brought_by(plugin):
            return found
        statuses = self.statuses
        if all(status.name != plugin for status in statuses):
            close = difflib.get_close_matches(plugin, [status.name for status in statuses], n=1)
            raise PluginError(
                f"no plugin is called {plugin!r}",
                hint=f"did you mean {close[0]}?" if close else "heron plugins lists them",
            )
        return []

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

    def _find(self, record: type[C], name: str, also: Callable[[C], Sequence[str]] = lambda _: ()) -> C:
        self._plugins.know(record)
        return self._registry.find(record, name, also)


def install_hint(contribution: Contribution) -> str:
    """The command that installs what a contribution needs."""
    return install_command([f"heron[{contribution.extra}]"] if contribution.extra else contribution.requires)
