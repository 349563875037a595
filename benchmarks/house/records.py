"""The metadata of the items of a lake, made from a seed: six values each, the same for every way and every size."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

SHARES = {"30 %": 0.3, "1 %": 0.01, "0.01 %": 0.0001}
"""`share` is spread evenly over 0 to 1, so a bound on it lets through so much."""

FACETS = ("weather", "city", "dark", "width", "captured_at")
WEATHER = ("sun", "rain", "fog", "snow")
WIDTHS = (1024, 1280, 1920, 4096)
_START = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR = 365 * 24 * 3600


def records(count: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbers and metadata; every time is another second of one year."""
    source = random.Random(7)
    for number in range(count):
        yield (
            number,
            {
                "share": source.random(),
                "captured_at": (_START + timedelta(seconds=number * 7_368_787 % _YEAR)).isoformat(),
                "dark": number % 3 == 0,
                "weather": WEATHER[number % 4],
                "city": f"city {number % 100}",
                "shot": str(uuid.UUID(int=source.getrandbits(128), version=4)),
            },
        )


def url(number: int) -> str:
    """Where the picture of an item would be."""
    return f"s3://bucket/{number // 1000:05}/{name(number)}"


def name(number: int) -> str:
    """The name of an item."""
    return f"{number:08}.jpg"


def width(number: int) -> int:
    """The width of an item's picture; all are at least 1,000."""
    return WIDTHS[number % 7 % 4]


def batches(count: int, rows: int = 50_000) -> Iterator[dict[str, list[Any]]]:
    """The same as columns, with `id`, `name`, `url` and `width`, for what loads columns."""
    stream = records(count)
    while batch := list(islice(stream, rows)):
        columns: dict[str, list[Any]] = {
            "id": [number for number, _ in batch],
            "name": [name(number) for number, _ in batch],
            "url": [url(number) for number, _ in batch],
            "width": [width(number) for number, _ in batch],
        }
        for key in batch[0][1]:
            columns[key] = [values[key] for _, values in batch]
        columns["captured_at"] = [datetime.fromisoformat(text) for text in columns["captured_at"]]
        yield columns


def page_answer(names: Sequence[str], count: int) -> str:
    """What every way has to find: the names of the page in their order, and how many items there are."""
    return hashlib.sha256(repr((list(names), count)).encode()).hexdigest()[:12]


def facets_answer(counts: dict[str, list[int]]) -> str:
    """What every way has to count; times are cut in different ways, so their sum counts."""
    even = {key: [sum(found)] if key == "captured_at" else sorted(found) for key, found in counts.items()}
    return hashlib.sha256(repr(sorted(even.items())).encode()).hexdigest()[:12]
