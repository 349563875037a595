"""Operations that are no verbs of the Python API: media, uploads, jobs, plugins, the workspace itself, and the description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

import heron
from heron.remote import inside, verbs, wire
from heron_http_api import files, media, uploads
from heron_http_api.answering import Handler, check_writable, json_of, made, opened
from heron_http_api.arguments import of_body, of_url
from heron_http_api.operations import (
    BYTES,
    ERROR,
    JOB,
    PAGE,
    PLUGIN,
    UPLOAD,
    WORKSPACE,
    Answer,
    Given,
    Operation,
    rows_of,
)
from heron_http_api.working import events, job_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from heron import Site

Answering = Callable[["Site", Operation, "Request", dict[str, Any]], Any]


def own_operations() -> list[tuple[Operation, Answering]]:
    """The operations, each with the function that answers it."""
    ref = Given("ref", "path", verbs.Thing, True)
    id = Given("id", "path", str, True, "The id of a job.")
    member = Given("member", "query", str, about="The URL of one file of an item of several files.")
    redirect = Given(
        "redirect", "query", bool, about="Whether to redirect to a signed URL of the store; by default true."
    )
    part = Given("Range", "header", str, about="A range of bytes: `bytes=0-1023`.")
    job = Answer("The job.", JOB)
    return [
        (
            Operation(
                "GET",
                "/items/{ref}/media",
                "items.media",
                _MEDIA,
                (ref, member, redirect, part),
                answers={
                    200: Answer("The bytes of the file.", media=["*/*"]),
                    206: Answer("A range of them.", media=["*/*"]),
                    304: Answer("It is unchanged."),
                    307: Answer("They are at the URL in `Location`."),
                    416: Answer("There is no such range.", ERROR),
                },
                is_read=True,
            ),
            _media,
        ),
        (
            Operation(
                "POST", "/uploads", "uploads.begin", _BEGIN, answers={201: Answer("The upload.", UPLOAD)}
            ),
            _begin,
        ),
        (
            Operation(
                "PUT",
                "/uploads/{upload}/{name}",
                "uploads.put",
                _PUT,
                (
                    Given("upload", "path", str, True, "The id of an upload."),
                    Given("name", "path", str, True, "The name of the file; folders as in `a%2Fb.jpg`."),
                ),
                upload=BYTES,
                answers={204: Answer("It is kept.")},
            ),
            _put,
        ),
        (
            Operation(
                "GET",
                "/jobs",
                "jobs.list",
                "The jobs, the newest first.",
                PAGE,
                answers={200: Answer("Jobs.", rows_of(JOB))},
                is_read=True,
            ),
            _jobs,
        ),
        (
            Operation("GET", "/jobs/{id}", "jobs.get", "One job.", (id,), answers={200: job}, is_read=True),
            lambda site, _, request, given: json_of(
                wire.dumped(job_of(site.jobs.get(given["id"], _user(request))))
            ),
        ),
        (
            Operation(
                "GET",
                "/jobs/{id}/events",
                "jobs.events",
                _EVENTS,
                (id,),
                answers={200: Answer("Events, each with a job.", media=["text/event-stream"])},
                is_read=True,
            ),
            lambda site, _, request, given: events(site, request, given["id"]),
        ),
        (
            Operation(
                "POST",
                "/jobs/{id}/cancel",
                "jobs.cancel",
                "Ask a job to stop at its next batch.",
                (id,),
                answers={200: job},
                is_read=True,
            ),
            lambda site, _, request, given: json_of(
                wire.dumped(job_of(site.jobs.cancel(given["id"], _user(request))))
            ),
        ),
        (
            Operation(
                "GET",
                "/workspace",
                "workspace.get",
                "The workspace, and who asks.",
                answers={200: Answer("The workspace.", WORKSPACE)},
                is_read=True,
            ),
            _workspace,
        ),
        (
            Operation(
                "GET",
                "/plugins",
                "plugins.list",
                "The plugins of the server.",
                answers={200: Answer("Plugins.", rows_of(PLUGIN))},
                is_read=True,
            ),
            _plugins,
        ),
    ]


_MEDIA = """The file of an item, or a range of it.

An object of a store is answered by a redirect to a signed URL, unless `redirect` is false or its store does not sign; then, and for
files of the server, the bytes come through the server."""

_BEGIN = """Begin to upload files, which `POST /imports` then imports.

`PUT /uploads/{upload}/{name}` sends each file, and the sources of the import name the upload: `upload:ID`, or one file of it as
`upload:ID/NAME`. The files are kept below `uploads/` of the workspace, since its items stay there."""

_PUT = """Send one file of an upload. It is there as a whole or not at all, and a file of that name is replaced."""

_EVENTS = """The job at once and after each change, as server-sent events, until it has ended.

Events are `progress` and, at the end, `end`; the data is the job."""


def handler(operation: Operation, answer: Answering, site: Site) -> Handler:
    """The function that answers the requests of an operation of this module."""

    async def handle(request: Request, path: Mapping[str, str]) -> Response:
        check_writable(operation, site)
        arguments = of_url(operation, request, path) | await _body(operation, request)
        found = answer(site, operation, request, arguments)
        return found if isinstance(found, Response) else await found

    return handle


async def _body(operation: Operation, request: Request) -> dict[str, Any]:
    return {} if operation.upload else await of_body(operation, request)


def _user(request: Request) -> str | None:
    user: str | None = request.scope["heron.user"]
    return user


async def _media(site: Site, operation: Operation, request: Request, given: dict[str, Any]) -> Response:
    member, redirects = given.get("member"), given.get("redirect", True)
    return await media.answered(site, request, given["ref"], member, redirects=redirects)


async def _begin(site: Site, operation: Operation, request: Request, given: dict[str, Any]) -> Response:
    return json_of(wire.dumped(await site.call(request, uploads.begin)), 201)


async def _put(site: Site, operation: Operation, request: Request, given: dict[str, Any]) -> Response:
    place = await site.call(
        request, lambda workspace: uploads.place_of(workspace, given["upload"], given["name"])
    )
    place.parent.mkdir(parents=True, exist_ok=True)
    await files.received(request, place, uploads.LARGEST, inside.receiving(site.path))
    return json_of(None)


def _jobs(site: Site, operation: Operation, request: Request, given: dict[str, Any]) -> Response:
    start, size = opened(given.get("cursor"), "jobs......"), given.get("limit") or 100
    found = site.jobs.list(_user(request))
    following = made("jobs......", start + size) if len(found) > start + size else None
    rows = [job_of(job) for job in found[start : start + size]]
    return json_of(wire.dumped({"rows": rows, "cursor": following}))


async def _workspace(site: Site, operation: Operation, request: Request, given: dict[str, Any]) -> Response:
    def work(workspace: heron.Workspace) -> bytes:
        return wire.dumped(
            {
                "name": workspace.root.name,
                "version": heron.__version__,
                "user": wire.given(workspace.user),
                "read_only": site.read_only,
                "may": workspace.roles.allowed(),
                "items": workspace.search.count(),
            }
        )

    return json_of(await site.call(request, work))


async def _plugins(site: Site, operation: Operation, request: Request, given: dict[str, Any]) -> Response:
    def work(workspace: heron.Workspace) -> bytes:
        rows: Sequence[Any] = [
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "status": plugin.status,
                "contributions": plugin.contributions,
            }
            for plugin in workspace.plugins.statuses
        ]
        return wire.dumped({"rows": rows, "cursor": None})

    return json_of(await site.call(request, work))
