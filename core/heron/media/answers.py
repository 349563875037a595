"""Checks of what decoders answer, so that no answer of a plugin is catalogued or shown that cannot be right."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import le
from typing import TYPE_CHECKING, Any

from attrs import evolve

from heron.convert import dumps
from heron.metadata.keys import is_unicode, printable
from heron.models import FACT_FIELDS, MediaFacts

if TYPE_CHECKING:
    from PIL.Image import Image

    from heron.hooks import Part, Series, Values

MOST_FACTS = 1_000_000
"""The most bytes of the further facts of one file, as JSON."""

_LARGEST = 2**63 - 1
_WHOLE = [name for name, field in FACT_FIELDS.items() if (field.sql or "").startswith("INTEGER")]
_REAL = [name for name, field in FACT_FIELDS.items() if (field.sql or "").startswith("REAL")]
_TEXT = {"kind": True, "media_type": True, "codec": False, "note": False}
"""The facts that are texts, and whether a file has to have them."""

_PLAIN_MODES = ("1", "L", "LA", "P", "PA")
"""The modes of Pillow that RGB or RGBA shows as they are."""


class WrongAnswer(ValueError):
    """What a decoder has answered breaks the rules of its protocol."""


def facts(found: Any) -> MediaFacts:
    """Facts that the catalogue can store; raises WrongAnswer."""
    if not isinstance(found, MediaFacts):
        raise WrongAnswer(f"it gave {printable(found)}, expected MediaFacts")
    for name, is_needed in _TEXT.items():
        value = getattr(found, name)
        if (value is not None or is_needed) and not (type(value) is str and is_unicode(value)):
            raise WrongAnswer(f"the fact {name} is {printable(value)}, expected text")
    for name in _WHOLE:
        value = getattr(found, name)
        if value is not None and not (type(value) is int and 0 <= value <= _LARGEST):
            raise WrongAnswer(f"the fact {name} is {printable(value)}, expected a whole number from 0")
    for name in _REAL:
        value = getattr(found, name)
        if value is not None and not (type(value) in (int, float) and 0 <= value < math.inf):
            raise WrongAnswer(f"the fact {name} is {printable(value)}, expected a number from 0")
    if found.extra:
        _check_extra(found.extra)
    return found


def _check_extra(extra: Any) -> None:
    if not isinstance(extra, Mapping) or not all(isinstance(space, Mapping) for space in extra.values()):
        raise WrongAnswer("its further facts are not grouped by namespace")
    _check_json(extra, "its further facts")


def _check_json(value: Any, what: str) -> None:
    """Raise WrongAnswer for what JSON cannot hold as it is: `dumps` would write a number that is none as null."""
    try:
        json.dumps(value, allow_nan=False)
        size = len(dumps(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise WrongAnswer(f"{what} cannot be stored as JSON: {error}") from error
    if size > MOST_FACTS:
        raise WrongAnswer(f"{what} take {size:,} bytes, at most {MOST_FACTS:,} are kept")


def picture(found: Any, size: int | None) -> Image | None:
    """An RGB or RGBA picture within `size`, or None; raises WrongAnswer."""
    from PIL import Image

    if found is None:
        return None
    if not isinstance(found, Image.Image):
        raise WrongAnswer(f"it gave {printable(found)}, expected a picture of Pillow")
    if found.mode in _PLAIN_MODES:
        found = found.convert("RGBA" if "A" in found.getbands() or "transparency" in found.info else "RGB")
    if found.mode not in ("RGB", "RGBA") or not min(found.size):
        raise WrongAnswer(
            f"its picture is {found.mode} of {found.width}x{found.height}, expected RGB or RGBA"
        )
    if size is not None and max(found.size) > size:
        found.thumbnail((size, size))
    checked: Image.Image = found
    return checked


def times(found: Any) -> Sequence[float] | None:
    """Times of frames that ascend, by which no wrong frame is chosen; raises WrongAnswer."""
    if found is None:
        return None
    if isinstance(found, str | bytes | Mapping) or not hasattr(found, "__getitem__"):
        raise WrongAnswer(f"it gave {printable(found)}, expected the times of the frames")
    if not all(map(le, found, islice(found, 1, None))):
        raise WrongAnswer("its times of frames do not ascend")
    if len(found) and not (found[0] >= 0 and found[-1] < math.inf):
        raise WrongAnswer("its times of frames are no seconds from 0")
    times: Sequence[float] = found
    return times


def frames(found: Any, wanted: Sequence[int], size: int | None) -> Iterator[tuple[int, Image]]:
    """Frames that were asked for, in ascending order; raises WrongAnswer for any other."""
    left = iter(sorted(wanted))
    for pair in found:
        number, image = pair
        if not any(asked == number for asked in left):
            raise WrongAnswer(f"it gave frame {printable(number)}, which was not asked for or comes too late")
        checked = picture(image, size)
        if checked is None:
            raise WrongAnswer(f"it gave nothing for frame {number}")
        yield number, checked


def values(found: Any, wanted: Sequence[int] | None) -> Iterator[tuple[int, Values | None]]:
    """Values of frames that were asked for, in ascending order; raises WrongAnswer for any other."""
    left = iter(sorted(wanted or ()))
    for number, given in found:
        if wanted is not None and not any(asked == number for asked in left):
            raise WrongAnswer(f"it gave frame {printable(number)}, which was not asked for or comes too late")
        yield number, None if given is None else _checked_values(given)


def _checked_values(given: Any) -> Values:
    import numpy

    from heron.hooks import Values, Window

    if not isinstance(given, Values):
        raise WrongAnswer(f"it gave {printable(given)}, expected Values")
    array = given.array
    if (
        not isinstance(array, numpy.ndarray)
        or array.ndim != 2
        or not array.size
        or array.dtype.kind not in "iuf"
    ):
        raise WrongAnswer("its values are no array of numbers of the shape (rows, columns)")
    for window in given.windows:
        if not isinstance(window, Window) or not (
            0 < window.width < math.inf and math.isfinite(window.level)
        ):
            raise WrongAnswer(f"it gave the window {printable(window)}")
    if not given.windows:
        raise WrongAnswer("it gave values without a window")
    if not (min(given.spacing) > 0 and max(given.spacing) < math.inf and math.isfinite(given.depth or 0)):
        raise WrongAnswer("the place of its values is no number of millimetres")
    return given


def volume(found: Any) -> range:
    """Numbers of frames, one after another; raises WrongAnswer."""
    if not isinstance(found, range) or found.start < 0 or found.step != 1:
        raise WrongAnswer(f"it gave {printable(found)}, expected a range of frames")
    return found


def text(found: Any) -> Iterator[str]:
    """Pieces of text; raises WrongAnswer. What no file in UTF-8 can hold is replaced by �."""
    if isinstance(found, str | bytes):
        raise WrongAnswer(f"it gave {printable(found)}, expected pieces of text")
    for piece in found:
        if not isinstance(piece, str):
            raise WrongAnswer(f"it gave {printable(piece)}, expected text")
        yield piece if is_unicode(piece) else piece.encode(errors="replace").decode()


def page_texts(found: Any, wanted: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Texts of pages that were asked for, in ascending order; raises WrongAnswer for any other."""
    left = iter(sorted(wanted))
    for number, given in found:
        if not any(asked == number for asked in left):
            raise WrongAnswer(f"it gave page {printable(number)}, which was not asked for or comes too late")
        yield number, next(text([given]))


def part(found: Any) -> Part | None:
    """The description of a part of a series, which the catalogue can store; raises WrongAnswer."""
    from heron.hooks import Part

    if found is None:
        return None
    if not isinstance(found, Part):
        raise WrongAnswer(f"it gave {printable(found)}, expected a Part")
    if not (type(found.series) is str and found.series and is_unicode(found.series)):
        raise WrongAnswer(f"the series is {printable(found.series)}, expected text")
    if not isinstance(found.header, Mapping):
        raise WrongAnswer(f"the header is {printable(found.header)}, expected a mapping")
    _check_json(found.header, "the header of a part")
    return found


def series(found: Any, count: int) -> Series:
    """The order of the parts of a series, each of `count` at most once; raises WrongAnswer."""
    from heron.hooks import Series

    if not isinstance(found, Series):
        raise WrongAnswer(f"it gave {printable(found)}, expected a Series")
    places, pictures = list(found.order), list(found.frame_counts)
    if not places or len(set(places)) < len(places) or not set(places) <= set(range(count)):
        raise WrongAnswer("the order of the parts names a part twice, or one that does not exist, or none")
    if len(pictures) != len(places) or not all(type(number) is int and number >= 0 for number in pictures):
        raise WrongAnswer("the numbers of pictures do not fit the parts")
    if found.name is not None and not (type(found.name) is str and is_unicode(found.name)):
        raise WrongAnswer(f"the name of the series is {printable(found.name)}, expected text")
    if isinstance(found.warnings, str) or not all(isinstance(line, str) for line in found.warnings):
        raise WrongAnswer("the warnings of the series are no list of texts")
    return evolve(found, order=places, frame_counts=pictures, facts=facts(found.facts))
