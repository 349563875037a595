"""What the readers of image headers have in common: the record that they fill, and the limits that they keep."""

from __future__ import annotations

from attrs import frozen

HEADER = 32 * 1024
"""Bytes from the beginning in which the header of nearly every file ends."""

MOST_FRAMES = 50_000
"""Frames of one animation, or pages of one file, beyond which a file is refused."""

MOST_BLOCKS = 10_000_000
"""Blocks of a file that a reader walks before it gives up; a few seconds."""


@frozen
class ImageHeader:
    """Width and height in pixels as stored, Pillow's name of the mode, and the raw EXIF block.

    `end` is where the pixels end in the file, where the header says so.
    """

    width: int
    height: int
    mode: str
    exif: bytes = b""
    frames: int = 1
    end: int | None = None


def seconds_shown(delay: float) -> float:
    """How long browsers show a frame of this delay, in seconds: 0.1 where the file says at most 0.01."""
    return delay if delay > 0.01 else 0.1
