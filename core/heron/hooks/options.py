"""The options of plugins: which ones are declared, and their values from the environment, the workspace, or by default."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from attrs import frozen

from heron.consent import fingerprint, trust_integration, trusts_integration
from heron.errors import BadCredentials, InvalidInput, PluginError
from heron.hooks.contributions import Contribution
from heron.hooks.option import Option, resolved_value, stored_options, typed
from heron.models import Json
from heron.references import is_reference

Stored = Mapping[str, Mapping[str, Json]]
"""Stored values by plugin and option, with references in place of secrets."""


Source = Literal["environment", "workspace", "default", "nowhere"]
"""Where the value of an option comes from."""


class OptionStore(Protocol):
    """Where a workspace keeps the options of plugins."""

    def read(self) -> Stored:
        """All of them."""

    def write(self, plugin: str, change: Callable[[Stored], Mapping[str, Json]]) -> Stored:
        """Replace those of a plugin by what `change` makes of all that are stored, in one transaction; returns all of them.

        Raises PermissionDenied.
        """


@frozen
class OptionValue:
    """An option of a plugin, with its value and where that comes from. The value of a secret is the reference to it, or None."""

    name: str
    summary: str
    type: str
    secret: bool
    required: bool
    value: Json
    source: Source
    variable: str


class Options:
    """The options of all plugins of a workspace."""

    def __init__(self, brought: Callable[[str], Iterable[Contribution]]) -> None:
        """`brought` gives the contributions of a plugin, and raises PluginError if there is no such plugin."""
        self._brought = brought
        self._store: OptionStore | None = None
        self._stored: Stored | None = None
        self._asked: frozenset[str] | None = None

    def connect(self, store: OptionStore) -> None:
        """Use what a workspace stores, and store there what is set. It is read now."""
        if self._stored is None:
            self._store, self._stored = store, store.read()

    def share(self) -> None:
        """From now on store nothing: other users have these plugins too, and the store asks for the rights of one."""
        self._store = None

    def __call__(self, plugin: str) -> dict[str, Json]:
        """The values of a plugin's options by name, with the secrets themselves.

        Raises PluginError for a required option without a value, BadCredentials for a secret that cannot be read, or that a workspace
        which came from elsewhere would send somewhere.
        """
        return self.of(plugin, declared(self._brought(plugin)))

    def of(self, plugin: str, options: Iterable[Option]) -> dict[str, Json]:
        """The values of some options of a plugin."""
        options = list(options)
        if options:
            self._require_trusted(plugin)
        stored = self._read().get(plugin, {})
        return {option.name: self._value(plugin, option, stored) for option in options}

    def configured(self, plugin: str, contribution: Contribution) -> dict[str, Json]:
        """What is set of the options of a storage backend or an action of a plugin, by their own names; raises as a call does."""
        stored = self._read().get(plugin, {})
        found = [
            option
            for option in contribution.settable()
            if option.name in stored or variable_of(plugin, option.name) in os.environ
        ]
        values = self.of(plugin, found)
        return {name.removeprefix(f"{contribution.name}."): value for name, value in values.items()}

    def show(self, plugin: str, *, store: OptionStore | None = None) -> list[OptionValue]:
        """The options of a plugin, without any secret; with a `store`, as they are stored now."""
        stored = (store.read() if store is not None else self._read()).get(plugin, {})
        shown = []
        for option in declared(self._brought(plugin)):
            variable = variable_of(plugin, option.name)
            value = option.default
            source: Source = "nowhere" if option.default is None else "default"
            if variable in os.environ:
                value, source = None if option.secret else os.environ[variable], "environment"
            elif option.name in stored:
                value, source = stored[option.name], "workspace"
            shown.append(
                OptionValue(
                    option.name,
                    option.summary,
                    option.type,
                    option.secret,
                    option.required,
                    value,
                    source,
                    variable,
                )
            )
        return shown

    def set(
        self, plugin: str, values: Mapping[str, Json | None], *, store: OptionStore | None = None
    ) -> None:
        """Store values of a plugin's options in the workspace, by its `store` for one user or by another one; None removes one.

        Raises InvalidInput for an unknown option, a value of another type, and a secret in place of a reference to one, and
        PermissionDenied for a user who may not change the workspace.
        """
        store = store or self._store
        if store is None:
            raise PluginError(
                "options are not stored here: there is no workspace, or it is open for other users too",
                hint="heron plugins configure",
            )
        known = {option.name: option for option in declared(self._brought(plugin))}
        for name in values:
            stored_options(f"plugin {plugin}", known.values(), {} if name in known else {name: ""})
        new = stored_options(
            f"plugin {plugin}",
            known.values(),
            {name: value for name, value in values.items() if value is not None},
        )
        was_trusted = False

        def changed(stored: Stored) -> Mapping[str, Json]:
            nonlocal was_trusted
            self._stored = stored  # others may have set some meanwhile
            was_trusted = self._is_trusted(plugin)
            kept = {name: value for name, value in stored.get(plugin, {}).items() if name not in values}
            return {**kept, **new}

        self._stored = store.write(plugin, changed)
        if was_trusted:
            self.trust(plugin)

    def trust(self, plugin: str) -> None:
        """Allow a workspace that came from elsewhere to give its options to the plugin together with your secrets."""
        if not self._is_trusted(plugin):
            trust_integration(_mark(plugin, self._read()[plugin]))

    def recipe(self) -> tuple[Stored, frozenset[str]]:
        """What another process needs to know: the stored values, and the plugins that may have them there."""
        stored = self._read()
        known = {plugin: values for plugin, values in stored.items() if self._is_known(plugin)}
        return known, frozenset(plugin for plugin in known if self._is_trusted(plugin))

    def adopt(self, stored: Stored, asked: frozenset[str]) -> None:
        """Use what another process has found."""
        self._stored, self._asked = stored, asked

    def _read(self) -> Stored:
        return self._stored or {}

    def _is_known(self, plugin: str) -> bool:
        try:
            return bool(self._brought(plugin))
        except PluginError:
            return False

    def _value(self, plugin: str, option: Option, stored: Mapping[str, Json]) -> Json:
        variable = variable_of(plugin, option.name)
        what = f"option {option.name} of plugin {plugin}"
        if variable in os.environ:
            try:
                return typed(option, os.environ[variable].strip())
            except ValueError as error:
                raise InvalidInput(f"{what}: {error} in the environment variable {variable}") from None
        if option.name in stored:
            return resolved_value(option, stored[option.name], what)
        if option.required and option.default is None:
            raise PluginError(
                f"{what} has no value: {option.summary}",
                hint=f"heron plugins configure {plugin} {option.name}=VALUE, or set {variable}",
            )
        return option.default

    def _require_trusted(self, plugin: str) -> None:
        if not self._is_trusted(plugin):
            raise BadCredentials(
                f"the options of plugin {plugin} came with this workspace, and would be used together with your secrets",
                hint=f"look at them: heron plugins configure {plugin}, and if you trust them: heron plugins configure {plugin} --trust",
            )

    def _is_trusted(self, plugin: str) -> bool:
        """Whether no secret is at stake, or this user has stored or trusted these very values."""
        if self._asked is not None:
            return plugin in self._asked or plugin not in self._read()
        stored = self._read().get(plugin, {})
        if not stored or trusts_integration(_mark(plugin, stored)):
            return True
        has_secrets = any(option.secret for option in declared(self._brought(plugin)))
        return not has_secrets and not any(map(is_reference, stored.values()))


def declared(contributions: Iterable[Contribution]) -> Sequence[Option]:
    """The options that contributions of a plugin declare, each once; raises PluginError if two declare one differently."""
    found: dict[str, Option] = {}
    for contribution in contributions:
        for option in contribution.settable():
            if found.setdefault(option.name, option) != option:
                raise PluginError(f"option {option.name} is declared in two ways")
    return list(found.values())


def variable_of(plugin: str, option: str) -> str:
    """The environment variable of an option: `HERON_PLUGIN_MY_FLIF_QUALITY`."""
    return "HERON_PLUGIN_" + re.sub(r"[^A-Z0-9]+", "_", f"{plugin}_{option}".upper())


def _mark(plugin: str, stored: Mapping[str, Any]) -> str:
    return fingerprint("plugin", plugin, dict(stored))
