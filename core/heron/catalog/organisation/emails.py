"""E-mail addresses: one spelling for each, so that two spellings of an address are one user."""

from __future__ import annotations

import re
import unicodedata

from heron.errors import InvalidInput
from heron.metadata.keys import printable

_ADDRESS = re.compile(r"[^\s@\"<>(),;:\\[\]]+@[^\s@\"<>(),;:\\[\]]+")
_LONGEST = 254


def canonical_email(given: object) -> str:
    """An address in lower case and in the composed form of Unicode, without blanks around it; raises InvalidInput for anything else.

    A domain that is given in the letters of ASCII (`xn--…`) gets those that it stands for.
    """
    if not isinstance(given, str):
        raise InvalidInput(f"an e-mail address is text, not {type(given).__name__}")
    local, at, domain = _plain(given).rpartition("@")
    text = local + at + ".".join(map(_decoded, domain.split(".")))
    is_plain = _ADDRESS.fullmatch(text) is not None and text.isprintable()
    if not is_plain or len(text) > _LONGEST or ".." in text or text.startswith(".") or text.endswith("."):
        raise InvalidInput(
            f"{printable(given)} is not an e-mail address", hint="write it as name@example.org"
        )
    return text


def _plain(text: str) -> str:
    """Text with one spelling for letters that are the same: the full stop of East Asia, too, is a full stop."""
    folded = unicodedata.normalize("NFKC", text).strip().casefold().replace("\u3002", ".")
    return unicodedata.normalize("NFC", folded)


def _decoded(label: str) -> str:
    """A part of a domain in its own letters (RFC 3492); one that cannot be read stays as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        return _plain(label.removeprefix("xn--").encode("ascii").decode("punycode"))
    except UnicodeError:
        return label
