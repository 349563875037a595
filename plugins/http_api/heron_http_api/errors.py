"""Errors as answers: the class, the message and the hint of the Python API, with the status of the server's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import heron
from heron_http_api.arguments import WrongType

if TYPE_CHECKING:
    from heron import Site

NO_SUCH_ROUTE, NO_SUCH_METHOD, WRONG_TYPE, CHANGED = 404, 405, 415, 412


class NoSuchRoute(heron.NotFound):
    """There is no such path."""


class NoSuchMethod(heron.InvalidInput):
    """The path does not take this method; `allowed` are those that it takes."""

    allowed: tuple[str, ...] = ()


def status_of(error: Exception, site: Site) -> int:
    """The status of the answer to a request that ended with an error."""
    own: dict[type[Exception], int] = {
        NoSuchRoute: NO_SUCH_ROUTE,
        NoSuchMethod: NO_SUCH_METHOD,
        WrongType: WRONG_TYPE,
        heron.Changed: CHANGED,
    }
    return own.get(type(error)) or site.status_of(error)


def told(error: heron.HeronError) -> dict[str, Any]:
    """An error as plain data, in the form in which the server tells its own."""
    name = type(error).__name__ if type(error).__name__ in heron.__all__ else _public(type(error))
    found: dict[str, Any] = {"type": name, "message": error.message, "hint": error.hint}
    more = ("place", "url", "position")
    return {"error": found | {part: getattr(error, part) for part in more if getattr(error, part, None)}}


def headers_of(error: Exception, status: int) -> Mapping[str, str]:
    """The headers of an answer with an error."""
    if isinstance(error, NoSuchMethod):
        return {"Allow": ", ".join(error.allowed)}
    return {"Retry-After": "1"} if status in (429, 503) else {}


def _public(kind: type) -> str:
    """The nearest class that has a public name."""
    return next(base.__name__ for base in kind.__mro__ if base.__name__ in heron.__all__)
