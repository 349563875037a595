"""Blocks of key frames in an item's metadata: reads them, and removes them from the metadata.

`keyframes` is a list of frames. `$heron`, of which `$encord` is another spelling, is an object of `config`
(`sampling_rate`, `keyframe_mode`) and `frames`, the metadata of each by its number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from attrs import Factory, frozen

from heron.errors import MetadataError
from heron.metadata.keys import RESERVED, printable
from heron.models import Json

Mode = Literal["frame", "seconds"]
"""Whether key frames are given by number, or by presentation time in seconds."""

BLOCKS = ("$heron", "$encord")
LAST = 2**53
"""The largest frame number or second: JSON numbers are exact up to there."""

_AS_TIMES = 'times go with {"$heron": {"config": {"keyframe_mode": "seconds"}}}'


@frozen
class FrameWish:
    """The frames that metadata asks for.

    `sampling_rate` is in frames per second; 0 means the first frame and key frames only, None that nothing is said.
    `keys` are key frames with their metadata, by number or by second as `mode` says.
    """

    sampling_rate: float | None = None
    mode: Mode = "frame"
    keys: Mapping[float, Mapping[str, Json] | None] = Factory(dict)


def has_blocks(metadata: Mapping[str, Json]) -> bool:
    """Whether metadata asks for frames."""
    return RESERVED in metadata or BLOCKS[0] in metadata or BLOCKS[1] in metadata


def has_settings(metadata: Mapping[str, Json]) -> bool:
    """Whether metadata has a block with settings of key frames, in which those left out have their defaults."""
    return any(metadata.get(block) is not None for block in BLOCKS)


def without_blocks(metadata: Mapping[str, Json], name: str) -> tuple[dict[str, Json], FrameWish]:
    """The metadata without its blocks of key frames, and what these ask for.

    Other keys of a block than `config` and `frames` stay in the metadata, and so does a block that is None,
    which a merge removes. Raises MetadataError for a block that cannot be read; `name` is that of the item.
    """
    rest = dict(metadata)
    rate: float | None = None
    mode: Mode = "frame"
    keys: dict[float, Mapping[str, Json] | None] = {}
    for block in BLOCKS:
        if rest.get(block) is None:
            continue
        given = _object(rest.pop(block), f"{name}: metadata {block}")
        config = _object(given.pop("config", {}), f"{name}: metadata {block}.config")
        if "sampling_rate" in config:
            rate = sampling_rate(config.pop("sampling_rate"), f"{name}: metadata {block}.config")
        if "keyframe_mode" in config:
            mode = _mode(config.pop("keyframe_mode"), f"{name}: metadata {block}.config")
        for key, values in _object(given.pop("frames", {}), f"{name}: metadata {block}.frames").items():
            place = f"{name}: metadata {block}.frames"
            number = _number(key, place)
            keys[number] = {**(keys.get(number) or {}), **_object(values, f"{place}.{key}")} or None
        left = {**given, **({"config": config} if config else {})}
        if left:
            rest[block] = left
    for number in _list(rest.pop(RESERVED, None), f"{name}: metadata {RESERVED}"):
        keys.setdefault(number, None)
    if mode == "frame":
        keys = {frame_number(number, name, _AS_TIMES): values for number, values in keys.items()}
    return rest, FrameWish(rate, mode, keys)


def sampling_rate(value: Any, place: str) -> float:
    """A sampling rate in frames per second; raises MetadataError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise MetadataError(f"{place}: sampling_rate is {printable(value)}, expected a number from 0 on")
    return float(value)


def _mode(value: Any, place: str) -> Mode:
    if value not in ("frame", "seconds"):
        raise MetadataError(f"{place}: keyframe_mode is {printable(value)}, expected frame or seconds")
    return "seconds" if value == "seconds" else "frame"


def frame_number(number: float, name: str, hint: str) -> int:
    """A number of a frame; raises MetadataError for one that is negative, too large, or has a fraction."""
    if not 0 <= number <= LAST or number != int(number):
        raise MetadataError(f"{name}: {number:g} is not a frame number", hint=hint)
    return int(number)


def frame_time(seconds: float, name: str) -> float:
    """A time of a frame in seconds; raises MetadataError for one before the first frame, or without end."""
    if not 0 <= seconds <= LAST:
        raise MetadataError(f"{name}: nothing is shown at {seconds:g} s", hint="times begin with 0")
    return float(seconds)


def _list(value: Any, place: str) -> list[float]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise MetadataError(f"{place}: expected a list of numbers, got {printable(value)}")
    return [_number(number, place) for number in value]


def _number(value: Any, place: str) -> float:
    """A frame number, or seconds, also where it is the key of a JSON object, which is text."""
    try:
        number = (
            float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
        )
    except (ValueError, OverflowError):
        number = -1.0
    if not 0 <= number <= LAST:
        raise MetadataError(f"{place}: {printable(value)} is not a frame, expected a number from 0 on")
    return number


def _object(value: Any, place: str) -> dict[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MetadataError(f"{place}: expected an object, got {printable(value)}")
    return dict(value)
