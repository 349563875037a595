"""What is asked: a query made of its parts, and the parts that do not go together."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from heron.errors import InvalidInput, QueryError
from heron.models import Query

SURE = 0.7
"""From here on a hit counts as sure: seven of ten texts without meaning find none that stands out as much."""


def asked_query(query: Query | str | None, parts: dict[str, Any]) -> Query:
    """A query with some of its parts replaced; a text alone is natural language."""
    return evolve(Query(text=query) if isinstance(query, str) else query or Query(), **parts)


def checked(query: Query) -> Query:
    """Raise InvalidInput or QueryError for parts of a query that are invalid or do not go together."""
    if query.limit is not None and query.limit < 1:
        raise InvalidInput(f"limit is {query.limit}, at least 1 is needed")
    if query.nearest is not None and query.nearest < 1:
        raise QueryError(f"nearest is {query.nearest}, at least 1 is needed")
    if query.min_score is not None and not -1 <= query.min_score <= 1:
        raise QueryError(f"min_score is {query.min_score}, a cosine from -1 to 1 is needed")
    if query.min_sure is not None and not 0.01 <= query.min_sure <= 0.99:
        raise QueryError(f"min_sure is {query.min_sure}, a share from 0.01 to 0.99 is needed")
    if query.min_sure is not None and query.like:
        raise QueryError(
            "how sure a hit is can be said of a text alone, not with something to be like",
            hint="give a number as min_score",
        )
    if query.is_similarity:
        return query
    for name in ("key", "nearest", "min_score", "min_sure"):
        if getattr(query, name) is not None:
            raise QueryError(
                f"{name} needs a text, or something to be similar to",
                hint='heron search "a red bus", or --like ITEM',
            )
    return query
