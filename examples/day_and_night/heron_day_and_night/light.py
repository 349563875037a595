"""How light a picture is: its upper half, where the sky is, counts twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import heron

if TYPE_CHECKING:
    from PIL.Image import Image

_NIGHT, _DAY = 60, 110
"""Mean brightness, from 0 to 255, below which it is night, and from which on it is day."""


def of_item(item: heron.Item, picture: Image) -> dict[str, str]:
    """The light of the picture of an item."""
    return {"light": _light(picture)}


def of_frame(item: heron.Item, frame: heron.Frame, picture: Image) -> dict[str, str]:
    """The light of a frame of an item."""
    return {"light": _light(picture)}


def _light(picture: Image) -> str:
    from PIL import ImageStat

    grey = picture.convert("L")
    sky = grey.crop((0, 0, grey.width, max(grey.height // 2, 1)))
    brightness = (2 * ImageStat.Stat(sky).mean[0] + ImageStat.Stat(grey).mean[0]) / 3
    return "night" if brightness < _NIGHT else "dusk" if brightness < _DAY else "day"
