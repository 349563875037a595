"""Reads the fields of a JSON object or of a query string, each by the type that it must have; a wrong one is InvalidInput."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from heron import InvalidInput

_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MISSING: Any = object()
_FLAGS = {"True": True, "true": True, "1": True, "False": False, "false": False, "0": False}


class Fields:
    """A JSON object that is read field by field. A field that is null counts as not given where there is a default."""

    def __init__(self, values: Any, place: str = "the body") -> None:
        if not isinstance(values, dict):
            raise InvalidInput(f"{place} has to be a JSON object, got {_shown(values)}")
        self.values: dict[str, Any] = values
        self.place = place

    def has(self, name: str) -> bool:
        """Whether a field is given, null too."""
        return name in self.values

    def text(self, name: str, default: Any = MISSING) -> Any:
        """A text."""
        return self._read(name, default, str, "a text")

    def uuid(self, name: str, default: Any = MISSING) -> Any:
        """A UUID."""
        value = self._read(name, default, str, "a UUID")
        return value if value is default else as_uuid(value, f"{self.place}.{name}")

    def uuids(self, name: str, default: Any = MISSING) -> list[UUID]:
        """A list of UUIDs."""
        values = self.list(name, default)
        return [as_uuid(value, f"{self.place}.{name}[{at}]") for at, value in enumerate(values)]

    def texts(self, name: str, default: Any = MISSING) -> list[str]:
        """A list of texts."""
        values = self.list(name, default)
        for at, value in enumerate(values):
            if not isinstance(value, str):
                raise InvalidInput(f"{self.place}.{name}[{at}] has to be a text, got {_shown(value)}")
        return list(values)

    def flag(self, name: str, default: Any = MISSING) -> Any:
        """True or false."""
        return self._read(name, default, bool, "true or false")

    def whole(self, name: str, default: Any = MISSING, *, least: int = 0, most: int = 2**31) -> Any:
        """A whole number within bounds."""
        value = self._read(name, default, int, "a whole number")
        if value is not default and not (least <= value <= most and not isinstance(value, bool)):
            raise InvalidInput(f"{self.place}.{name} has to be from {least} to {most:,}, got {_shown(value)}")
        return value

    def list(self, name: str, default: Any = MISSING) -> Any:
        """A list."""
        return self._read(name, default, list, "a list")

    def object(self, name: str, default: Any = MISSING) -> Any:
        """A JSON object."""
        return self._read(name, default, dict, "an object")

    def one_of(self, name: str, choices: Sequence[str], default: Any = MISSING) -> Any:
        """One of some texts."""
        value = self._read(name, default, str, "a text")
        if value is not default and value not in choices:
            raise InvalidInput(
                f"{self.place}.{name} has to be one of {', '.join(choices)}, got {_shown(value)}"
            )
        return value

    def _read(self, name: str, default: Any, kind: type, words: str) -> Any:
        value = self.values.get(name)
        if value is None:
            if default is MISSING:
                raise InvalidInput(f"{self.place}.{name} is missing")
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InvalidInput(f"{self.place}.{name} has to be {words}, got {_shown(value)}")
        return value


class Query:
    """The parameters of a URL, as the client writes them: `True`, lists by repeated names, times in ISO 8601."""

    def __init__(self, text: str) -> None:
        try:
            pairs = parse_qsl(
                text, keep_blank_values=True, strict_parsing=False, errors="strict", max_num_fields=10_000
            )
        except ValueError as error:
            raise InvalidInput(f"the query of the URL cannot be read: {error}") from error
        self.values: dict[str, list[str]] = {}
        for name, value in pairs:
            self.values.setdefault(name, []).append(value)

    def texts(self, name: str) -> list[str]:
        """All values of a parameter."""
        return self.values.get(name, [])

    def text(self, name: str, default: Any = None) -> Any:
        """The value of a parameter that is given once at most."""
        values = self.values.get(name)
        if not values:
            return default
        if len(values) > 1:
            raise InvalidInput(f"the parameter {name} is given {len(values)} times")
        return values[0]

    def flag(self, name: str, default: Any = False) -> Any:
        """True or false."""
        value = self.text(name)
        if value is None or value == "":
            return default
        if value not in _FLAGS:
            raise InvalidInput(f"the parameter {name} has to be True or False, got {_shown(value)}")
        return _FLAGS[value]

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = self.text(name)
        if value is None or value == "":
            return default
        if not (value.isdecimal() and value.isascii() and len(value) < 10 and least <= int(value) <= most):
            raise InvalidInput(
                f"the parameter {name} has to be from {least} to {most:,}, got {_shown(value)}"
            )
        return int(value)

    def uuid(self, name: str) -> UUID | None:
        """A UUID."""
        value = self.text(name)
        return as_uuid(value, f"the parameter {name}") if value else None

    def uuids(self, name: str) -> list[UUID]:
        """All values of a parameter, which are UUIDs."""
        return [as_uuid(value, f"the parameter {name}") for value in self.texts(name)]

    def one_of(self, name: str, choices: Mapping[str, str], default: str) -> str:
        """What one of some values stands for."""
        value = self.text(name) or default
        if value not in choices:
            raise InvalidInput(
                f"the parameter {name} has to be one of {', '.join(choices)}, got {_shown(value)}"
            )
        return choices[value]

    def moment(self, name: str) -> datetime | None:
        """A time in ISO 8601; one without an offset is in UTC."""
        value = self.text(name)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidInput(
                f"the parameter {name} has to be a time in ISO 8601, got {_shown(value)}"
            ) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_uuid(value: Any, place: str) -> UUID:
    """A UUID that is written as text."""
    try:
        if not isinstance(value, str):
            raise ValueError
        return UUID(value)
    except ValueError:
        raise InvalidInput(f"{place} has to be a UUID, got {_shown(value)}") from None


def plain_uuid(value: str, place: str) -> str:
    """A UUID as text in its usual form."""
    return value if _UUID.fullmatch(value) else str(as_uuid(value, place))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
