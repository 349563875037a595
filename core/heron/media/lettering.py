"""Text in pictures, in any script: each part of a line is drawn in a font that has its characters.

The font that comes with Heron has Latin, Greek, Cyrillic, Hebrew, Arabic and more. For other characters, such as Chinese and
emoji, the fonts of the system are searched once they are needed. A character that no font has is shown by its code point, as
`[U+4E2D]`.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from attrs import frozen
from PIL import ImageDraw, ImageFont, features

from heron.media.font_files import OWN, Characters, characters_of, installed

LONGEST = 1_000
"""Characters of a line that are drawn; the rest is left out."""

_RTL, _LTR = ("R", "AL"), ("L",)
_INVISIBLE = ("Cf", "Mn", "Me")
"""Categories of characters that are left out if no font has them: they change other characters, or show nothing."""

Ink = str | tuple[int, ...]
"""A colour as Pillow takes it."""

_lock = threading.Lock()
_undrawn: dict[str, None] = {}
_known: dict[Path, Characters] = {}
_searched: list[Iterator[Path]] = []


@frozen
class _Run:
    """A part of a line in one font and one direction."""

    text: str
    path: Path
    is_rtl: bool


class Lettering:
    """Text of one size in pixels; safe to use in several threads."""

    def __init__(self, size: int) -> None:
        self._size = size

    def length(self, text: str) -> float:
        """The width of a line, in pixels."""
        return sum(self._width(run) for run in _runs(drawable(text)))

    def draw(
        self,
        draw: ImageDraw.ImageDraw,
        at: tuple[float, float],
        text: str,
        ink: Ink,
        *,
        bold: bool = False,
    ) -> None:
        """Draw a line; `at` is the left end of its ascender line."""
        left, top = at
        ascent = self._ascent(OWN)
        for run in _runs(drawable(text)):
            shown, direction = _given(run)
            draw.text(
                (left, top + ascent - self._ascent(run.path)), shown, ink, self._font(run),
                stroke_width=0.3 if bold else 0, direction=direction,
            )  # fmt: skip
            left += self._width(run)

    def fitted(self, text: str, width: float) -> str:
        """One line of the text, shortened with an ellipsis to fit into a width in pixels."""
        line = " ".join(text[:LONGEST].split())
        if self.length(line) <= width:
            return line
        return self.beginning(line, width - self.length("…")).rstrip() + "…"

    def beginning(self, text: str, width: float) -> str:
        """The longest beginning of a line that fits into a width in pixels, at least one character."""
        low, high = 1, min(len(text), LONGEST)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.length(text[:middle]) <= width else (low, middle - 1)
        return text[:low]

    def _font(self, run: _Run) -> ImageFont.FreeTypeFont:
        return _font(run.path, self._size)

    def _ascent(self, path: Path) -> int:
        return _font(path, self._size).getmetrics()[0]

    def _width(self, run: _Run) -> float:
        shown, direction = _given(run)
        return self._font(run).getlength(shown, direction=direction)


def drawable(text: str) -> str:
    """A line as it is drawn: composed letters, spaces for control characters, code points where no font has a character."""
    text = text[:LONGEST].expandtabs(4)
    if text.isascii():
        return "".join(c if c.isprintable() else " " for c in text)
    made = []
    for character in unicodedata.normalize("NFC", text):
        if unicodedata.category(character) in _INVISIBLE:
            made.append(character if character in _characters(OWN) else "")
        elif not character.isprintable():
            made.append(" ")
        else:
            made.append(character if _path_of(character) else code_point(character))
    return "".join(made)


def code_point(character: str) -> str:
    """How a character that no font has is shown; `undrawn` lists them."""
    if character.isprintable():
        _undrawn.setdefault(character)
    return f"[U+{ord(character):04X}]"


def undrawn() -> str:
    """The characters that this process has shown by their code points, because no font has them."""
    return "".join(_undrawn)


def _runs(text: str) -> Iterator[_Run]:
    """The parts of a line from left to right, as they are placed (a simple form of UAX 9)."""
    if text.isascii():
        if text:
            yield _Run(text, OWN, False)
        return
    directions = _directions(text)
    base = next((d for d in directions if d is not None), False)
    resolved = _resolved(directions, base)
    spans = []
    for is_rtl, span in groupby(zip(text, resolved, strict=True), key=lambda pair: pair[1]):
        runs = _in_fonts("".join(character for character, _ in span), is_rtl)
        spans.append(runs[::-1] if is_rtl else runs)
    for runs in reversed(spans) if base else spans:
        yield from runs


def _given(run: _Run) -> tuple[str, str | None]:
    """The text of a run as Pillow takes it, and its direction; without Raqm, Pillow draws from left to right only."""
    if _has_raqm():
        return run.text, "rtl" if run.is_rtl else "ltr"
    return (run.text[::-1] if run.is_rtl else run.text), None


def _directions(text: str) -> list[bool | None]:
    """For each character whether it is written from right to left; None if that depends on its neighbours."""
    kinds = [unicodedata.bidirectional(character) for character in text]
    return [True if kind in _RTL else False if kind in _LTR else None for kind in kinds]


def _resolved(directions: list[bool | None], base: bool) -> list[bool]:
    """Directions of all characters: those without one follow their neighbours if both agree, else the whole line."""
    after: list[bool] = [base] * (len(directions) + 1)
    for place in range(len(directions) - 1, -1, -1):
        known = directions[place]
        after[place] = after[place + 1] if known is None else known
    found, before = [], base
    for place, known in enumerate(directions):
        if known is None:
            known = before if before == after[place] else base
        else:
            before = known
        found.append(known)
    return found


def _in_fonts(text: str, is_rtl: bool) -> list[_Run]:
    """A text split where the font changes; spaces and marks stay with what is before them, if its font has them."""
    runs: list[list[str]] = []
    paths: list[Path] = []
    for character in text:
        stays = character == " " or unicodedata.combining(character)
        if stays and paths and character in _characters(paths[-1]):
            path = paths[-1]
        else:
            path = _path_of(character) or OWN
        if paths and paths[-1] == path:
            runs[-1].append(character)
        else:
            runs.append([character])
            paths.append(path)
    return [_Run("".join(run), path, is_rtl) for run, path in zip(runs, paths, strict=True)]


def _characters(path: Path) -> Characters:
    if path not in _known:
        _known[path] = characters_of(path) or Characters((), ())
    return _known[path]


@lru_cache(20_000)
def _path_of(character: str) -> Path | None:
    """The first font that has a character, and None if there is none; searches as many installed fonts as it has to."""
    if character in _characters(OWN):
        return OWN
    with _lock:
        for path, characters in _known.items():
            if character in characters:
                return path
        if not _searched:
            _searched.append(installed())
        for path in _searched[0]:
            if path not in _known and character in _characters(path) and _loads(path):
                return path
    return None


def _loads(path: Path) -> bool:
    """Whether Pillow can draw with a font; one that it cannot is never asked again."""
    try:
        _font(path, 12).getlength("x")
    except (OSError, ValueError):
        _known[path] = Characters((), ())
        return False
    return True


@lru_cache(256)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    layout = ImageFont.Layout.RAQM if _has_raqm() else ImageFont.Layout.BASIC
    return ImageFont.truetype(path, size, layout_engine=layout)


@lru_cache(1)
def _has_raqm() -> bool:
    return bool(features.check("raqm"))
