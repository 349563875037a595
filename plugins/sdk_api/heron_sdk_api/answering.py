"""Makes HTTP answers of what handlers return and raise, and waits for work that is not done yet."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from heron import HeronError
from heron_sdk_api.calls import HOLD, Call, Pending
from heron_sdk_api.envelopes import RETRIED, Refused, shown_status, v2_error
from heron_sdk_api.signatures import Unauthenticated

if TYPE_CHECKING:
    from heron import Site, Workspace

PAUSE = 0.1
"""Seconds between two looks at work that a long poll waits for."""

_log = logging.getLogger("heron.sdk")


def as_json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of JSON."""
    text = orjson.dumps(content)
    return Response(text, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def status_and_message(site: Site, error: Exception) -> tuple[int, str]:
    """The status of an error, and what it says to the client; what nobody foresaw goes to the log."""
    if isinstance(error, Refused):
        return error.status, error.message
    if isinstance(error, HeronError):
        return shown_status(site.status_of(error)), str(error)
    _log.error("a request to the SDK's API failed", exc_info=error)
    return 500, "something unexpected happened; the log of the server says what"


def retry_headers(status: int) -> dict[str, str]:
    """The headers that tell a client to try again."""
    return {"Retry-After": "1"} if status in RETRIED else {}


async def result_of(
    site: Site, request: Request, call: Callable[[Workspace], Call], handler: Callable[[Call], Any], *, brief: bool = False
) -> Any:  # fmt: skip
    """What a handler gives in the end: work that is not done is looked at again, for as long as the request may wait.

    `brief` says that the handler reads a few rows, as `Site.call` has it.
    """
    result = await site.call(request, lambda ws: handler(call(ws)), brief=brief)
    end: float | None = None
    while isinstance(result, Pending):
        end = end or time.monotonic() + min(result.seconds, HOLD)
        if time.monotonic() >= end or await request.is_disconnected():
            return result.answer
        await asyncio.sleep(PAUSE)
        again = result.again
        result = await site.call(request, lambda ws, again=again: again(call(ws)))  # type: ignore[misc]
    return result


def body_of(content: bytes) -> Any:
    """The JSON of a body, None for an empty one; raises Refused."""
    if not content:
        return None
    try:
        return orjson.loads(content)
    except ValueError as error:
        raise Refused(400, f"the body is not JSON: {error}") from None


def origin_of(request: Request) -> str:
    """The address under which the client reaches the server."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


class Endpoint:
    """An ASGI application for one kind of requests; what goes wrong becomes an answer in the envelope of the API."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except (ClientDisconnect, ConnectionError):
            raise
        except Unauthenticated as error:
            answer = self._refusal(401, f"It is not known who asks: {error}.")
        except Exception as error:
            if type(error).__module__.startswith("heron_server"):
                raise  # a limit of the server, which answers itself
            answer = self._refusal(*status_and_message(self._site, error))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        raise NotImplementedError

    def _refusal(self, status: int, message: str) -> Response:
        return as_json(v2_error(message), status, retry_headers(status))
