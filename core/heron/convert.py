"""The only cattrs converter of the project, and reading and writing of JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from operator import eq
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from heron.errors import InvalidInput
from heron.models import FACT_FIELDS, FRAME_FIELDS, ITEM_FIELDS
from heron.times import moment, utc_iso

if TYPE_CHECKING:
    from cattrs import Converter

    from heron.models import Frame, Item, Member

T = TypeVar("T")


@cache
def converter() -> Converter:
    """The converter for every record that is read from or written to JSON and TOML.

    Keys that a record does not have are refused, and so are values of another type, except whole numbers where any
    number is allowed.
    """
    from cattrs.fns import identity
    from cattrs.preconf.orjson import make_converter

    made = make_converter(forbid_extra_keys=True)
    for kind in _EXPECTED:
        made.register_structure_hook(kind, _strict)
        made.register_structure_hook_func(partial(eq, kind | None), _strict_or_none)
        made.register_unstructure_hook_func(partial(eq, kind | None), identity)  # which cattrs does not call
    made.register_unstructure_hook(datetime, utc_iso)
    made.register_structure_hook(datetime, lambda value, kind: moment(value))
    for kinds in (dict[str, Any], dict[str, Any] | None):
        made.register_structure_hook_func(partial(eq, kinds), _object)
    return made


_EXPECTED: dict[type, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


_USER = re.compile(r"(://)[^/?#\s'\"]*@")
_QUERY = re.compile(r"(://[^'\"?#]*)[?#][^'\"]*")


def without_secrets(text: str) -> str:
    """A text whose URLs have no user name, password, query or fragment, since these may be secrets."""
    return _QUERY.sub(r"\1?…", _USER.sub(r"\1…@", text)) if "://" in text else text


def _strict(value: Any, kind: type) -> Any:
    """A value of exactly this type; `True` is not a number, although Python says so."""
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    raise ValueError(f"expected {_EXPECTED[kind]}, got {without_secrets(repr(value)):.60}")


def _strict_or_none(value: Any, kind: Any) -> Any:
    return None if value is None else _strict(value, kind.__args__[0])


def _object(value: Any, kind: Any) -> Any:
    """An object of JSON, unchanged: its keys are text, and its values are validated elsewhere."""
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {without_secrets(repr(value)):.60}")
    return value


def structure(data: object, record: type[T], what: str) -> T:
    """Make a record from plain data.

    Raises InvalidInput that names each faulty field and its path.
    """
    try:
        return converter().structure(data, record)
    except Exception as error:
        reasons = [f"{reason} @ {path}" for path, reason in faults(error)]
        raise InvalidInput(f"{what}: {'; '.join(reasons)}") from error


def faults(error: Exception, path: str = "$") -> list[tuple[str, str]]:
    """The errors of the converter, as pairs of a path and a reason."""
    from cattrs import transform_error

    if not isinstance(error, ValueError | TypeError | KeyError | ExceptionGroup):
        raise error
    texts = transform_error(error, path, _reason)
    return [(place, reason) for reason, _, place in (text.rpartition(" @ ") for text in texts)]


def _reason(error: BaseException, kind: type | None) -> str:
    from cattrs.errors import ForbiddenExtraKeysError

    if isinstance(error, KeyError):
        return "a value is missing"
    if isinstance(error, ForbiddenExtraKeysError):
        return f"unknown {', '.join(sorted(map(repr, error.extra_fields)))}"
    if isinstance(error, TypeError | AttributeError):
        return f"expected {'an array' if kind and 'list' in str(kind) else 'an object'}"
    return str(error)


def unstructure(record: Any) -> Any:
    """Turn records, and containers of records, into plain data that JSON can represent."""
    return converter().unstructure(record)


def dumps(value: Any) -> str:
    """Write compact JSON text in UTF-8.

    Raises InvalidInput for what JSON cannot represent: lone surrogates, keys that are not text, other objects.
    """
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the value cannot be written as JSON: {error}") from error


def loads(text: str | bytes) -> Any:
    """Read JSON text; raises InvalidInput with line and column if it is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"not valid JSON: {error}") from error


def loads_all(texts: Sequence[str]) -> list[Any]:
    """The values of JSON texts, read as one text, which is quicker; raises as `loads`."""
    if {*texts} == {"{}"}:
        return [{} for _ in texts]
    values = loads(f"[{','.join(texts)}]")
    if len(values) == len(texts):
        return list(values)
    return [loads(text) for text in texts]  # some text is no JSON by itself


def loads_given(text: str | bytes) -> Any:
    """Read JSON text that people give, with or without a byte order mark; raises InvalidInput as `loads` does.

    Whole numbers of any length stay exact, so that whoever cannot store them refuses them; `loads` rounds those beyond 64 bits.
    """
    try:
        given = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not valid JSON: it is not UTF-8 text ({error.reason})") from error
    if not _LONG_NUMBER(given):
        return loads(given)
    import json  # exact, but several times slower

    try:
        return json.loads(given, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"not valid JSON: {error}") from error


_LONG_NUMBER = re.compile("(?<![0-9.])[0-9]{19}").search


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits:.30} is beyond the range of 64-bit floats")
    return number


_WRITTEN: Mapping[str, Callable[[Any], Any]] = {"lines": list, "time": utc_iso}
"""Functions that turn values of fields into JSON values, for the forms that need one."""


def item_to_dict(item: Item) -> dict[str, Any]:
    """An item as plain data for JSON and for tables; unknown values are left out."""
    facts, found = item.facts, {}
    for name, field in ITEM_FIELDS.items():
        value = getattr(facts if name in FACT_FIELDS else item, field.attribute)
        if value is not None or field.nullable:
            write = _WRITTEN.get(field.form)
            found[name] = write(value) if write is not None and value is not None else value
    return found


def member_to_dict(position: int, member: Member) -> dict[str, Any]:
    """A file of an item of several files as plain data; unknown values are left out."""
    names = ("url", "path", "size", "etag", "frame_count")
    known = {name: getattr(member, name) for name in names}
    return {"position": position, **{name: value for name, value in known.items() if value is not None}}


def frame_to_dict(frame: Frame) -> dict[str, Any]:
    """A frame as plain data, without its item; unknown values and metrics that were not measured are left out."""
    known = {name: getattr(frame, field.attribute) for name, field in FRAME_FIELDS.items()}
    return {
        name: value for name, value in known.items() if value is not None and (value or name != "metrics")
    }


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON, in which 1, 1.0 and true differ; the order of the keys of objects does not count."""
    return bool(one == other) and dumps(_sorted(one)) == dumps(_sorted(other))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(part) for part in value] if isinstance(value, list) else value
