"""Several pictures in one: the thumbnail of groups and sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 4
"""Most pictures in a montage."""

_GAP, _GROUND = 2, "white"


def montage(pictures: Sequence[Image], size: int) -> Image | None:
    """Pictures side by side in equal cells, at most `size` x `size` pixels; a single picture is returned
    unchanged, None for none.
    """
    from PIL import Image

    if not pictures:
        return None
    if len(pictures) == 1:
        return pictures[0]
    columns = 2
    rows = math.ceil(len(pictures) / columns)
    width = (size - _GAP) // columns
    height = (size - _GAP) // rows
    if min(width, height) < 1:
        return pictures[0]
    scale = max(1.0, *(max(picture.width / width, picture.height / height) for picture in pictures))
    cell = [max(1, math.floor(max(side) / scale)) for side in zip(*(p.size for p in pictures), strict=True)]
    mode = "RGBA" if any(picture.mode == "RGBA" for picture in pictures) else "RGB"
    sheet = Image.new(mode, (columns * cell[0] + _GAP, rows * cell[1] + _GAP * (rows - 1)), _GROUND)
    for number, picture in enumerate(pictures):
        small = picture.copy()
        small.thumbnail((cell[0], cell[1]))
        x = number % columns * (cell[0] + _GAP) + (cell[0] - small.width) // 2
        y = number // columns * (cell[1] + _GAP) + (cell[1] - small.height) // 2
        sheet.paste(small, (x, y))
    return sheet
