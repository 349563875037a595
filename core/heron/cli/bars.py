"""Short texts of values, and bars for counts, in tables of facets, statistics and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heron.models import Json


def bar(count: float, most: float, width: int = 30) -> str:
    """A bar of at most `width` characters for a count, in eighths of a character, so that even one item is seen."""
    eighths = max(1, round(8 * width * count / most)) if count else 0
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def short(value: Json) -> str:
    """A value in a cell: numbers with six digits, times without a fraction of zero, a missing value as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace(".000000Z", "Z")


def span(value: Json, end: Json) -> str:
    """The label of a bucket."""
    return short(value) if end is None else f"{short(value)} to {short(end)}"


HEADS = {
    "values": "value",
    "bins": "from",
    "words": "word",
    "collections": "collection",
    "datasets": "dataset",
}
"""The head of the first column by the form of a facet; other forms are their own head."""
