"""What uses items: rows of the table about one item, and sentences before items are deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from heron.wording import counted

if TYPE_CHECKING:
    from heron.answers import Use

_NOUNS = {
    "collection": ("collection", "collections"),
    "dataset": ("dataset", "datasets"),
    "version": ("frozen version", "frozen versions"),
    "project": ("project", "projects"),
    "sent": ("annotation task file", "sent to annotation"),
    "group": ("group", "groups and series"),
}
"""For each kind of use: what one is called, and the head of its row in the table about an item."""

_STAYS = {"version": "Frozen versions keep them.", "group": "Groups keep their files."}
"""What is not changed when items are deleted."""

_MOST = 3
"""Up to so many titles of each kind are in a sentence."""


def used_rows(uses: Sequence[Use]) -> Iterator[tuple[str, str]]:
    """For each kind of thing that uses an item, a row with their titles."""
    for kind, (_, head) in _NOUNS.items():
        titles = [
            use.name if use.rows == 1 else f"{use.name} ({use.rows:,} rows)"
            for use in uses
            if use.kind == kind
        ]
        if titles:
            yield head, ", ".join(titles)


def used_by(uses: Sequence[Use]) -> str:
    """Sentences about what uses items that are to be deleted, with a blank at the end; empty if nothing does."""
    parts = []
    for kind, (noun, _) in _NOUNS.items():
        titles = [use.name for use in uses if use.kind == kind]
        if titles:
            more = ["…"] if len(titles) > _MOST else []
            parts.append(f"{counted(len(titles), noun)} ({', '.join(titles[:_MOST] + more)})")
    if not parts:
        return ""
    stays = [sentence for kind, sentence in _STAYS.items() if any(use.kind == kind for use in uses)]
    return " ".join([f"Used by {', '.join(parts)}.", *stays, ""])
