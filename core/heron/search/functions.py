"""The functions of the query language: the built-in ones, contributed by the same hook as those of plugins."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from heron.errors import InvalidInput, QueryError
from heron.hooks.door import guarded
from heron.hooks.query_functions import QueryFunction
from heron.hooks.specs import hookimpl
from heron.metadata.keys import is_unicode, printable
from heron.models import Json
from heron.times import moment, utc_iso

if TYPE_CHECKING:
    from heron.hooks import PluginManager

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG), for great-circle distances by the haversine formula."""


def _of_ascii(method: str) -> Callable[[str], str]:
    return lambda text: "".join(getattr(c, method)() if c.isascii() else c for c in text)


def _rounded(number: float) -> float:
    whole = abs(number) >= 2**52
    return float(number) if whole else float(int(number + math.copysign(0.5, number)))


def _member(name: str) -> Callable[[Json], Json]:
    def member(place: Json) -> Json:
        found = place.get(name) if isinstance(place, dict) else None
        return found if type(found) in (int, float) else None

    return member


def distance_km(place: Json, latitude: float, longitude: float) -> float | None:
    """Great-circle distance of a stored place to a point, in kilometres (haversine formula); None if the value is not a place."""
    try:
        phi, theta = math.radians(place["latitude"]), math.radians(latitude)
        half = math.radians(longitude - place["longitude"]) / 2
        square = math.sin((theta - phi) / 2) ** 2 + math.cos(phi) * math.cos(theta) * math.sin(half) ** 2
    except (KeyError, TypeError, ValueError):
        return None
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, max(0.0, square))))


@hookimpl
def register_query_functions() -> Iterable[QueryFunction]:
    """The functions that need no plugin."""
    yield QueryFunction(
        name="lower", arguments=["text"], result="text", summary="the text with the letters A to Z small",
        load=lambda: _of_ascii("lower"), sql="lower({0})",
    )  # fmt: skip
    yield QueryFunction(
        name="upper", arguments=["text"], result="text", summary="the text with the letters a to z as capitals",
        load=lambda: _of_ascii("upper"), sql="upper({0})",
    )  # fmt: skip
    yield QueryFunction(
        name="length", arguments=["text"], result="number", summary="number of characters", load=lambda: len,
        sql="length({0})",
    )  # fmt: skip
    yield QueryFunction(
        name="abs", arguments=["number"], result="number", summary="the number without its sign",
        load=lambda: abs, sql="abs({0})",
    )  # fmt: skip
    yield QueryFunction(
        name="round", arguments=["number"], result="number", summary="the nearest whole number",
        load=lambda: _rounded, sql="round({0})",
    )  # fmt: skip
    for part in ("year", "month", "day", "hour"):
        yield QueryFunction(
            name=part, arguments=["datetime"], result="number", summary=f"the {part} of a time, in UTC",
            load=partial(attrgetter, part),
        )  # fmt: skip
    yield QueryFunction(
        name="latitude", arguments=["geospatial"], result="number", summary="degrees north of a geospatial key",
        load=lambda: _member("latitude"), sql="{0.latitude}",
    )  # fmt: skip
    yield QueryFunction(
        name="longitude", arguments=["geospatial"], result="number", summary="degrees east of a geospatial key",
        load=lambda: _member("longitude"), sql="{0.longitude}",
    )  # fmt: skip
    yield QueryFunction(
        name="distance_km", arguments=["geospatial", "number", "number"], result="number",
        summary="distance of a geospatial key to a latitude and longitude, along a great circle",
        load=lambda: distance_km,
    )  # fmt: skip


BUILT_IN = {function.name: function for function in register_query_functions()}


class Functions:
    """Finds functions by name. Plugins are loaded only for a name that is not built in."""

    def __init__(self, plugins: Callable[[], PluginManager]) -> None:
        self._plugins = plugins

    def find(self, name: str) -> QueryFunction | None:
        """The function of that name; raises QueryError if plugins conflict over it or a package is missing."""
        if name in BUILT_IN:
            return BUILT_IN[name]
        return self._plugins().query_function(name)

    def operator(self, word: str) -> QueryFunction | None:
        """The function that a word means between two values, in any case; raises PluginError as `find` does."""
        plugins, meant = self._plugins(), word.upper()
        found = [each for each in plugins.contributions(QueryFunction) if each.operator == meant]
        return plugins.settle(found, f"operator {meant}") if found else None

    def operators(self) -> list[str]:
        """All operators that plugins bring."""
        found = self._plugins().contributions(QueryFunction)
        return sorted({each.operator for each in found if each.operator})

    def names(self) -> list[str]:
        """All names, including those of plugins."""
        return [function.name for function in self._plugins().contributions(QueryFunction)]

    def callable_of(
        self, function: QueryFunction, decoders: Iterable[Callable[[Json], Json] | None] = ()
    ) -> Callable[..., Json]:
        """The function as a Python callable over stored values; it raises QueryError that names it and its plugin.

        If any argument is None, the result is None. `decoders` turn arguments of metadata types into their shown form.
        """
        if function.name in BUILT_IN:
            who, call = f"the function {function.name} (built in)", function.load()
        else:
            who, call = self._plugins().named(function), self._plugins().load(function)
        shape = list(zip(function.arguments, [*decoders] or [None] * len(function.arguments), strict=True))

        def called(*values: Json) -> Json:
            if None in values:
                return None
            try:
                given = [_given(kind, decode, v) for (kind, decode), v in zip(shape, values, strict=True)]
            except Exception:  # noqa: BLE001 - a value that was stored before its key existed, and cannot be decoded
                return None
            with guarded(who, "call", ", ".join(printable(each) for each in given)[:80], QueryError):
                result = call(*given)
            try:
                return _stored(function.result, result)
            except (ValueError, InvalidInput):
                raise QueryError(
                    f"{who} returned {printable(result)}, expected a {function.result}"
                ) from None

        return called


def _given(kind: str, decode: Callable[[Json], Json] | None, value: Json) -> Any:
    """A stored value in the form in which a function gets it."""
    if decode is not None:
        return decode(value)
    if kind == "boolean":
        return bool(value)
    if kind == "datetime":
        return moment(value)
    return value


def _stored(kind: str, result: Any) -> Json:
    """The result of a function in stored form; raises ValueError if it is not of the declared type."""
    if result is None:
        return None
    if kind == "text" and isinstance(result, str) and is_unicode(result):
        return str(result)
    if kind == "boolean" and isinstance(result, bool):
        return int(result)
    if kind == "datetime" and isinstance(result, datetime):
        return utc_iso(moment(result))
    if kind == "number" and isinstance(result, int | float) and not isinstance(result, bool):
        if isinstance(result, int) and abs(result) < 2**63:
            return int(result)
        if math.isfinite(float(result)):
            return float(result)
    raise ValueError(kind)
