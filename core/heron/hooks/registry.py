"""The table of contributions by what they claim: which one is active, which ones conflict, and what each needs."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import TypeVar, cast

from attrs import frozen

from heron.errors import PluginError
from heron.hooks.backends import StorageBackend
from heron.hooks.contributions import Contribution
from heron.hooks.versions import unmet
from heron.installed import OWN

C = TypeVar("C", bound=Contribution)


@frozen
class Origin:
    """Where a contribution comes from. A higher `rank` overrides: 0 built in, 1 installed, 2 given by the program, or a script."""

    distribution: str
    rank: int

    @property
    def is_own(self) -> bool:
        """Whether it is built in, or comes with Heron."""
        return not self.rank or (self.rank == 1 and self.distribution == OWN)


@frozen
class Conflict:
    """Something that several plugins claim, such as `command hello`; `preferred` is the plugin that is used, or None.

    `about` says why, where they do not claim the very same: their patterns of hosts overlap, and the claim names such a host.
    """

    claim: str
    plugins: Sequence[str]
    preferred: str | None
    about: str = ""


@frozen
class Entry:
    """A contribution with its plugin."""

    contribution: Contribution
    plugin: str
    origin: Origin


class Registry:
    """All contributions. Where several plugins of one rank claim the same, none is used for it, unless the user prefers one."""

    def __init__(self, preferred: Callable[[], Sequence[str]]) -> None:
        """`preferred` gives what the user prefers: `PLUGIN`, or `PLUGIN for CLAIM`; it is asked only where there is a conflict."""
        self._entries: dict[tuple[str, str], list[Entry]] = {}
        self._claims: dict[str, list[Entry]] = {}
        self._preferred = preferred

    def add(self, contribution: Contribution, plugin: str, origin: Origin) -> None:
        """Register a contribution."""
        entry = Entry(contribution, plugin, origin)
        self._entries.setdefault((contribution.sort, contribution.name), []).append(entry)
        for claim in dict.fromkeys(contribution.claims()):
            self._claims.setdefault(claim, []).append(entry)

    def of(self, record: type[C]) -> Iterator[C]:
        """The active contributions of one sort, in the order in which they were registered."""
        for entry in self._in_force(record):
            yield cast(C, entry.contribution)

    def find(self, record: type[C], name: str, also: Callable[[C], Sequence[str]] = lambda _: ()) -> C:
        """The contribution of that name, or with that name among its other names, which `also` tells.

        Of several, `settle` decides. Raises PluginError for an unknown name, and for a conflict.
        """
        others = self._in_force(record, lambda contribution: name in also(cast(C, contribution)))
        named = list(self._entries.get((record.sort, name), ()))
        found = [*named, *(entry for entry in others if entry not in named)]
        if found:
            return cast(C, self._settled(found, [f"{record.sort} {name}"]).contribution)
        known = sorted(contribution.name for contribution in self.of(record))
        close = difflib.get_close_matches(name, known, n=1)
        raise PluginError(
            f"no {record.sort} is called {name!r}",
            hint=f"did you mean {close[0]}?" if close else f"there is: {', '.join(known) or 'none'}",
        )

    def settle(self, found: Sequence[C], claims: Sequence[str]) -> C:
        """Which of several contributions is used where all of them claim the same.

        The highest rank wins, then what the user prefers. Several of one plugin stand in its own order. Raises PluginError for a conflict.
        """
        entries = [entry for each in found if (entry := self._entry(each)) is not None]
        return cast(C, self._settled(entries, claims).contribution)

    def knows(self, record: type[C], name: str) -> bool:
        """Whether anyone brings a contribution of that name."""
        return (record.sort, name) in self._entries

    def is_claimed(self, claim: str) -> bool:
        """Whether anyone claims this."""
        return claim in self._claims

    def built_in(self, record: type[C]) -> Iterator[C]:
        """The contributions of one sort that are built in."""
        for (sort, _), entries in list(self._entries.items()):
            yield from (
                cast(C, e.contribution) for e in entries if sort == record.sort and e.origin.rank == 0
            )

    def plugin_of(self, contribution: Contribution) -> str:
        """The name of the plugin that brought a contribution."""
        entry = self._entry(contribution)
        return entry.plugin if entry is not None else "unknown"

    def origin_of(self, contribution: Contribution) -> Origin | None:
        """Where a contribution comes from."""
        entry = self._entry(contribution)
        return entry.origin if entry is not None else None

    def brought_by(self, plugin: str) -> Iterator[Contribution]:
        """The contributions of a plugin."""
        for entries in list(self._entries.values()):
            yield from (entry.contribution for entry in entries if entry.plugin == plugin)

    def conflicts(self) -> dict[str, list[Entry]]:
        """What several plugins of the highest rank claim, with all of them, settled or not."""
        found = {claim: _top(entries) for claim, entries in self._claims.items()}
        return {claim: top for claim, top in sorted(found.items()) if len(_plugins(top)) > 1}

    def overlaps(self) -> Iterator[Conflict]:
        """Patterns of hosts of two storages that are not equal, and match one host in common."""
        from heron.hooks.overlaps import common_host

        hosts = [
            (pattern, entry)
            for entry in self._in_force(StorageBackend)
            for pattern in cast(StorageBackend, entry.contribution).hosts
        ]
        for (one, first), (other, second) in combinations(hosts, 2):
            between = [first, second]
            if len(_plugins(_top(between))) < 2 or one == other or (host := common_host(one, other)) is None:
                continue
            used = _plugins(self._chosen(between, [f"host {host}", f"host {one}", f"host {other}"]))
            yield Conflict(
                f"host {host}",
                sorted({first.plugin, second.plugin}),
                used.pop()[0] if len(used) == 1 else None,
                f"the patterns {one} and {other} both match it",
            )

    def preferred_of(self, claim: str) -> str | None:
        """The plugin that is used for what several claim, or None if that is not settled."""
        found = {entry.plugin for entry in self._chosen(self._claims.get(claim, ()), [claim])}
        return found.pop() if len(found) == 1 else None

    def verdict(self, plugin: str, origin: Origin) -> str:
        """The status of a loaded plugin once all others are known: conflicts, a missing package, planned, or loaded."""
        me = (plugin, origin)
        for claim, top in self.conflicts().items():
            if me in _plugins(top) and len(_plugins(self._chosen(top, [claim]))) > 1:
                return f"conflict over {claim} between {_sources(top)}"
        own = [
            entry
            for entries in self._entries.values()
            for entry in entries
            if (entry.plugin, entry.origin) == me
        ]
        missing = dict.fromkeys(name for entry in own for name in missing_packages(entry.contribution))
        if missing:
            return f"needs {', '.join(missing)}"
        return "planned: not built yet" if any(entry.contribution.planned for entry in own) else "loaded"

    def _entry(self, contribution: Contribution) -> Entry | None:
        entries = self._entries.get((contribution.sort, contribution.name), ())
        return next((entry for entry in entries if entry.contribution is contribution), None)

    def _in_force(
        self, record: type[C], wanted: Callable[[Contribution], bool] = lambda _: True
    ) -> Iterator[Entry]:
        for (sort, name), entries in list(self._entries.items()):
            if sort != record.sort or not any(wanted(entry.contribution) for entry in entries):
                continue
            top = self._chosen(entries, [f"{sort} {name}"])
            if len(top) == 1 and wanted(top[0].contribution):
                yield top[0]

    def _settled(self, entries: Sequence[Entry], claims: Sequence[str]) -> Entry:
        chosen = self._chosen(entries, claims)
        if len(chosen) > 1 and (
            len(_plugins(chosen)) > 1 or len({e.contribution.name for e in chosen}) < len(chosen)
        ):
            raise PluginError(
                f"conflict over {claims[0]} between {_sources(chosen)}",
                hint="heron plugins prefer PLUGIN, or name the plugins to use in HERON_PLUGINS",
            )
        return chosen[0]

    def _chosen(self, entries: Sequence[Entry], claims: Sequence[str]) -> list[Entry]:
        """Those of the highest rank, or of these those of the plugin that is preferred."""
        if len(entries) == 1:
            return list(entries)
        top = _top(entries)
        if len(_plugins(top)) < 2:
            return top
        preferred = self._preferred()
        for wish in (*(f" for {claim}" for claim in claims), ""):
            for name in dict.fromkeys(entry.plugin for entry in top):
                if f"{name}{wish}" in preferred:
                    return [entry for entry in top if entry.plugin == name]
        return top


def missing_packages(contribution: Contribution) -> list[str]:
    """The requirements of a contribution that are not met."""
    return unmet(contribution.requires)


def missing(names: Iterable[str]) -> list[str]:
    """Those of some requirements that are not met."""
    return unmet(names)


def _top(entries: Sequence[Entry]) -> list[Entry]:
    highest = max((entry.origin.rank for entry in entries), default=0)
    return [entry for entry in entries if entry.origin.rank == highest]


def _plugins(entries: Iterable[Entry]) -> set[tuple[str, Origin]]:
    return {(entry.plugin, entry.origin) for entry in entries}


def _sources(entries: Iterable[Entry]) -> str:
    return " and ".join(sorted({f"{entry.plugin} ({entry.origin.distribution})" for entry in entries}))
