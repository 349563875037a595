"""Which packet of a file holds which frame, for files whose timestamps do not tell frames apart."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from attrs import frozen

from heron_media_video.timestamps import MISSING


@frozen
class PacketOrder:
    """The number of the frame that each packet holds, and the packets at which decoding can begin.

    `numbers` has one for each packet in the order of the file, -1 where none is shown. `keys` are the numbers of key
    frames, ascending; `places` and `seeks` are, of each, the place of its packet and the timestamp that leads there.
    `landed` has the places by what `landmark` returns.
    """

    numbers: array[int]
    keys: array[int]
    places: array[int]
    seeks: array[int]
    landed: dict[tuple[int, int], int]


def landmark(packet: Any) -> tuple[int, int]:
    """What tells a packet from others of its file, whatever its timestamp: its byte position and size."""
    return -1 if packet.pos is None else packet.pos, packet.size


class PacketList:
    """What the packets of a stream say, added in the order of the file."""

    def __init__(self) -> None:
        self.places, self.stamps, self.slots = array("q"), array("q"), array("q")
        self.keys, self._positions, self._sizes = array("q"), array("q"), array("q")

    def add(self, place: int, packet: Any) -> None:
        """Take in a packet, by its place among all packets of the stream."""
        stamp, slot = packet.pts, packet.dts
        if packet.is_keyframe:
            self.keys.append(len(self.stamps))
            position, size = landmark(packet)
            self._positions.append(position)
            self._sizes.append(size)
        self.places.append(place)
        self.stamps.append(MISSING if stamp is None else stamp)
        self.slots.append(MISSING if slot is None else slot)

    def without(self, lost: set[int]) -> PacketList:
        """The same without the packets at some places."""
        kept = PacketList()
        marks = dict(zip(self.keys, zip(self._positions, self._sizes, strict=True), strict=True))
        for at, place in enumerate(self.places):
            if place in lost:
                continue
            if at in marks:
                kept.keys.append(len(kept.stamps))
                kept._positions.append(marks[at][0])
                kept._sizes.append(marks[at][1])
            kept.places.append(place)
            kept.stamps.append(self.stamps[at])
            kept.slots.append(self.slots[at])
        return kept

    def key_stamps(self) -> array[int]:
        """The timestamps of key frames, ascending."""
        return array("q", sorted(map(self.stamps.__getitem__, self.keys)))

    def landed(self) -> dict[tuple[int, int], int]:
        """The places of key packets by what `landmark` returns; -1 for two that are alike in that."""
        landed = dict[tuple[int, int], int]()
        for at, mark in zip(self.keys, zip(self._positions, self._sizes, strict=True), strict=True):
            landed[mark] = -1 if mark in landed else self.places[at]
        return landed

    def key_before(self, place: int) -> int | None:
        """The timestamp that leads to the last key packet before that of a group at a place; None for the beginning."""
        at = bisect_left(self.keys, bisect_left(self.places, place)) - 1
        return self._seek(self.keys[at]) if at >= 0 else None

    def order(self, shown: Iterable[int]) -> PacketOrder:
        """The order, given the places of the packets that hold a frame, in the order in which these are shown."""
        numbers = array("q", (-1,)) * (self.places[-1] + 1 if self.places else 0)
        for number, place in enumerate(shown):
            numbers[place] = number
        places = (self.places[at] for at in self.keys)
        keys = sorted(
            (numbers[place], place, self._seek(at))
            for at, place in zip(self.keys, places, strict=True)
            if numbers[place] >= 0
        )
        first, second, third = (array("q", (key[part] for key in keys)) for part in range(3))
        return PacketOrder(numbers, keys=first, places=second, seeks=third, landed=self.landed())

    def _seek(self, at: int) -> int:
        return self.slots[at] if self.stamps[at] == MISSING else self.stamps[at]
