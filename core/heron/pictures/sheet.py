"""The contact sheet: many small pictures on one, with a name under each."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable

from attrs import frozen
from PIL import Image, ImageDraw

from heron.errors import InvalidInput
from heron.media.lettering import Lettering

MOST = 1000
"""The most pictures on a sheet."""

_PIXELS = 300_000_000
"""The most pixels of a sheet; each takes three bytes of memory."""

_GAP, _LINE = 12, 17
_GROUND, _TABLE, _INK, _FAINT = "#ffffff", "#f1f3f5", "#212529", "#868e96"


@frozen
class Cell:
    """One cell: a picture as JPEG, or None, a name, and a short note."""

    jpeg: bytes | None
    name: str
    about: str


def contact_sheet(cells: Iterable[Cell], count: int, columns: int | None, size: int) -> Image.Image:
    """Draw `count` cells of `size` x `size` pixels, row by row; with `columns` None the sheet is a little
    wider than high.

    Raises InvalidInput for a sheet that would take too much memory.
    """
    if columns is not None and columns < 1:
        raise InvalidInput(f"a sheet of {columns:,} columns cannot be made", hint="give 1 or more")
    columns = min(count, columns or math.ceil(math.sqrt(count * 1.5)))
    rows = math.ceil(count / columns)
    across, down = size + _GAP, size + 2 * _LINE + _GAP
    width, height = columns * across + _GAP, rows * down + _GAP
    if width * height > _PIXELS:
        raise InvalidInput(
            f"a contact sheet of {width:,} x {height:,} pixels is too large",
            hint="choose fewer pictures with --limit, or smaller ones with --size",
        )
    sheet = Image.new("RGB", (width, height), _GROUND)
    draw = ImageDraw.Draw(sheet)
    names, notes = Lettering(12), Lettering(10)
    for number, cell in enumerate(cells):
        x, y = _GAP + number % columns * across, _GAP + number // columns * down
        _place(sheet, draw, cell, (x, y), size)
        names.draw(draw, (x, y + size + 3), names.fitted(cell.name, size), _INK)
        notes.draw(draw, (x, y + size + 3 + _LINE), notes.fitted(cell.about, size), _FAINT)
    return sheet


def _place(sheet: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, at: tuple[int, int], size: int) -> None:
    """Draw the picture in the middle of its cell, or a note in its place."""
    x, y = at
    draw.rectangle((x, y, x + size - 1, y + size - 1), _TABLE)
    if cell.jpeg is None:
        letters, note = Lettering(12), "no picture"
        letters.draw(draw, (x + (size - letters.length(note)) / 2, y + size / 2 - 8), note, _FAINT)
        return
    with Image.open(io.BytesIO(cell.jpeg)) as picture:
        picture.thumbnail((size, size))
        place = (x + (size - picture.width) // 2, y + (size - picture.height) // 2)
        sheet.paste(picture.convert("RGB"), place)
