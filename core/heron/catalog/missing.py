"""The error for a name that is not in the catalogue, with the most similar name as a suggestion."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from heron.errors import NotFound
from heron.metadata.keys import printable


def missing(noun: str, name: object, known: Iterable[str]) -> NotFound:
    """The error for a folder, collection, dataset or preset that does not exist, to be raised by the caller."""
    close = difflib.get_close_matches(str(name)[:300], list(known), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"heron {noun}s list shows those there are"
    return NotFound(f"there is no {noun} {printable(name)}", hint=hint)
