"""Arguments and results of verbs as JSON, in both directions: what a client sends, and what a server makes of it.

References are texts; a frame is `UUID#NUMBER`, and the items of a query are `{"query": {…}}`. Other records are objects with
their attributes. Lists, streams and pages are `{"rows": […], "cursor": …}`.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from attrs import NOTHING, fields, frozen, has

from heron.convert import converter, dumps, faults, loads_given, unstructure, without_secrets
from heron.errors import InvalidInput
from heron.models import DatasetRow, Frame, Match, Preset, Query
from heron.pages import Page
from heron.records import Identified
from heron.remote.verbs import Array, Number, Reference, Rows, Thing, Things
from heron.times import utc_iso
from heron.uuids import is_uuid_object

if TYPE_CHECKING:
    from cattrs import Converter

    from heron.workspace import Workspace

LONGEST = 4_096
"""The longest text of a reference, in characters."""

_ARRAYS = (list, tuple, Sequence, Iterable, Iterator)


@frozen
class _FrameAt:
    item: str
    number: int


@frozen
class _Found:
    query: Query


@frozen
class _Rows:
    things: Any


_FRAME = re.compile(r"([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})#([0-9]{1,15})")
"""A reference to a frame."""


# what a server makes of arguments


def taken(value: object, kind: Any, name: str) -> Any:
    """The argument of a parameter from JSON; `resolved` finds the frames and items that it names.

    Raises InvalidInput that names the parameter, the place in it, and what was expected.
    """
    try:
        return _taking().structure(value, kind)
    except Exception as error:
        reasons = [f"{place}: {reason}" for place, reason in faults(error, name)]
        raise InvalidInput("; ".join(reasons)) from error


def resolved(argument: Any, workspace: Workspace) -> Any:
    """An argument whose frames are read, and whose queries are answered."""
    if isinstance(argument, _FrameAt):
        return workspace.frames.get(argument.item, argument.number)
    if isinstance(argument, _Found):
        return [item.uuid for item in workspace.search.all(argument.query)]
    if isinstance(argument, _Rows):
        found = resolved(argument.things, workspace)
        many = found if isinstance(found, list) else [found]
        if all(isinstance(each, str) for each in many):
            return workspace.items.get_all(many)
        return [workspace.items.get(each) if isinstance(each, str) else each for each in many]
    if isinstance(argument, list):
        return [
            resolved(part, workspace) if isinstance(part, _FrameAt | tuple) else part for part in argument
        ]
    if isinstance(argument, tuple):
        return tuple(resolved(part, workspace) for part in argument)
    return argument


def expected(kind: Any) -> str:
    """What a parameter of a type takes, in words."""
    if kind is type(None):
        return "null"
    if is_union(kind):
        return " or ".join(dict.fromkeys(expected(part) for part in get_args(kind)))
    if is_choice(kind):
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if is_array(kind) or kind in (Things, Rows):
        return "an array"
    words: dict[Any, str] = {
        str: "text",
        Path: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
    }
    if isinstance(kind, type) and issubclass(kind, Reference):
        return "text"
    return words.get(kind, "an object")


def is_union(kind: Any) -> bool:
    """Whether a type is one of several."""
    return get_origin(kind) in (Union, types.UnionType)


def is_choice(kind: Any) -> bool:
    """Whether a type is one of a few texts."""
    origin: Any = get_origin(kind)
    return origin is Literal


def is_array(kind: Any) -> bool:
    """Whether a type is an array in JSON."""
    return get_origin(kind) in _ARRAYS


def is_object(kind: Any) -> bool:
    """Whether a type is an object in JSON with any keys."""
    return get_origin(kind) in (dict, Mapping) or kind in (dict, Mapping)


@cache
def _taking() -> Converter:
    made = converter().copy()
    made.register_structure_hook_func(is_array, _array)
    made.register_structure_hook_func(is_object, _mapping)
    made.register_structure_hook_func(is_union, _one_of)
    made.register_structure_hook_func(is_choice, _literal)
    made.register_structure_hook(Path, lambda value, _: _text(value))
    made.register_structure_hook(Reference, lambda value, _: _text(value))
    made.register_structure_hook(Thing, lambda value, _: _thing(value))
    made.register_structure_hook(Number, lambda value, _: value if type(value) is int else _text(value))
    made.register_structure_hook(Things, lambda value, _: _things(value))
    made.register_structure_hook(Rows, lambda value, _: _Rows(_things(value)))
    made.register_structure_hook_func(_is_record, _record)
    return made


def _refused(value: object, kind: Any) -> ValueError:
    return ValueError(f"expected {expected(kind)}, got {without_secrets(repr(value)):.60}")


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and has(kind)


def _record(value: object, kind: type) -> Any:
    if not isinstance(value, dict):
        raise _refused(value, kind)
    return converter().structure(value, kind)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _refused(value, str)
    if len(value) > LONGEST:
        raise ValueError(f"expected at most {LONGEST:,} characters, got {len(value):,}")
    return value


def _thing(value: object) -> str | _FrameAt:
    text = _text(value)
    frame = _FRAME.fullmatch(text)
    return _FrameAt(frame[1], int(frame[2])) if frame else text


def _things(value: object) -> Any:
    if isinstance(value, list):
        return _array(value, list[Thing])
    if isinstance(value, dict) and "query" in value:
        return converter().structure(value, _Found)
    return _thing(value)


def _literal(value: object, kind: Any) -> object:
    for choice in get_args(kind):
        if type(choice) is type(value) and choice == value:
            return choice
    raise _refused(value, kind)


def _array(value: object, kind: Any) -> Any:
    if not isinstance(value, list):
        raise _refused(value, kind)
    parts = [part for part in get_args(kind) if part is not Ellipsis]
    if get_origin(kind) is not tuple or len(parts) != len(get_args(kind)):
        return [_inner(part, parts[0], place) for place, part in enumerate(value)]
    if len(value) != len(parts):
        raise ValueError(f"expected {len(parts)} values, got {len(value):,}")
    return tuple(
        _inner(part, each, place) for place, (part, each) in enumerate(zip(value, parts, strict=True))
    )


def _inner(value: object, kind: Any, place: object) -> Any:
    """A part of an array or an object; an error says at which place."""
    try:
        return value if kind is Any else _taking().structure(value, kind)
    except Exception as error:
        where, reason = faults(error, "")[0]
        raise ValueError(
            f"at {place!r}{f' ({where.lstrip(chr(46))})' if where.strip('$.') else ''}: {reason}"
        ) from error


def _mapping(value: object, kind: Any) -> Any:
    if not isinstance(value, dict):
        raise _refused(value, kind)
    key, of = get_args(kind) or (str, Any)
    return {_key(name, key): _inner(part, of, name) for name, part in value.items()}


def _key(name: str, kind: Any) -> Any:
    if kind is float:
        try:
            return float(name) if "." in name else int(name)
        except ValueError:
            raise _refused(name, kind) from None
    return name


def _one_of(value: object, kind: Any) -> Any:
    parts = get_args(kind)
    if value is None and type(None) in parts:
        return None
    for part in parts:
        if _may_be(value, part):
            return _taking().structure(value, part)
    raise _refused(value, kind)


def _may_be(value: object, kind: Any) -> bool:
    """Whether a value has the form of a type, without a look into it."""
    if kind is Any:
        return True
    if kind is Things:
        return isinstance(value, str | list) or (isinstance(value, dict) and "query" in value)
    if isinstance(value, dict):
        if _is_record(kind):
            needed = {part.alias for part in fields(kind) if part.default is NOTHING}
            return needed <= set(value)
        return is_object(kind)
    if isinstance(value, list):
        return is_array(kind)
    if isinstance(value, str):
        is_name = isinstance(kind, type) and issubclass(kind, Reference | str | Path)
        return is_name or (is_choice(kind) and value in get_args(kind))
    if type(value) in (int, float):
        return kind is type(value) or kind is float or (kind is Number and type(value) is int)
    return type(value) is kind


# what a server answers


def answered(value: Any) -> Any:
    """The result of a verb as plain data: records as objects, whole numbers as counts, texts as URLs."""
    if isinstance(value, Page):
        return {
            "rows": [given(row) for row in value.rows],
            "cursor": value.cursor,
            "matches": unstructure(value.matches),
            "key": value.key,
            "notes": list(value.notes),
        }
    if isinstance(value, int) and not isinstance(value, bool):
        return {"count": value}
    if isinstance(value, str):
        return {"url": value}
    if isinstance(value, list | tuple):
        return {"rows": [given(row) for row in value], "cursor": None}
    return given(value)


def given(value: Any) -> Any:
    """One value as plain data."""
    if isinstance(value, DatasetRow):
        parts = {part.alias: getattr(value, part.name) for part in fields(DatasetRow)}
        return {name: given(list(part) if name in _STREAMS else part) for name, part in parts.items()}
    if has(type(value)):
        return unstructure(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: given(part) for name, part in value.items()}
    return unstructure(value)


_STREAMS = ("members", "frames")
"""The parts of a row of a dataset that are read as they are looped over."""


# what a client sends


def sent(value: Any) -> Any:
    """An argument as JSON: records of the catalogue as references, others as objects, iterables as arrays."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Frame):
        return f"{value.item}#{value.number}"
    if isinstance(value, DatasetRow):
        return value.item.uuid
    if isinstance(value, Preset):
        return value.name
    if isinstance(value, Identified):
        return value.uuid  # type: ignore[attr-defined]
    if hasattr(value, "job") and has(type(value)):
        return value.job.uuid
    if isinstance(value, Page):
        return [sent(row) for row in value]
    if is_uuid_object(value) or isinstance(value, PurePath):
        return str(value)
    if isinstance(value, datetime):
        return utc_iso(value)
    if has(type(value)):
        return unstructure(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(sent(name)): sent(part) for name, part in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [sent(part) for part in value]
    raise InvalidInput(f"{type(value).__name__} cannot be sent to a server")


# what a client makes of an answer


def received(data: Any, kind: Any) -> Any:
    """The result of a verb from the answer of a server."""
    if kind is type(None) or data is None:
        return None
    if kind is int:
        return data["count"]
    if kind is str:
        return data["url"]
    if is_union(kind) and all(get_origin(part) is Page for part in get_args(kind)):
        of_items, of_frames = get_args(kind)
        return received(data, of_frames if data["rows"] and "number" in data["rows"][0] else of_items)
    if is_union(kind):
        return received(data, next(part for part in get_args(kind) if part is not type(None)))
    if get_origin(kind) is Page:
        of = get_args(kind)[0]
        rows = tuple(received_row(row, of) for row in data["rows"])
        matches = [received_row(match, Match) for match in data["matches"]]
        return Page(rows, data["cursor"], matches, data["key"], tuple(data["notes"]))
    if is_array(kind):
        return [received_row(row, get_args(kind)[0]) for row in data["rows"]]
    if is_object(kind) and get_args(kind)[1] is Array:
        return {name: received_row(part, Array) for name, part in data.items()}
    return received_row(data, kind)


def received_row(data: Any, kind: Any) -> Any:
    """One record of an answer; attributes that a newer server has are left out."""
    if kind is Any or is_object(kind):
        return data
    if kind is Array:
        import numpy as np

        return None if data is None else np.array(data, np.float32)
    return _receiving().structure(data, kind)


@cache
def _receiving() -> Converter:
    made = converter().copy(forbid_extra_keys=False)
    made.register_structure_hook_func(
        is_array, lambda data, kind: tuple(received_row(row, get_args(kind)[0]) for row in data)
    )
    made.register_structure_hook_func(is_object, lambda data, kind: data)
    return made


def parsed(body: bytes) -> Any:
    """JSON that somebody sent; raises InvalidInput with line and column."""
    return loads_given(body)


def dumped(value: Any) -> bytes:
    """Plain data as JSON."""
    return dumps(value).encode()
