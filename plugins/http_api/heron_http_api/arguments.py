"""The arguments of a verb from a request: from its path, its query, its headers and its body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import heron
from heron.remote import verbs, wire
from heron_http_api.operations import Given, Operation

if TYPE_CHECKING:
    from starlette.requests import Request

PATIENT = 16 * 1024 * 1024
"""The largest body of JSON, in bytes."""

_WHOLE = re.compile(r"-?[0-9]{1,19}")
_FEW = 2**63


class WrongType(heron.InvalidInput):
    """The body is of a type that the route does not take."""


def of_url(operation: Operation, request: Request, path: Mapping[str, str]) -> dict[str, Any]:
    """The arguments in the path, the query and the headers; raises InvalidInput for wrong, missing and unknown ones."""
    found: dict[str, Any] = {}
    query = request.query_params
    known = {given.name for given in operation.given if given.place == "query"}
    unknown = sorted(
        name for name in query if name not in known and name != "signature" and not name.startswith("heron-")
    )
    if unknown:
        raise heron.InvalidInput(
            f"unknown {', '.join(map(repr, unknown))[:200]} in the query of the URL",
            hint=f"{operation.path} takes {', '.join(sorted(known)) or 'nothing'}",
        )
    for given in operation.given:
        if given.place == "path":
            found[given.name] = wire.taken(of_text([path[given.name]], given), given.kind, given.name)
        elif given.place == "header":
            if (text := request.headers.get(given.name)) is not None:
                found[given.name] = text
        elif texts := query.getlist(given.name):
            found[given.name] = wire.taken(of_text(texts, given), given.kind, given.name)
        elif given.is_required:
            raise heron.InvalidInput(
                f"{given.name} is missing in the query of the URL", hint=given.about or None
            )
    return checked(found)


def of_text(texts: list[str], given: Given) -> Any:
    """The value that texts of a URL mean for a parameter, as JSON would give it."""
    kinds = get_args(given.kind) if wire.is_union(given.kind) else (given.kind,)
    if any(wire.is_array(kind) for kind in kinds) or (verbs.Things in kinds and len(texts) > 1):
        return texts
    if len(texts) > 1:
        raise heron.InvalidInput(f"{given.name} is in the URL {len(texts)} times", hint="give it once")
    text = texts[0]
    if bool in kinds and text in ("true", "false"):
        return text == "true"
    if int in kinds and _WHOLE.fullmatch(text):
        return int(text)
    if float in kinds:
        try:
            return float(text)
        except ValueError:
            return text
    if text.startswith("{") and any(wire.is_object(kind) for kind in kinds):
        return wire.parsed(text.encode())
    for kind in kinds:
        if get_origin(kind) is Literal and text not in get_args(kind):
            raise heron.InvalidInput(f"{given.name}: expected {wire.expected(kind)}, got {text!r:.60}")
    return text


async def of_body(operation: Operation, request: Request) -> dict[str, Any]:
    """The arguments in a JSON body; raises InvalidInput for wrong, missing and unknown ones."""
    if operation.body is None and operation.whole is None:
        if await request.body() not in (b"", b"{}"):
            raise heron.InvalidInput(f"{operation.method} {operation.path} takes no body")
        return {}
    request.scope.setdefault("heron.body_limit", PATIENT)
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind not in ("application/json", "application/merge-patch+json"):
        raise WrongType(
            f"the body is {kind or 'of no type'}, not JSON", hint="send Content-Type: application/json"
        )
    data = wire.parsed(body) if body else {}
    if operation.whole is not None:
        assert operation.route is not None and operation.route.body is not None
        return {operation.route.body: wire.taken(data, operation.whole, operation.route.body)}
    parameters = operation.body or {}
    if not isinstance(data, dict):
        raise heron.InvalidInput(f"the body is {_word(data)}, not an object with {', '.join(parameters)}")
    if unknown := [name for name in data if name not in parameters]:
        raise heron.InvalidInput(
            f"unknown {', '.join(map(repr, sorted(unknown)))[:200]} in the body",
            hint=f"it takes {', '.join(parameters)}",
        )
    found = {}
    for name, parameter in parameters.items():
        if name in data:
            found[name] = wire.taken(data[name], parameter.type, name)
        elif parameter.is_required:
            raise heron.InvalidInput(
                f"{name} is missing in the body", hint=f"expected {wire.expected(parameter.type)}"
            )
    return checked(found)


def checked(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments; raises InvalidInput for numbers that no verb can mean."""
    for name, value in arguments.items():
        if type(value) is int and not -_FEW < value < _FEW:
            raise heron.InvalidInput(f"{name} is {value:.3e}, beyond 64 bits")
        if name == "limit" and value is not None and value < 1:
            raise heron.InvalidInput(f"limit is {value:,}", hint="give 1 or more")
    return arguments


def as_call(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with which the verb is called: the fields of a query are made a query."""
    route = operation.route
    assert route is not None
    verb = verbs.verb_of(route.verb)
    own = {name: value for name, value in arguments.items() if name in verb.parameters}
    others = {name: value for name, value in arguments.items() if name not in verb.parameters}
    if verb.takes_others:
        own |= others.get("parameters", {})
    elif takes_query(operation) and "query" not in own:
        fields = {name: value for name, value in others.items() if name in QUERY}
        if fields:
            own["query"] = heron.Query(**fields)
    return own | dict(route.fixed)


def takes_query(operation: Operation) -> bool:
    """Whether the fields of a query are parameters of an operation, one by one."""
    names = {given.name for given in operation.given} | set(operation.body or {})
    return "where" in names


QUERY = frozenset(part.name for part in heron.Query.__attrs_attrs__)
"""The names of the fields of a query."""


def _word(data: object) -> str:
    words = {list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return words.get(type(data), "a number")
