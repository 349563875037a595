"""Thumbnails and metrics: what is made of pictures for the catalogue, here or by a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from heron.hooks import PluginManager
from heron.media.reader import THUMBNAIL, Measuring
from heron.models import Item
from heron.pictures.elsewhere import Picture
from heron.pictures.files import GROUPS

if TYPE_CHECKING:
    from PIL.Image import Image

Finished = tuple[bytes, Mapping[str, float]]
"""A thumbnail as JPEG, and the metrics of its picture."""


@frozen
class Thumbnails:
    """Makes thumbnails and metrics of pictures."""

    size: int = THUMBNAIL
    batch: int = 1
    portrait: bool = False
    shortest: int = 0

    def begin(self, plugins: PluginManager) -> Callable[[Sequence[Picture]], list[Finished]]:
        """The function that makes them."""
        measuring = Measuring(plugins)
        return lambda pictures: [finished(measuring, *picture) for picture in pictures]


def finished(measuring: Measuring, item: Item, number: int | None, picture: Image) -> Finished:
    """The thumbnail and the metrics of an item, which only images have, or of one of its frames."""
    if number is None and item.kind != "image":
        return jpeg_of(picture), {}
    width, height = (None, None) if item.kind in GROUPS else (item.facts.width, item.facts.height)
    return jpeg_of(picture), measuring(picture, width, height)


def jpeg_of(picture: Image) -> bytes:
    """A thumbnail in its stored form."""
    from heron.media.thumbnails import encode_thumbnail

    return encode_thumbnail(picture)
