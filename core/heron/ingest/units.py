"""What flows through an import: a unit on its way in, and what became of it once probed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from heron.hooks import StoredObject
from heron.models import ImportProblem, Json, NewItem


@frozen
class Unit:
    """One thing to import: a local `path`, or an object of a storage backend.

    `place` says where in the source it stands, for the report.
    """

    place: str
    url: str
    path: Path | None = None
    stored: StoredObject | None = None
    metadata: Mapping[str, Json] | None = None
    problem: str | None = None
    """Why it cannot be imported, when the source knows that already."""


@frozen
class Outcome:
    """A probed unit: an item, or none and the reason; perhaps warnings; perhaps a thumbnail as JPEG.

    One that `is_known` was not probed, for its URL is in the folder already.
    """

    unit: Unit
    item: NewItem | None
    problems: tuple[ImportProblem, ...] = ()
    thumbnail: bytes | None = None
    is_known: bool = False

    def failures(self) -> list[ImportProblem]:
        """The reasons why it cannot be imported."""
        return [problem for problem in self.problems if problem.severity == "failure"]


@frozen
class ProbeOptions:
    """What is wanted of each file beside its facts."""

    content_hash: bool = False
    thumbnails: bool = False
