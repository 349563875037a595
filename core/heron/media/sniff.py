"""Sniffing: recognises the format of a file by its content, and by its name only if the content does not
decide.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from contextlib import suppress

from attrs import frozen

from heron.hooks import MediaDecoder, MediaFormat
from heron.hooks.checking import bounded
from heron.models import Kind

HEAD = 1024
"""Bytes of a file that sniffing reads."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BLANKS = re.compile(r"(?:\s|%20)+\Z")
"""Blanks at the end of a file name, which say nothing of its kind."""

_Match = Callable[[bytes], re.Match[bytes] | None]


@frozen
class Sniffed:
    """A format and the decoder that reads it; `claimed` is the format that the file name suggests, if it
    differs.
    """

    format: MediaFormat
    decoder: MediaDecoder
    claimed: MediaFormat | None = None


class Sniffer:
    """Knows the formats of all decoders, including decoders that cannot be loaded.

    Signatures of decoders that are not trusted get little time; one that takes longer is not used any more.
    """

    def __init__(
        self, decoders: Iterable[MediaDecoder], trusts: Callable[[MediaDecoder], bool] = lambda _: True
    ) -> None:
        known = [(format, decoder) for decoder in decoders for format in decoder.formats]
        self._signed: list[tuple[_Match, MediaFormat, MediaDecoder]] = []
        for format, decoder in known:
            if (pattern := format.pattern()) is not None:
                match = None if trusts(decoder) else bounded(format)
                self._signed.append((match or pattern.match, format, decoder))
        self._too_slow: list[tuple[MediaFormat, MediaDecoder]] = []
        self._by_suffix = {suffix: (f, d) for f, d in reversed(known) for suffix in f.suffixes}
        self._text = [(f, d) for f, d in known if f.kind == "text"]

    def sniff(self, head: bytes, name: str) -> Sniffed | None:
        """The format of a file by its first 1,024 bytes and its name; None if no format matches."""
        named = self._named(name)
        found = self._by_signature(head, name.lower(), named) or self._by_text(head, named)
        if found is None:
            return None
        format, decoder = found
        claimed = named[0] if named and named[0].media_type != format.media_type else None
        return Sniffed(format, decoder, claimed)

    def too_slow(self) -> list[tuple[MediaFormat, MediaDecoder]]:
        """The formats whose signatures took too long since this was last called."""
        found, self._too_slow = self._too_slow, []
        return found

    def kind_of(self, name: str) -> Kind | None:
        """The kind that a file name, or a URL, suggests."""
        named = self._named(_BLANKS.sub("", name.rpartition("/")[2]))
        return named[0].kind if named else None

    def _named(self, name: str) -> tuple[MediaFormat, MediaDecoder] | None:
        parts = name.lower().split(".")
        for start in range(1, len(parts)):
            found = self._by_suffix.get("." + ".".join(parts[start:]))
            if found:
                return found
        return None

    def _by_signature(
        self, head: bytes, name: str, named: tuple[MediaFormat, MediaDecoder] | None
    ) -> tuple[MediaFormat, MediaDecoder] | None:
        best, longest = None, 0
        for signed in list(self._signed):
            match, format, decoder = signed
            try:
                found = match(head)
            except TimeoutError:
                with suppress(ValueError):  # another thread was here before
                    self._signed.remove(signed)
                    self._too_slow.append((format, decoder))
                continue
            if found is None or (format.needs_suffix and not name.endswith(tuple(format.suffixes))):
                continue
            length = found.end()
            if length > longest or (length == longest and named and named[0] == format):
                best, longest = (format, decoder), length
        return best

    def _by_text(
        self, head: bytes, named: tuple[MediaFormat, MediaDecoder] | None
    ) -> tuple[MediaFormat, MediaDecoder] | None:
        if not self._text or not is_text(head):
            return None
        if named and named[0].kind == "text" and not named[0].needs_suffix:
            return named
        return self._text[0]


def is_text(head: bytes) -> bool:
    """Whether bytes are the beginning of a text in UTF-8, UTF-16 with a byte order mark, or an 8-bit
    encoding.
    """
    if not head:
        return False
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    if _CONTROL.search(head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        high = sum(byte >= 0x80 for byte in head)
        return high < len(head) // 3
    return True
