"""UUIDs as text (RFC 9562): recognising them, and making new ones of version 7.

Those of version 7 are ordered by time, so that a million new ones are appended to their index.
"""

from __future__ import annotations

import os
import re
import sys
import time

_CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ANY_CASE = re.compile(_CANONICAL.pattern, re.IGNORECASE)
_ANY_FORM = re.compile(r"(?:urn:uuid:)?\{?([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})\}?", re.IGNORECASE)


def is_uuid(text: str) -> bool:
    """Whether a text has the form of a UUID with its hyphens, in upper or lower case."""
    return _ANY_CASE.fullmatch(text) is not None


def is_uuid_object(value: object) -> bool:
    """Whether a value is a `uuid.UUID`; the module is not imported for this, and without it there are none."""
    module = sys.modules.get("uuid")
    return module is not None and isinstance(value, module.UUID)


def canonical_uuid(text: str) -> str | None:
    """A UUID written in any form, with braces, as a URN or without hyphens, in lower case with hyphens; else None."""
    if _CANONICAL.fullmatch(text):
        return text
    found = _ANY_FORM.fullmatch(text)
    if found is None:
        return None
    digits = found[1].replace("-", "").lower()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


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
