"""Derivers of day and night: for each picture, and for each key frame of a film."""

from __future__ import annotations

from collections.abc import Iterable

import heron

LIGHT = heron.DerivedKey("light", "enum", {"options": ["day", "dusk", "night"]})
VERSION = "1"


def load() -> heron.Derive:
    """Make the function for items."""
    from heron_day_and_night.light import of_item

    return of_item


def load_frames() -> heron.DeriveFrame:
    """Make the function for frames."""
    from heron_day_and_night.light import of_frame

    return of_frame


@heron.hookimpl
def register_derivers() -> Iterable[heron.MetadataDeriver]:
    """Bring both: they give the same key, `light` of items and `frame.light` of frames."""
    yield heron.MetadataDeriver(
        name="light",
        summary="day, dusk or night, by the brightness of the picture",
        keys=[LIGHT],
        reads="picture",
        picture_size=64,
        kinds=["image"],
        version=VERSION,
        load=load,
    )
    yield heron.MetadataDeriver(
        name="light-of-frames",
        summary="day, dusk or night, by the brightness of each frame",
        keys=[LIGHT],
        of="frames",
        reads="picture",
        picture_size=64,
        version=VERSION,
        load=load_frames,
    )
