"""Version 1: one address to which every query is posted, and one envelope, of HTTP status 200, for every answer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from heron_sdk_api.answering import Endpoint, as_json, body_of, origin_of, result_of, retry_headers
from heron_sdk_api.calls import Call
from heron_sdk_api.envelopes import RETRIED, Refused, v1_answer, v1_error
from heron_sdk_api.fields import Fields
from heron_sdk_api.rpc_table import QUERIES
from heron_sdk_api.signatures import key_of_query, user_of_query

if TYPE_CHECKING:
    pass

BODY_LIMIT = 64 * 1024 * 1024
"""The longest body of a query, in bytes; its signature can only be checked once it is read."""

_BY_NAME = {(query.resource, query.type, query.method): query for query in QUERIES}


class Version1(Endpoint):
    """Answers the queries of v1."""

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            raise Refused(405, "queries of v1 are posted")
        site, headers = self._site, request.headers
        key = key_of_query(headers)
        if key is None or site.user_of_key(key) is not None:
            request.scope["heron.body_limit"] = BODY_LIMIT
        body = await request.body()
        user = user_of_query(headers, body, site.user_of_key, site.user_of_token)
        request.scope["heron.user"] = user
        given = Fields(body_of(body))
        values = Fields(given.object("values"), "the body.values")
        is_of_user = request.url.path.rstrip("/").endswith("/user")
        resource = "user" if is_of_user else headers.get("resourcetype", "") or "user"
        query = _BY_NAME.get((resource, given.text("query_type"), given.text("query_method")))
        if query is None:
            what = f"{given.text('query_method')} of {given.text('query_type')}"
            raise Refused(405, f"Heron does not have this part of the API: {what[:100]} of a {resource[:40]}")
        call = functools.partial(
            Call,
            site=site,
            user=user,
            origin=origin_of(request),
            path={"resource": headers.get("resourceid", "")},
            body=values.values.get("payload"),
            uid=values.values.get("uid"),
        )
        return as_json(v1_answer(await result_of(site, request, call, _loaded(query.handler))))

    def _refusal(self, status: int, message: str) -> Response:
        return as_json(v1_error(status, message), status if status in RETRIED else 200, retry_headers(status))


@functools.cache
def _loaded(handler: str) -> Callable[[Call], Any]:
    module, _, name = handler.partition(".")
    found: Callable[[Call], Any] = getattr(import_module(f"heron_sdk_api.{module}"), name)
    return found
