"""Which one of several duplicates to keep, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from heron.curation.records import Candidate

_SAME_SHARPNESS = 0.95
"""Sharpness values within this factor count as equal: encoding a picture again changes its sharpness by as much."""

_SAME_BITS = 0.95
"""Bits for each pixel within this factor count as equal: EXIF data and the encoder change them by as much."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_UNKNOWN = datetime.max.replace(tzinfo=UTC)

_ALWAYS_LOSSLESS = ("image/png", "image/bmp", "image/gif")
"""Media types of catalogues that were made before `image.lossless` was a fact."""

_FEW_BITS = 2.5
"""Bits for each pixel that a drawing with a palette needs at most; a photograph reduced to a palette needs more."""


def best_first(candidates: Sequence[Candidate]) -> tuple[tuple[Candidate, ...], str]:
    """The item to keep, then the others in order; and the reason.

    The first is the one with the most work of people; of equal ones the largest in pixels, then one without loss, the
    least compressed, the one taken first, the one changed longest ago, the sharpest, the largest file, and the one
    that was added to the catalogue first.
    """
    left, reasons = list(candidates), []
    for reason, choose in _STEPS:
        chosen = choose(left)
        if len(chosen) < len(left):
            reasons.append(reason)
        left = chosen
    best = left[0]
    others = (candidate for candidate in candidates if candidate is not best)
    return (best, *others), ", ".join(reasons) or "came first"


def _most_work(left: list[Candidate]) -> list[Candidate]:
    return _most(left, lambda candidate: candidate.work)


def _largest(left: list[Candidate]) -> list[Candidate]:
    return _most(left, lambda candidate: (candidate.width or 0) * (candidate.height or 0))


def _least_loss(left: list[Candidate]) -> list[Candidate]:
    return _most(left, _fidelity)


def _fidelity(candidate: Candidate) -> int:
    """2 without loss, 1 with some, 0 for a photograph that was reduced to the colours of a palette."""
    lossless = candidate.lossless
    if lossless is None:
        lossless = candidate.media_type in _ALWAYS_LOSSLESS
    if not lossless:
        return 1
    is_palette = candidate.mode == "P" or candidate.media_type == "image/gif"
    return 0 if is_palette and _bits(candidate) > _FEW_BITS else 2


def _least_compressed(left: list[Candidate]) -> list[Candidate]:
    """Of pictures with loss: JPEGs by their quality, others by their bits for each pixel.

    Another format has to take more bits than each of the best JPEGs.
    """
    if _fidelity(left[0]) == 2:
        return left  # lossless files differ in size by the effort of the encoder
    jpegs = [candidate for candidate in left if candidate.quality is not None]
    others = [candidate for candidate in left if candidate.quality is None]
    jpegs = _most(jpegs, lambda candidate: candidate.quality or 0)
    others = _most(others, _bits, _SAME_BITS)
    if jpegs and others:
        return others if min(map(_bits, others)) > max(map(_bits, jpegs)) else jpegs
    return jpegs or others


def _bits(candidate: Candidate) -> float:
    """Bits of the file for each pixel; 0 where they are not known."""
    pixels = (candidate.width or 0) * (candidate.height or 0)
    return 8 * (candidate.size or 0) / pixels if pixels else 0.0


def _taken_first(left: list[Candidate]) -> list[Candidate]:
    """One that lost its time of capture, as pictures do that a program saves again, counts as the latest."""
    return _earliest(left, lambda candidate: candidate.captured_at or _UNKNOWN)


def _oldest(left: list[Candidate]) -> list[Candidate]:
    return _earliest(left, lambda candidate: candidate.time or _NEVER)


def _sharpest(left: list[Candidate]) -> list[Candidate]:
    if any(candidate.sharpness is None for candidate in left):
        return left
    return _most(left, lambda candidate: candidate.sharpness or 0, _SAME_SHARPNESS)


def _largest_file(left: list[Candidate]) -> list[Candidate]:
    return _most(left, lambda candidate: candidate.size or 0)


def _earliest(left: list[Candidate], when: Callable[[Candidate], datetime]) -> list[Candidate]:
    first = min(map(when, left))
    return [candidate for candidate in left if when(candidate) == first]


def _most(left: list[Candidate], measure: Callable[[Candidate], float], same: float = 1.0) -> list[Candidate]:
    most = max(map(measure, left), default=0)
    return [candidate for candidate in left if measure(candidate) >= same * most]


_STEPS: tuple[tuple[str, Callable[[list[Candidate]], list[Candidate]]], ...] = (
    ("most work", _most_work),
    ("largest", _largest),
    ("least loss", _least_loss),
    ("least compressed", _least_compressed),
    ("taken first", _taken_first),
    ("oldest", _oldest),
    ("sharpest", _sharpest),
    ("largest file", _largest_file),
)
