"""How large a picture may be, and how much memory one may take: known from its header, and the same for every decoder."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

from heron.cores import usable_cores
from heron.errors import InvalidInput, MediaError

_MOST_PIXELS = 2 * 89_478_485
"""The pixels from which Pillow takes an image for a decompression bomb."""

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)

_LEAST = 128 << 20
"""Bytes that a picture may always take, however small the machine is."""

_CGROUP = Path("/sys/fs/cgroup/memory.max")
"""The memory that a container may use, in bytes, or `max` (Linux, cgroup v2)."""


def max_pixels() -> int:
    """The most pixels of a picture, `HERON_MAX_PIXELS` or 178,956,970; more is taken for a decompression bomb."""
    given = os.environ.get("HERON_MAX_PIXELS", "")
    if not given:
        return _MOST_PIXELS
    if not given.isdecimal() or int(given) < 2:
        raise InvalidInput(f"HERON_MAX_PIXELS is {given!r}, expected a number of pixels")
    return int(given)


def max_memory() -> int:
    """The most bytes that reading one picture may take: `HERON_MAX_MEMORY`, such as `2GB`, or else a quarter of the
    machine's memory, divided by its processor cores.
    """
    given = os.environ.get("HERON_MAX_MEMORY", "").strip()
    if not given:
        return max(_LEAST, _memory() // 4 // usable_cores())
    match = _SIZE.fullmatch(given)
    if match is None or not float(match[1]):
        raise InvalidInput(f"HERON_MAX_MEMORY is {given!r}, expected a size such as 500MB or 2GB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def check_pixels(name: str, width: int, height: int) -> None:
    """Raise MediaError if a picture of the file `name` has more pixels than `max_pixels`."""
    if width * height > max_pixels():
        raise MediaError(
            f"{name} is refused as a decompression bomb: it claims {width:,} x {height:,} pixels",
            hint="set HERON_MAX_PIXELS to allow larger pictures",
        )


def check_memory(name: str, needed: float) -> None:
    """Raise MediaError if reading a picture of the file `name` takes more than `max_memory`; `needed` is in bytes."""
    most = max_memory()
    if needed > most:
        raise MediaError(
            f"{name} takes {_megabytes(needed)} of memory to be read, more than the {_megabytes(most)} that one picture may take",
            hint="set HERON_MAX_MEMORY, for instance to 4GB, to allow more",
        )


def _megabytes(size: float) -> str:
    return f"{size / (1 << 20):,.0f} MB"


@cache
def _memory() -> int:
    """Bytes of memory of this machine, or of the container that this process runs in."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        found = min(found, int(_CGROUP.read_text()))
    return found
