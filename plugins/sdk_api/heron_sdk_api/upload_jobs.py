"""Jobs that register files in a folder: started, asked for their state, and cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import orjson

from heron import (
    HeronError,
    ImportAborted,
    ImportReport,
    Item,
    JobProgress,
    NotFound,
    PermissionDenied,
    Workspace,
)
from heron_sdk_api.calls import Call, Pending
from heron_sdk_api.fields import Fields
from heron_sdk_api.manifests import Manifest, manifest_of
from heron_sdk_api.places import check_credentials
from heron_sdk_api.wire import made_up

MOST_ERRORS = 1000
"""The most errors that a state lists."""


def start(call: Call) -> Any:
    """Start a job that registers what the body names in a folder."""
    folder = call.ws.folders.get(call.uuid("folder"))
    made = manifest_of(
        call.ws,
        call.site.path,
        call.fields.object("dataItems", None),
        call.fields.object("externalFiles", None),
    )
    kind, integration = f"sdk folder {folder.uuid}", call.fields.uuid("integrationHash", None)
    return begin(call, call.fields, made, folder.uuid, kind, integration=integration)


def begin(
    call: Call,
    given: Fields,
    made: Manifest,
    folder: str,
    kind: str,
    *,
    integration: UUID | None,
    then: Callable[[Workspace, list[Item]], None] | None = None,
) -> str:
    """Start the import of a manifest into a folder, and return the id of the job; `then` is done with the new items."""
    try:
        if made.names_stores:
            check_credentials(call.ws.user, integration is not None)
        if call.site.read_only:
            raise PermissionDenied("this server only reads")
        if integration is not None:
            call.ws.integrations.get(integration)
        ignore_errors = given.flag("ignoreErrors", False)
        file_name = given.text("fileName", None)

        def work(ws: Workspace, progress: JobProgress) -> Any:
            return _run(ws, progress, made, folder, integration, ignore_errors, file_name, then)

        return job_uuid(call.site.jobs.start(kind, call.user, work).id)
    except BaseException:
        made.give_back(set())
        raise


def _run(
    ws: Workspace,
    progress: JobProgress,
    made: Manifest,
    folder: str,
    integration: UUID | None,
    ignore_errors: bool,
    file_name: str | None,
    then: Callable[[Workspace, list[Item]], None] | None,
) -> Any:
    """Import a manifest, and return the state at the end.

    The file of the manifest stays if the import is cut off, so that it can be resumed.
    """
    urls = [_canonical(ws, url, integration) for url in made.urls()]
    waiting = ws.root / ".heron" / "manifests"
    waiting.mkdir(exist_ok=True)
    file = waiting / f"{uuid4()}.json"
    file.write_bytes(orjson.dumps(made.content))
    before = _at(ws, folder, urls)

    def tell(done: Any) -> None:
        progress(done=done.added, failed=done.failed, total=len(urls), name=file_name)

    try:
        report = ws.ingest.manifest(
            file, folder=folder, integration=integration, ignore_errors=ignore_errors, progress=tell
        )
        items = [item for uuid, item in _at(ws, folder, urls).items() if uuid not in before]
        if then is not None:
            then(ws, items)
        file.unlink()
    except ImportAborted as error:
        file.unlink()
        return _state("ERROR", [], [(error.url, error.message)], len(urls), file_name)
    finally:
        if made.taken:  # what has landed keeps its files, also if the import was cut off
            made.give_back(_files_of(ws, [*_at(ws, folder, urls).values()]))
    return _of_report(ws, report, items, len(urls), file_name)


def _canonical(ws: Workspace, url: str, integration: UUID | None) -> str:
    """A URL as the item that it becomes has it."""
    try:
        return ws.storage.normalise(url, integration)
    except HeronError:
        return url  # the import says what is wrong with it


def _at(ws: Workspace, folder: str, urls: list[str]) -> dict[str, Item]:
    """The items of a folder that lie at some URLs, by UUID, in the order of the URLs."""
    wanted = {url: number for number, url in enumerate(urls)}
    found = []
    for start in range(0, len(urls), 500):
        listed = ", ".join("'" + url.replace("'", "''") + "'" for url in urls[start : start + 500])
        if listed:
            found += [*ws.search.all(where=f"item.url IN ({listed})", folder=ws.folders.get(folder).path)]
    groups = ("image_group", "image_sequence", "dicom")
    kinds = ", ".join(f"'{kind}'" for kind in groups)
    for item in ws.search.all(
        where=f"item.kind IN ({kinds})", folder=ws.folders.get(folder).path, recursive=False
    ):
        first = next((member.url for member in ws.items.members(item) if member.url in wanted), None)
        if first is not None:
            wanted[item.url] = wanted[first]
            found.append(item)
    return {item.uuid: item for item in sorted(found, key=lambda item: wanted.get(item.url, 0))}


def _files_of(ws: Workspace, items: list[Item]) -> set[str]:
    """The URLs of all files of some items."""
    members = [member.url for item in items for member in ws.items.members(item)]
    return {*members, *(item.url for item in items)}


def _of_report(
    ws: Workspace, report: ImportReport, items: list[Item], units: int, file_name: str | None
) -> Any:
    errors: list[tuple[str, str]] = []
    for problem in ws.imports.problems(report.job):
        if problem.severity != "warning" and len(errors) < MOST_ERRORS:
            errors.append((problem.url or problem.place, problem.reason))
    failed = report.failed + report.waiting
    state = _state("DONE", items, errors, units, file_name)
    return {**state, "unitsErrorCount": failed, "unitsDoneCount": max(units - failed, 0)}


def _state(
    status: str, items: list[Item], errors: list[tuple[str, str]], units: int, file_name: str | None
) -> dict[str, Any]:
    return {
        "status": status,
        "itemsWithNames": [{"itemUuid": item.uuid, "name": item.name} for item in items],
        "errors": [f"{url}: {reason}" if url else reason for url, reason in errors],
        "unitErrors": [
            {
                "objectUrls": [url],
                "error": reason,
                "subtaskUuid": made_up("unit", url),
                "actionDescription": "import",
            }
            for url, reason in errors
        ],
        "unitsPendingCount": 0,
        "unitsDoneCount": units if status == "DONE" else 0,
        "unitsErrorCount": units if status == "ERROR" else 0,
        "unitsCancelledCount": units if status == "CANCELLED" else 0,
        "fileName": file_name,
    }


def state(call: Call) -> Any:
    """The state of a job; a client waits for its end in one request."""
    call.ws.folders.get(call.uuid("folder"))
    return polled(call, lambda call: _now(call, f"sdk folder {call.uuid('folder')}"))


def polled(call: Call, now: Callable[[Call], Mapping[str, Any]]) -> Any:
    """The state of work, or a promise of it while the work is not done."""
    found = now(call)
    if found["status"].upper() != "PENDING":
        return found
    seconds = call.query.whole("timeoutSeconds", 60, least=0, most=10**9)
    return Pending(lambda call: polled(call, now), found, seconds)


def _now(call: Call, kind: str) -> Mapping[str, Any]:
    return state_of(job_of(call, call.uuid("job"), kind))


def state_of(job: Any) -> dict[str, Any]:
    """What a job of the server is for a client."""
    told = job.progress
    total, name = int(told.get("total", 0)), told.get("name")
    if job.state == "done":
        return dict(job.result)
    if job.is_running:
        done, failed = int(told.get("done", 0)), int(told.get("failed", 0))
        counts = {
            "unitsDoneCount": done,
            "unitsErrorCount": failed,
            "unitsPendingCount": max(total - done - failed, 0),
        }
        return {**_state("PENDING", [], [], 0, name), **counts}
    if job.state == "cancelled":
        return _state("CANCELLED", [], [], total, name)
    return _state("ERROR", [], [("", job.error or "the job has stopped")], total, name)


def cancel(call: Call) -> Any:
    """Cancel a job; what has landed stays."""
    job = job_of(call, call.uuid("job"), f"sdk folder {call.uuid('folder')}")
    told = job.progress
    left = int(told.get("total", 0)) - int(told.get("done", 0)) - int(told.get("failed", 0))
    call.site.jobs.cancel(job.id, call.user)
    return {"unitsCancelledCount": max(left, 0) if job.is_running else 0}


def job_uuid(id: str) -> str:
    """The id of a job of the server, 24 hexadecimal digits, as a UUID."""
    try:
        return str(UUID(hex=id.rjust(32, "0")))
    except ValueError:
        raise HeronError(f"the server calls its jobs {id}, which is no part of a UUID") from None


def job_of(call: Call, uuid: UUID, kind: str) -> Any:
    """The job of a UUID; raises NotFound, also for a job of another folder or user."""
    job = call.site.jobs.get(uuid.hex[8:], call.user)
    if job.kind != kind:
        raise NotFound(f"there is no such job {uuid}")
    return job
