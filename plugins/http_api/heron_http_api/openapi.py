"""The description of the API in OpenAPI 3.1, made from the operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import heron
from heron.remote import wire
from heron_http_api.operations import BYTES, ERROR, LINES, Answer, Given, Marker, Operation, first_line
from heron_http_api.schemas import Schema, Schemas

DIALECT = "https://json-schema.org/draft/2020-12/schema"

COMMON: Mapping[int, str] = {
    400: "An argument is wrong or missing.",
    401: "There is no valid token.",
    403: "The user may not do this.",
    404: "There is no such thing, or the user may not see it.",
    409: "A name is taken, or the catalogue is busy with something else.",
    413: "The body is too large.",
    414: "The address is too long.",
    415: "The body is not of a type that the route takes.",
    422: "The file or its metadata cannot be taken as it is.",
    424: "A store of files does not answer, or refuses its credentials.",
    429: "Too many requests; `Retry-After` says when to come again.",
    431: "The headers are too large.",
    500: "A fault of the server, which its log names.",
    503: "The catalogue is busy, or the server stops; `Retry-After` says when to come again.",
}
"""What may be answered to every request, each with an error."""

ABOUT = """Every verb of Heron's Python API, with its records and errors.

**References.** An item, a folder, a dataset and so on is named by its UUID, or by its name, path or title; in paths it is encoded with
percent signs, so that `Photos/2026` is `Photos%2F2026`. A frame is `UUID#NUMBER`. Where many items are taken, give an array, or
`{"query": {"where": "…"}}` for all items of a query.

**Pages.** Lists are `{"rows": […], "cursor": …}`; the cursor leads to the next page, and is null on the last one. `POST /search:window`
gives any part of a long result at once, by its position. With `Accept: application/x-ndjson` a list comes whole, one row a line; an error after the first line is a last
line `{"error": …}`.

**Errors** are `{"error": {"type": "NotFound", "message": "…", "hint": "…"}}`, with the name of the class of the Python API.

**Versions.** `GET /items/{ref}` has an `ETag`. Sent back as `If-Match` with a change of metadata, the change is refused with 412 if
somebody else has changed the item meanwhile.

**Long work** is a job: 202, and `GET /jobs/{id}/events` tells of its progress as server-sent events.

**Binary columns** (`application/vnd.heron.columns`) are blocks: `HRNC`, the length of the head (uint32) and of the body (uint64), the
head as JSON `{"rows": 3, "columns": [{"name": "x", "type": "float32", "offset": 0, "bytes": 12}]}`, and the body, little-endian, in which
each column begins at a multiple of 8 bytes. Types: `float32`, `float64` (NaN for none), `int32`, `uuid` (16 bytes), `text` (the ends as
uint32, then UTF-8), `category` (int32 places in the `values` of the head, -1 for none).
"""

_JOB: Schema = {
    "description": "Work that the server does in the background.",
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "kind": {"type": "string", "description": "The verb, such as `ingest.files`."},
        "user": {"type": ["string", "null"]},
        "state": {"enum": ["running", "done", "failed", "cancelled", "interrupted"]},
        "started_at": {"type": "string", "format": "date-time"},
        "ended_at": {"type": ["string", "null"], "format": "date-time"},
        "progress": {"type": "object"},
        "result": {"description": "What the verb gives; null until it is done."},
        "error": {"anyOf": [{"$ref": "#/components/schemas/Error"}, {"type": "null"}]},
    },
    "required": ["id", "kind", "user", "state", "started_at", "ended_at", "progress", "result", "error"],
}

_ERROR: Schema = {
    "description": "An error: the name of its class in the Python API, a sentence, and what to do about it.",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "message": {"type": "string"},
        "hint": {"type": ["string", "null"]},
        "place": {"type": "string"},
        "url": {"type": "string"},
        "position": {
            "description": "The characters of a condition that are meant: the first, and the one behind the last.",
            "type": "array",
            "items": {"type": "integer", "minimum": 0},
            "minItems": 2,
            "maxItems": 2,
        },
    },
    "required": ["type", "message", "hint"],
}

_WORKSPACE: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "user": {"$ref": "#/components/schemas/User"},
        "read_only": {"type": "boolean"},
        "may": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
            "description": "What the user may do in the workspace as a whole: verbs by noun. POST /roles:allowed says it of records.",
        },
        "items": {"type": "integer", "description": "How many items the user sees."},
    },
    "required": ["name", "version", "user", "read_only", "may", "items"],
}

_PLUGIN: Schema = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("name", "distribution", "version", "status")},
        "contributions": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "distribution", "version", "status", "contributions"],
}

_UPLOAD: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "source": {"type": "string", "description": "For `sources` of an import."},
    },
    "required": ["id", "source"],
}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole description."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    fixed = {"Job": _JOB, "Error": _ERROR, "Workspace": _WORKSPACE, "Plugin": _PLUGIN, "Upload": _UPLOAD}
    schemas.part(heron.User)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Heron",
            "version": heron.__version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": DIALECT,
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted((schemas.components | fixed).items())),
            "responses": {str(status): _error(about) for status, about in COMMON.items()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "heron"},
            },
        },
    }


@cache
def written(operations: tuple[Operation, ...]) -> bytes:
    """The description as JSON."""
    return wire.dumped(document(operations))


def _operation(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": first_line(operation.about),
        "description": operation.about,
        "parameters": [_parameter(given, schemas) for given in operation.given],
        "responses": {
            str(status): _response(status, answer, schemas) for status, answer in operation.answers.items()
        },
    }
    if operation.route is not None:
        found["x-heron-verb"] = operation.route.verb
    found["responses"] |= {
        str(status): {"$ref": f"#/components/responses/{status}"}
        for status in COMMON
        if status not in operation.answers
    }
    if operation.upload:
        found["requestBody"] = {"required": True, "content": {BYTES: {}}}
    elif operation.whole is not None:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas.given(operation.whole)}},
        }
    elif operation.body:
        found["requestBody"] = _body(operation, schemas)
    return found


def _body(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    body = operation.body or {}
    properties = {}
    for name, parameter in body.items():
        schema = schemas.given(parameter.type)
        default = parameter.default
        if not parameter.is_required and isinstance(default, str | int | float) and "$ref" not in schema:
            schema = {**schema, "default": default}
        properties[name] = schema
    needed = [name for name, parameter in body.items() if parameter.is_required]
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if needed:
        schema["required"] = needed
    return {"required": bool(needed), "content": {"application/json": {"schema": schema}}}


def _parameter(given: Given, schemas: Schemas) -> dict[str, Any]:
    schema = _of_text(schemas.given(given.kind))
    found: dict[str, Any] = {
        "name": given.name,
        "in": given.place,
        "required": given.is_required,
        "schema": schema,
    }
    if given.about:
        found["description"] = given.about
    return found


def _of_text(schema: Schema) -> Schema:
    """The schema of a value that stands in a URL: there is no null, and one text for one item or another thing."""
    if "anyOf" in schema:
        parts = [part for part in schema["anyOf"] if part.get("type") not in ("null", "object")]
        arrays = [part for part in parts if part.get("type") == "array"]
        parts = arrays or parts or [{"type": "string", "description": "JSON: an object."}]
        return parts[0] if len(parts) == 1 else {"anyOf": parts}
    if isinstance(schema.get("type"), list):
        kinds = [kind for kind in schema["type"] if kind != "null"]
        return {**schema, "type": kinds[0] if len(kinds) == 1 else kinds}
    return schema


def _response(status: int, answer: Answer, schemas: Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {media: {} for media in answer.media}
    if answer.kind == ERROR:
        return _error(answer.about)
    if isinstance(answer.kind, Marker):
        schema: Schema = {"$ref": f"#/components/schemas/{answer.kind.name}"}
        if answer.kind.is_rows:
            schema = _rows(schema)
        content["application/json"] = {"schema": schema}
    elif answer.kind is not None:
        content["application/json"] = {"schema": schemas.answered(answer.kind)}
    if answer.lines is not None:
        content[LINES] = {}
    return {"description": answer.about, **({"content": content} if content else {})}


def _rows(schema: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"rows": {"type": "array", "items": schema}, "cursor": {"type": ["string", "null"]}},
        "required": ["rows", "cursor"],
    }


def _error(about: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"error": {"$ref": "#/components/schemas/Error"}},
        "required": ["error"],
    }
    return {
        "description": about,
        "content": {"application/json": {"schema": schema}},
    }
