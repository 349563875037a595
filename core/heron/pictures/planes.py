"""Planes through a volume: its slices are stacked by their place, and cut along another axis of the patient."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve, frozen

from heron.errors import InvalidInput
from heron.hooks import Values
from heron.pictures.viewing import Plane

if TYPE_CHECKING:
    from PIL.Image import Image

Array = np.ndarray[Any, Any]

_FIXED = {"sagittal": 0, "coronal": 1, "axial": 2}
"""The axis of the patient along which planes are counted: to the left, to the back, to the head."""

_SHOWN = {"sagittal": "PI", "coronal": "LI", "axial": "LP"}
"""Where columns and rows of a picture go to: the radiological convention."""

_AXIS = {"R": 0, "L": 0, "A": 1, "P": 1, "I": 2, "S": 2}
_ONWARD = "LPS"
_SAME_PLACE = 1e-3
"""Millimetres below which two slices have the same place."""

MOST_KEPT = 256 * 1024 * 1024
"""The most bytes of volumes that a process keeps; of a larger one, the slices are read for each picture."""

MOST_PIXELS = 16_384
"""The longest side of a picture of a plane with square pixels."""


@frozen(eq=False)
class Volume:
    """Slices in the order of their depths: `array` of shape (slices, rows, columns), or only what was taken of each."""

    array: Array
    step: float
    """Millimetres from one slice to the next."""

    like: Values
    """One slice, which tells axes, spacing and windows."""


def planes_of(values: Values, slices: int) -> dict[str, int]:
    """How many pictures each plane has; none without a known orientation."""
    if not _is_oriented(values):
        return {}
    rows, columns = values.array.shape
    counts = dict(zip((_AXIS[letter] for letter in values.axes), (columns, rows, slices), strict=True))
    return {plane: counts[axis] for plane, axis in _FIXED.items()} if slices > 1 else {}


def cut(
    frames: Callable[[], Iterable[Values]],
    first: Values,
    slices: int,
    plane: Plane,
    index: int | None,
    key: Hashable,
) -> Values:
    """The values of a plane, upright, with square pixels. `frames` reads the slices, of which `first` is one.

    Raises InvalidInput if the volume has no orientation, or no such plane.
    """
    if plane not in planes_of(first, slices):
        raise InvalidInput(
            f"it has no {plane} plane", hint="only volumes of several slices with an orientation have planes"
        )
    place = [_AXIS[letter] for letter in first.axes].index(_FIXED[plane])
    rows, columns = first.array.shape

    def at(count: int) -> int:
        number = _checked(index, count, plane)
        return number if first.axes[place] in _ONWARD else count - 1 - number

    if first.array.nbytes * slices <= MOST_KEPT:
        volume = _KEPT.get(key, lambda: _stacked(frames(), first, lambda array: array))
        chosen = at(volume.array.shape[2 - place])
        flat = volume.array.take(chosen, axis=2 - place)
    elif place == 2:
        raise InvalidInput(
            f"the volume is too large to choose a slice by its {plane} place", hint="choose it by its frame"
        )
    else:
        chosen = at((columns, rows)[place])
        volume = _stacked(frames(), first, lambda a: (a[:, chosen] if place == 0 else a[chosen]).copy())
        flat = volume.array
    return _upright(flat, volume, place, plane)


def _is_oriented(values: Values) -> bool:
    axes = [_AXIS.get(letter) for letter in values.axes]
    return sorted(axis for axis in axes if axis is not None) == [0, 1, 2] and values.depth is not None


def _checked(index: int | None, count: int, plane: str) -> int:
    if index is None:
        return count // 2
    if not 0 <= index < count:
        raise InvalidInput(f"there is no {plane} plane {index:,}: there are {count:,}, from 0")
    return index


def _stacked(frames: Iterable[Values], first: Values, take: Callable[[Array], Array]) -> Volume:
    """The slices that look like the first, by their depth; the first of those at one place."""
    found: dict[int, tuple[float, Array]] = {}
    for values in frames:
        if values.axes == first.axes and values.array.shape == first.array.shape and values.depth is not None:
            found.setdefault(round(values.depth / _SAME_PLACE), (values.depth, take(values.array)))
    places = sorted(found.values(), key=lambda each: each[0])
    depths = [depth for depth, _ in places]
    step = float(np.median(np.diff(depths))) if len(depths) > 1 else 1.0
    return Volume(np.stack([array for _, array in places]), step, first)


def _upright(flat: Array, volume: Volume, place: int, plane: Plane) -> Values:
    """A plane as it is shown, from its values in the order of the volume."""
    across, down = ((1, 2), (0, 2), (0, 1))[place]
    axes, lengths = volume.like.axes, (*volume.like.spacing, volume.step)
    letters, sizes = axes[across] + axes[down], (lengths[across], lengths[down])
    right, below = tuple(_SHOWN[plane])
    if _AXIS[letters[0]] != _AXIS[right]:
        flat, letters, sizes = flat.T, letters[::-1], sizes[::-1]
    flat = flat[:: 1 if letters[1] == below else -1, :: 1 if letters[0] == right else -1]
    return evolve(volume.like, array=np.ascontiguousarray(flat), spacing=sizes)


def squared(picture: Image, spacing: tuple[float, float], size: int | None) -> Image:
    """A picture whose pixels are as wide as high; with `size` it fits into `size` x `size` pixels."""
    from PIL import Image as PillowImage

    least = min(spacing)
    width, height = (length * step / least for length, step in zip(picture.size, spacing, strict=True))
    most = min(size or MOST_PIXELS, MOST_PIXELS)
    scale = min(1.0, most / max(width, height))
    target = max(1, round(width * scale)), max(1, round(height * scale))
    if picture.size == target:
        return picture
    return picture.resize(target, PillowImage.Resampling.BICUBIC, reducing_gap=2.0)


class _Kept:
    """The volumes that were cut last, up to `MOST_KEPT` bytes. Each is read by one thread, while others wait for it."""

    def __init__(self) -> None:
        self._volumes: OrderedDict[Hashable, Volume] = OrderedDict()
        self._reading: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, read: Callable[[], Volume]) -> Volume:
        """The volume of a key, read if it is not kept."""
        with self._lock:
            reading = self._reading.setdefault(key, Lock())
        with reading:
            found = self._volumes.get(key) or read()
            with self._lock:
                self._volumes[key] = found
                self._volumes.move_to_end(key)
                while sum(each.array.nbytes for each in self._volumes.values()) > MOST_KEPT:
                    self._volumes.popitem(last=False)
                self._reading.pop(key, None)
        return found


_KEPT = _Kept()
