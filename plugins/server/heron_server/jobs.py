"""Work in the background: each job has a thread and a workspace of its own, and a file that all worker processes read."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import asdict, evolve

import heron

_KEPT = 500
"""The number of jobs that are remembered."""

_EVERY = 0.2
"""The least seconds between two notes of the progress of a job."""

_POLL = 0.1

Work = Callable[[heron.Workspace, heron.JobProgress], Any]


class Jobs:
    """The jobs of a server, of which each worker process runs those that it has started."""

    def __init__(self, workspace: heron.Workspace, folder: Path, limit: int) -> None:
        self._workspace = workspace
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()
        self._running: dict[str, _Running] = {}
        self._is_closed = False
        folder.mkdir(mode=0o700, exist_ok=True)

    def start(self, kind: str, user: str | None, work: Work) -> heron.ServedJob:
        """Start work in a thread; raises Throttled if as many jobs run as may, or the server stops."""
        job = heron.ServedJob(secrets.token_hex(12), kind, user, "running", datetime.now(UTC))
        with self._lock:
            if self._is_closed:
                raise heron.Throttled("the server stops, and starts no job", hint="try again later")
            if len(self._running) >= self._limit:
                raise heron.Throttled(
                    f"{self._limit} jobs are running, and no more are started",
                    hint="try again when one has ended",
                )
            running = _Running(job, self._folder)
            self._running[job.id] = running
        self._forget_old()
        running.note()
        running.thread = threading.Thread(
            target=self._run, args=(running, work), name=f"job {job.id}", daemon=True
        )
        running.thread.start()
        return job

    def _run(self, running: _Running, work: Work) -> None:
        try:
            with self._workspace.open_as(running.job.user) as workspace:
                result = work(workspace, running)
            running.end("done", result=result)
        except heron.HeronError as error:
            running.end(running.stopped or "failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - a stranger's code
            running.end(
                running.stopped or "failed", error=f"something unexpected happened: {type(error).__name__}"
            )
        finally:
            with self._lock:
                del self._running[running.job.id]

    def get(self, id: str, user: str | None) -> heron.ServedJob:
        """One job; raises NotFound, also for the job of somebody else."""
        job = self._find(id)
        if job is None or user not in (None, job.user):
            raise heron.NotFound(f"there is no job {id[:64]!r}")
        return job

    def _find(self, id: str) -> heron.ServedJob | None:
        with self._lock:
            running = self._running.get(id)
        if running is not None:
            return running.job
        if not id.isalnum() or not id.isascii():
            return None
        return _read(self._folder / f"{id}.json")

    def list(self, user: str | None) -> Sequence[heron.ServedJob]:
        """The jobs that a user may see, the newest first."""
        jobs = [self._find(path.stem) for path in self._folder.glob("*.json")]
        seen = [job for job in jobs if job is not None and user in (None, job.user)]
        return sorted(seen, key=lambda job: (job.started_at, job.id), reverse=True)

    def cancel(self, id: str, user: str | None) -> heron.ServedJob:
        """Ask a job to stop; it does so at its next batch."""
        job = self.get(id, user)
        if job.is_running:
            (self._folder / f"{job.id}.cancel").touch(mode=0o600)
        return self.get(id, user)

    async def events(self, id: str, user: str | None) -> AsyncIterator[heron.ServedJob]:
        """The job now and after each change, until it has ended or the server stops."""
        last = None
        while True:
            job = self.get(id, user)
            if job != last:
                yield job
            if not job.is_running or self._is_closed:
                return
            last = job
            await asyncio.sleep(_POLL)

    def stop(self) -> None:
        """Ask all jobs of this process to stop at their next batch."""
        with self._lock:
            self._is_closed = True
            running = [*self._running.values()]
        for each in running:
            each.stop()

    def close(self) -> None:
        """Wait until all jobs of this process have stopped."""
        self.stop()
        with self._lock:
            threads = [running.thread for running in self._running.values()]
        for thread in threads:
            if thread is not None:
                thread.join()

    def _forget_old(self) -> None:
        for job in self.list(None)[_KEPT:]:
            if not job.is_running:
                (self._folder / f"{job.id}.json").unlink(missing_ok=True)
                (self._folder / f"{job.id}.cancel").unlink(missing_ok=True)


class _Running:
    """A job of this process; called by its work to tell how far it is."""

    def __init__(self, job: heron.ServedJob, folder: Path) -> None:
        self.job = job
        self.thread: threading.Thread | None = None
        self.stopped: str | None = None
        self._file = folder / f"{job.id}.json"
        self._cancel = folder / f"{job.id}.cancel"
        self._noted = 0.0

    def __call__(self, **values: Any) -> None:
        self.job = evolve(self.job, progress=values)
        if time.monotonic() - self._noted >= _EVERY:
            self.note()
        if self.is_stopping:
            why = "it was cancelled" if self.stopped == "cancelled" else "the server stops"
            raise heron.ImportInterrupted(f"the job has stopped: {why}", hint="what had landed before stays")

    @property
    def is_stopping(self) -> bool:
        if self.stopped is None and self._cancel.exists():
            self.stopped = "cancelled"
        return self.stopped is not None

    def stop(self) -> None:
        self.stopped = self.stopped or "interrupted"

    def end(self, state: str, *, result: Any = None, error: str | None = None) -> None:
        self.job = evolve(self.job, state=state, result=result, error=error, ended_at=datetime.now(UTC))
        self.note()
        self._cancel.unlink(missing_ok=True)

    def note(self) -> None:
        self._noted = time.monotonic()
        values = asdict(self.job) | {"process": os.getpid()}
        passing = self._file.with_suffix(".part")
        passing.write_text(json.dumps(values, default=_text))
        passing.replace(self._file)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(file: Path) -> heron.ServedJob | None:
    """The job that a file tells of; one whose process is gone was interrupted."""
    try:
        values = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    process = values.pop("process")
    job = heron.ServedJob(**values)
    if job.is_running and not _is_alive(process):
        return evolve(job, state="interrupted", error="the process that ran the job has ended")
    return job


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
