"""The API that the official SDK of the hosted product speaks, so that its scripts run against a Heron server unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from heron import Routes, hookimpl


@hookimpl
def register_routes() -> Iterator[Routes]:
    """The routes `/public`, `/public/user` and `/v2/public`."""
    yield Routes(
        name="sdk",
        summary="the API that the official SDK speaks",
        load=_routes,
        requires=("cryptography", "starlette"),
        extra="sdk",
        authenticates=True,
    )


def _routes() -> Callable[[Any], Any]:
    from heron_sdk_api.routes import routes

    return routes
