"""What each sort of route does: it reads the arguments, calls the verb in a thread, and writes the answer there."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from PIL.PngImagePlugin import PngInfo
from starlette.responses import Response, StreamingResponse

import heron
from heron.remote import verbs, wire
from heron_http_api import columns, editing, files, lines
from heron_http_api.arguments import as_call, of_body, of_url
from heron_http_api.calling import check_places, is_read_only, perform, rows_of
from heron_http_api.errors import told
from heron_http_api.operations import COLUMNS, JPEG, JSON, LINES, MOST_ROWS, Operation
from heron_http_api.working import start_job

if TYPE_CHECKING:
    from starlette.requests import Request

    from heron import Site

Handler = Callable[["Request", Mapping[str, str]], Awaitable[Response]]

NOT_KEPT = {"Cache-Control": "no-store"}


def handler_of(operation: Operation, site: Site) -> Handler:
    """The function that answers the requests of an operation that is a verb."""
    assert operation.route is not None
    answer = _ANSWERS[operation.route.how]

    async def handle(request: Request, path: Mapping[str, str]) -> Response:
        check_writable(operation, site)
        arguments = of_url(operation, request, path) | await _rest(operation, request)
        return await answer(operation, site, request, arguments)

    return handle


def check_writable(operation: Operation, site: Site) -> None:
    """Refuse a write of a server that only reads."""
    if site.read_only and not is_read_only(operation):
        raise heron.PermissionDenied(
            "the server only reads",
            hint="it was started with --read-only; ask who runs it for one that writes",
        )


async def _rest(operation: Operation, request: Request) -> dict[str, Any]:
    return {} if operation.upload else await of_body(operation, request)


def json_of(value: Any, status: int = 200, headers: Mapping[str, str] = NOT_KEPT) -> Response:
    """An answer of JSON; nothing for None."""
    if value is None:
        return Response(status_code=204, headers=dict(headers))
    content = value if isinstance(value, bytes) else wire.dumped(value)
    return Response(content, status, dict(headers), JSON)


async def _call(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    page_size(arguments.get("limit"))

    def work(workspace: Any) -> bytes | None:
        result = wire.answered(perform(workspace, operation, arguments))
        return None if result is None else wire.dumped(result)

    assert operation.route is not None
    return json_of(await site.call(request, work), operation.route.status)


async def _rows(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    names = {given.name for given in operation.given}
    size, cursor = arguments.get("limit"), arguments.pop("cursor", None)
    if LINES in request.headers.get("accept", ""):
        return await _lines(operation, site, request, arguments)
    if "cursor" not in names:

        def all_of_them(workspace: Any) -> bytes:
            return wire.dumped(
                {"rows": list(rows_of(perform(workspace, operation, arguments))), "cursor": None}
            )

        return json_of(await site.call(request, all_of_them))
    mark = _mark(operation, arguments)
    start, size = opened(cursor, mark), page_size(size)
    arguments.pop("limit", None)
    if operation.route is not None and _has_limit(operation):
        arguments["limit"] = start + size + 1

    def work(workspace: Any) -> bytes:
        found = list(islice(perform(workspace, operation, arguments), start, start + size + 1))
        following = made(mark, start + size) if len(found) > size else None
        return wire.dumped({"rows": list(rows_of(found[:size])), "cursor": following})

    return json_of(await site.call(request, work))


async def _lines(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    def work(workspace: Any, spool: lines.Spool) -> None:
        found: Iterator[bytes] = map(wire.dumped, rows_of(perform(workspace, operation, arguments)))
        lines.write_lines(found, spool, lambda error: wire.dumped(told(error)))

    return StreamingResponse(await lines.begun(request, site, work), headers=NOT_KEPT, media_type=LINES)


def _has_limit(operation: Operation) -> bool:
    assert operation.route is not None
    return "limit" in verbs.verb_of(operation.route.verb).parameters


def _mark(operation: Operation, arguments: Mapping[str, Any]) -> str:
    """A text that is the same for all pages of a list, and another one for another list."""
    asked = sorted(
        (name, repr(value)) for name, value in arguments.items() if name not in ("limit", "cursor")
    )
    return hashlib.sha256(repr((operation.name, asked)).encode()).hexdigest()[:10]


def page_size(limit: int | None) -> int:
    """How many rows a page has; raises InvalidInput for too many."""
    if limit is not None and limit > MOST_ROWS:
        raise heron.InvalidInput(
            f"limit is {limit:,}", hint=f"give {MOST_ROWS:,} at most; a page has a cursor for the next"
        )
    return limit or 100


def made(mark: str, place: int) -> str:
    """The cursor of a list for the rows from a place on."""
    return f"{mark}{place:x}"


def opened(cursor: str | None, mark: str) -> int:
    """The place at which the page of a cursor begins; raises QueryError for a damaged one, and for that of another list."""
    if cursor is None:
        return 0
    try:
        place = int(cursor[10:], 16)
    except ValueError:
        place = -1
    if place < 0 or place >= 2**62 or made(mark, place) != cursor:
        raise heron.QueryError(
            "the cursor belongs to another list, or is damaged", hint="take it from the page before"
        )
    return place


async def _job(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    assert operation.route is not None
    verb = operation.route.verb
    await site.call(request, lambda workspace: check_places(workspace, verb, as_call(operation, arguments)))
    return await start_job(
        operation, site, request, lambda workspace, more: perform(workspace, operation, arguments, **more)
    )


async def _picture(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    format = arguments.pop("format", None) or "png"

    def work(workspace: Any) -> bytes:
        return encoded(perform(workspace, operation, arguments), format)

    return kept(await site.call(request, work), f"image/{format}", request)


def encoded(result: Any, format: str) -> bytes:
    """A picture as bytes of a format."""
    stream = io.BytesIO()
    more: dict[str, Any] = {"quality": 90} if format != "png" else {"compress_level": 4}
    if format == "png" and hasattr(result, "groups"):
        more["pnginfo"] = PngInfo()
        more["pnginfo"].add_text("groups", str(result.groups))
    getattr(result, "picture", result).save(stream, format.upper(), **more)
    return stream.getvalue()


def kept(content: bytes, media_type: str, request: Request) -> Response:
    """An answer that browsers keep: for good if the URL names a version, and until they have asked again otherwise."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    for_good = "version" in request.query_params
    headers = {
        "ETag": tag,
        "Cache-Control": "private, max-age=31536000, immutable" if for_good else "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


async def _bytes(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    content = await site.call(request, lambda workspace: perform(workspace, operation, arguments))
    if content is None:
        return json_of(None)
    return kept(content, JPEG, request)


async def _text(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    def work(workspace: Any, spool: lines.Spool) -> None:
        for piece in perform(workspace, operation, arguments):
            spool.write(piece.encode())

    return StreamingResponse(
        await lines.begun(request, site, work), headers=NOT_KEPT, media_type="text/plain; charset=utf-8"
    )


async def _columns(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    wanted = arguments.pop("columns", None)

    def work(workspace: Any, spool: lines.Spool) -> None:
        for piece in columns.written(perform(workspace, operation, arguments), wanted):
            spool.write(piece)

    return StreamingResponse(await lines.begun(request, site, work), headers=NOT_KEPT, media_type=COLUMNS)


_ANSWERS: Mapping[str, Callable[[Operation, Any, Any, dict[str, Any]], Awaitable[Response]]] = {
    "call": _call,
    "rows": _rows,
    "job": _job,
    "picture": _picture,
    "bytes": _bytes,
    "text": _text,
    "upload": files.taken,
    "download": files.given,
    "columns": _columns,
    "edit": editing.answered,
}
