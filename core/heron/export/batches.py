"""Turns rows of plain data into record batches of Arrow, in which each column has its type."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import pyarrow as pa

from heron.columns.typed import Type
from heron.convert import dumps, frame_to_dict, member_to_dict
from heron.errors import CatalogueError
from heron.export.headers import MEMBER, PREFIX
from heron.export.typed_fields import flat_facts, type_of_field
from heron.models import FRAME_FIELDS, ITEM_FIELDS, Frame, Member

T = TypeVar("T")

_ARROW: Mapping[Type, Any] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", "UTC"),
    "texts": pa.list_(pa.string()),
    "place": pa.struct([("latitude", pa.float64()), ("longitude", pa.float64())]),
}
_FIELDS: Mapping[str, Type] = {
    "position": "integer",
    **{
        name: type_of_field(f) for name, f in ITEM_FIELDS.items() if f.form != "json" and name != "deleted_at"
    },
}
_MEMBERS = pa.list_(
    pa.struct([(n, pa.string() if n in ("url", "path", "etag") else pa.int64()) for n in MEMBER])
)
_FRAME = [
    (name, pa.string() if field.form == "json" else _ARROW[type_of_field(field)])
    for name, field in FRAME_FIELDS.items()
]
_NOTHING = type(None)
_TAKEN: Mapping[Type, frozenset[type]] = {
    "text": frozenset({_NOTHING, str}),
    "integer": frozenset({_NOTHING, int}),
    "float": frozenset({_NOTHING, int, float}),
    "boolean": frozenset({_NOTHING, bool}),
    "time": frozenset({_NOTHING, str}),
    "texts": frozenset({_NOTHING, list}),
    "place": frozenset({_NOTHING, dict}),
}
"""The types of Python of which a column takes values."""

_VECTOR = "vector."
_PLACE = {"latitude", "longitude"}


class Misfit(Exception):
    """A value is not of the type of its column, or has no column: the types have to be taken from the values."""


class Batches:
    """Columns of the fields of items, of facts and metadata with given types, and of vectors with given sizes."""

    def __init__(self, types: Mapping[str, Type], mixed: Container[str], sizes: Mapping[str, int]) -> None:
        """In `mixed` columns, which are texts, values of other types are written as JSON."""
        self._facts = {name: type for name, type in types.items() if not name.startswith(PREFIX)}
        self._keys = {n.removeprefix(PREFIX): type for n, type in types.items() if n.startswith(PREFIX)}
        self._mixed = mixed
        self._sizes = sizes
        frame = [*_FRAME, *((_VECTOR + key, pa.list_(pa.float32())) for key in sizes)]
        self._frames = pa.list_(pa.struct(frame))
        self.schema = pa.schema(
            [
                *((name, _ARROW[type]) for name, type in _FIELDS.items()),
                *((name, _ARROW[type]) for name, type in self._facts.items()),
                *((PREFIX + key, _ARROW[type]) for key, type in self._keys.items()),
                *((_VECTOR + key, pa.list_(pa.float32(), size)) for key, size in sizes.items()),
                ("members", _MEMBERS),
                ("frames", self._frames),
            ]
        )

    def batch(self, rows: Mapping[str, Sequence[Any]], first: int, end: int) -> Any:
        """Some of the rows; raises Misfit, and CatalogueError for a field that is not of its type."""
        part = {name: values[first:end] for name, values in rows.items()}
        count = len(part["position"])
        columns = [self._field(name, type, part.get(name), count) for name, type in _FIELDS.items()]
        facts: Sequence[Mapping[str, Any]] = part["facts"]
        if any(facts):
            facts = [dict(flat_facts(record)) if record else record for record in facts]
        columns += self._of_keys(facts, self._facts, "")
        columns += self._of_keys(part["metadata"], self._keys, PREFIX)
        columns += [self._vectors(key, size, part["vectors"]) for key, size in self._sizes.items()]
        columns.append(_lists(part["members"], _MEMBERS, _members_of))
        columns.append(_lists(part["frames"], self._frames, self._frames_of))
        return pa.record_batch(columns, schema=self.schema)

    def _field(self, name: str, type: Type, values: Sequence[Any] | None, count: int) -> Any:
        if values is None:
            return pa.nulls(count, _ARROW[type])
        try:
            return _array(type, values)
        except Misfit as error:
            raise CatalogueError(f"a value of {name} is not of its type: {error}") from error

    def _of_keys(
        self, records: Sequence[Mapping[str, Any]], types: Mapping[str, Type], prefix: str
    ) -> Iterator[Any]:
        """A column for each key; raises Misfit if others have values. One without any, such as a fact that was NaN, has no type."""
        others = {*chain.from_iterable(records)} - types.keys()
        if any(record.get(key) is not None for key in others for record in records):
            raise Misfit("a key has no column")
        given: Mapping[str, Sequence[Any]] = {}
        if (
            records and records[0] and len({*map(tuple, records)}) == 1
        ):  # all have the same keys in the same order
            given = dict(zip(records[0], zip(*map(dict.values, records), strict=True), strict=True))  # type: ignore[arg-type]
        for key, type in types.items():
            values = given[key] if key in given else [record.get(key) for record in records]
            yield _array(type, [*map(_as_text, values)] if prefix + key in self._mixed else values)

    def _frames_of(self, frames: Iterable[Frame]) -> list[dict[str, Any]]:
        found = []
        for frame in frames:
            known = frame_to_dict(frame)
            record = {
                name: dumps(value) if isinstance(value, dict) else value for name, value in known.items()
            }
            record.update((_VECTOR + key, vector) for key, vector in frame.vectors.items())
            found.append(record)
        return found

    def _vectors(self, key: str, size: int, rows: Sequence[Mapping[str, Any]]) -> Any:
        import numpy as np

        numbers = np.zeros((len(rows), size), np.float32)
        missing = np.ones(len(rows), bool)
        for place, vectors in enumerate(rows):
            if key in vectors:
                numbers[place], missing[place] = vectors[key], False
        return pa.FixedSizeListArray.from_arrays(pa.array(numbers.reshape(-1)), size, mask=pa.array(missing))


def _members_of(files: Iterable[Member]) -> list[dict[str, Any]]:
    return [member_to_dict(place, member) for place, member in enumerate(files)]


def _lists(streams: Sequence[Iterable[T]], type: Any, of: Callable[[Iterable[T]], list[Any]]) -> Any:
    """A column of lists of structs, which are made of streams; () is an empty one."""
    if any(streams):
        return pa.array([of(stream) if stream else [] for stream in streams], type)
    return pa.ListArray.from_arrays(
        pa.array([0] * (len(streams) + 1), pa.int32()), pa.array([], type.value_type)
    )


def _array(kind: Type, values: Sequence[Any]) -> Any:
    """A column; raises Misfit for a value of another type."""
    if not {*map(type, values)} <= _TAKEN[kind]:
        raise Misfit(f"there are other values than {kind}")
    if kind == "place" and not all(value is None or _is_place(value) for value in values):
        raise Misfit("a value is no place")
    try:
        if kind == "time":
            return pa.array(values, pa.string()).cast(_ARROW["time"])
        return pa.array(values, _ARROW[kind])
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise Misfit(str(error)) from error


def _as_text(value: Any) -> str | None:
    return value if value is None or type(value) is str else dumps(value)


def _is_place(value: Any) -> bool:
    return type(value) is dict and value.keys() == _PLACE
