"""The answers that the server gives itself: errors, as JSON."""

from __future__ import annotations

import json

from starlette.responses import Response

import heron
from heron_server.statuses import RETRY_AFTER, status_of


def problem(status: int, kind: str, message: str, hint: str | None = None) -> Response:
    """The answer to a request that failed: `{"error": {"type", "message", "hint"}}`."""
    content = json.dumps({"error": {"type": kind, "message": message, "hint": hint}}, ensure_ascii=False)
    headers = {"Cache-Control": "no-store"}
    if status in RETRY_AFTER:
        headers["Retry-After"] = RETRY_AFTER[int(status)]
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="heron"'
    return Response(content.encode("utf-8", "replace"), status, headers, "application/json")


def of_error(error: heron.HeronError) -> Response:
    """The answer for an error that is meant for people."""
    return problem(status_of(error), type(error).__name__, error.message, error.hint)
