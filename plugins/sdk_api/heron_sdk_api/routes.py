"""The routes: v2 at `/v2/public`, v1 at `/public`, and the files that signed addresses lead to."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from heron_sdk_api import files, rpc
from heron_sdk_api.answering import Endpoint, as_json, body_of, origin_of, result_of
from heron_sdk_api.calls import Call
from heron_sdk_api.fields import Query
from heron_sdk_api.operations import found
from heron_sdk_api.signatures import Head, check_body, user_of_head

if TYPE_CHECKING:
    from heron import Site

BODY_LIMIT = 256 * 1024 * 1024
"""The longest body, in bytes, of a request whose head is signed: 1,000 items with embeddings need much."""

BRIEF = ("items.get", "folders.get")
"""Handlers that read a few rows, unless an address is signed, for which a driver can have to be loaded."""


def routes(site: Site) -> Sequence[BaseRoute]:
    """The routes of a site."""
    return [
        Route("/v2/public/heron/uploads/{upload}", files.Upload(site), methods=["PUT"]),
        Route("/v2/public/heron/files/{item}", files.File(site), methods=["GET"]),
        Route("/v2/public/heron/metadata/{item}", files.Metadata(site), methods=["GET"]),
        Route("/v2/public/{rest:path}", Version2(site)),
        *(
            Route(path, rpc.Version1(site))
            for path in ("/public", "/public/", "/public/user", "/public/user/", "//public", "//public/user")
        ),
    ]


class Version2(Endpoint):
    """Answers the requests of v2."""

    async def _answer(self, request: Request) -> Response:
        path = request.scope.get("raw_path", request.scope["path"].encode()).decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        head = Head(request.method, f"{path}?{query}" if query else path, request.headers)
        user = user_of_head(head, self._site.user_of_key, self._site.user_of_token)
        operation, parts = found(request.method, path)
        request.scope["heron.user"] = user
        request.scope["heron.body_limit"] = BODY_LIMIT
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        body = await request.body() if has_body else b""
        check_body(request.headers, body)
        parameters = Query(query)
        call = functools.partial(
            Call,
            site=self._site,
            user=user,
            origin=origin_of(request),
            path=parts,
            query=parameters,
            body=body_of(body) if request.method not in ("GET", "DELETE") else None,
        )
        brief = operation.handler in BRIEF and not parameters.flag("signUrl")
        result = await result_of(self._site, request, call, _loaded(operation), brief=brief)
        return result if isinstance(result, Response) else as_json(result)


@functools.cache
def _loaded(operation: Any) -> Any:
    return operation.load()
