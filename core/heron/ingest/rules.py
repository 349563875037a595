"""The rules of imports and syncs: the action for a unit, depending on whether its URL is in the folder
already.
"""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from heron.catalog.registration import Known
from heron.ingest.units import Action, Unit
from heron.times import moment_or_none


class Rule(Protocol):
    """Decides the action for a unit."""

    @property
    def looks_up(self) -> bool:
        """Whether the action depends on whether the URL is in the folder already."""

    def __call__(self, unit: Unit, known: Known | None) -> Action:
        """The action for a unit; `known` is its existing item, if any."""


@frozen
class ImportRule:
    """Items with known URLs are skipped, get more metadata, or are added again."""

    skip_duplicates: bool = True
    upsert_metadata: bool = False

    @property
    def looks_up(self) -> bool:
        """True, unless every unit is added again."""
        return self.skip_duplicates or self.upsert_metadata

    def __call__(self, unit: Unit, known: Known | None) -> Action:
        """The action for a unit."""
        if unit.sidecar_of is not None:
            return "sidecar"
        if known is None:
            return "add"
        if known.is_deleted:
            return "refresh"  # the object is back, perhaps with other content
        if unit.parts and self.looks_up and (unit.size or 0) > (known.size or 0):
            return "refresh"  # a series with new files; fewer files only mean that a part of the sources was given
        if self.upsert_metadata and unit.metadata:
            return "merge"
        return "skip" if self.looks_up else "add"


@frozen
class SyncRule:
    """New objects are added, changed ones are read again, and items whose object is back are restored."""

    looks_up: bool = True

    def __call__(self, unit: Unit, known: Known | None) -> Action:
        """The action for a unit."""
        if unit.sidecar_of is not None:
            return "skip" if known is not None and is_same(unit, known) else "sidecar"
        if known is None:
            return "add"
        if not is_same(unit, known):
            return "refresh"
        return "restore" if known.is_deleted else "skip"


def is_same(unit: Unit, known: Known) -> bool:
    """Whether an object has the same size and ETag as before; without ETags, the same size and modification time."""
    stored = unit.stored
    assert stored is not None
    if stored.size != known.size:
        return False
    if stored.etag is not None and known.etag is not None:
        return stored.etag == known.etag
    return stored.modified_at == moment_or_none(known.modified_at)
