"""Syncing: records which items were seen in a listing, and marks the others as deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from heron.catalog.database import Database
from heron.catalog.imports import ImportService
from heron.catalog.referring import IntegrationRef
from heron.catalog.registration import Known
from heron.catalog.stores import Origin
from heron.catalog.synced import SyncedFolderService
from heron.errors import InvalidInput
from heron.ingest.plan import ImportPlan
from heron.ingest.rules import SyncRule
from heron.ingest.units import Action, Unit
from heron.jobs import ImportJob, SyncedFolder
from heron.models import Folder


class Seen:
    """The inner ids of items that were seen, one bit each: ten million ids take little more than a megabyte."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self.is_empty = True
        """Whether nothing was listed at all, neither known nor new objects."""

    def add(self, id: int) -> None:
        """Add an id."""
        byte = id >> 3
        if byte >= len(self._bits):
            self._bits.extend(bytes(max(byte + 1 - len(self._bits), len(self._bits))))
        self._bits[byte] |= 1 << (id & 7)

    def __contains__(self, id: object) -> bool:
        assert isinstance(id, int)
        return id >> 3 < len(self._bits) and bool(self._bits[id >> 3] & 1 << (id & 7))


@frozen
class SyncedRule:
    """The rule of a sync, which records the items that it decides on."""

    seen: Seen
    looks_up: bool = True

    def __call__(self, unit: Unit, known: Known | None) -> Action:
        """The action for a unit."""
        self.seen.is_empty = False
        if known is not None and unit.sidecar_of is None:
            for id in (known.id, *known.others):
                self.seen.add(id)
        return SyncRule()(unit, known)


def mark_vanished(
    database: Database,
    imports: ImportService,
    synced: SyncedFolderService,
    job: ImportJob,
    folder: Folder,
    plan: ImportPlan,
    seen: Seen,
    newest: int,
    origin: Origin,
) -> None:
    """Mark items of the store `origin` that existed before the sync and were not seen as deleted, one transaction per batch.

    Raises InvalidInput if nothing at all was listed though the folder has items: most often the prefix was
    moved or is mistyped.
    """
    prefix = plan.synced
    assert prefix is not None
    if seen.is_empty and not plan.allow_empty:
        count = synced._count_below(folder, prefix, origin)
        if count:
            raise InvalidInput(
                f"there is nothing below {prefix} any more, but folder {folder.path!r} has {count:,} items of it",
                hint="--allow-empty marks all of them as deleted",
            )
    for gone in synced._vanished(folder, prefix, seen, newest, origin):
        with database.write():
            imports._advance(job, removed=synced._mark_vanished(gone))
    synced._note_synced(folder)


def still_follows(
    synced: Iterable[SyncedFolder],
    job: ImportJob,
    plan: ImportPlan,
    uuid: Callable[[IntegrationRef | None], str | None],
) -> bool:
    """Whether the folder of a sync still has the settings with which the sync began; `uuid` gives that of an integration."""
    bound = next((each for each in synced if each.folder_id == job.folder_id), None)
    return bound is not None and (
        bound.prefix,
        uuid(bound.integration),
        bound.sidecar_suffix,
        bound.sidecars_paused,
        bound.flat,
    ) == (plan.synced, plan.integration, plan.sidecar_suffix, plan.sidecars_paused, not plan.tree)
