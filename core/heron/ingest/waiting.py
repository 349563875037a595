"""Setting units aside: a unit whose store does not answer waits in the catalogue, and is asked again at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from heron.catalog.waiting import WaitingUnit, WaitingUnits
from heron.convert import structure, unstructure
from heron.hooks import StoredObject
from heron.ingest.units import Outcome, Unit
from heron.jobs import ImportJob
from heron.models import Kind, MediaFacts, Member

BEHIND = "waits for another entry of the same URL, or for the item that it belongs to"


@frozen
class _Kept:
    """What is kept of a unit beside its place and URL."""

    metadata: dict[str, Any] | None = None
    name: str | None = None
    kind: Kind | None = None
    facts: MediaFacts | None = None
    size: int | None = None
    members: list[Member] = field(factory=list)
    suffix: str | None = None
    """If it is a sidecar: how its URL goes on after that of its item."""

    stored: dict[str, Any] | None = None


class SetAside:
    """The units of import jobs that wait. All methods work in the caller's transaction."""

    def __init__(self, store: WaitingUnits) -> None:
        self._store = store

    def sort(self, job: ImportJob, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Let the outcomes of stores that did not answer wait; returns the others, which wait no longer.

        An outcome also waits if an earlier unit of the same URL does, or if it is the sidecar of one that does: so
        the order of the source decides, whatever the store does. A faulty unit fails at once.
        """
        if not any(outcome.is_outage for outcome in outcomes) and not self._store.any(job):
            return list(outcomes)
        urls = {url for outcome in outcomes for url in _places(outcome.unit)}
        rows = self._store.rows_of(job, sorted(urls))
        going: list[Outcome] = []
        staying: list[WaitingUnit] = []
        settled: list[int] = []
        new: set[str] = set()
        for outcome in outcomes:
            unit = outcome.unit
            if unit.parts:  # its parts stay in their table
                going += [] if outcome.is_outage else [outcome]
                continue
            behind = unit.problem is None and any(
                url in new or any(not unit.waiting or id < unit.waiting for id in rows.get(url, ()))
                for url in _places(unit)
            )
            if outcome.is_outage or behind:
                reason = outcome.failures()[0].reason if outcome.is_outage else BEHIND
                staying.append(_kept(unit, reason))
                if not unit.waiting:
                    new.add(unit.url)
                continue
            going.append(outcome)
            if unit.waiting:
                settled.append(unit.waiting)
                rows.get(unit.url, set()).discard(unit.waiting)
        self._store.keep(job, staying)
        self._store.settle(job, settled)
        return going

    def units(self, job: ImportJob) -> Iterator[Unit]:
        """The units that wait now, in the order of the source."""
        for kept in self._store.stream(job, self._store.newest(job)):
            yield _unit(kept)

    def any(self, job: ImportJob) -> bool:
        """Whether units of a job wait."""
        return self._store.any(job)


def _places(unit: Unit) -> list[str]:
    return [unit.url] if unit.sidecar_of is None else [unit.url, unit.sidecar_of]


def _kept(unit: Unit, reason: str) -> WaitingUnit:
    stored = unit.stored
    kept = _Kept(
        metadata=dict(unit.metadata) if unit.metadata is not None and unit.sidecar_of is None else None,
        name=unit.name,
        kind=unit.kind,
        facts=unit.facts,
        size=unit.size,
        members=list(unit.members),
        suffix=unit.url.removeprefix(unit.sidecar_of) if unit.sidecar_of is not None else None,
        stored=unstructure(stored) if stored is not None else None,
    )
    found: Mapping[str, Any] = unstructure(kept)
    return WaitingUnit(
        unit.place, unit.url, reason, {k: v for k, v in found.items() if v not in (None, [])}, unit.waiting
    )


def _unit(waiting: WaitingUnit) -> Unit:
    kept = structure(dict(waiting.unit), _Kept, f"{waiting.place} as it was kept by the import")
    stored = (
        structure({**kept.stored, "url": waiting.url}, StoredObject, waiting.place) if kept.stored else None
    )
    return Unit(
        waiting.place,
        waiting.url,
        stored=stored,
        metadata=kept.metadata,
        name=kept.name,
        kind=kept.kind,
        facts=kept.facts,
        size=kept.size,
        members=tuple(kept.members),
        sidecar_of=waiting.url.removesuffix(kept.suffix) if kept.suffix is not None else None,
        waiting=waiting.id,
    )
