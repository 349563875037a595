"""The application of the API: it finds the operation of a path and a method, and tells errors as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response

import heron
from heron.remote import table, wire
from heron_http_api import own, viewer
from heron_http_api.answering import Handler, handler_of
from heron_http_api.errors import NoSuchMethod, NoSuchRoute, headers_of, status_of, told
from heron_http_api.operations import Operation, of_route

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from heron import Site

PREFIX = "/api/v1"


@define
class _Node:
    """One part of paths: what follows it, and the operations that end here, by method."""

    parts: dict[str, _Node] = field(factory=dict)
    any_part: _Node | None = None
    methods: dict[str, Operation] = field(factory=dict)


def operations() -> dict[str, Operation]:
    """All operations, by name."""
    found = [of_route(route) for route in table.ROUTES] + [operation for operation, _ in own.own_operations()]
    return {operation.name: operation for operation in found}


class Api:
    """All operations under one prefix. Parts of paths are decoded one by one, so that `%2F` belongs to a name."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._operations = operations()
        self._own = {operation.name: answer for operation, answer in own.own_operations()}
        self._handlers: dict[str, Handler] = {}
        self._root = _Node()
        for operation in self._operations.values():
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        node = self._root
        for part in operation.path.strip("/").split("/"):
            if part.startswith("{"):
                node.any_part = node.any_part or _Node()
                node = node.any_part
            else:
                node = node.parts.setdefault(part, _Node())
        assert operation.method not in node.methods, f"{operation.method} {operation.path} is there twice"
        node.methods[operation.method] = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except heron.HeronError as error:
            status = status_of(error, self._site)
            response = Response(
                wire.dumped(told(error)),
                status,
                {"Cache-Control": "no-store", **headers_of(error, status)},
                "application/json",
            )
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        parts = parts_of(request.scope)
        if (page := viewer.page(parts, request.method, self._operations)) is not None:
            return page
        methods = _found(self._root, parts)
        if not methods:
            raise NoSuchRoute(
                f"there is no {PREFIX}/{'/'.join(parts)}"[:300], hint=f"{PREFIX}/openapi.json lists all paths"
            )
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            error = NoSuchMethod(
                f"the path does not take {request.method}", hint=f"it takes {', '.join(sorted(methods))}"
            )
            error.allowed = tuple(sorted(methods))
            raise error
        operation = methods[method]
        names = [part[1:-1] for part in operation.path.strip("/").split("/")]
        pattern = operation.path.strip("/").split("/")
        path = {
            name: part for name, part, form in zip(names, parts, pattern, strict=True) if form.startswith("{")
        }
        return await self._handler(operation)(request, path)

    def _handler(self, operation: Operation) -> Handler:
        name = operation.name
        if name not in self._handlers:
            answer = self._own.get(name)
            self._handlers[name] = (
                own.handler(operation, answer, self._site) if answer else handler_of(operation, self._site)
            )
        return self._handlers[name]


def parts_of(scope: Mapping[str, Any]) -> list[str]:
    """The parts of the path behind the prefix, decoded; raises InvalidInput for one that is not UTF-8."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    _, _, rest = raw.partition(PREFIX.encode())
    rest = rest.partition(b"?")[0]
    try:
        return [
            unquote(part.decode("ascii"), errors="strict") for part in rest.removeprefix(b"/").split(b"/")
        ]
    except UnicodeDecodeError:
        raise heron.InvalidInput("the path is not UTF-8", hint="encode it with percent signs") from None


def _found(node: _Node, parts: list[str]) -> Mapping[str, Operation]:
    """The operations of a path by method; parts that are written out come before parameters."""
    if not parts:
        return node.methods
    first, rest = parts[0], parts[1:]
    if first in node.parts and (found := _found(node.parts[first], rest)):
        return found
    return _found(node.any_part, rest) if node.any_part is not None and first else {}
