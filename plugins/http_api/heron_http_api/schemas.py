"""JSON Schemas of the types of arguments and results; those of records stand by name among the components."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from attrs import NOTHING, Attribute, fields, has

from heron.remote import verbs, wire

Schema = dict[str, Any]

ANY: Schema = {"description": "Any value of JSON."}

_PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Path: {"type": "string"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    verbs.Array: {"type": "array", "items": {"type": "number"}},
}

_REFERENCE: Schema = {
    "type": "string",
    "maxLength": wire.LONGEST,
    "description": "A UUID, a name, a path or a title.",
}
_THING: Schema = {
    "type": "string",
    "maxLength": wire.LONGEST,
    "description": "An item: its UUID, a name that no other item has, or its path. `UUID#NUMBER` is a frame.",
}


class Schemas:
    """The schemas of one description. `components` are those of records, which it has gathered."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def given(self, kind: Any) -> Schema:
        """The schema of an argument."""
        if isinstance(kind, type) and issubclass(kind, verbs.Things):
            return self._things()
        if kind is verbs.Thing:
            return _THING
        if kind is verbs.Number:
            return {"anyOf": [{"type": "integer"}, _REFERENCE]}
        if isinstance(kind, type) and issubclass(kind, verbs.Reference):
            return _REFERENCE
        return self._of(kind, self.given, is_given=True)

    def answered(self, kind: Any) -> Schema:
        """The schema of a result, as `wire.answered` writes it."""
        if kind is int:
            return _object({"count": {"type": "integer"}})
        if kind is str:
            return _object({"url": {"type": "string"}})
        if wire.is_union(kind):
            return self._one_of([self.answered(part) for part in get_args(kind)])
        if wire.is_array(kind):
            return self.rows(get_args(kind)[0])
        if get_origin(kind) is not None and getattr(get_origin(kind), "__name__", "") == "Page":
            return self._page(get_args(kind)[0])
        return self.part(kind)

    def rows(self, kind: Any) -> Schema:
        """The schema of a page of rows."""
        cursor = {"type": ["string", "null"], "description": "Leads to the next page; null on the last."}
        return _object({"rows": {"type": "array", "items": self.part(kind)}, "cursor": cursor})

    def part(self, kind: Any) -> Schema:
        """The schema of one value of an answer."""
        return self._of(kind, self.part, is_given=False)

    def _of(self, kind: Any, inner: Any, *, is_given: bool) -> Schema:
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        if kind is Any or isinstance(kind, TypeVar):
            return dict(ANY)
        if wire.is_union(kind):
            return self._one_of([inner(part) for part in get_args(kind)])
        if get_origin(kind) is Literal:
            return {"enum": list(get_args(kind))}
        if get_origin(kind) is tuple and Ellipsis not in get_args(kind):
            parts = [inner(part) for part in get_args(kind)]
            return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
        if wire.is_array(kind):
            return {"type": "array", "items": inner(get_args(kind)[0])}
        if wire.is_object(kind):
            of = (*get_args(kind), Any, Any)[1]
            return (
                {"type": "object", "additionalProperties": inner(of)} if of is not Any else {"type": "object"}
            )
        if isinstance(kind, type) and has(kind):
            return self._record(kind, is_given=is_given)
        raise TypeError(f"{kind} has no JSON Schema")

    def _one_of(self, parts: list[Schema]) -> Schema:
        distinct = [part for place, part in enumerate(parts) if part not in parts[:place]]
        if len(distinct) == 1:
            return distinct[0]
        if all(set(part) == {"type"} for part in distinct):
            return {"type": [part["type"] for part in distinct]}
        return {"anyOf": distinct}

    def _things(self) -> Schema:
        query = _object({"query": self.given(_public("Query"))})
        several = {"type": "array", "items": _THING}
        return {"anyOf": [_THING, several, {**query, "description": "All items of a query."}]}

    def _page(self, kind: Any) -> Schema:
        page = self.rows(kind)
        page["properties"] |= {
            "matches": {"type": "array", "items": self.part(_public("Match"))},
            "key": {"type": ["string", "null"]},
            "notes": {"type": "array", "items": {"type": "string"}},
        }
        page["required"] = list(page["properties"])
        return page

    def _record(self, kind: type, *, is_given: bool) -> Schema:
        name = f"{kind.__name__}Given" if is_given else kind.__name__
        if name not in self.components:
            self.components[name] = {}  # a record that contains itself ends here
            inner = self.given if is_given else self.part
            about = inspect.cleandoc(kind.__doc__ or "")
            own = [part for part in fields(kind) if part.init]
            properties = {part.alias: inner(type_of(part, kind)) for part in own}
            needed = [part.alias for part in own if not is_given or part.default is NOTHING]
            self.components[name] = {"description": about, **_object(properties, needed, is_closed=is_given)}
        return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Schema, needed: Iterable[str] | None = None, *, is_closed: bool = False) -> Schema:
    found: Schema = {"type": "object", "properties": properties}
    required = list(properties) if needed is None else list(needed)
    if required:
        found["required"] = required
    if is_closed:
        found["additionalProperties"] = False
    return found


def type_of(part: Attribute[Any], record: type) -> Any:
    """The type of an attribute of a record."""
    if record.__name__ == "Query" and part.name == "like":
        return str | list[Any]
    if not isinstance(part.type, str):
        return part.type
    own = vars(inspect.getmodule(record))
    return verbs.evaluated(part.type, verbs.Names({**_COLLECTIONS, **own}))


_COLLECTIONS = {"Iterator": Iterator, "Sequence": Sequence}


def _public(name: str) -> Any:
    import heron

    return getattr(heron, name)
