"""Makes pictures of items in a chosen window, and of planes through their volumes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from heron.errors import InvalidInput, MediaError
from heron.hooks import Values, Window
from heron.media.levels import shown
from heron.media.reader import NoValues
from heron.models import Item
from heron.pictures.files import GROUPS, ItemFiles
from heron.pictures.planes import cut, planes_of, squared
from heron.pictures.viewing import Plane, Viewing

if TYPE_CHECKING:
    from PIL.Image import Image


def viewing_of(files: ItemFiles, item: Item, frame: int | None) -> Viewing:
    """What can be chosen for the pictures of an item; raises MediaError if its file cannot be read."""
    if _is_many(item, frame):
        return Viewing()
    try:
        values = _known(files, item, frame)
    except NoValues:
        return Viewing()
    finite = values.array[np.isfinite(values.array)]
    lowest, highest = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    planes = planes_of(values, len(files.volume(item, frame)))
    return Viewing(tuple(values.windows), lowest, highest, values.units, planes)


def in_window(files: ItemFiles, item: Item, frame: int | None, size: int | None, window: Window) -> Image:
    """The picture of an item or of one of its frames in a window; raises InvalidInput if it has none but one look."""
    if _is_many(item, frame):
        raise InvalidInput(
            f"{item.name} is shown as a sheet of several pictures, which have no common window",
            hint="choose one by its frame",
        )
    return shown(_known(files, item, frame), window, size)


def in_plane(
    files: ItemFiles,
    item: Item,
    frame: int | None,
    size: int | None,
    window: Window | None,
    plane: Plane,
    index: int | None,
) -> Image:
    """A plane of the volume of an item, or of that of one of its frames; raises InvalidInput if it has no such plane."""
    volume = [] if _is_many(item, frame) else list(files.volume(item, frame))
    if len(volume) < 2:
        raise InvalidInput(
            f"{item.name} has no planes", hint="volumes have, such as series of DICOM files, and NIfTI"
        )
    first = _known(files, item, volume[len(volume) // 2])

    def slices() -> Iterator[Values]:
        for _, values in files.values(item, volume):
            if values is not None:
                yield values

    key: Hashable = (files.state(item), volume[0], len(volume))
    values = cut(slices, first, len(volume), plane, index, key)
    return squared(shown(values, window, None), values.spacing, size)


def _is_many(item: Item, frame: int | None) -> bool:
    return frame is None and item.kind in GROUPS


def _known(files: ItemFiles, item: Item, frame: int | None) -> Values:
    """The values of a frame; raises NoValues if it has colours."""
    numbers: Sequence[int] | None = None if frame is None else [frame]
    for _, values in files.values(item, numbers):
        if values is None:
            raise NoValues(
                f"{item.name} is shown in its own colours or grey levels, and has no window",
                hint="leave out window, level and plane",
            )
        return values
    raise MediaError(f"{item.name} has no picture")
