"""The records of an import: units, the action for each, and the outcome of probing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import frozen

from heron.catalog.registration import Known
from heron.catalog.sampling import SAMPLING_RATE
from heron.catalog.series import FoundPart
from heron.hooks import StoredObject
from heron.jobs import ImportProblem
from heron.models import Json, Kind, MediaFacts, Member, NewItem

Action = Literal["add", "skip", "merge", "refresh", "restore", "sidecar", "part"]
"""The action for a unit: add an item; skip the unit; merge metadata into its item; refresh the facts of its item;
restore its item; read it as a sidecar, which is the metadata of an item; or store it as parts of series, which
become items at the end.
"""


@frozen
class Unit:
    """One thing to import: a local `path`, an object of a storage backend, or several of them as `members`.

    `place` says where it is in the source, for the report. If `facts` are given they are trusted, and the file is
    not read; `kind` is the kind that the source declares.
    """

    place: str
    url: str
    path: Path | None = None
    stored: StoredObject | None = None
    metadata: Mapping[str, Json] | None = None
    problem: str | None = None
    """Why it cannot be imported, if that is known before probing."""

    name: str | None = None
    kind: Kind | None = None
    facts: MediaFacts | None = None
    size: int | None = None
    members: tuple[Member, ...] = ()
    sidecar_of: str | None = None
    """If this is a sidecar: the URL of its item."""

    parts: tuple[FoundPart, ...] = ()
    """The files of a series that were found by probing and become one item now; `members` are the files that the
    item has already.
    """

    notes: tuple[str, ...] = ()
    """Warnings about how the source describes it."""

    waiting: int = 0
    """The row of the catalogue in which it has waited since its store did not answer, 0 for none."""

    def urls(self) -> str:
        """All its URLs, for the report."""
        return " ".join(member.url for member in self.members) or self.url


@frozen
class Outcome:
    """The outcome of a unit: an item to add or to refresh, perhaps with a thumbnail as JPEG, or the problems.

    `known` is the existing item. `is_outage` says that the storage did not answer, so that the unit waits.
    """

    unit: Unit
    item: NewItem | None
    problems: tuple[ImportProblem, ...] = ()
    thumbnail: bytes | None = None
    action: Action = "add"
    known: Known | None = None
    is_outage: bool = False
    parts: tuple[FoundPart, ...] = ()

    def failures(self) -> list[ImportProblem]:
        """The problems because of which it cannot be imported."""
        return [problem for problem in self.problems if problem.severity == "failure"]


@frozen
class ProbeOptions:
    """Which facts are read for each file, and what else is computed."""

    content_hash: bool = False
    thumbnails: bool = False
    sampling_rate: float = SAMPLING_RATE
    """Frames per second of a video that become rows."""

    samples_given: bool = False
    """Whether this also applies to videos whose facts are given, so that they would not be read otherwise."""

    personal: bool = True
    """Whether personal facts are stored."""

    group_series: bool = False
    """Whether files that are parts of series become one item for each series."""
