"""How long an AVIF animation is shown, by the header of its track (ISO/IEC 14496-12, 8.4.2)."""

from __future__ import annotations

import struct

_NAME = b"mdhd"


def avif_duration(data: bytes) -> float | None:
    """Seconds by the header of the first track in the first bytes of a file; None if it is not there, or does not say."""
    at = data.find(_NAME) + len(_NAME)
    if at < len(_NAME) or at + 32 > len(data):
        return None
    form, place = (">IQ", at + 20) if data[at] == 1 else (">II", at + 12)
    scale, duration = struct.unpack_from(form, data, place)
    return round(duration / scale, 6) if scale and duration < 1 << 31 else None
