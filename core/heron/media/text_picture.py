"""Draws the beginning of a text as a page, so that a reader recognises the document."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import orjson
from PIL import Image, ImageDraw

from heron.media.html_text import visible_text
from heron.media.lettering import Lettering

_PAPER, _INK = (255, 255, 255), (32, 32, 32)
_SMALLEST_PAGE = 24
"""Letters are drawn on pages of this many pixels or more; smaller pages are left white."""

_LARGEST = 4096
"""Larger pages would take hundreds of megabytes, and show no more."""

_MOST_COLUMNS = 12
_WIDEST_COLUMN = 0.4
"""Columns of a table that are drawn, and the largest share of the page that one may take."""


def draw_text(content: str, media_type: str, name: str, size: int, *, whole: bool) -> Image.Image:
    """A page in RGB, `size` pixels high, up to 4,096; `content` is the beginning of a file, or with `whole` all of it."""
    page = _Page(min(size, _LARGEST))
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


class _Page:
    """A white page, filled from top to bottom; text that does not fit is left out."""

    def __init__(self, size: int) -> None:
        self.image = Image.new("RGB", (max(1, size * 3 // 4), size), _PAPER)
        self._draw = ImageDraw.Draw(self.image)
        self._letters = Lettering(round(7 + size / 80))
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
            self._letters.draw(self._draw, (left, self._top), line, _INK, bold=bold)

    def _length(self, text: str) -> float:
        return self._letters.length(text)

    def _wrapped(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            rest = line.expandtabs(4)
            while self._length(rest[:1000]) > self._width:
                fitting = self._cut(rest, self._width)
                end = fitting.rfind(" ") + 1 or len(fitting)
                yield rest[:end]
                rest = rest[end:].lstrip()
            yield rest

    def _cut(self, text: str, width: float) -> str:
        """The longest beginning of a text that fits, at least one letter."""
        return self._letters.beginning(text.expandtabs(4), width)
