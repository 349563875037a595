"""Cursors: the position at which a page ended, as a text that is valid only for the same query."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from attrs import evolve

from heron.convert import dumps, loads, unstructure
from heron.errors import HeronError, QueryError
from heron.models import Json, Query

_MAX_INTEGER = 2**63 - 1


def made_cursor(fingerprint: str, values: Sequence[Json]) -> str:
    """The cursor for the rows after a row with these values."""
    return base64.urlsafe_b64encode(dumps([fingerprint, *values]).encode()).decode()


def fingerprint_of(query: Query, table: str) -> str:
    """A text that identifies a query; it is the same for all its pages."""
    bare = evolve(query, limit=None, cursor=None)
    mark = "" if table == "items" else table
    return hashlib.sha256((dumps(unstructure(bare)) + mark).encode()).hexdigest()[:12]


def opened_cursor(cursor: str | None, fingerprint: str, terms: int) -> list[Json] | None:
    """The values of a cursor: one for each sort term, and one whole number; None if there is no cursor.

    Raises QueryError for a cursor of another query, and for a damaged one.
    """
    if cursor is None:
        return None
    try:
        mark, *values = loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, HeronError):
        mark, values = None, []
    if isinstance(mark, str) and mark != fingerprint:
        raise QueryError(
            "the cursor belongs to another query", hint="repeat the condition and the sort of the page before"
        )
    is_whole = mark == fingerprint and len(values) == terms + 1 and all(map(_is_stored, values))
    if not is_whole or type(values[-1]) is not int:
        raise damaged()
    return list(values)


def damaged() -> QueryError:
    """What is raised for a cursor that no page has given."""
    return QueryError("the cursor is damaged", hint="take it from the page before, unchanged")


def _is_stored(value: Json) -> bool:
    """Whether SQLite can have returned this value."""
    return value is None or type(value) in (str, float) or (type(value) is int and abs(value) <= _MAX_INTEGER)
