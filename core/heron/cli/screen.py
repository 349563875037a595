"""What a terminal can show: colours, its width, its characters, and the cells that a text takes."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TextIO

_JOINER = "\u200d"
"""The zero-width joiner, which makes one picture of several emoji."""

_PLAIN = {"…": "...", "–": "-", "→": "->", "×": "x", "█": "#", **dict.fromkeys("▏▎▍▌▋▊▉", "")}
"""What is written in place of a character that the encoding of a terminal lacks."""


def colours() -> bool | None:
    """Whether to print colours: True or False if the environment says so, else None: on terminals only.

    See https://no-color.org and https://bixense.com/clicolors.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    if os.environ.get("CLICOLOR") == "0" or is_dumb():
        return False
    return None


def is_dumb() -> bool:
    """Whether the terminal knows no control sequences."""
    return os.environ.get("TERM") == "dumb"


def screen_width(stream: TextIO | None = None) -> int | None:
    """The columns of the terminal that a stream writes to, standard output by default; None if it is none.

    COLUMNS has precedence over what the terminal says.
    """
    stream = stream or sys.stdout
    if not stream.isatty():
        return None
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def write_anything() -> None:
    """Let standard output and standard error write characters that their encoding lacks, as other characters.

    In a locale such as Latin-1, `…` is written as `...` and `東` as `\\u6771`.
    """
    codecs.register_error("heron", _written)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not is_unicode(stream):
            stream.reconfigure(errors="heron")


def is_unicode(stream: TextIO) -> bool:
    """Whether a stream can write every character."""
    return (stream.encoding or "utf-8").lower().replace("_", "-").startswith(("utf-8", "utf8", "utf-16"))


def _written(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(
        _PLAIN[char] if char in _PLAIN else char.encode("ascii", "backslashreplace").decode()
        for char in lacking
    ), error.end


def as_written(text: str) -> str:
    """A text as standard output writes it, which is longer if the encoding lacks some of its characters."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if text.isascii() or is_unicode(sys.stdout):
        return text
    codecs.register_error("heron", _written)
    return text.encode(encoding, "heron").decode(encoding)


def visible(text: str) -> str:
    """A text for a terminal: control characters, which could act on it, as escapes such as `\\x1b` and `\\n`."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == _JOINER else char.encode("unicode_escape").decode()
        for char in text
    )


def cells(text: str) -> int:
    """The cells that a text takes on a terminal: two for a Chinese character or an emoji, none for an accent of its own."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, width: int, *, right: bool = False) -> str:
    """A text with blanks to a width in cells; with `right`, in front of it."""
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def cut_end(text: str, width: int) -> str:
    """A text of at most `width` cells: its beginning and `…`."""
    mark = as_written("…")
    return text if cells(text) <= width else _head(_clusters(text), width - len(mark)) + mark


def cut_middle(text: str, width: int) -> str:
    """A text of at most `width` cells: its beginning, `…` and its end."""
    if cells(text) <= width:
        return text
    mark = as_written("…")
    parts = list(_clusters(text))
    end = _head(reversed(parts), (width - len(mark)) // 2, from_end=True)
    return _head(parts, width - len(mark) - cells(end)) + mark + end


def cut_around(text: str, place: int, width: int) -> str:
    """A text of at most `width` cells: `…`, and what stands from a place on."""
    if cells(text) <= width:
        return text
    mark = as_written("…")
    return mark + cut_end(text[place:], width - len(mark))


def _head(parts: Iterable[str], width: int, *, from_end: bool = False) -> str:
    """The first characters of a text that fit into some cells."""
    taken: list[str] = []
    for part in parts:
        width -= cells(part)
        if width < 0:
            break
        taken.append(part)
    return "".join(reversed(taken) if from_end else taken)


def _clusters(text: str) -> Iterator[str]:
    """The characters of a text as people see them: a letter with its accents, an emoji with its modifiers."""
    if text.isascii():
        yield from text
        return
    start = 0
    for place in range(1, len(text)):
        if not _continues(text, place, start):
            yield text[start:place]
            start = place
    if text:
        yield text[start:]


def _continues(text: str, place: int, start: int) -> bool:
    """Whether a code point belongs to the character that begins at `start`."""
    char, before = text[place], text[place - 1]
    if char == _JOINER or before == _JOINER or unicodedata.category(char).startswith("M"):
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff":  # colours of skin
        return True
    return place - start == 1 and _is_flag(char) and _is_flag(before)


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
