"""Items and their metadata with a version: an edit of what somebody else has changed meanwhile is refused."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

import heron
from heron.remote import wire
from heron_http_api.arguments import as_call
from heron_http_api.calling import function_of
from heron_http_api.operations import JSON, Operation

if TYPE_CHECKING:
    from starlette.requests import Request

    from heron import Site

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""What names an item by its UUID; one that is named otherwise can have to be searched."""


def tag_of(content: bytes) -> str:
    """The version of an item, as an `ETag`: it differs whenever anything of its record does."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def check_version(item: heron.Item, expected: str | None) -> None:
    """Raise Changed unless an item has one of the versions of an `If-Match`."""
    if expected is None or expected.strip() == "*" or tag_of(wire.dumped(wire.given(item))) in expected:
        return
    raise heron.Changed(
        f"{item.name} was changed at {wire.given(item.updated_at)}, or is another one than was read",
        hint="read it anew, and decide whether your change still holds",
    )


async def answered(operation: Operation, site: Site, request: Request, arguments: dict[str, Any]) -> Response:
    """Read an item, or change its metadata if it still has the version of `If-Match`; the answer is the item."""
    expected = arguments.pop("If-Match", None)
    assert operation.route is not None
    verb = operation.route.verb

    def work(workspace: Any) -> bytes:
        call = {
            name: wire.resolved(value, workspace) for name, value in as_call(operation, arguments).items()
        }
        if verb == "items.get":
            return wire.dumped(wire.given(workspace.items.get(call["ref"])))
        with workspace.atomic():
            item = workspace.items.get(call["items"])
            check_version(item, expected)
            function_of(workspace, verb)(item, call["metadata"])
            return wire.dumped(wire.given(workspace.items.get(item)))

    brief = verb == "items.get" and _UUID.fullmatch(str(arguments.get("ref"))) is not None
    content = await site.call(request, work, brief=brief)
    headers = {"ETag": tag_of(content), "Cache-Control": "private, no-cache"}
    if request.method in ("GET", "HEAD") and headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=JSON)
