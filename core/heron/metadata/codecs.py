"""How the built-in metadata types check a value, and the form in which each is stored as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from numbers import Integral, Real
from typing import Any
from uuid import UUID

from heron.hooks.interfaces import Encode
from heron.metadata.keys import is_unicode, printable
from heron.models import Json, utc_iso
from heron.uuids import canonical_uuid

MAX_VARCHAR = 8192
MAX_OPTIONS = 256
MAX_EMBEDDING = 4096
MAX_FLOAT = {"float32": 3.4028234663852886e38, "float16": 65504.0}
"""Largest finite numbers of IEEE 754 binary32 and binary16."""

MAX_EXACT_INTEGER = 2**53
"""Beyond this, a 64-bit float cannot hold every integer (IEEE 754)."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class _Plain:
    """A type whose keys take no parameters."""

    def parameters(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """Refuse any parameter."""
        if given:
            raise ValueError(f"takes no parameters, got {', '.join(map(str, given))}")
        return {}


class BooleanCodec(_Plain):
    """`true` and `false`, NumPy's too; the numbers 0 and 1 and words such as `yes` are not taken."""

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Check for a real boolean."""

        def encode(value: Any) -> bool:
            if value is True or value is False:
                return value
            if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
                return bool(value)
            raise ValueError("expected true or false")

        return encode


class DatetimeCodec(_Plain):
    """ISO 8601 with a UTC offset, or a date alone (midnight UTC); stored as UTC with six digits of fraction."""

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Check for a datetime with an offset, or a date."""
        return _encode_datetime


def _encode_datetime(value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("expected ISO 8601, such as 2026-01-31T12:00:00Z") from None
    if moment.utcoffset() is None:
        if isinstance(value, datetime) or not _DATE.fullmatch(value):
            raise ValueError("expected a UTC offset, such as 2026-01-31T12:00:00Z")
        moment = moment.replace(tzinfo=UTC)
    try:
        return utc_iso(moment)
    except OverflowError:
        raise ValueError("expected a date between the years 1 and 9999 in UTC") from None


class NumberCodec(_Plain):
    """A finite 64-bit float. Integers beyond 2**53 are refused, for a float would change them."""

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Check for a finite number that a float holds exactly."""

        def encode(value: Any) -> float | int:
            kind = type(value)
            if kind is float:
                if value - value == 0:  # false for NaN and for both infinities
                    return float(value)
                raise ValueError("expected a finite number")
            if kind is int:
                if -MAX_EXACT_INTEGER <= value <= MAX_EXACT_INTEGER:
                    return int(value)
                raise ValueError("expected an integer of at most 2**53 (keep longer ones as varchar)")
            number = _float_of(value)
            if isinstance(value, Integral):
                return encode(int(value))
            if isinstance(value, Decimal) and abs(value) > MAX_EXACT_INTEGER:
                return encode(MAX_EXACT_INTEGER + 1)
            return number

        return encode


def _float_of(value: Any) -> float:
    """The finite float that a number of any numeric type stands for, NumPy's scalars too; no booleans, no text."""
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise ValueError("expected a number")
    try:
        number = float(value)
    except TypeError:
        raise ValueError("expected a number") from None  # numpy.timedelta64 calls itself an integer
    except (OverflowError, ValueError):
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("expected a finite number")
    return number


class UuidCodec(_Plain):
    """A UUID in any form of RFC 9562; stored in lower case with hyphens."""

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Check for a UUID."""

        def encode(value: Any) -> str:
            if isinstance(value, UUID):
                return str(value)
            if isinstance(value, str):
                uuid = canonical_uuid(value)
                if uuid is not None:
                    return uuid
            raise ValueError("expected a UUID, such as 8ad58157-ca74-4ae4-8f37-a0193430bcac")

        return encode


def _encode_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("expected text")
    if not value.isascii() and not is_unicode(value):
        raise ValueError("expected valid Unicode, got a lone surrogate")
    return value


class VarcharCodec(_Plain):
    """Text of at most 8192 characters."""

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Check for text within the limit."""

        def encode(value: Any) -> str:
            text = _encode_text(value)
            if len(text) > MAX_VARCHAR:
                raise ValueError(
                    f"expected at most {MAX_VARCHAR} characters, got {len(text)} (type text has no limit)"
                )
            return text

        return encode


class TextCodec(_Plain):
    """Text of any length."""

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Check for text."""
        return _encode_text


class EnumCodec:
    """One of the options of the key: `{"options": ["sun", "rain"]}`."""

    def parameters(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """Check the options: 1 to 256 different texts."""
        unknown = set(given) - {"options"}
        options = given.get("options")
        if unknown:
            raise ValueError(f"takes options, got {', '.join(sorted(map(str, unknown)))}")
        if not isinstance(options, list | tuple) or not all(isinstance(option, str) for option in options):
            raise ValueError("takes options, a list of texts")
        if not 1 <= len(options) <= MAX_OPTIONS:
            raise ValueError(f"takes 1 to {MAX_OPTIONS} options, got {len(options)}")
        for option in options:
            if not option.strip() or len(option) > MAX_VARCHAR or not is_unicode(option):
                raise ValueError(
                    "has an option that is empty, longer than 8192 characters or not valid Unicode"
                )
        repeated = {option for option in options if options.count(option) > 1}
        if repeated:
            raise ValueError(f"has an option twice: {', '.join(map(_shown, sorted(repeated)))}")
        return {"options": list(options)}

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Check for one of the options."""
        options: dict[str, str] = {option: option for option in parameters["options"]}
        shown = ", ".join(map(_shown, list(options)[:8])) + (", …" if len(options) > 8 else "")

        def encode(value: Any) -> str:
            try:
                return options[value]
            except (KeyError, TypeError):
                raise ValueError(f"expected one of {shown}") from None

        return encode

    def bound_encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Take any text, for options are compared as texts."""
        return _encode_text


def _shown(option: str) -> str:
    """An option as it can stand in a message of one line."""
    return option if option.isprintable() and len(option) <= 60 else printable(option)


class EmbeddingCodec:
    """A vector of the key's size: `{"size": 512}`, kept as float32, or with `"dtype": "float16"` in half the space."""

    def parameters(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """Check the size, 1 to 4096, and the dtype."""
        size, dtype = given.get("size"), given.get("dtype", "float32")
        if set(given) - {"dtype"} != {"size"} or type(size) is not int or not 1 <= size <= MAX_EMBEDDING:
            raise ValueError(f"takes a size from 1 to {MAX_EMBEDDING}")
        if dtype not in MAX_FLOAT:
            raise ValueError("takes a dtype of float32 or float16")
        return {"size": size} if dtype == "float32" else {"size": size, "dtype": dtype}

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Check for the right number of numbers that are finite as what they are kept as."""
        size: int = parameters["size"]
        dtype = parameters.get("dtype", "float32")
        largest = MAX_FLOAT[dtype]

        def encode(value: Any) -> list[float]:
            vector = value.tolist() if hasattr(value, "tolist") else value
            if not isinstance(vector, list | tuple):
                raise ValueError(f"expected a list of {size} numbers")
            if len(vector) != size:
                raise ValueError(f"expected {size} numbers, got {len(vector)}")
            try:
                numbers = [n if type(n) is float else _float_of(n) for n in vector]
            except ValueError:
                raise ValueError("expected finite numbers only") from None
            if not all(map(math.isfinite, numbers)):
                raise ValueError("expected finite numbers only")
            if max(map(abs, numbers)) > largest:
                raise ValueError(f"expected numbers up to {largest:g}, the largest {dtype}")
            return numbers

        return encode


class GeospatialCodec(_Plain):
    """A place on WGS 84: `{"latitude": 36.75, "longitude": 3.06}`, `[36.75, 3.06]` or `"36.75, 3.06"`."""

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """Check for latitude and longitude in degrees."""

        def encode(value: Any) -> dict[str, float]:
            latitude, longitude = _degrees(value)
            if not -90 <= latitude <= 90:
                raise ValueError("expected a latitude from -90 to 90 degrees")
            if not -180 <= longitude <= 180:
                raise ValueError("expected a longitude from -180 to 180 degrees")
            return {"latitude": latitude, "longitude": longitude}

        return encode


def _degrees(value: Any) -> tuple[float, float]:
    pair: Any = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, Mapping) and len(value) == 2:
        pair = [value.get("latitude"), value.get("longitude")]
    try:
        if isinstance(value, str):
            pair = [float(part) for part in value.split(",")]
        if not isinstance(pair, list | tuple):
            raise ValueError("expected a pair")
        latitude, longitude = (_float_of(part) for part in pair)
    except ValueError:
        raise ValueError("expected latitude and longitude, such as [36.75, 3.06]") from None
    return latitude, longitude
