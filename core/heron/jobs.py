"""The records of where data comes from: integrations, synced folders, imports and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import frozen

from heron.models import Json
from heron.records import Identified, Record, cut, in_middle


@frozen(eq=False, repr=False)
class Integration(Identified):
    """A named way to a storage backend: its options, with references in the place of secrets."""

    id: int
    uuid: str
    name: str
    backend: str
    options: dict[str, Json]
    created_at: str

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.name), 40)} {cut(self.backend, 20)}, {self.uuid}"


@frozen(repr=False)
class CheckResult(Record):
    """One thing that checking an integration tried: whether it went well, and in one sentence what was found."""

    name: str
    ok: bool
    message: str


@frozen(repr=False)
class SyncedFolder(Record):
    """A folder that follows what lies below a URL.

    `sidecar_suffix` None takes sidecars for ordinary files; paused, they are neither read nor taken for files.
    """

    folder: str
    prefix: str
    integration: str | None
    sidecar_suffix: str | None
    synced_at: str | None
    sidecars_paused: bool = False
    folder_id: int | None = None


ImportState = Literal["running", "done", "failed", "interrupted", "cancelled"]


@frozen(eq=False, repr=False)
class ImportJob(Identified):
    """One import, or sync, as the catalogue remembers it.

    `position` is the number of units that are done with; `restored` and `removed` are items that came back to a
    synced folder, and that vanished from it.
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
    started_at: str
    finished_at: str | None
    restored: int = 0
    removed: int = 0

    def _shown(self) -> Iterator[str]:
        yield f"{self.id} {self.state}: {self.added} added, {self.skipped} skipped, {self.failed} failed"
        yield f"from {in_middle(self.source, 30)}"


@frozen(repr=False)
class ImportProblem(Record):
    """One unit of an import that failed, or landed with a warning."""

    place: str
    url: str
    reason: str
    severity: Literal["failure", "warning"] = "failure"


@frozen(repr=False)
class ImportReport(Record):
    """What an import did. `problems` holds the first ones; `imports.problems` iterates over all."""

    job: ImportJob
    problems: tuple[ImportProblem, ...]
    is_kept: bool = True
    """Whether the catalogue keeps it; that of a dry run has all problems instead of the first ones."""

    def _shown(self) -> Iterator[str]:
        yield from self.job._shown()

    @property
    def added(self) -> int:
        """Number of items that are new in the catalogue."""
        return self.job.added

    @property
    def skipped(self) -> int:
        """Number of units that were there already."""
        return self.job.skipped

    @property
    def failed(self) -> int:
        """Number of units that could not be imported."""
        return self.job.failed
