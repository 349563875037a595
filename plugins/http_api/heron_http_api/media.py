"""The bytes of the files of items: by redirect to a signed URL of their store, or through the server, whole or a range."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from attrs import frozen
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

import heron

if TYPE_CHECKING:
    from starlette.requests import Request

    from heron import Site

PIECE = 1024 * 1024
"""The bytes that are read of a store at once."""

SIGNED = 3600
"""The seconds for which a signed URL of a store is good."""

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; img-src 'self' data:",
    "Cache-Control": "private, no-cache",
}
"""What keeps a file that somebody else has made from acting as a page of this server."""


@frozen
class _Place:
    url: str
    name: str
    media_type: str
    size: int | None
    tag: str
    integration: str | None
    signed: str | None


async def answered(
    site: Site, request: Request, ref: Any, member: str | None, *, redirects: bool
) -> Response:
    """The file of an item, or one of its files."""
    place = await site.call(request, lambda workspace: _place(workspace, ref, member, redirects))
    if place.signed is not None:
        return RedirectResponse(place.signed, 307, {"Cache-Control": "no-store"})
    headers = {**SAFE, "Content-Disposition": f"inline; filename*=UTF-8''{quote(place.name)}"}
    parts = urlsplit(place.url)
    if parts.scheme == "file":
        path = Path(url2pathname(parts.path))
        if not path.is_file():
            raise heron.NotFound(
                f"the file of {place.name} is gone",
                hint="heron sync or relocate brings the catalogue up to date",
            )
        return FileResponse(path, headers=headers, media_type=place.media_type)
    return await _through(site, request, place, headers)


def _place(workspace: heron.Workspace, ref: Any, member: str | None, redirects: bool) -> _Place:
    item = workspace.items.get(ref)
    url, size = item.url, item.size
    members = workspace.items.members(item) if member is not None else ()
    if member is not None:
        found = next((each for each in members if each.url == member), None)
        if found is None:
            raise heron.NotFound(
                f"{item.name} has no file {member[:200]}", hint="GET /items/{ref}/members lists them"
            )
        url, size = found.url, found.size
    signed = None
    if redirects and not url.startswith("file:"):
        try:
            signed = workspace.storage.sign(item, SIGNED, member=member)
        except (heron.InvalidInput, heron.PluginError):
            signed = None  # its store does not sign
    by = workspace.storage.of(item)
    tag = f'"{item.etag or item.content_hash or item.modified_at}"'.replace('""', '"')
    return _Place(url, item.name, item.facts.media_type, size, tag, by.uuid if by else None, signed)


async def _through(site: Site, request: Request, place: _Place, headers: Mapping[str, str]) -> Response:
    """The bytes of a store, read piece by piece."""

    def read(start: int, end: int) -> Any:
        return lambda workspace: workspace.storage.open(place.url, place.integration).read(
            place.url, start, end
        )

    size = place.size
    if size is None:
        stat = await site.call(
            request, lambda workspace: workspace.storage.open(place.url, place.integration).stat(place.url)
        )
        size = int(stat.size or 0)
    start, end = range_of(request.headers.get("range"), size)
    is_part = (start, end) != (0, size)
    told = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    if is_part:
        told["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    first = await site.call(request, read(start, min(start + PIECE, end))) if end > start else b""

    async def pieces() -> AsyncIterator[bytes]:
        yield first
        at = start + len(first)
        while at < end:
            piece = await site.call(request, read(at, min(at + PIECE, end)))
            if not piece:
                return
            yield piece
            at += len(piece)

    return StreamingResponse(pieces(), 206 if is_part else 200, told, place.media_type)


class NoSuchRange(heron.InvalidInput):
    """The file does not have this range."""


def range_of(header: str | None, size: int) -> tuple[int, int]:
    """The first byte and the one after the last one that a `Range` asks for; the whole for none, and for several ranges."""
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found[0] == "bytes=-":
        return 0, size
    if not found[1]:
        return max(0, size - int(found[2])), size
    start = int(found[1])
    end = min(size, int(found[2]) + 1) if found[2] else size
    if start >= size or end <= start:
        raise NoSuchRange(f"the file has {size:,} bytes, so there is no range from byte {start:,}")
    return start, end
