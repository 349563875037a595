"""What is to become of a unit whose URL is in the folder already: the rule of an import, and that of a sync."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from heron.catalog.registration import Known
from heron.ingest.units import Action, Unit
from heron.times import moment_or_none


class Rule(Protocol):
    """Says what to do with a unit."""

    @property
    def looks_up(self) -> bool:
        """Whether it makes a difference that a URL is there already."""

    def __call__(self, unit: Unit, known: Known | None) -> Action:
        """What to do with a unit, whose item is `known`."""


@frozen
class ImportRule:
    """Known URLs are skipped, get more metadata, or are added once more."""

    skip_duplicates: bool = True
    upsert_metadata: bool = False

    @property
    def looks_up(self) -> bool:
        """Unless everything is simply added."""
        return self.skip_duplicates or self.upsert_metadata

    def __call__(self, unit: Unit, known: Known | None) -> Action:
        """What to do with a unit."""
        if unit.sidecar_of is not None:
            return "sidecar"
        if known is None:
            return "add"
        if known.is_deleted:
            return "refresh"  # it came back, perhaps as another
        if unit.parts and self.looks_up and (unit.size or 0) > (known.size or 0):
            return "refresh"  # a series that has grown; one of fewer files was looked for in a part of them
        if self.upsert_metadata and unit.metadata:
            return "merge"
        return "skip" if self.looks_up else "add"


@frozen
class SyncRule:
    """What is new is added, what changed is looked at again, what came back is restored."""

    looks_up: bool = True

    def __call__(self, unit: Unit, known: Known | None) -> Action:
        """What to do with a unit."""
        if unit.sidecar_of is not None:
            return "skip" if known is not None and is_same(unit, known) else "sidecar"
        if known is None:
            return "add"
        if not is_same(unit, known):
            return "refresh"
        return "restore" if known.is_deleted else "skip"


def is_same(unit: Unit, known: Known) -> bool:
    """Whether an object is as the catalogue knows it: by its etag, or where there is none by its time, and its size."""
    stored = unit.stored
    assert stored is not None
    if stored.size != known.size:
        return False
    if stored.etag is not None and known.etag is not None:
        return stored.etag == known.etag
    return stored.modified_at == moment_or_none(known.modified_at)
