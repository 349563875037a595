"""Verbs that take long, as jobs of the server, with their progress."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse

import heron
from heron.remote import verbs, wire
from heron_http_api.errors import told
from heron_http_api.operations import Operation

if TYPE_CHECKING:
    from starlette.requests import Request

    from heron import Site

Run = Callable[[Any, dict[str, Any]], Any]


async def start_job(operation: Operation, site: Site, request: Request, run: Run) -> Response:
    """Start a verb as a job, and answer with the job; `run` gets a workspace and the function for the progress."""
    user = request.scope["heron.user"]
    assert operation.route is not None
    verb = operation.route.verb
    takes_progress = verbs.takes_progress(verb)

    def work(workspace: Any, progress: Any) -> Any:
        def tell(*parts: Any) -> None:
            progress(**_progress(parts))

        try:
            return wire.answered(run(workspace, {"progress": tell} if takes_progress else {}))
        except heron.HeronError as error:
            progress(error=told(error)["error"])
            raise

    job = site.jobs.start(verb, user, work)
    headers = {"Location": f"{request.scope.get('root_path', '')}/jobs/{job.id}", "Cache-Control": "no-store"}
    return Response(wire.dumped(job_of(job)), 202, headers, "application/json")


def _progress(parts: tuple[Any, ...]) -> dict[str, Any]:
    """What a verb tells of its progress: a number, a number and the whole, or a record."""
    if len(parts) == 2:
        return {"done": parts[0], "total": parts[1]}
    if isinstance(parts[0], int):
        return {"done": parts[0]}
    found: dict[str, Any] = wire.given(parts[0])
    return found


def job_of(job: Any) -> dict[str, Any]:
    """A job as plain data; `error` is that of the Python API."""
    found: dict[str, Any] = wire.given(job)
    progress = dict(found["progress"])
    error = progress.pop("error", None)
    if job.error is not None and error is None:
        error = {"type": "HeronError", "message": job.error, "hint": None}
    return found | {"progress": progress, "error": error if job.error is not None else None}


async def events(site: Site, request: Request, id: str) -> Response:
    """The changes of a job as server-sent events, until it has ended."""
    user = request.scope["heron.user"]
    site.jobs.get(id, user)

    async def told_of() -> AsyncIterator[bytes]:
        number = 0
        async for job in site.jobs.events(id, user):
            number += 1
            name = "progress" if job.is_running else "end"
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), wire.dumped(job_of(job)))

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told_of(), headers=headers, media_type="text/event-stream")
