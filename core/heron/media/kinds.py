"""Kinds of items: those that are built in, those of plugins, and what a name means that is none."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

from heron.hooks.contributions import MediaKind
from heron.media.builtin import register_kinds
from heron.models import OTHER

if TYPE_CHECKING:
    from heron.hooks import PluginManager

BUILT_IN = {kind.name: kind for kind in register_kinds()}
"""The kinds that need no plugin, by name."""

CONTAINERS = frozenset({"video", "audio"})
"""The kinds that a file of one container format can have: a film, or only sound."""


class Kinds:
    """Finds kinds by name. Plugins are loaded only for one that is not built in."""

    def __init__(self, plugins: Callable[[], PluginManager] | None = None) -> None:
        self._plugins = plugins

    def all(self) -> list[MediaKind]:
        """All kinds, the built-in ones first."""
        more = self._plugins().contributions(MediaKind) if self._plugins is not None else ()
        return list({**BUILT_IN, **{kind.name: kind for kind in more}}.values())

    def get(self, name: str) -> MediaKind | None:
        """The kind of that name."""
        if name in BUILT_IN or self._plugins is None:
            return BUILT_IN.get(name)
        return next((kind for kind in self._plugins().contributions(MediaKind) if kind.name == name), None)

    def is_series(self, name: str) -> bool:
        """Whether items of a kind are files that a `SeriesDecoder` sorts."""
        kind = self.get(name)
        return kind is not None and kind.files == "series"

    def in_manifest(self, name: str) -> MediaKind | None:
        """The kind that a manifest means: by its name or one of its arrays, in any case, with underscores or without.

        Raises PluginError where plugins conflict over it.
        """
        found = _IN_MANIFEST.get(plain(name))
        if found is not None:
            return found
        meant = [kind for kind in self.all() if plain(name) in _names(kind)]
        if len(meant) > 1 and self._plugins is not None:
            return self._plugins().settle(meant, f"array {plain(name)}")
        return meant[0] if meant else None

    def names_in_manifests(self) -> list[str]:
        """Every name that a manifest can give a kind by, in lower case without underscores."""
        return [name for kind in self.all() for name in _names(kind)]

    def hint(self, name: str, *, in_manifest: bool = False) -> str:
        """What to write in place of a name that is no kind."""
        known = [kind for kind in self.all() if not in_manifest or kind.name != OTHER]
        names = self.names_in_manifests() if in_manifest else [kind.name for kind in known]
        close = difflib.get_close_matches(plain(name) if in_manifest else name, names, n=1)
        return f"did you mean {close[0]}?" if close else f"one of {', '.join(kind.name for kind in known)}"


def plain(key: str) -> str:
    """A key of a manifest in lower case without underscores, so that both spellings are one."""
    return key.replace("_", "").lower()


def _names(kind: MediaKind) -> list[str]:
    return [] if kind.name == OTHER else kind.in_manifests()


_IN_MANIFEST = {name: kind for kind in BUILT_IN.values() for name in _names(kind)}
