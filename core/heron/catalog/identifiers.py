"""UUIDs of version 7 (RFC 9562): ordered by time, so that a million new ones append to their index."""

from __future__ import annotations

import os
import time


def new_uuid() -> str:
    """A new UUID of version 7 as text: 48 bits of Unix milliseconds, 74 random bits."""
    return new_uuids(1)[0]


def new_uuids(count: int) -> list[str]:
    """Several new UUIDs at once, in rising order of their millisecond."""
    stamp = f"{time.time_ns() // 1_000_000:012x}"
    prefix = f"{stamp[:8]}-{stamp[8:]}-7"
    noise = os.urandom(10 * count).hex()
    return [
        f"{prefix}{noise[i : i + 3]}-{'89ab'[int(noise[i + 3], 16) & 3]}{noise[i + 4 : i + 7]}-{noise[i + 7 : i + 19]}"
        for i in range(0, 20 * count, 20)
    ]
