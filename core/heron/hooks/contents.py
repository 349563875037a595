"""What formats of exports can hold besides the items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Content = Literal["metadata", "tags", "facts", "members", "frames", "vectors", "files"]
"""What a format of datasets can hold besides the items: `facts` are those of namespaces, such as `exif.Model`, `files` are copies."""

EVERYTHING: tuple[Content, ...] = ("metadata", "tags", "facts", "members", "frames", "vectors")
"""All that a catalogue knows, without the files."""


def contents(given: Sequence[Content]) -> tuple[Content, ...]:
    """A tuple of known words; raises TypeError for others."""
    if isinstance(given, str) or not set(given) <= {*EVERYTHING, "files"}:
        raise TypeError(f"expected a list of {', '.join(map(repr, (*EVERYTHING, 'files')))}, got {given!r}")
    return tuple(given)
