"""The bytes that signed addresses lead to: files of items, their metadata, and files that a client uploads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from heron import HeronError, PermissionDenied, Workspace
from heron_sdk_api.answering import Endpoint, as_json
from heron_sdk_api.calls import Call
from heron_sdk_api.envelopes import Refused
from heron_sdk_api.fields import as_uuid
from heron_sdk_api.uploaded import Uploaded
from heron_sdk_api.wire import Wire

if TYPE_CHECKING:
    from heron import Item

PIECE = 1024 * 1024
"""Bytes that are read from a storage at once."""

LONGEST = 2**42
"""The largest file that can be uploaded, in bytes."""

_SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
"""Headers with which a browser runs nothing of a file."""


class _Signed(Endpoint):
    """Answers requests whose path is signed, as the user for whom it was signed."""

    async def _answer(self, request: Request) -> Response:
        signed = self._site.signed_user(request)
        if signed is None:
            raise PermissionDenied("this address has to be signed")
        request.scope["heron.user"] = signed.user
        return await self._signed(request)

    async def _signed(self, request: Request) -> Response:
        raise NotImplementedError


def _item_of(request: Request) -> UUID:
    return as_uuid(request.path_params["item"], "the item in the path")


class Metadata(_Signed):
    """The metadata of an item."""

    async def _signed(self, request: Request) -> Response:
        uuid, user = _item_of(request), request.scope["heron.user"]

        def read(ws: Workspace) -> object:
            return Wire(Call(ws, self._site, user, "")).metadata(ws.items.get(uuid))

        return as_json(await self._site.call(request, read))


class File(_Signed):
    """The file of an item; a local one in ranges too."""

    async def _signed(self, request: Request) -> Response:
        uuid = _item_of(request)
        item: Item = await self._site.call(request, lambda ws: ws.items.get(uuid))
        parts = urlsplit(item.url)
        if parts.scheme == "file" and not parts.fragment:
            path = Path(unquote(parts.path))
            if not path.is_file():
                raise Refused(404, f"the file of {item.name} is not there any more")
            return FileResponse(path, headers=_SAFE, media_type=item.facts.media_type, filename=item.name)
        first = await self._read(request, item, 0)
        headers = {**_SAFE, "Content-Disposition": "attachment"}
        return StreamingResponse(self._pieces(request, item, first), 200, headers, item.facts.media_type)

    async def _pieces(self, request: Request, item: Item, piece: bytes) -> AsyncIterator[bytes]:
        at = 0
        while piece:
            yield piece
            at += len(piece)
            if len(piece) < PIECE:
                return
            piece = await self._read(request, item, at)

    async def _read(self, request: Request, item: Item, at: int) -> bytes:
        def read(ws: Workspace) -> bytes:
            content: bytes = ws.storage.open(item.url, ws.storage.of(item)).read(item.url, at, PIECE)
            return content

        return await self._site.call(request, read)


class Upload(_Signed):
    """Takes the bytes of a file that was announced; they count once all of them are on disk."""

    async def _signed(self, request: Request) -> Response:
        if self._site.read_only:
            raise PermissionDenied("this server only reads")
        uuid = as_uuid(request.path_params["upload"], "the upload in the path")
        request.scope["heron.body_limit"] = LONGEST
        place = Uploaded(self._site.path).place(uuid)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f"{place.name}.{os.getpid()}-{id(request)}.part")
        try:
            await self._take(request, part)
            part.replace(place)
        except OSError as error:
            raise HeronError(f"the file cannot be kept: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)
        return as_json(None)

    async def _take(self, request: Request, part: Path) -> None:
        length, count = request.headers.get("content-length"), 0
        with part.open("wb") as file:
            async for piece in request.stream():
                file.write(piece)
                count += len(piece)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        if length is not None and length.isdecimal() and count != int(length):
            raise Refused(400, f"{count} of {length} bytes arrived")
