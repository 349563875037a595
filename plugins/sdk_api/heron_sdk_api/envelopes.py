"""The errors of the API: their statuses, and the envelopes of v1 and v2."""

from __future__ import annotations

from typing import Any

from heron import HeronError

_CODES = {
    400: "INVALID_ARGUMENTS_ERROR",
    401: "AUTHENTICATION_ERROR",
    403: "AUTHORISATION_ERROR",
    404: "RESOURCE_NOT_FOUND_ERROR",
    405: "METHOD_NOT_ALLOWED_ERROR",
    409: "RESOURCE_EXISTS_ERROR",
    429: "RATE_LIMIT_ERROR",
}

_AS_400 = (422, 424)
"""Statuses that the client takes for unknown; it shows the message of a 400."""

RETRIED = (429, 503)
"""Statuses that the client tries again; they are the HTTP status in v1 too."""


class Refused(HeronError):
    """A request that is refused with a certain status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def shown_status(status: int) -> int:
    """The status that a client of this API understands."""
    return 400 if status in _AS_400 else status


def v2_error(message: str) -> dict[str, Any]:
    """The body of an error of v2."""
    return {"message": message}


def v1_error(status: int, message: str) -> dict[str, Any]:
    """The body of an error of v1, which travels as HTTP 200."""
    return {"status": status, "response": [_CODES.get(status, "UNKNOWN_ERROR")], "payload": message}


def v1_answer(response: Any) -> dict[str, Any]:
    """The body of an answer of v1."""
    return {"status": 200, "response": response}
