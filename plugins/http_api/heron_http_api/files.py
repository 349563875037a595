"""Files as bodies: those that a verb reads are sent by the client, and those that a verb writes are sent to it."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

import heron
from heron.remote import inside, verbs, wire
from heron_http_api import uploads
from heron_http_api.calling import check_manifest, perform
from heron_http_api.operations import Operation
from heron_http_api.working import start_job

if TYPE_CHECKING:
    from starlette.requests import Request

    from heron import Site

LARGEST = 16 * 1024**3
"""The largest file that a verb reads, in bytes."""

HERE = b"{here}"
"""What stands in results for the folder into which the file is written, which is the client's."""

_NAME = re.compile(r"[^/\\\x00-\x1f]{1,200}")


def named(given: str) -> str:
    """The name of a file without folders; raises InvalidInput for one that is none."""
    if not _NAME.fullmatch(given) or given in (".", "..") or not given.isprintable():
        raise heron.InvalidInput(
            f"filename: {given[:60]!r} is not the name of a file", hint="give one such as rows.csv"
        )
    return given


async def taken(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    """Keep the body as a temporary file, and call the verb with it."""
    assert operation.route is not None and operation.route.body is not None
    name, is_kept = named(arguments.pop("filename")), operation.route.status == 202
    folder = site.path / uploads.FOLDER / uuid4().hex if is_kept else Path(tempfile.mkdtemp(prefix="heron-"))
    folder.mkdir(
        parents=True, exist_ok=True
    )  # a manifest is kept, since an import that is resumed reads it again
    try:
        path = folder / name
        await received(request, path, LARGEST, inside.receiving(site.path) if is_kept else None)
        given = {operation.route.body: str(path)}

        def work(workspace: Any, more: dict[str, Any]) -> Any:
            if operation.route is not None and operation.route.verb == "ingest.manifest":
                named = arguments.get("integration") is not None
                check_manifest(workspace, path, arguments.get("format"), has_integration=named)
            return perform(workspace, operation, arguments | given, **more)

        if is_kept:
            return await start_job(operation, site, request, work)
        result = await site.call(request, lambda workspace: _encoded(work(workspace, {})))
        return Response(result[0], headers={"Cache-Control": "no-store"}, media_type=result[1])
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)


def _encoded(result: Any) -> tuple[bytes, str]:
    from heron_http_api.answering import encoded

    if hasattr(result, "save"):
        return encoded(result, "png"), "image/png"
    return wire.dumped(wire.answered(result)), "application/json"


async def received(request: Request, path: Path, largest: int, part: Path | None = None) -> int:
    """Write the body of a request into a file, and return its length; a body that is cut short leaves nothing.

    It is written to `part`, on the same disk, until it has come as a whole.
    """
    request.scope["heron.body_limit"] = largest
    size = 0
    part = part or path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream:
            async for piece in pieces_of(request):
                size += len(piece)
                if size > largest:
                    raise heron.InvalidInput(f"the file is larger than {largest:,} bytes")
                stream.write(piece)
        expected = request.headers.get("content-length")
        if expected is not None and expected.isdecimal() and int(expected) != size:
            raise heron.InvalidInput(f"the body is cut short: {size:,} of {int(expected):,} bytes")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return size


async def pieces_of(request: Request) -> AsyncIterator[bytes]:
    """The body of a request as it comes; raises InvalidInput if the client goes away."""
    from starlette.requests import ClientDisconnect

    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise heron.InvalidInput("the body is cut short: the client went away") from None


async def given(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    """Let the verb write into a temporary folder, and send what it wrote; several files are a ZIP archive."""
    assert operation.route is not None and operation.route.body is not None
    name = arguments.pop("filename", None)
    filename, body = named(name) if name is not None else None, operation.route.body
    if filename is not None and "remembered_as" in verbs.verb_of(operation.route.verb).parameters:
        arguments.setdefault("remembered_as", filename)  # the path here is that of a temporary folder
    folder = Path(tempfile.mkdtemp(prefix="heron-"))

    def work(workspace: Any) -> tuple[Path, dict[str, str]]:
        own = filename or _named_for(workspace, arguments)
        path = folder / "made" / own
        path.parent.mkdir()
        result = perform(workspace, operation, arguments | {body: path})
        told = wire.dumped(wire.answered(result)).replace(wire.dumped(str(path.parent))[1:-1], HERE)
        headers = {"Heron-Result": quote(told)}
        several = list(path.parent.iterdir())
        if path.is_dir() or len(several) > 1:
            top = path if path.is_dir() else path.parent
            headers["Heron-Files"] = "folder" if path.is_dir() else "files"
            shutil.make_archive(str(folder / own), "zip", top)
            return folder / f"{own}.zip", headers
        return path, headers

    try:
        path, told = await site.call(request, work)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if not path.exists():
        shutil.rmtree(folder, ignore_errors=True)
        return Response(status_code=204, headers={"Cache-Control": "no-store", **told})
    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
    }
    return FileResponse(path, headers=headers | told, filename=path.name, background=gone)


def _named_for(workspace: Any, arguments: dict[str, Any]) -> str:
    """The name of an export, which is that of its dataset and its format."""
    title = workspace.datasets.get(arguments["dataset"]).title
    stem = "".join(c if c.isalnum() or c in "-_ " else "_" for c in title)[:80].strip() or "dataset"
    return f"{stem}.{arguments.get('format') or 'json'}"
