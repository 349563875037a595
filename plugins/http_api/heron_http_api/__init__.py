"""Heron's own HTTP API for `heron serve`: every verb of the Python API under `/api/v1`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import heron


def load_routes() -> Callable[[heron.Site], Sequence[Any]]:
    """The function that makes the routes of one server."""
    from heron_http_api.routes import routes

    return routes


@heron.hookimpl
def register_routes() -> Iterable[heron.Routes]:
    """Contribute the routes of the API."""
    yield heron.Routes(
        name="api",
        summary="Heron's own API under /api/v1, with its description in OpenAPI 3.1",
        requires=["starlette"],
        extra="serve",
        load=load_routes,
    )
