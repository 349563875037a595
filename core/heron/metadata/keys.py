"""The rules for names: metadata keys of the schema, and names of items, folders, collections and datasets."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote

from heron.convert import without_secrets
from heron.errors import InvalidInput, MetadataError
from heron.models import MAX_NAME

_LEGAL = re.compile(r"[A-Za-z0-9 ._-]+")
_SEPARATORS = re.compile(r"[ ._-]")
RESERVED = "keyframes"

ARCHIVE_MARK = "#zip="
"""Separates the URL of an archive from the escaped name of a member."""


def check_key(key: object) -> str:
    """Return a legal schema key; raises MetadataError that says which rule is broken."""
    if not isinstance(key, str):
        raise MetadataError(f"a metadata key is text, not {type(key).__name__}")
    if not key.strip():
        raise MetadataError("a metadata key cannot be empty")
    if key.startswith("$"):
        raise MetadataError(f"metadata key {key!r} cannot start with $", hint="$ is for Heron's own blocks")
    illegal = sorted(set(_LEGAL.sub("", key)))
    if illegal:
        raise MetadataError(
            f"metadata key {printable(key)} holds {' '.join(repr(c) for c in illegal[:5])}",
            hint="letters a-z and A-Z, digits, space, - _ and . are allowed",
        )
    if _SEPARATORS.sub("", key) == RESERVED:
        raise MetadataError(
            f"metadata key {key!r} is reserved",
            hint="it is for Heron's own block of key frames; choose another name",
        )
    return key


def check_name(name: object, what: str) -> str:
    """Return a legal name of a thing; `what` is used in the message, such as `item name`."""
    if not isinstance(name, str):
        raise InvalidInput(f"{what}: expected text, got {type(name).__name__}")
    if not name.strip():
        raise InvalidInput(f"{what} cannot be empty")
    if len(name) > MAX_NAME:
        raise InvalidInput(
            f"{what} {name[:30]!r}… has {len(name)} characters, at most {MAX_NAME} are allowed"
        )
    if not is_unicode(name):
        raise InvalidInput(f"{what} {printable(name)} holds characters that are not valid Unicode")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise InvalidInput(
            f"{what} {printable(name)} holds a line break, a null character or another control character"
        )
    return name


def is_unicode(text: str) -> bool:
    """Whether text has no lone surrogates, so that it can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f]|\A\s+\Z")
_BYTE = re.compile(r"[\udc80-\udcff]")


def file_name(name: str) -> str:
    """The name of an item for the name of its file; all sources of items have this rule in common.

    Control characters, and a name of blanks alone, are written with escapes as in URLs, such as `a%0Ab.png`. All else
    stays as it is. Raises InvalidInput for a name that is not valid Unicode.
    """
    if name.isprintable() and not name.isspace():
        return name
    if not is_unicode(name):
        raise not_unicode(name)
    return _UNFIT.sub(lambda found: quote(found[0]), name)


def unescaped(name: str) -> str:
    """The name of an item for the end of its URL; raises InvalidInput as `file_name` does."""
    return file_name(unquote(name, errors="surrogateescape") if "%" in name else name)


def not_unicode(path: object) -> InvalidInput:
    """The error for a file whose name is not valid Unicode."""
    return InvalidInput(f"{shown_path(path)}: the file name is not valid Unicode, rename the file")


def shown_path(path: object) -> str:
    """A path for messages, on one line; control characters, and bytes that are not Unicode, are written as `%FF`."""
    text = _BYTE.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", str(path))
    return _UNFIT.sub(lambda found: quote(found[0]), text.encode("utf-8", "backslashreplace").decode())


def printable(value: object, limit: int = 60) -> str:
    """A value as it can stand in a message: one line, no control characters, no secrets of URLs, not too long."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a stranger's object, or an integer too long to be written out
        text = f"<{type(value).__name__}>"
    text = (
        " ".join(text.split()) if len(text.splitlines()) > 1 else text
    )  # arrays and tables have several lines
    text = without_secrets(text.encode("utf-8", "backslashreplace").decode())
    return text if len(text) <= limit else text[: limit - 1] + "…"
