"""E-mail addresses: one spelling for each, so that two spellings of an address are one user."""

from __future__ import annotations

import re
import unicodedata

from heron.errors import InvalidInput
from heron.metadata.keys import printable

_ADDRESS = re.compile(r"[^\s@\"<>(),;:\\[\]]+@[^\s@\"<>(),;:\\[\]]+")
_LONGEST = 254


def canonical_email(given: object) -> str:
    """An address in lower case and in the composed form of Unicode, without blanks around it; raises InvalidInput for anything else."""
    if not isinstance(given, str):
        raise InvalidInput(f"an e-mail address is text, not {type(given).__name__}")
    text = unicodedata.normalize("NFKC", given).strip().casefold()
    text = unicodedata.normalize("NFC", text)
    is_plain = _ADDRESS.fullmatch(text) is not None and text.isprintable()
    if not is_plain or len(text) > _LONGEST or ".." in text or text.startswith(".") or text.endswith("."):
        raise InvalidInput(
            f"{printable(given)} is not an e-mail address", hint="write it as name@example.org"
        )
    return text
