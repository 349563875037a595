"""The record and the limits that all readers of image headers share."""

from __future__ import annotations

from attrs import frozen

HEADER = 32 * 1024
"""The header of nearly every file ends within this many bytes."""

MOST_FRAMES = 50_000
"""A file with more frames or pages is refused."""

MOST_BLOCKS = 10_000_000
"""Most blocks of a file that a reader walks; this takes a few seconds."""


@frozen
class ImageHeader:
    """Width and height in pixels as stored, Pillow's name of the mode, and the raw EXIF block.

    `end` is the offset at which the pixels end in the file, if the header says so. `lossless` says whether the pixels are
    compressed without loss, `quality` is that of a JPEG, from 1 to 100; None where the header does not tell. `xmp` and `iptc` are the raw blocks of what people wrote about it.
    """

    width: int
    height: int
    mode: str
    exif: bytes = b""
    frames: int = 1
    end: int | None = None
    lossless: bool | None = None
    quality: int | None = None
    xmp: bytes = b""
    iptc: bytes = b""


def seconds_shown(delay: float) -> float:
    """How long browsers show a frame with this delay, in seconds: 0.1 if the file says 0.01 or less."""
    return delay if delay > 0.01 else 0.1
