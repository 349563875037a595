"""Cloud-synced folders: their syncs, and how sidecars of metadata are told from files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heron import InvalidInput, JobProgress, PermissionDenied, Workspace
from heron_sdk_api.calls import Call
from heron_sdk_api.fields import Fields
from heron_sdk_api.upload_jobs import job_of, job_uuid, polled


def start(call: Call) -> Any:
    """Start a sync of a folder."""
    folder = call.ws.folders.get(call.uuid("folder"))
    call.ws.synced.get(folder.uuid)
    if call.site.read_only:
        raise PermissionDenied("this server only reads")

    def work(ws: Workspace, progress: JobProgress) -> Any:
        report = ws.ingest.sync(
            folder.uuid, progress=lambda told: progress(done=told.done, failed=told.failed, total=told.total)
        )
        return {"done": report.job.position - report.failed, "failed": report.failed + report.waiting}

    return job_uuid(call.site.jobs.start(f"sdk sync {folder.uuid}", call.user, work).id)


def state(call: Call) -> Any:
    """The state of a sync; a client waits for its end in one request."""
    return polled(call, _now)


def _now(call: Call) -> Mapping[str, Any]:
    job = job_of(call, call.uuid("job"), f"sdk sync {call.uuid('folder')}")
    told = job.result if job.state == "done" else job.progress
    done, failed, total = (int(told.get(name) or 0) for name in ("done", "failed", "total"))
    status = (
        "pending" if job.is_running else {"done": "done", "cancelled": "cancelled"}.get(job.state, "error")
    )
    one = {name: int(status == name) for name in ("pending", "done", "error", "cancelled")}
    return {
        "status": status,
        **{f"scanPagesProcessing{name.title()}": one[name] for name in one},
        **{f"uploadJobs{name.title()}": one[name] for name in ("pending", "done", "error")},
        "uploadJobsUnitsPending": max(total - done, 0) if job.is_running else 0,
        "uploadJobsUnitsDone": done,
        "uploadJobsUnitsError": failed,
        "uploadJobsUnitsCancelled": 0,
    }


def config(call: Call) -> Any:
    """How sidecars are found in a folder; an empty object for a folder that is not synced."""
    synced = call.ws.synced.find(call.uuid("folder"))
    if synced is None or synced.sidecar_suffix is None:
        return {"metadataIngestion": None}
    matcher = {"mode": "suffix", "suffix": synced.sidecar_suffix}
    return {"metadataIngestion": {"matcher": matcher, "paused": synced.sidecars_paused}}


def set_config(call: Call) -> Any:
    """Change how sidecars are found; other settings than that are not kept, and so are refused."""
    more = [name for name in call.fields.values if name != "metadataIngestion"]
    if more:
        raise InvalidInput(f"Heron has no setting {', '.join(more)} of folders")
    given = call.fields.object("metadataIngestion", None)
    if given is None:
        call.ws.synced.set_sidecars(call.uuid("folder"), None)
        return config(call)
    wanted = Fields(given, "the body.metadataIngestion")
    matcher = Fields(wanted.object("matcher", {}), "the body.metadataIngestion.matcher")
    matcher.one_of("mode", ("suffix",), "suffix")
    suffix = matcher.text("suffix", ".metadata.json")
    call.ws.synced.set_sidecars(call.uuid("folder"), suffix, paused=wanted.flag("paused", False))
    return config(call)
