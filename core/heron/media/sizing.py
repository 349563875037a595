"""How large a picture is asked for, so that its shortest side has the pixels that a model looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from heron.models import Item

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST = 4096
"""The longest side that is asked for, in pixels: a picture 100 times as wide as high stays small in memory."""


@frozen
class Sight:
    """A picture fits into `longest` x `longest` pixels; into larger ones, up to `LONGEST`, where its shortest side would
    have fewer than `shortest` pixels (0: never). Pictures are not enlarged.
    """

    longest: int
    shortest: int = 0

    def of(self, width: int | None, height: int | None) -> int:
        """The longest side to ask for, for a file of this width and height; `longest` where they are not known."""
        if not self.shortest or not width or not height:
            return self.longest
        long, short = max(width, height), min(width, height)
        needed = -(-self.shortest * long // short)
        return max(self.longest, min(needed, long, LONGEST))

    def of_item(self, item: Item) -> int:
        """The longest side to ask for, by the facts of an item."""
        return self.of(item.facts.width, item.facts.height)

    def larger(self, picture: Image, asked: int) -> int | None:
        """The longest side to ask for again, if this picture was made smaller than the model needs; None if not.

        So a file whose width and height nobody knew, or that has pages of several sizes, is seen as well as others.
        """
        if not self.shortest or max(picture.size) < asked or min(picture.size) >= self.shortest:
            return None
        least = 2 * min(picture.size) - 1  # twice the shortest side before it was rounded up
        needed = -(-2 * self.shortest * max(picture.size) // least)
        return min(needed, LONGEST) if asked < min(needed, LONGEST) else None


class Draws(Protocol):
    """What makes pictures of items, as `ItemFiles` and the picture service do."""

    def portrait(self, item: Item, /, *, size: int) -> Image:
        """The one picture that represents an item."""

    def frames(self, item: Item, numbers: Sequence[int], /, *, size: int) -> Iterator[tuple[int, Image]]:
        """Frames by number."""


def seen(draw: Callable[[int], Image], sight: Sight, asked: int) -> Image:
    """The picture that `draw` makes for a longest side of `asked`, or of more where that shows too little."""
    picture = draw(asked)
    more = sight.larger(picture, asked)
    return draw(more) if more else picture


def portrait_seen(files: Draws, item: Item, sight: Sight) -> Image:
    """The one picture that represents an item; raises as `portrait` does."""
    return seen(lambda size: files.portrait(item, size=size), sight, sight.of_item(item))


def frames_seen(
    files: Draws, item: Item, numbers: Sequence[int], sight: Sight
) -> Iterator[tuple[int, Image]]:
    """Frames by number, in ascending order; raises as `frames` does."""
    asked = sight.of_item(item)
    for number, picture in files.frames(item, numbers, size=asked):
        more = sight.larger(picture, asked)
        yield from files.frames(item, [number], size=more) if more else [(number, picture)]
