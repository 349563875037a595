"""Asks a server for the result of a verb, by the route of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin

from attrs import evolve

from heron.convert import loads
from heron.errors import InvalidInput
from heron.models import Query
from heron.remote import transfers, wire
from heron.remote.connection import Connection, filled, waited
from heron.remote.table import ROUTES, Route
from heron.remote.verbs import LOCAL, Verb


def asked(connection: Connection, verb: Verb, given: dict[str, Any], route: Route) -> Any:
    """The result of a verb by a request."""
    progress = given.pop("progress", None)
    given = {name: value for name, value in given.items() if name not in LOCAL}
    if verb.takes_parts or isinstance(given.get("query"), str):
        given |= as_parts(given.pop("query", None), given.pop("parts", {}))
    route = _fitting(route, given)
    in_path = {name: wire.sent(given.pop(name, verb.parameters[name].default)) for name in route.in_path}
    path = filled(route.path, in_path)
    rest = {name: wire.sent(value) for name, value in given.items() if name != route.body}
    query: dict[str, Any] | None
    body: Any
    match route.how:
        case "upload":
            return _uploaded(connection, verb, path, rest, given[str(route.body)], progress, route)
        case "download":
            is_in_url = route.method == "GET"
            query, body = (_flat(rest), None) if is_in_url else ({}, rest or None)
            target = given[str(route.body)]
            data = transfers.downloaded(connection, route.method, path, query, body, target)
            return wire.received(data, verb.result)
        case "columns":
            return transfers.columns(connection, verb, path, _flat(rest), given)
    is_in_url = route.method in ("GET", "DELETE")
    query = _flat(rest) if is_in_url else None
    body = None if is_in_url else rest or None
    if route.body is not None:
        query, body = rest, wire.sent(given[route.body])
    ask = (route.method, path, query, body)
    match route.how:
        case "rows":
            return _rows(connection, verb, ask)
        case "job":
            result = waited(connection, connection.json(*ask), teller(verb, progress))
            return wire.received(result, verb.result)
        case "picture":
            return transfers.picture(connection.content(*ask), verb)
        case "bytes":
            return connection.content(*ask)
        case "text":
            return transfers.texts(connection, ask)
    return wire.received(connection.json(*ask), verb.result)


def _fitting(route: Route, given: dict[str, Any]) -> Route:
    """The route of the verb whose fixed parameters are as given; these are taken out."""
    if not route.fixed:
        return route
    wanted = {name: given.pop(name, False) for name in route.fixed}
    return next(each for each in ROUTES if each.verb == route.verb and each.fixed == wanted)


def _rows(connection: Connection, verb: Verb, ask: tuple[Any, ...]) -> Any:
    lines = connection.lines(*ask)
    of = get_args(verb.result)[0]
    rows = (wire.received_row(line, of) for line in lines)
    return rows if get_origin(verb.result) is Iterator else list(rows)


def as_parts(query: Query | str | None, parts: Mapping[str, Any]) -> dict[str, Any]:
    """A query and its parts as the fields that are not as they are by default."""
    whole = Query(text=query) if isinstance(query, str) else query or Query()
    try:
        whole = evolve(whole, **parts)
    except TypeError:
        unknown = next(name for name in parts if name not in _DEFAULTS)
        raise InvalidInput(
            f"a query has no part {unknown!r}", hint=f"it has {', '.join(_DEFAULTS)}"
        ) from None
    return {
        name: getattr(whole, name) for name, default in _DEFAULTS.items() if getattr(whole, name) != default
    }


_DEFAULTS = {part.name: part.default for part in Query.__attrs_attrs__}


def _flat(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a URL: the fields of a query stand beside the others."""
    query = given.get("query") or {}
    parts = {name: value for name, value in query.items() if value != _DEFAULTS[name] and value != []}
    return {**parts, **{name: value for name, value in given.items() if name != "query"}}


def teller(verb: Verb, progress: Callable[..., object] | None) -> Callable[[Mapping[str, Any]], object]:
    """Tell the progress of a job in the way of the verb."""
    if progress is None:
        return lambda told: None

    def tell(told: Mapping[str, Any]) -> None:
        if set(told) == {"done"}:
            progress(told["done"])
        elif set(told) == {"done", "total"}:
            progress(told["done"], told["total"])
        else:
            from heron.ingest.pipeline import Progress

            progress(wire.received_row(told, Progress))

    return tell


def _uploaded(
    connection: Connection,
    verb: Verb,
    path: str,
    rest: dict[str, Any],
    file: Any,
    progress: Any,
    route: Route,
) -> Any:
    name, stream = transfers.file_of(file)
    with stream:
        query = {**rest, "filename": name}
        with connection.opened("POST", path, query, stream) as response:
            content = response.read()
    if response.headers.get("content-type", "").startswith("image/"):
        return transfers.picture(content, verb)
    data = loads(content)
    if route.status == 202:
        data = waited(connection, data, teller(verb, progress))
    return wire.received(data, verb.result)
