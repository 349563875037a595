"""The built-in deriver: whether pictures are wide or tall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from heron.hooks import DerivedKey, MetadataDeriver, hookimpl

if TYPE_CHECKING:
    from heron.hooks import Derive
    from heron.models import Item


def _load() -> Derive:
    return orientation


def orientation(item: Item, content: None) -> Mapping[str, Any]:
    """`landscape` for an item that is wider than tall, `portrait`, or `square`; nothing if its size is not known."""
    width, height = item.facts.width, item.facts.height
    if not width or not height:
        return {}
    return {"orientation": "square" if width == height else "landscape" if width > height else "portrait"}


@hookimpl
def register_derivers() -> Iterable[MetadataDeriver]:
    """What width and height say."""
    yield MetadataDeriver(
        name="orientation",
        summary="landscape, portrait or square, by width and height",
        keys=[DerivedKey("orientation", "enum", {"options": ["landscape", "portrait", "square"]})],
        kinds=["image", "image_group", "image_sequence", "video"],
        version="1",
        load=_load,
    )
