"""Names that go on working until a date, and warn once for each module that uses them."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Any, NamedTuple

from heron.errors import PluginWarning


class Deprecation(NamedTuple):
    """A name that is deprecated since a release, what to write instead, and the date until which it works at least."""

    since: str
    instead: str
    until: str


DEPRECATED = {
    "heron.StorageOption": Deprecation("0.1", "heron.Option", "2027-12-31"),
    "heron.hooks.StorageOption": Deprecation("0.1", "heron.hooks.Option", "2027-12-31"),
}
"""The deprecated names, as they are written."""

_told: set[tuple[str, str]] = set()


def deprecated(module: str, name: str) -> Any:
    """What a deprecated name of a module stands for; warns. Raises AttributeError for a name that is none."""
    known = DEPRECATED.get(f"{module}.{name}")
    if known is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    caller = sys._getframe(2).f_globals.get("__name__", "?")
    if (caller, name) not in _told:
        _told.add((caller, name))
        warnings.warn(
            f"{caller} uses {module}.{name}, which works until {known.until} at least: write {known.instead}",
            PluginWarning,
            stacklevel=3,
        )
    place, _, target = known.instead.rpartition(".")
    return getattr(import_module(place), target)
