"""The table of contributions by sort and name: which one is active, which ones conflict, and what each needs."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import TypeVar, cast

from attrs import frozen

from heron.errors import PluginError
from heron.hooks.contributions import Contribution

C = TypeVar("C", bound=Contribution)


@frozen
class Origin:
    """Where a contribution comes from. A higher `rank` overrides: 0 built in, 1 installed, 2 given by the program."""

    distribution: str
    rank: int

    @property
    def is_own(self) -> bool:
        """Whether it is built in, or comes with Heron."""
        return not self.rank or (self.rank == 1 and self.distribution == "heron")


@frozen
class _Entry:
    contribution: Contribution
    plugin: str
    origin: Origin


class Registry:
    """All contributions. Two of the same name and rank are a conflict, and neither is used."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], list[_Entry]] = {}

    def add(self, contribution: Contribution, plugin: str, origin: Origin) -> None:
        """Register a contribution."""
        key = (contribution.sort, contribution.name)
        self._entries.setdefault(key, []).append(_Entry(contribution, plugin, origin))

    def of(self, record: type[C]) -> Iterator[C]:
        """The active contributions of one sort, in the order in which they were registered."""
        for entry in self._in_force(record):
            yield cast(C, entry.contribution)

    def find(self, record: type[C], name: str, also: Callable[[C], Sequence[str]] = lambda _: ()) -> C:
        """The contribution of that name, or with that name among its other names, which `also` tells.

        The highest rank wins. Raises PluginError for an unknown name, and for a conflict within that rank.
        """
        others = (entry for entry in self._in_force(record) if name in also(cast(C, entry.contribution)))
        named = _top(self._entries.get((record.sort, name), []))
        top = _top([*named, *(entry for entry in others if entry not in named)])
        if len(top) == 1:
            return cast(C, top[0].contribution)
        if top:
            raise PluginError(
                f"{record.sort} {name}: {_clash(top)}",
                hint="uninstall one, or name the plugins to use in HERON_PLUGINS",
            )
        known = sorted(contribution.name for contribution in self.of(record))
        close = difflib.get_close_matches(name, known, n=1)
        raise PluginError(
            f"no {record.sort} is called {name!r}",
            hint=f"did you mean {close[0]}?" if close else f"there is: {', '.join(known) or 'none'}",
        )

    def knows(self, record: type[C], name: str) -> bool:
        """Whether anyone brings a contribution of that name."""
        return (record.sort, name) in self._entries

    def built_in(self, record: type[C]) -> Iterator[C]:
        """The contributions of one sort that are built in."""
        for (sort, _), entries in self._entries.items():
            yield from (
                cast(C, e.contribution) for e in entries if sort == record.sort and e.origin.rank == 0
            )

    def plugin_of(self, contribution: Contribution) -> str:
        """The name of the plugin that brought a contribution."""
        entries = self._entries.get((contribution.sort, contribution.name), [])
        return next((entry.plugin for entry in entries if entry.contribution is contribution), "unknown")

    def origin_of(self, contribution: Contribution) -> Origin | None:
        """Where a contribution comes from."""
        entries = self._entries.get((contribution.sort, contribution.name), [])
        return next((entry.origin for entry in entries if entry.contribution is contribution), None)

    def verdict(self, plugin: str, origin: Origin) -> str:
        """The status of a loaded plugin once all others are known: a conflict, a missing package, planned, or loaded."""
        missing: list[str] = []
        planned = False
        for entries in self._entries.values():
            top = _top(entries)
            own = [entry for entry in entries if (entry.plugin, entry.origin) == (plugin, origin)]
            if len(top) > 1 and any(entry in top for entry in own):
                return _clash(top)
            for entry in own:
                planned = planned or entry.contribution.planned
                missing += [name for name in missing_packages(entry.contribution) if name not in missing]
        if missing:
            return f"needs {', '.join(missing)}"
        return "planned: not built yet" if planned else "loaded"

    def _in_force(self, record: type[C]) -> Iterator[_Entry]:
        for (sort, _), entries in self._entries.items():
            if sort == record.sort and len(top := _top(entries)) == 1:
                yield top[0]


def missing_packages(contribution: Contribution) -> list[str]:
    """The distributions that a contribution needs and that are not installed."""
    return missing(contribution.requires)


def missing(names: Iterable[str]) -> list[str]:
    """Those of some distributions that are not installed."""
    return [name for name in names if not is_installed(name)]


def is_installed(name: str) -> bool:
    """Whether a distribution is installed."""
    try:
        distribution(name)
    except (PackageNotFoundError, ValueError):  # ValueError: the name is empty
        return False
    return True


def _top(entries: list[_Entry]) -> list[_Entry]:
    highest = max((entry.origin.rank for entry in entries), default=0)
    return [entry for entry in entries if entry.origin.rank == highest]


def _clash(entries: list[_Entry]) -> str:
    sources = sorted({f"{entry.plugin} ({entry.origin.distribution})" for entry in entries})
    return f"conflict between {' and '.join(sources)}"
