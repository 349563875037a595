"""The routes that the plugin brings to the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Mount

from heron_http_api import uploads
from heron_http_api.api import PREFIX, Api

if TYPE_CHECKING:
    from heron import Site


def routes(site: Site) -> Sequence[BaseRoute]:
    """One mount, in which the API finds its own paths."""
    if not site.read_only:
        uploads.forget_unfinished(site.path)
    return [Mount(PREFIX, app=Api(site), name="api")]
