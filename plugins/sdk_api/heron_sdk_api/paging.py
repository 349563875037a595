"""Tokens of pages: opaque, of characters that URLs need not quote, and valid for the list that they were made for."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import orjson

from heron import InvalidInput
from heron_sdk_api.fields import Query

T = TypeVar("T")

PAGE = 100
"""The number of results of a page, unless a request says how many."""

MOST = 1000
"""The most results of a page."""


def made(place: Any, of: str) -> str:
    """The token of the page that begins behind a place of a list; `of` says what list that is."""
    return base64.urlsafe_b64encode(orjson.dumps([_mark(of), place])).decode().rstrip("=")


def opened(token: str | None, of: str) -> Any:
    """The place that a token stands for, None without a token; raises InvalidInput for a token of something else."""
    if not token:
        return None
    try:
        mark, place = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError, binascii.Error):
        mark, place = None, None
    if mark != _mark(of):
        raise InvalidInput("the pageToken is not one of this list")
    return place


def size_of(query: Query) -> int:
    """The number of results that a request asks for."""
    return query.whole("pageSize", PAGE, least=1, most=MOST)


def sliced(results: Sequence[T], query: Query, of: str) -> tuple[Sequence[T], str | None]:
    """One page of a list that is at hand as a whole, and the token of the next page."""
    start = opened(query.text("pageToken"), of) or 0
    if not isinstance(start, int):
        raise InvalidInput("the pageToken is not one of this list")
    end = start + size_of(query)
    return results[start:end], made(end, of) if end < len(results) else None


def page(results: Sequence[Any], token: str | None = None) -> dict[str, Any]:
    """The answer with one page."""
    return {"results": results, "nextPageToken": token}


def _mark(of: str) -> str:
    return hashlib.sha256(of.encode()).hexdigest()[:10]
