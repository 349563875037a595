"""Sniffing: recognises the format of a file by its content, and by its name only if the content does not
decide.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from attrs import frozen

from heron.errors import PluginError
from heron.hooks import MediaDecoder, MediaFormat
from heron.hooks.checking import bounded
from heron.models import Kind

HEAD = 1024
"""Bytes of a file that sniffing reads."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LONG = 200
"""So many bytes without a control character are text, whatever their encoding; shorter ones may be anything."""

_BLANKS = re.compile(r"(?:\s|%20)+\Z")
"""Blanks at the end of a file name, which say nothing of its kind."""

_Match = Callable[[bytes], re.Match[bytes] | None]
_Known = tuple[MediaFormat, MediaDecoder]


@frozen
class Sniffed:
    """A format and the decoder that reads it; `claimed` is the format that the file name suggests, if it
    differs. With a `clash`, plugins conflict over the format, and the decoder is only one of theirs.
    """

    format: MediaFormat
    decoder: MediaDecoder
    claimed: MediaFormat | None = None
    clash: PluginError | None = None


class Sniffer:
    """Knows the formats of all decoders, including decoders that cannot be loaded.

    Signatures of decoders that are not trusted get little time; one that takes longer is not used any more.
    """

    def __init__(
        self,
        decoders: Iterable[MediaDecoder],
        trusts: Callable[[MediaDecoder], bool] = lambda _: True,
        settle: Callable[..., MediaDecoder] = lambda decoders, *claims: decoders[0],
    ) -> None:
        """`settle` chooses one of several decoders by what they claim, or raises PluginError."""
        self._settle = settle
        known = [(format, decoder) for decoder in decoders for format in decoder.formats]
        self._signed: list[tuple[_Match, MediaFormat, MediaDecoder]] = []
        for format, decoder in known:
            if (pattern := format.pattern()) is not None:
                match = None if trusts(decoder) else bounded(format)
                self._signed.append((match or pattern.match, format, decoder))
        self._too_slow: list[tuple[MediaFormat, MediaDecoder]] = []
        self._by_suffix: dict[str, list[_Known]] = {}
        for format, decoder in known:
            for suffix in format.suffixes:
                self._by_suffix.setdefault(suffix, []).append((format, decoder))
        self._text = [(f, d) for f, d in known if f.kind == "text"]

    def sniff(self, head: bytes, name: str) -> Sniffed | None:
        """The format of a file by its first 1,024 bytes and its name; None if no format matches."""
        suffix, named = self._named(name)
        found = self._by_signature(head, name.lower(), named)
        claims = [f"format {format.media_type}" for format, _ in found]
        if not found:
            found, claims = self._by_text(head, named), [f"suffix {suffix}"]
        if not found:
            return None
        (format, decoder), clash = self._chosen(found, claims)
        is_as_named = not named or any(known.media_type == format.media_type for known, _ in named)
        return Sniffed(format, decoder, None if is_as_named else named[0][0], clash)

    def _chosen(self, found: Sequence[_Known], claims: Sequence[str]) -> tuple[_Known, PluginError | None]:
        """The format and decoder to use among those that fit equally well."""
        decoders = list(dict.fromkeys(map(id, (decoder for _, decoder in found))))
        if len(decoders) == 1:
            return found[0], None
        try:
            chosen = self._settle(list({id(decoder): decoder for _, decoder in found}.values()), *claims)
        except PluginError as clash:
            return found[0], clash
        return next(known for known in found if known[1] is chosen), None

    def too_slow(self) -> list[tuple[MediaFormat, MediaDecoder]]:
        """The formats whose signatures took too long since this was last called."""
        found, self._too_slow = self._too_slow, []
        return found

    def kind_of(self, name: str) -> Kind | None:
        """The kind that a file name, or a URL, suggests."""
        suffix, named = self._named(_BLANKS.sub("", name.rpartition("/")[2]))
        if not named:
            return None
        (format, _), clash = self._chosen(named, [f"suffix {suffix}"])
        is_sure = clash is None or len({known.kind for known, _ in named}) == 1
        return format.kind if is_sure else None

    def _named(self, name: str) -> tuple[str, Sequence[_Known]]:
        """The suffix of a name that is known, with the formats that have it."""
        parts = name.lower().split(".")
        for start in range(1, len(parts)):
            suffix = "." + ".".join(parts[start:])
            if found := self._by_suffix.get(suffix):
                return suffix, found
        return "", ()

    def _by_signature(self, head: bytes, name: str, named: Sequence[_Known]) -> Sequence[_Known]:
        """The formats with the longest match; of several, those that the name suggests."""
        best: list[_Known] = []
        longest = 1
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
            if length > longest:
                best, longest = [], length
            if length == longest:
                best.append((format, decoder))
        return [known for known in best if known in named] or best

    def _by_text(self, head: bytes, named: Sequence[_Known]) -> Sequence[_Known]:
        if not self._text or not is_text(head):
            return ()
        return [
            known for known in named if known[0].kind == "text" and not known[0].needs_suffix
        ] or self._text[:1]


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
        return high < len(head) // 3 or len(head) >= _LONG
    return True
