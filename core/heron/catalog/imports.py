"""Import jobs: their source, position, state, and the problems of their units."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.holder import mark_of, runs
from heron.catalog.limits import at_most
from heron.catalog.referring import IMPORT, ImportRef
from heron.convert import dumps, loads
from heron.errors import ImportCancelled, InvalidInput, NotFound
from heron.jobs import ImportJob, ImportProblem, ImportReport, ImportState
from heron.metadata.keys import printable
from heron.models import Folder, Json, now
from heron.uuids import new_uuid

REPORT_ROWS = 20
"""The number of problems in a report; the others are read from the catalogue."""

_PROBLEMS = "SELECT id, severity, place, url, reason FROM import_problems WHERE import_id = ?"
_WAITING = "SELECT id, 'waiting' AS severity, place, url, reason FROM import_waiting WHERE import_id = ?"
_COLUMNS = "imports.*, (SELECT count(*) FROM import_waiting WHERE import_id = imports.id) AS waiting"

_BEGINNING = re.compile("[0-9a-fA-F][0-9a-fA-F-]{7,34}")
"""The beginning of a UUID, with eight characters or more."""

_AGAIN = "!"
"""Stands behind the process of a job once for each process before it that ended without closing the job."""


class ImportService:
    """The imports of a workspace and their reports."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    @one_transaction
    def _start(self, source: str, folder: Folder | None, options: Mapping[str, Json]) -> ImportJob:
        """Open a job; the folder is None until it is created."""
        self._access.require("create", WORKSPACE, "import")
        if folder is not None:
            self._access.require("create", folder, "item")
        uuid = new_uuid()
        self._database.execute(
            "INSERT INTO imports (uuid, source, folder_id, options, state, process, started_at, created_by) "
            "VALUES (?, ?, ?, ?, 'running', ?, ?, ?)",
            [
                uuid,
                source,
                folder.id if folder else None,
                dumps(options),
                mark_of(os.getpid()),
                now(),
                self._access.user.email,
            ],
        )
        job = self.get(uuid)
        self._access.note(job, folder=folder.path if folder else None)
        return job

    def _advance(
        self, job: ImportJob, *, units: int = 0, added: int = 0, updated: int = 0, skipped: int = 0,
        restored: int = 0, removed: int = 0, problems: Iterable[ImportProblem] = (),
    ) -> None:  # fmt: skip
        """Move the job's position, within the transaction that writes the batch.

        Raises ImportCancelled if the job was cancelled meanwhile.
        """
        self._access.require("update", job)
        listed = list(problems)
        failed = sum(problem.severity == "failure" for problem in listed)
        self._require_running(job)
        self._database.execute(
            "UPDATE imports SET position = position + ?, added = added + ?, updated = updated + ?, "
            "skipped = skipped + ?, restored = restored + ?, removed = removed + ?, failed = failed + ?, "
            "warnings = warnings + ? WHERE id = ?",
            [units, added, updated, skipped, restored, removed, failed, len(listed) - failed, job.id],
        )
        self._database.execute_many(
            "INSERT INTO import_problems (import_id, severity, place, url, reason) VALUES (?, ?, ?, ?, ?)",
            ((job.id, p.severity, p.place, p.url, p.reason) for p in listed),
        )

    def _require_running(self, job: ImportJob) -> None:
        """Raise ImportCancelled if the job was cancelled."""
        if self._database.value("SELECT state FROM imports WHERE id = ?", [job.id]) == "cancelled":
            raise ImportCancelled(f"import {job.id} was cancelled", hint="what had landed before stays")

    def _died(self, job: ImportJob) -> int:
        """How often in a row the process of a job ended without closing it: it was killed, or a decoder crashed."""
        self._access.require("read", job)
        [row] = self._database.rows("SELECT state, process FROM imports WHERE id = ?", [job.id])
        is_closed = job.state != "interrupted" or row["state"] != "running"
        return 0 if is_closed else 1 + str(row["process"]).count(_AGAIN)

    def _of_process(self, mark: str) -> list[ImportJob]:
        """The jobs of a process, as `mark_of` names it, in their order."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM imports WHERE rtrim(process, ?) = ? AND {self._access.scope('import', 'imports')} ORDER BY id",
            [_AGAIN, mark],
        )
        return [_job(row) for row in rows]

    @one_transaction
    def _reopen(self, ref: ImportRef, keep_position: bool) -> ImportJob:
        """Open a job again that is incomplete, was interrupted or has failed; raises InvalidInput for a job in another
        state.

        If its source was not read to its end, and without `keep_position` or if nothing was written, the job and its
        report start from the beginning.
        """
        job = self.get(ref)
        self._access.require("update", job)
        if job.state not in ("incomplete", "interrupted", "failed"):
            raise InvalidInput(
                f"import {job.id} is {job.state}, only one that was interrupted or failed, or is incomplete, can be resumed"
            )
        self._database.execute(
            "UPDATE imports SET state = 'running', process = ?, finished_at = NULL WHERE id = ?",
            [mark_of(os.getpid()) + _AGAIN * self._died(job), job.id],
        )
        if not job.is_read and (not keep_position or not job.position):
            self._database.execute(
                "UPDATE imports SET position = 0, skipped = 0, failed = 0, warnings = 0 WHERE id = ?",
                [job.id],
            )
            self._database.execute("DELETE FROM import_problems WHERE import_id = ?", [job.id])
            self._forget_work(job)
        return self.get(job)

    def _forget_work(self, job: ImportJob) -> None:
        """Delete what a job has kept for later: the units that wait, and parts of series."""
        self._access.require("update", job)
        for table in ("import_waiting", "series_parts"):
            self._database.execute(f"DELETE FROM {table} WHERE import_id = ?", [job.id])

    def _set_read(self, job: ImportJob) -> None:
        """Store that the source was read to its end: from now on, resuming takes only the units that wait."""
        self._access.require("update", job)
        with self._database.write():
            self._require_running(job)
            self._database.execute("UPDATE imports SET is_read = 1 WHERE id = ?", [job.id])

    @one_transaction
    def cancel(self, ref: ImportRef) -> ImportJob:
        """Cancel a job. If it is running, here or in another process, it stops after its batch. What was written stays.

        Units that wait are forgotten.
        """
        job = self.get(ref)
        self._access.require("update", job)
        if job.state not in ("running", "incomplete", "interrupted"):
            raise InvalidInput(f"import {job.id} is {job.state} already")
        self._close(job, "cancelled")
        return self.get(job)

    def _set_folder(self, job: ImportJob, folder: Folder) -> None:
        """Set the folder of a job that was opened without one."""
        self._access.require("update", job)
        self._database.execute("UPDATE imports SET folder_id = ? WHERE id = ?", [folder.id, job.id])

    @one_transaction
    def _finish(self, job: ImportJob, state: ImportState) -> ImportReport:
        """Close the job and return its report. What it has kept for later stays if the job can be resumed.

        A job that is done although units wait, or parts of series, is incomplete.
        """
        self._access.require("update", job)
        if state == "done" and self._has_work(job):
            state = "incomplete"
        self._close(job, state)
        report = self.report(job.uuid)
        counts = {
            name: getattr(report.job, name) for name in ("added", "updated", "skipped", "failed", "removed")
        }
        self._access.note(report.job, state=state, **counts)
        return report

    def _close(self, job: ImportJob, state: ImportState) -> None:
        with self._database.write():
            self._database.execute(
                "UPDATE imports SET state = ?, finished_at = ? WHERE id = ?", [state, now(), job.id]
            )
            if state in ("done", "cancelled"):  # jobs in other states can be resumed
                self._forget_work(job)

    def _has_work(self, job: ImportJob) -> bool:
        """Whether units of a job wait, or parts of series whose store did not answer."""
        self._access.require("read", job)
        return any(
            self._database.row(f"SELECT 1 FROM {table} WHERE import_id = ? LIMIT 1", [job.id])
            for table in ("import_waiting", "series_parts")
        )

    def get(self, ref: ImportRef) -> ImportJob:
        """The job that is meant; raises NotFound."""
        job = self.find(ref)
        if job is None:
            known = str(ref) if isinstance(ref, int) else IMPORT.key(ref)
            raise NotFound(f"there is no import {printable(known)}", hint="see heron imports list")
        return job

    def find(self, ref: ImportRef) -> ImportJob | None:
        """The job that is meant, or None; raises InvalidInput for the beginning of several UUIDs."""
        is_number = isinstance(ref, int) and not isinstance(ref, bool)
        meant, parameters = IMPORT.condition(str(ref) if is_number else ref, "id")
        rows = self._matching(meant, parameters)
        if not rows and isinstance(ref, str) and _BEGINNING.fullmatch(ref):
            rows = self._matching("uuid LIKE ?", [f"{ref}%"])
        if len(rows) > 1:
            raise InvalidInput(
                f"the UUIDs of {len(rows):,} imports begin with {ref}", hint="give more of it, or the number"
            )
        return _job(rows[0]) if rows else None

    def _matching(self, condition: str, parameters: Sequence[str]) -> Sequence[Row]:
        return self._database.rows(
            f"SELECT {_COLUMNS} FROM imports WHERE {condition} AND {self._access.scope('import', 'imports')}",
            parameters,
        )

    def list(self, *, limit: int | None = None) -> list[ImportJob]:
        """All, or the first `limit`, jobs, newest first."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM imports WHERE {self._access.scope('import', 'imports')} ORDER BY id DESC LIMIT ?",
            [at_most(limit)],
        )
        return [_job(row) for row in rows]

    def report(self, ref: ImportRef) -> ImportReport:
        """The job with the first of its problems."""
        job = self.get(ref)
        found: list[Row] = []
        for select in (_PROBLEMS, _WAITING):
            if len(found) < REPORT_ROWS:
                found += self._database.rows(
                    f"{select} ORDER BY id LIMIT ?", [job.id, REPORT_ROWS - len(found)]
                )
        return ImportReport(job, tuple(_problem(row) for row in found))

    def problems(self, ref: ImportRef) -> Iterator[ImportProblem]:
        """All problems of a job as a stream, and then the units that wait."""
        job = self.get(ref)
        for select in (_PROBLEMS, _WAITING):
            after = 0
            while rows := self._database.rows(f"{select} AND id > ? ORDER BY id LIMIT 1000", [job.id, after]):
                yield from (_problem(row) for row in rows)
                after = rows[-1]["id"]


def _job(row: Row) -> ImportJob:
    state: ImportState = row["state"]
    if state == "running" and row["process"] and not runs(row["process"].rstrip(_AGAIN)):
        state = "interrupted"
    return ImportJob(
        id=row["id"],
        uuid=row["uuid"],
        source=row["source"],
        folder_id=row["folder_id"],
        options=loads(row["options"]),
        state=state,
        position=row["position"],
        added=row["added"],
        updated=row["updated"],
        skipped=row["skipped"],
        failed=row["failed"],
        warnings=row["warnings"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        restored=row["restored"],
        removed=row["removed"],
        waiting=row["waiting"],
        is_read=bool(row["is_read"]),
    )


def _problem(row: Row) -> ImportProblem:
    return ImportProblem(row["place"], row["url"], row["reason"], row["severity"])
