"""In which encoding a text is written: by its byte order mark, what it declares, or else by its bytes."""

from __future__ import annotations

import codecs
import re
from typing import Literal

from heron.hooks import MediaFile

SAMPLE = 64 << 10
"""Bytes from which an encoding is judged."""

_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]{1,40})|<meta\s[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""",
    re.IGNORECASE,
)
"""The declarations of XML (XML 1.0, 4.3.3) and HTML (HTML Living Standard, 4.2.5.4)."""

_DECLARING = ("text/html", "application/xml")

_MEANT = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "shift_jis": "cp932",
    "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "utf-16": "utf-8", "utf-16-le": "utf-8", "utf-16-be": "utf-8",
}  # fmt: skip
"""What browsers take a declared encoding for (WHATWG Encoding Standard, 4.2), by Python's names. A declaration that could be
read is not UTF-16."""

_TOLD_APART = (
    "cp932", "euc_jp", "gb18030", "big5", "cp949", "koi8_r", "cp1251", "cp1253", "cp1255", "cp1256", "cp874",
)  # fmt: skip
"""Encodings of other scripts than the Latin one, which a detector knows by their bytes."""

_OTHER_SCRIPT = 0.25
"""The least share of bytes above 127 of a text in another script, without blanks; texts in the Latin script have fewer."""

_SHORTEST = 32
"""The fewest bytes, without blanks, that tell an encoding."""

Source = Literal["unicode", "declared", "detected", "assumed"]


def encoding_of(file: MediaFile, sample: bytes | None = None) -> tuple[str, Source]:
    """Python's name of a text's encoding, and what it is known by; `sample` is its beginning, if that has been read.

    A text in the Latin script without a declaration is taken for windows-1252: its bytes do not tell. Without the package
    charset-normalizer, so is every other.
    """
    head = file.head
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", "unicode"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "unicode"
    if sample is None:
        with file.open() as stream:
            sample = stream.read(SAMPLE)
    declared = _declared(head) if file.media_type in _DECLARING else None
    if declared is not None and declared != "utf-8" and _fits(sample, declared):
        return declared, "declared"
    if _fits(sample, "utf-8"):
        return "utf-8", "unicode"
    return eight_bit(sample)


def eight_bit(sample: bytes) -> tuple[str, Source]:
    """The encoding of bytes that are not UTF-8."""
    dense = bytes(byte for byte in sample if byte > 32)
    if len(dense) >= _SHORTEST and sum(byte > 127 for byte in dense) >= _OTHER_SCRIPT * len(dense):
        found = _detected(sample)
        if found is not None:
            return found, "detected"
    return ("cp1252" if _fits(sample, "cp1252") else "latin-1"), "assumed"


def _declared(head: bytes) -> str | None:
    match = _DECLARED.search(head)
    if match is None:
        return None
    try:
        codec = codecs.lookup((match[1] or match[2]).decode("ascii"))
    except (LookupError, UnicodeError):
        return None
    if not getattr(codec, "_is_text_encoding", True):
        return None
    return _MEANT.get(codec.name, codec.name)


def _fits(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        return False
    return True


def _detected(sample: bytes) -> str | None:
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return None
    best = from_bytes(sample[: 8 << 10], cp_isolation=list(_TOLD_APART)).best()
    return best.encoding if best is not None and _fits(sample, best.encoding) else None
