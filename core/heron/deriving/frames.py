"""One run of a deriver of frames: frames whose values are out of date get new ones, and values that people gave stay."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import Any

from heron.catalog.derived import Before
from heron.catalog.frames import FrameService
from heron.catalog.items import bundles
from heron.deriving.elsewhere import (
    Made,
    ValuesOfFrames,
    deriving_frames,
    fingerprint,
    fingerprint_of_frame,
    given,
    given_frame,
)
from heron.deriving.run import Piece, Run
from heron.models import Frame, Item
from heron.pictures.elsewhere import Asked

_TOGETHER = 64
"""Frames that are decoded in one pass."""

Due = tuple[Frame, str]
"""A frame as a deriver gets it, and its fingerprint."""


class FrameRun(Run):
    """Derives values of the frames of items; see `Run`."""

    def __init__(self, frames: FrameService, *parts: Any, again: bool) -> None:
        super().__init__(*parts, again=again)
        self._frames = frames
        self._values_of_frames: ValuesOfFrames | None = None
        self._bare: set[int] = set()
        """Items that have no frames and are not done yet, by inner id."""

    def _load(self) -> None:
        self._values_of_frames = deriving_frames(self._plugins, self._record)

    def _known(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, after those without frames are remembered."""
        for bundle in bundles(items):
            once = {item.id: item for item in bundle}
            self._store._require_update(list(once))
            with_frames = self._store._with_frames(list(once))
            self._bare.difference_update(once)
            self._bare.update(once.keys() - with_frames)
            yield from once.values()

    def _pieces(self, item: Item, made: Collection[Hashable]) -> Iterator[Piece]:
        """The values of the frames that are out of date, but not of those with their inner ids in `made`."""
        assert self._values_of_frames is not None
        seen = given(self._record, item)
        for due in bundles(self._due(seen, made), _TOGETHER):
            by_number = {frame.number: (frame, print_) for frame, print_ in due}
            frames = [frame for frame, _ in due]
            for number, values in self._values_of_frames(self._pictures._files, seen, frames):
                yield _piece(item, by_number[number], values)

    def _owner_of(self, piece: Piece) -> Hashable:
        return piece.owner

    def asked(self, item: Item, made: Collection[Hashable]) -> Asked | None:
        """The frames of an item of which a worker is to derive values."""
        seen = given(self._record, item)
        due = list(self._due(seen, made))
        self._asked_for[item.id] = {frame.number: (frame, print_) for frame, print_ in due}
        if not due:
            return None
        frames = tuple(frame for frame, _ in due)
        numbers = [frame.number for frame in frames]
        return self._pictures._asked(seen, numbers=numbers, metadata=seen.metadata, frames=frames)

    def piece_of(self, item: Item, number: int | None, values: Any) -> Piece:
        """What a worker has derived of a frame."""
        return _piece(item, self._asked_for[item.id][number], values)

    def _due(self, seen: Item, made: Collection[Hashable]) -> Iterator[Due]:
        """The frames of an item, as the deriver gets it, whose values are to be computed, by number."""
        if seen.id in self._bare:
            self._bare.discard(seen.id)
            return
        of_item, count = fingerprint(self._record, seen), seen.facts.frame_count
        for frames in bundles(self._frames.stream(seen), _TOGETHER):
            known = self._store._before(self._record.name, self._keys, [each.id for each in frames], "frames")
            for frame in frames:
                if frame.id in made or (count is not None and frame.number >= count):
                    continue  # it was derived in an earlier round, or a video has become shorter
                due = given_frame(self._record, frame)
                print_ = fingerprint_of_frame(of_item, due)
                if self._is_due(known.get(frame.id, Before(None, False)), print_):
                    yield due, print_


def _piece(item: Item, due: Due, values: Made) -> Piece:
    frame, print_ = due
    return Piece(item, frame.id, f"{item.name}#{frame.number}", print_, values, frame.number)
