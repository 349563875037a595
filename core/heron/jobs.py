"""The records of data sources: integrations, synced folders, import jobs and their reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from attrs import field, frozen

from heron.models import Json
from heron.records import Identified, Record, cut, in_middle
from heron.times import moment, moment_or_none


@frozen(eq=False, repr=False)
class Integration(Identified):
    """A named access to a storage backend: its options, with references in place of secrets."""

    id: int
    uuid: str
    name: str
    backend: str
    options: dict[str, Json]
    created_at: datetime = field(converter=moment)

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.name), 40)} {cut(self.backend, 20)}, {self.uuid}"


@frozen(repr=False)
class CheckResult(Record):
    """One check of an integration: whether it passed, and the result in one sentence."""

    name: str
    ok: bool
    message: str


@frozen(repr=False)
class SyncedFolder(Record):
    """A folder that `heron sync` keeps equal to what lies below a URL.

    With `sidecar_suffix` None, sidecars are imported as ordinary files; while sidecars are paused, their
    files are ignored. With `flat`, all items are in the folder itself, however deep their files are nested.
    """

    folder: str
    prefix: str
    integration: str | None
    sidecar_suffix: str | None
    synced_at: datetime | None = field(converter=moment_or_none)
    sidecars_paused: bool = False
    folder_id: int | None = None
    flat: bool = False


ImportState = Literal["running", "done", "incomplete", "failed", "interrupted", "cancelled"]
"""The states of an import. `incomplete`: units wait, since their store did not answer; `imports resume` asks for just them."""


@frozen(eq=False, repr=False)
class ImportJob(Identified):
    """One import, or sync, as stored in the catalogue.

    `position` is the number of units that were taken from the source; `restored` and `removed` count items of a
    synced folder whose objects came back, and vanished; `waiting` the units whose store did not answer, and `is_read`
    says whether the source was read to its end.
    """

    id: int
    uuid: str
    source: str
    folder_id: int | None
    options: dict[str, Json]
    state: ImportState
    position: int
    added: int
    updated: int
    skipped: int
    failed: int
    warnings: int
    started_at: datetime = field(converter=moment)
    finished_at: datetime | None = field(converter=moment_or_none)
    restored: int = 0
    removed: int = 0
    waiting: int = 0
    is_read: bool = False

    def _shown(self) -> Iterator[str]:
        yield f"{self.id} {self.state}: {self.added} added, {self.skipped} skipped, {self.failed} failed" + (
            f", {self.waiting} waiting" if self.waiting else ""
        )
        yield f"from {in_middle(self.source, 30)}"


@frozen(repr=False)
class ImportProblem(Record):
    """One unit of an import that failed, that waits until its store answers, or that was added with a warning."""

    place: str
    url: str
    reason: str
    severity: Literal["failure", "warning", "waiting"] = "failure"


@frozen(repr=False)
class ImportReport(Record):
    """The result of an import. `problems` holds the first ones; `imports.problems` iterates over all."""

    job: ImportJob
    problems: tuple[ImportProblem, ...]
    is_kept: bool = True
    """Whether the report is stored in the catalogue; the report of a dry run is not, and holds all problems.
    """

    def _shown(self) -> Iterator[str]:
        yield from self.job._shown()

    @property
    def added(self) -> int:
        """Number of items that were added to the catalogue."""
        return self.job.added

    @property
    def skipped(self) -> int:
        """Number of units that were in the catalogue already."""
        return self.job.skipped

    @property
    def failed(self) -> int:
        """Number of units that could not be imported."""
        return self.job.failed

    @property
    def waiting(self) -> int:
        """Number of units whose store did not answer; `ingest.resume` asks for just them."""
        return self.job.waiting
