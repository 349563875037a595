"""Chooses the frames of an item that become rows: key frames, and frames sampled by presentation time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice

from attrs import evolve

from heron.errors import InvalidInput
from heron.metadata.keyframes import FrameWish, has_blocks, without_blocks
from heron.models import Item, Json, MediaFacts, NewFrame, NewItem

Times = Callable[[Item], Sequence[float] | None]
"""Returns the presentation times of an item's frames in seconds; None if they are not available."""

SAMPLING_RATE = 1.0
"""The default number of sampled frames per second of a video."""

SLICES = 1000
"""The most frames of an item without times, such as a volume, that become rows by default, evenly spaced."""

MOST = 10_000_000
"""The most sampled frames of one item: enough for a day at a hundred per second."""

_WITHOUT = ("audio", "text", "pdf")
"""Kinds whose frames, if any, are pages."""

_SAME = 1e-6
"""Two times that differ by at most these seconds are equal, because writers round to microseconds."""


def prepared(item: NewItem, rate: float | None = None, times: Sequence[float] | None = None) -> NewItem:
    """An item with its blocks of key frames turned into frames; `rate` is used if the blocks give no sampling
    rate.

    Raises MetadataError and InvalidInput for invalid frames.
    """
    metadata, wish = item.metadata, FrameWish()
    asks = metadata is not None and has_blocks(metadata)
    if rate is None and not asks:
        return item
    name = item.name or item.url
    if metadata is not None and asks:
        metadata, wish = without_blocks(metadata, name)
    if wish.sampling_rate is None:
        wish = evolve(wish, sampling_rate=rate)
    if wish.sampling_rate is None and not wish.keys:
        return evolve(item, metadata=metadata)
    chosen = chosen_frames(wish, item.facts, times, name)
    return evolve(item, metadata=metadata, frames=_united(item.frames, chosen) if item.frames else chosen)


def chosen_frames(
    wish: FrameWish, facts: MediaFacts, times: Sequence[float] | None, name: str
) -> list[NewFrame]:
    """The chosen frames of an item, by number; `times` are the presentation times of all its frames, if
    known.

    Without times, frames are assumed to be evenly spaced if the facts give a rate. Raises InvalidInput, which
    names item, value and length, for a frame outside the item, and if times are needed but not known.
    """
    clock = _Clock(facts, times, name)
    chosen: dict[int, NewFrame] = {}
    if wish.sampling_rate is not None:
        for number in clock.sampled(wish.sampling_rate):
            chosen[number] = NewFrame(number, clock.seconds(number))
    for given, metadata in wish.keys.items():
        number = clock.at(given) if wish.mode == "seconds" else clock.checked(int(given))
        before = chosen.get(number)
        both = _merged(before.metadata if before else None, metadata)
        chosen[number] = NewFrame(number, clock.seconds(number), True, both)
    return [chosen[number] for number in sorted(chosen)]


def all_frames(count: int, most: int | None = None) -> list[NewFrame]:
    """The frames of an item that has no times: all of them, or a bounded number of them, evenly spaced."""
    if most is None or count <= most:
        return [NewFrame(number) for number in range(count)]
    return [NewFrame(step * count // most) for step in range(most)]


class _Clock:
    """What is known of the times of an item's frames."""

    def __init__(self, facts: MediaFacts, times: Sequence[float] | None, name: str) -> None:
        self._times = times or None
        self._fps = facts.fps or None
        self._name = name
        self._count = len(times) if times else facts.frame_count
        if self._count is None and facts.kind in _WITHOUT:
            self._count = facts.pages or 0
        if self._count is None and facts.duration is not None and self._fps:
            self._count = max(1, round(min(facts.duration * self._fps, 1e18)))
        self._duration = None if self._count and _has_sound(facts) else facts.duration
        """How long the frames are shown; sound that is longer has no frames."""

    def seconds(self, number: int) -> float | None:
        """The presentation time of a frame."""
        if self._times is not None:
            return float(self._times[number])
        return number / self._fps if self._fps else None

    def checked(self, number: int) -> int:
        """Return the number, or raise InvalidInput if the item does not have this frame."""
        if self._count is not None and number >= self._count:
            raise InvalidInput(
                f"{self._name}: there is no frame {number:,}, {self._length()}",
                hint="frames are numbered from 0",
            )
        return number

    def at(self, seconds: float) -> int:
        """The number of the frame that is shown at a time."""
        end = self._end()
        if end is not None and seconds > end + _SAME:
            raise InvalidInput(f"{self._name}: nothing is shown at {seconds:g} s, {self._length()}")
        if self._times is not None:
            return max(0, bisect_right(self._times, seconds + _SAME) - 1)
        if not self._fps:
            raise InvalidInput(
                f"{self._name}: the times of its frames are not known",
                hint="give fps in the manifest, or install what reads the file: heron plugins",
            )
        return self._evenly(seconds, self._fps)

    def sampled(self, rate: float) -> Iterable[int]:
        """The frames that are shown at the moments 0, 1/rate, 2/rate …, each once; for rate 0 the first one."""
        if self._count == 0:
            return []
        if rate == 0 or self._count is None or (self._times is None and not self._fps):
            return [0]
        if self._times is not None:
            return self._shown(self._times, min(rate, 1 / _SAME**2))
        assert self._fps
        fps, moments = self._fps, self._count
        if rate < fps:
            moments = min(moments, max(1, math.ceil((self._count / fps - _SAME) * rate)))
        if moments > MOST:
            raise InvalidInput(
                f"{self._name}: sampled at {rate:g} per second it has {moments:,} frames, at most {MOST:,} are kept",
                hint="give a smaller sampling_rate",
            )
        if rate >= fps:
            return range(moments)
        return dict.fromkeys(self._evenly(step / rate, fps) for step in range(moments))

    def _evenly(self, seconds: float, fps: float) -> int:
        """The number of the frame that is shown at a time, for evenly spaced frames."""
        number = math.floor((seconds + _SAME) * fps)
        return number if self._count is None else min(number, self._count - 1)

    def _shown(self, times: Sequence[float], rate: float) -> Iterable[int]:
        """The frames that are shown at one of the moments: between their own time and that of the next frame."""
        ends = chain(islice(times, 1, None), [max(self._end() or 0.0, times[-1] + 2 * _SAME)])
        for number, (start, end) in enumerate(zip(times, ends, strict=True)):
            if math.ceil((start - _SAME) * rate) / rate < end - _SAME:
                yield number

    def _end(self) -> float | None:
        """The end of the last frame, in seconds."""
        if self._times is not None:
            step = 1 / self._fps if self._fps else 0.0
            return max(float(self._times[-1]) + step, self._duration or 0.0)
        if self._duration is not None:
            return self._duration
        return self._count / self._fps if self._count is not None and self._fps else None

    def _length(self) -> str:
        frames = f"it has {self._count:,} frames" if self._count is not None else "its frames are not counted"
        end = self._end()
        return f"{frames} in {end:.6g} s" if end is not None else frames


def _has_sound(facts: MediaFacts) -> bool:
    """Whether the duration may be that of sound beside the pictures."""
    video = facts.extra.get("video")
    return isinstance(video, Mapping) and bool(video.get("has_audio"))


def _united(given: Iterable[NewFrame], chosen: Iterable[NewFrame]) -> list[NewFrame]:
    """The given frames of an item together with those that its metadata names, by number."""
    frames = {frame.number: frame for frame in given}
    for frame in chosen:
        before = frames.get(frame.number, frame)
        both = _merged(before.metadata, frame.metadata)
        frames[frame.number] = evolve(frame, is_key=before.is_key or frame.is_key, metadata=both)
    return [frames[number] for number in sorted(frames)]


def _merged(old: Mapping[str, Json] | None, new: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
    return {**(old or {}), **new} if new else old
