"""The picture of a sound: the lowest and highest sample of each moment, drawn from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from av.audio.resampler import AudioResampler
from PIL import Image, ImageDraw

from heron_media_video.containers import Media
from heron_media_video.decoding import all_frames, undecodable

Samples = np.ndarray[Any, np.dtype[np.float32]]

_WHOLE = 600.0
"""The longest sound, in seconds, that is decoded completely; of longer sounds, excerpts are decoded."""

_EXCERPTS, _EXCERPT = 128, 0.5
"""The number of excerpts, and the length of each in seconds."""

_MOMENT, _SHORTEST, _FINEST = 0.02, 0.0005, 2048
"""The length in seconds of a moment, whose lowest and highest sample are kept; short sounds have shorter moments."""

_HIGHEST_RATE = 192_000
"""The highest sample rate that is accepted; it bounds the memory for samples."""

_LOUDEST = 8.0
"""The largest factor by which a quiet sound is amplified for the drawing."""

_GROUND, _WAVE, _AXIS = (244, 244, 241), (43, 84, 126), (170, 178, 186)


def waveform(media: Media, size: int) -> Image.Image:
    """The envelope of a sound, mixed to one channel, as an RGB picture of `size` x `size` / 2 pixels.

    The loudest moment reaches the edge. Raises MediaError if nothing can be decoded.
    """
    if media.sound is None:
        raise undecodable(media)
    length = (media.container.duration or 0) / 1e6
    moment = min(_MOMENT, max(length / _FINEST, _SHORTEST)) if length else _MOMENT
    excerpts = _excerpts(media, length)
    found = [part for place, seconds in excerpts for part in _moments(media, place, seconds, moment)]
    if not found:
        raise undecodable(media)
    return _drawn(np.concatenate(found), size)


def _excerpts(media: Media, length: float) -> list[tuple[int | None, float]]:
    """The starts of the excerpts, in units of the stream, and their length in seconds: one, or several evenly spaced."""
    if length <= _WHOLE:
        return [(None, _WHOLE)]
    begin, unit = media.sound.start_time or 0, media.sound.time_base
    return [(begin + int(length * part / _EXCERPTS / unit), _EXCERPT) for part in range(_EXCERPTS)]


def _moments(media: Media, place: int | None, seconds: float, moment: float) -> Iterator[Samples]:
    """Lowest and highest sample of each moment of an excerpt, in parts of shape (count, 2)."""
    if place is not None:
        media.container.seek(place, stream=media.sound)
    rate = min(media.sound.codec_context.sample_rate, _HIGHEST_RATE)
    step = max(1, int(rate * moment))
    for block in _blocks(media, step * max(1, rate // step), int(rate * seconds)):
        pieces = np.pad(block, (0, -len(block) % step), "edge").reshape(-1, step)
        yield np.stack([pieces.min(1), pieces.max(1)], 1)


def _blocks(media: Media, length: int, most: int) -> Iterator[Samples]:
    """The samples of a sound, mixed to one channel, in blocks of `length`; the last may be shorter."""
    waiting: list[Samples] = []
    count = 0
    for samples in _samples(media):
        waiting.append(samples)
        count += samples.size
        if sum(map(len, waiting)) >= length:
            whole = np.concatenate(waiting)
            cut = len(whole) // length * length
            yield whole[:cut]
            waiting = [whole[cut:]]
        if count >= most:
            break
    if sum(map(len, waiting)):
        yield np.concatenate(waiting)


def _samples(media: Media) -> Iterator[Samples]:
    """The samples of each decoded frame, mixed to one channel, between -1 and 1."""
    mixers: dict[tuple[str, str, int], AudioResampler] = {}
    for frame in all_frames(media, media.sound):
        layout = frame.format.name, frame.layout.name, frame.sample_rate
        if layout not in mixers:
            mixers = {layout: AudioResampler(format="flt", layout="mono")}
        for mixed in mixers[layout].resample(frame):
            yield np.clip(np.nan_to_num(mixed.to_ndarray()[0]), -1, 1)


def _drawn(moments: Samples, size: int) -> Image.Image:
    """A picture of moments, shape (count, 2): lowest and highest sample."""
    starts = np.arange(size) * len(moments) // size
    low, high = np.minimum.reduceat(moments[:, 0], starts), np.maximum.reduceat(moments[:, 1], starts)
    height = max(1, size // 2)
    peak = max(float(np.abs(moments).max()), 1 / _LOUDEST)
    middle = (height - 1) / 2
    picture = Image.new("RGB", (size, height), _GROUND)
    pen = ImageDraw.Draw(picture)
    pen.line((0, round(middle), size, round(middle)), _AXIS)
    for column, (bottom, top) in enumerate(zip(low / peak * middle, high / peak * middle, strict=True)):
        pen.line((column, round(middle - top), column, round(middle - bottom)), _WAVE)
    return picture
