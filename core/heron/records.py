"""What all records have in common: they are shown in one short line, and some are told apart by a UUID alone."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from datetime import datetime
from typing import Any

MOST = 120
"""Longest text of a record, in characters."""


class Record:
    """A record that is shown in at most 120 characters."""

    __slots__ = ()

    def __repr__(self) -> str:
        text = f"{type(self).__name__} {' '.join(self._shown())}".rstrip()
        return f"<{cut(text, MOST - 2)}>"

    def _shown(self) -> Iterator[str]:
        """The parts of the line: here all fields that have a value, collections by their length."""
        for name in type(self).__attrs_attrs__:  # type: ignore[attr-defined]
            value = getattr(self, name.name)
            if value is None or value == () or value == {} or name.name == "id":
                continue
            if isinstance(value, Collection) and not isinstance(value, str | bytes):
                value = f"[{len(value)}]"
            if isinstance(value, datetime):
                value = value.isoformat(sep=" ")
            yield f"{name.name}={line(value, 60)}"


class Identified(Record):
    """A record that stands for one thing of the catalogue: equal, and hashed, by what tells it from the others."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> Hashable:
        """What tells the thing from others of its kind."""
        uuid: str = self.uuid  # type: ignore[attr-defined]
        return uuid


def cut(text: str, length: int) -> str:
    """A text of at most `length` characters; what is left out at its end is shown by `…`."""
    return text if len(text) <= length else text[: length - 1] + "…"


def line(value: Any, length: int) -> str:
    """A value in one line of at most `length` characters; a text as it is."""
    text = value if isinstance(value, str) else repr(value)
    return cut("".join(c if c.isprintable() else "�" for c in text[: length + 1]), length)


def in_middle(path: str, length: int) -> str:
    """A path of at most `length` characters, of which the end is more telling than the beginning."""
    shown = line(path[-length - 1 :], length + 1)
    return shown if len(path) <= length else "…" + shown[-length + 1 :]
