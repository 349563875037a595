"""Packed B-frames: MPEG-4 in AVI with two frames in one packet, and an empty one in place of the second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from av.bitstream import BitStreamFilterContext

_PICTURE = b"\0\0\1\xb6"
"""The start code of a picture; the two bits behind it are its type (ISO/IEC 14496-2, 6.2.5)."""

_BIDIRECTIONAL = 2


class Unpacking:
    """Gives each frame a packet of its own, with the time at which it is shown.

    A frame that others refer to is shown in the slot of the next such frame, all others in their own. Packets that are
    not packed pass as they are.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._filter = BitStreamFilterContext("mpeg4_unpack_bframes", stream)
        self._waiting: list[Any] = []

    def add(self, packet: Any) -> Iterator[Any]:
        """The packets that are complete when one has been read."""
        for found in self._filter.filter(packet):
            found.stream = self._stream
            if not _is_bidirectional(found):
                yield from self.rest(found.dts)
            self._waiting.append(found)

    def rest(self, slot: int | None = None) -> Iterator[Any]:
        """The packets that wait; the next frame that others refer to has the time of decoding `slot`."""
        for place, packet in enumerate(self._waiting):
            if place:
                packet.pts = packet.dts
            else:
                packet.pts = self._waiting[-1].dts + 1 if slot is None else slot
            yield packet
        self._waiting = []


def _is_bidirectional(packet: Any) -> bool:
    content = memoryview(packet)[:4096].tobytes()
    at = content.find(_PICTURE)
    return 0 <= at < len(content) - 4 and content[at + 4] >> 6 == _BIDIRECTIONAL
