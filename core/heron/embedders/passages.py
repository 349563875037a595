"""Long texts: passages of a size that a model reads, and the one vector that they have together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen, mutable

from heron.errors import PluginError
from heron.hooks import LimitedEmbedder

if TYPE_CHECKING:
    from PIL.Image import Image

    Array = np.ndarray[Any, Any]

RULES = "passages 1"
"""How texts are cut: a change makes their vectors anew."""

_BREAKS = (re.compile(r"\n"), re.compile(r"\s"))
"""Where a passage best ends: at a line break, else at a blank."""


@frozen
class Passage:
    """A passage of the text of an item, and whether it is the first and the last one."""

    text: str
    is_first: bool = True
    is_last: bool = True


NOTHING = Passage("")
"""What stands for the text of a page that has none."""


def passages_of(pieces: Iterable[str], size: int, overlap: int) -> Iterator[Passage]:
    """The passages of a text that comes in pieces: at most `size` characters each, without blanks at both ends.

    Each begins with up to `overlap` characters of the one before, from the beginning of a word on if there is one. There is no passage for
    a text of blanks alone. Of the text, only one piece and one passage are kept.
    """
    waiting: str | None = None
    is_first = True
    for text in _cut(pieces, size, overlap):
        if waiting is not None:
            yield Passage(waiting, is_first, is_last=False)
            is_first = False
        waiting = text
    if waiting is not None:
        yield Passage(waiting, is_first, is_last=True)


def _cut(pieces: Iterable[str], size: int, overlap: int) -> Iterator[str]:
    rest = ""
    for piece in pieces:
        rest += piece
        start = 0
        while len(rest) - start > size:
            end = _end(rest, start, size)
            if text := rest[start:end].strip():
                yield text
            start = _next(rest, start, end, overlap) if text else end
        rest = rest[start:]
    if text := rest.strip():
        yield text


def _end(text: str, start: int, size: int) -> int:
    """Where a passage ends: behind the last line break of its second half, else behind its last blank, else where it is full."""
    middle = start + size - size // 2
    for pattern in _BREAKS:
        found = None
        for found in pattern.finditer(text, middle, start + size):  # noqa: B007 - the last one counts
            pass
        if found is not None:
            return found.end()
    return start + size


def _next(text: str, start: int, end: int, overlap: int) -> int:
    """Where the next passage begins: up to `overlap` characters before the end of this one, at the beginning of a word."""
    back = max(end - overlap, start + 1)
    if back >= end:
        return end
    blank = _BREAKS[1].search(text, back - 1, end)
    return back if blank is None else blank.end()


@mutable
class Mean:
    """The mean of vectors of length 1, each with a weight; of a single vector, this vector as it is.

    `is_whole` says that the last passage of the text is among them.
    """

    total: Any = None
    alone: Any = None
    count: int = 0
    is_whole: bool = field(default=True)

    def add(self, vector: Array, weight: float) -> None:
        """Add a vector of shape (size,). One of zeros has no direction, and counts for nothing."""
        given = np.asarray(vector, np.float64)
        length = np.linalg.norm(given)
        part = given * (weight / length) if length else np.zeros_like(given)
        self.total = part if self.total is None else self.total + part
        self.alone = vector if not self.count else None
        self.count += 1

    def join(self, other: Mean) -> None:
        """Add what another one has added."""
        self.alone = other.alone if not self.count else None
        self.total = other.total if self.total is None else self.total + other.total
        self.count += other.count

    def vector(self) -> Array:
        """The mean, of length 1 if it has a direction."""
        if self.alone is not None:
            return np.asarray(self.alone)
        length = np.linalg.norm(self.total)
        mean: Array = (self.total / length if length else self.total).astype(np.float32)
        return mean


def vectors_of(loaded: Any, contents: Sequence[Image | Passage]) -> list[Array | Mean]:
    """For each picture its vector, and for each passage the mean of the parts of it that the model reads whole.

    `loaded` is a `heron.search.similar.Behind`. Raises PluginError.
    """
    made: list[Any] = [None] * len(contents)
    pictures = [
        (place, content) for place, content in enumerate(contents) if not isinstance(content, Passage)
    ]
    is_limited = isinstance(loaded, LimitedEmbedder)
    texts = [
        (place, part)
        for place, content in enumerate(contents)
        if isinstance(content, Passage)
        for part in (_read_whole(loaded, content.text) if is_limited else [content.text])
    ]
    if pictures:
        for (place, _), vector in zip(
            pictures, loaded.embed_images([picture for _, picture in pictures]), strict=True
        ):
            made[place] = vector
    for start in range(0, len(texts), len(contents)):
        some = texts[start : start + len(contents)]
        for (place, part), vector in zip(some, loaded.embed_texts([part for _, part in some]), strict=True):
            if made[place] is None:
                made[place] = Mean()
            made[place].add(vector, len(part))
    return made


def vector_of(loaded: Any, contents: Iterable[Image | Passage], batch: int) -> Array:
    """The vector of one picture, or of the passages of one text, of shape (size,); raises PluginError."""
    mean, stream = Mean(), iter(contents)
    while some := list(islice(stream, batch)):
        for made in vectors_of(loaded, some):
            if not isinstance(made, Mean):
                return made
            mean.join(made)
    return mean.vector()


def _read_whole(loaded: LimitedEmbedder, text: str) -> list[str]:
    """A text, or its halves, and theirs, until the model reads each to its end; raises PluginError."""
    parts, waiting = [], [text]
    while waiting:
        fits = loaded.fits(waiting)
        halves = []
        for part, does_fit in zip(waiting, fits, strict=True):
            if does_fit:
                parts.append(part)
            elif len(part) < 2:
                raise PluginError(f"the model reads no text, not even the single character {part!r}")
            else:
                size = (len(part) + 1) // 2
                halves += [passage.text for passage in passages_of([part], max(size, 1), 0)]
        waiting = halves
    return parts
