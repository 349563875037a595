"""Draws the beginning of a text as a page, so that a reader recognises the document."""

from __future__ import annotations

import csv
import functools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import orjson
from PIL import Image, ImageDraw, ImageFont

from heron.media.html_text import visible_text

_PAPER, _INK = (255, 255, 255), (32, 32, 32)
_SMALLEST_PAGE = 24
"""Letters are drawn on pages of this many pixels or more; smaller pages are left white."""

_MOST_COLUMNS = 12
_WIDEST_COLUMN = 0.4
"""Columns of a table that are drawn, and the largest share of the page that one may take."""


def draw_text(content: str, media_type: str, name: str, size: int, *, whole: bool) -> Image.Image:
    """A page in RGB, `size` pixels high; `content` is the beginning of a file, or with `whole` all of it."""
    page = _Page(size)
    if size < _SMALLEST_PAGE:
        return page.image
    if media_type == "text/html":
        title, text = visible_text(content)
        page.write(title, bold=True)
        page.write(text)
    elif media_type == "text/csv" and (rows := _rows(content, name, page.most_lines)):
        page.tabulate(rows)
    elif media_type == "application/json" and whole:
        page.write(_indented(content))
    else:
        page.write(content)
    return page.image


def _indented(content: str) -> str:
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # JSON Lines too
        return content


def _rows(content: str, name: str, most: int) -> list[list[str]]:
    """The first rows of a table; none if the content is not a table."""
    first = content.partition("\n")[0]
    delimiter = "\t" if name.lower().endswith(".tsv") else max(",;\t|", key=first.count)
    try:
        return list(islice(csv.reader(content.splitlines(), delimiter=delimiter), most))
    except csv.Error:
        return []


_SPELT_OUT = str.maketrans({
    "ß": "ss", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "Đ": "D", "đ": "d", "Ł": "L", "ł": "l",
    "ı": "i", "„": '"', "–": "-", "—": "-", "•": "*", "\ufeff": "",
})  # fmt: skip
"""Replacements for letters that Pillow's own font lacks (it has little besides ASCII) and that do not
decompose into a letter and accents.
"""


@functools.lru_cache(64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


class _Page:
    """A white page, filled from top to bottom; text that does not fit is left out."""

    def __init__(self, size: int) -> None:
        self.image = Image.new("RGB", (max(1, size * 3 // 4), size), _PAPER)
        self._draw = ImageDraw.Draw(self.image)
        self._font = _font(round(8 + size / 80))
        self._margin = size // 24
        self._width = self.image.width - 2 * self._margin
        self._step = round((8 + size / 80) * 1.3)
        self._top = self._margin
        self.most_lines = (size - 2 * self._margin) // self._step

    def write(self, text: str, *, bold: bool = False) -> None:
        """Write text, wrapped between words."""
        for line in islice(self._wrapped(text.splitlines()), self.most_lines):
            self._put(line, self._margin, bold=bold)
            self._top += self._step

    def tabulate(self, rows: Sequence[Sequence[str]]) -> None:
        """Write rows below each other in columns, the first one as a heading."""
        cells = [
            [self._cut(cell, self._width * _WIDEST_COLUMN) for cell in row[:_MOST_COLUMNS]] for row in rows
        ]
        lefts, left = [], float(self._margin)
        for column in range(max(map(len, cells))):
            lefts.append(left)
            left += max(self._length(row[column]) for row in cells if column < len(row)) + self._step / 2
        for number, row in enumerate(cells):
            for left, cell in zip(lefts, row, strict=False):
                self._put(cell, left, bold=not number)
            self._top += self._step

    def _put(self, line: str, left: float, *, bold: bool = False) -> None:
        if self._top + self._step <= self.image.height and left < self.image.width - self._margin:
            self._draw.text((left, self._top), line, _INK, self._font, stroke_width=0.3 if bold else 0)

    def _length(self, text: str) -> float:
        return self._draw.textlength(text, self._font)

    def _wrapped(self, lines: Iterable[str]) -> Iterator[str]:
        for line in map(_printable, lines):
            rest = line
            while self._length(rest[:1000]) > self._width:
                fitting = self._cut(rest, self._width)
                end = fitting.rfind(" ") + 1 or len(fitting)
                yield rest[:end]
                rest = rest[end:].lstrip()
            yield rest

    def _cut(self, text: str, width: float) -> str:
        """The longest beginning of a text that fits, at least one letter."""
        text = _printable(text[:1000])
        low, high = 1, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._length(text[:middle]) <= width else (low, middle - 1)
        return text[:low]


def _printable(text: str) -> str:
    """A line with letters that the font has, as far as possible: without accents, and with spaces for control
    characters.
    """
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text.translate(_SPELT_OUT))
        text = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return "".join(letter if letter.isprintable() else " " for letter in text.expandtabs(4))
