"""Syncing: remembering which items were seen in a listing, and marking those that were not as deleted."""

from __future__ import annotations

from attrs import frozen

from heron.catalog.database import Database
from heron.catalog.imports import ImportService
from heron.catalog.registration import Known
from heron.catalog.synced import SyncedFolderService
from heron.errors import InvalidInput
from heron.ingest.plan import Plan
from heron.ingest.rules import SyncRule
from heron.ingest.units import Action, Unit
from heron.jobs import ImportJob
from heron.models import Folder


class Seen:
    """The inner ids of items that were seen: a bit each, so that ten million need little more than a megabyte."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self.is_empty = True
        """Whether nothing was listed at all, known or new."""

    def add(self, id: int) -> None:
        """Note an id."""
        byte = id >> 3
        if byte >= len(self._bits):
            self._bits.extend(bytes(max(byte + 1 - len(self._bits), len(self._bits))))
        self._bits[byte] |= 1 << (id & 7)

    def __contains__(self, id: object) -> bool:
        assert isinstance(id, int)
        return id >> 3 < len(self._bits) and bool(self._bits[id >> 3] & 1 << (id & 7))


@frozen
class SyncedRule:
    """The rule of a sync, which notes what it is asked about."""

    seen: Seen
    looks_up: bool = True

    def __call__(self, unit: Unit, known: Known | None) -> Action:
        """What to do with a unit."""
        self.seen.is_empty = False
        if known is not None and unit.sidecar_of is None:
            self.seen.add(known.id)
        return SyncRule()(unit, known)


def mark_vanished(
    database: Database,
    imports: ImportService,
    synced: SyncedFolderService,
    job: ImportJob,
    folder: Folder,
    plan: Plan,
    seen: Seen,
    newest: int,
) -> None:
    """Mark the items that were there before, and were not seen, as deleted, a bundle in a transaction.

    Raises InvalidInput when nothing at all was listed though the folder holds items: more often than not that is a
    prefix that was moved, or a mistake.
    """
    prefix = plan.synced
    assert prefix is not None
    if seen.is_empty and not plan.allow_empty:
        count = synced._count_below(folder, prefix)
        if count:
            raise InvalidInput(
                f"nothing lies below {prefix} any more, while folder {folder.path!r} holds {count:,} items of it",
                hint="--allow-empty marks all of them as deleted",
            )
    after, more = 0, True
    while more:
        with database.write():
            after, gone = synced._mark_vanished(folder, prefix, seen, newest, after)
            imports._advance(job, removed=gone)
        more = after > 0
    synced._note_synced(folder)
