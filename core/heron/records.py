"""The base classes of records: all are shown in one short line, and some are identified by a UUID."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from datetime import datetime
from numbers import Real
from typing import Any

MOST = 120
"""The longest text of a record, in characters."""


class Record:
    """A record that is shown in at most 120 characters."""

    __slots__ = ()

    def __repr__(self) -> str:
        text = f"{type(self).__name__} {' '.join(self._shown())}".rstrip()
        return f"<{cut(text, MOST - 2)}>"

    def _shown(self) -> Iterator[str]:
        """The parts of the line: all fields that have a value, containers as their length."""
        for name in type(self).__attrs_attrs__:  # type: ignore[attr-defined]
            value = getattr(self, name.name)
            is_container = isinstance(value, Collection) and not isinstance(value, str | bytes)
            if value is None or (is_container and not len(value)) or name.name == "id":
                continue
            if is_container:
                value = f"[{len(value)}]"
            if isinstance(value, datetime):
                value = value.isoformat(sep=" ")
            yield f"{name.name}={line(value, 60)}"


class Identified(Record):
    """A record of one thing in the catalogue: equality and hash use only what identifies it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> Hashable:
        """What identifies the thing among others of its type."""
        uuid: str = self.uuid  # type: ignore[attr-defined]
        return uuid


def cut(text: str, length: int) -> str:
    """A text cut to at most `length` characters; `…` at the end shows that something is left out."""
    return text if len(text) <= length else text[: length - 1] + "…"


def line(value: Any, length: int) -> str:
    """A value in one line of at most `length` characters; texts have no quotation marks."""
    text = value if isinstance(value, str) else repr(value)
    return cut("".join(c if c.isprintable() else "�" for c in text[: length + 1]), length)


def in_middle(path: str, length: int) -> str:
    """A path cut in the middle to at most `length` characters; more is kept of the end than of the beginning."""
    shown = line(path[-length - 1 :], length + 1)
    return shown if len(path) <= length else "…" + shown[-length + 1 :]


def own_number(given: Any) -> Any:
    """A number, which can be one of NumPy, as Python's own, which JSON can represent."""
    return float(given) if isinstance(given, Real) else given
