"""The operations of the API: each route with its parameters, its body, and what it answers with which status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from attrs import Attribute, field, fields, frozen

from heron import Query
from heron.remote import table, verbs, wire

Place = Literal["path", "query", "header"]

JSON = "application/json"
LINES = "application/x-ndjson"
PNG, JPEG, BYTES = "image/png", "image/jpeg", "application/octet-stream"
COLUMNS = "application/vnd.heron.columns"

MOST_ROWS = 10_000
"""The most rows of one page."""


@frozen
class Given:
    """One parameter of an operation: where it stands, its type, and whether it has to be given."""

    name: str
    place: Place
    kind: Any
    is_required: bool = False
    about: str = ""


@frozen
class Answer:
    """What a status means, and the types of what is sent; `kind` is the type of the JSON, `lines` those of a line."""

    about: str
    kind: Any = None
    media: Sequence[str] = ()
    lines: Any = None


@frozen
class Operation:
    """One method of one path. `body` are the fields of a JSON object, or one type for a body of another sort."""

    method: str
    path: str
    name: str
    about: str
    given: tuple[Given, ...] = ()
    body: Mapping[str, verbs.Parameter] | None = field(default=None, hash=False)
    whole: Any = None
    upload: str = ""
    answers: Mapping[int, Answer] = field(factory=dict, hash=False)
    route: table.Route | None = None
    is_read: bool = False

    @property
    def tag(self) -> str:
        """The first part of its path."""
        return self.path.strip("/").partition("/")[0].partition(":")[0]


READS_BY_POST = {"search", "count", "facets", "stats", "compare"}
"""Verbs of these services change nothing, whatever the method of their route."""

ONLY_READ = {"roles.allowed", "items.get_all", "items.uses"}
"""Further verbs that change nothing, although their routes take a body."""

_PARTS: list[Attribute[Any]] = list(fields(Query))

PAGE = (
    Given("limit", "query", int, about=f"How many rows a page has: 1 to {MOST_ROWS:,}, by default 100."),
    Given("cursor", "query", str, about="The cursor of the page before."),
)


VERSION = Given(
    "version",
    "query",
    str,
    about="Any text that changes with the item, such as its `etag`: browsers then keep the answer for good.",
)


def of_route(route: table.Route) -> Operation:
    """The operation of a route of the table."""
    verb = verbs.verb_of(route.verb)
    in_path = tuple(Given(name, "path", verb.parameters[name].type, True) for name in route.in_path)
    left = {
        name: parameter
        for name, parameter in verb.parameters.items()
        if name not in (*route.in_path, route.body, *route.fixed, *_ON_DISK.get(route.verb, ()))
    }
    in_query = route.method in ("GET", "DELETE") or route.how in ("upload", "edit")
    given = (*in_path, *(_in_query(left) if in_query else ()), *_of_how(route, left))
    body = None if in_query else _body(verb, left)
    whole = (
        verb.parameters[route.body].type if route.body and route.how not in ("upload", "download") else None
    )
    if whole is not None:
        body = None
    return Operation(
        route.method,
        route.path,
        _name(route),
        verb.about,
        given,
        body if body or whole is not None else None,
        whole,
        BYTES if route.how == "upload" else "",
        _answers(route, verb),
        route,
        route.method == "GET" or verb.service in READS_BY_POST or route.verb in ONLY_READ,
    )


_ON_DISK = {"vector_files.export_file": ("ids",)}
"""Parameters that are further files of the machine on which the verb runs."""


def _name(route: table.Route) -> str:
    """The operation's unique name, such as `items.get`."""
    name = route.verb.removesuffix(".__call__")
    shorthand = {
        ("GET", "search"): "items.search",
        ("DELETE", "items.delete"): "items.delete_one",
        ("GET", "items.uses"): "items.uses_of_one",
    }
    named = shorthand.get((route.method, name), name)
    if route.how == "edit" and route.verb.startswith("metadata."):
        return named.replace("_all", "_one")
    return f"{named}.merge" if route.fixed.get("merge") else named


def _in_query(left: Mapping[str, verbs.Parameter]) -> Sequence[Given]:
    """Parameters of the query of a URL; a `Query` is given by its fields, of which those of the verb come first."""
    found = {}
    for name, parameter in left.items():
        if not is_query(parameter.type):
            found[name] = Given(name, "query", parameter.type, parameter.is_required)
    if any(is_query(parameter.type) for parameter in left.values()):
        for part in _PARTS:
            kind = list[str] if part.name == "like" else part.type
            found.setdefault(part.name, Given(part.name, "query", verbs.evaluated(kind, verbs.Names({}))))
    return list(found.values())


def _body(verb: verbs.Verb, left: Mapping[str, verbs.Parameter]) -> dict[str, verbs.Parameter]:
    """The fields of a JSON body; where a verb takes the fields of a query one by one, they stand among them."""
    fields_of = dict(left)
    if verb.takes_parts:
        fields_of.pop("query", None)
        for part in _PARTS:
            kind = (
                (str | list[Any] | None)
                if part.name == "like"
                else verbs.evaluated(part.type, verbs.Names({}))
            )
            fields_of.setdefault(part.name, verbs.Parameter(part.name, kind, None, True))
    if verb.takes_others:
        fields_of["parameters"] = verbs.Parameter("parameters", dict[str, Any], {}, True)
    return fields_of


def is_query(kind: Any) -> bool:
    """Whether a type is a query, or one among others."""
    return kind is Query or (
        wire.is_union(kind) and Query in get_args(kind) and verbs.Things not in get_args(kind)
    )


def _of_how(route: table.Route, left: Mapping[str, verbs.Parameter]) -> Sequence[Given]:
    """Parameters that are not of the verb."""
    match route.how:
        case "rows" if route.method == "GET":
            return [each for each in PAGE if each.name not in left]
        case "picture":
            formats = Literal["png", "jpeg", "webp"]
            about = "How the picture is written; `png` if it is not given."
            return [
                Given("format", "query", formats, about=about),
                *([VERSION] if route.method == "GET" else []),
            ]
        case "bytes":
            return [VERSION]
        case "upload":
            about = "The name of the file; its suffix says what it is."
            return [Given("filename", "query", str, True, about)]
        case "download":
            about = "The name of the file that is made; its suffix says the format."
            return [Given("filename", "query", str, route.verb != "export", about)]
        case "edit" if route.method != "GET":
            about = "The `ETag` of the item as it was read: 412 if it was changed since."
            return [Given("If-Match", "header", str, about=about)]
        case "columns" if route.verb == "projections.points":
            about = "Columns to send, of x, y, uuid, name, frame and value, separated by commas; all if not given."
            return [Given("columns", "query", str, about=about)]
    return []


def _answers(route: table.Route, verb: verbs.Verb) -> Mapping[int, Answer]:
    kind = verb.result
    may_be_nothing = wire.is_union(kind) and type(None) in get_args(kind)
    match route.how:
        case "job":
            return {202: Answer("The job that does it; its result is that of the verb.", kind=JOB)}
        case "upload" if route.status == 202:
            return {202: Answer("The job that does it; its result is that of the verb.", kind=JOB)}
        case "upload" if kind is verbs.Image:
            return {200: Answer("The picture.", media=[PNG])}
        case "rows":
            of = get_args(kind)[0]
            return {
                200: Answer(
                    "The rows, or with `Accept: application/x-ndjson` all of them, one a line.",
                    kind,
                    lines=of,
                )
            }
        case "picture":
            return {
                200: Answer("The picture.", media=[PNG, JPEG, "image/webp"]),
                304: Answer("It is unchanged."),
            }
        case "bytes":
            none = Answer("There is no picture of it.")
            return {200: Answer("The JPEG.", media=[JPEG]), 204: none, 304: Answer("It is unchanged.")}
        case "text":
            return {200: Answer("The text.", media=["text/plain"])}
        case "download":
            nothing = Answer("There was nothing to write; `Heron-Result` says why.")
            file = {200: Answer("The file; a folder is a ZIP archive.", media=["*/*"])}
            return file | {204: nothing} if route.verb == "annotation.send" else file
        case "columns":
            return {200: Answer("Binary columns, see the description.", media=[COLUMNS])}
        case "edit":
            found = {200: Answer("The item, with its version as `ETag`.", verbs.verb_of("items.get").result)}
            changed = Answer("The item was changed meanwhile.", ERROR)
            return found if route.method == "GET" else found | {412: changed}
    if kind is type(None) or kind is None:
        return {204: Answer("It is done.")}
    found = {route.status: Answer(first_line(verb.about), _not_none(kind))}
    return found | {204: Answer("There is none.")} if may_be_nothing else found


def _not_none(kind: Any) -> Any:
    if wire.is_union(kind) and type(None) in get_args(kind):
        parts = [part for part in get_args(kind) if part is not type(None)]
        return parts[0]
    return kind


def first_line(about: str) -> str:
    """The first sentence of a description."""
    return about.partition("\n")[0]


@frozen
class Marker:
    """A schema of the API itself, by name, or that of a page of such rows."""

    name: str
    is_rows: bool = False


def rows_of(marker: Marker) -> Marker:
    """The schema of a page of rows of another one."""
    return Marker(marker.name, is_rows=True)


JOB, ERROR, PLUGIN, UPLOAD, WORKSPACE = map(Marker, ("Job", "Error", "Plugin", "Upload", "Workspace"))
