"""What flows through an import: a unit on its way in, what is to become of it, and what became of it once probed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import frozen

from heron.catalog.registration import Known
from heron.catalog.sampling import SAMPLING_RATE
from heron.hooks import StoredObject
from heron.jobs import ImportProblem
from heron.models import Json, Kind, MediaFacts, Member, NewItem

Action = Literal["add", "skip", "merge", "refresh", "restore", "sidecar", "part"]
"""What is done with a unit: a new item; nothing; more metadata for the item that is there; new facts for it; it is
taken back into view; or it is no item, but the metadata of one, or parts of series, which become items in the end."""


@frozen
class FoundPart:
    """A file that is part of a series, as its decoder has described it; see `heron.Part`."""

    decoder: str
    series: str
    url: str
    size: int
    etag: str | None
    header: str
    """What the decoder knows of the file, as JSON."""

    metadata: Mapping[str, Json] | None = None


@frozen
class Unit:
    """One thing to import: a local `path`, an object of a storage backend, or several of them as `members`.

    `place` says where in the source it stands, for the report. `facts` that are given are trusted, and the file is
    not touched; `kind` is what the source says that it is.
    """

    place: str
    url: str
    path: Path | None = None
    stored: StoredObject | None = None
    metadata: Mapping[str, Json] | None = None
    problem: str | None = None
    """Why it cannot be imported, when the source knows that already."""

    name: str | None = None
    kind: Kind | None = None
    facts: MediaFacts | None = None
    size: int | None = None
    members: tuple[Member, ...] = ()
    sidecar_of: str | None = None
    """The URL of the item whose metadata this is."""

    parts: tuple[FoundPart, ...] = ()
    """The files of a series that were found before, and become one item now; `members` are those that it has already."""

    def urls(self) -> str:
        """All its URLs, for the report."""
        return " ".join(member.url for member in self.members) or self.url


@frozen
class Outcome:
    """What became of a unit: an item to add or to refresh, perhaps with a thumbnail as JPEG; or the reason why not.

    `known` is the item that is there already. `is_outage` means that it failed for the storage as a whole, and not
    for the unit.
    """

    unit: Unit
    item: NewItem | None
    problems: tuple[ImportProblem, ...] = ()
    thumbnail: bytes | None = None
    action: Action = "add"
    known: Known | None = None
    is_outage: bool = False
    parts: tuple[FoundPart, ...] = ()

    @property
    def was_asked(self) -> bool:
        """Whether a storage was asked about the unit, and did answer."""
        asked = (
            self.unit.facts is None
            and self.unit.problem is None
            and self.action not in ("skip", "merge", "restore")
        )
        return asked and not self.is_outage

    def failures(self) -> list[ImportProblem]:
        """The reasons why it cannot be imported."""
        return [problem for problem in self.problems if problem.severity == "failure"]


@frozen
class ProbeOptions:
    """What is wanted of each file beside its facts."""

    content_hash: bool = False
    thumbnails: bool = False
    sampling_rate: float = SAMPLING_RATE
    """Frames per second of a video that become rows."""

    samples_given: bool = False
    """Whether that holds for videos too whose facts are given, and which are not looked at."""

    personal: bool = True
    """Whether facts that tell of a person are kept."""

    group_series: bool = False
    """Whether files that are parts of series become one item for each series."""
