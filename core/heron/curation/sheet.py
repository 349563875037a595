"""A sheet of groups: the pictures of each group side by side, under a line that says what the group is."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from PIL import Image, ImageDraw, ImageFont

from heron.errors import InvalidInput
from heron.pictures.sheet import MOST, Cell, contact_sheet

_HEADING, _INDENT = 26, 12
_GROUND, _LINE, _INK = "#ffffff", "#ced4da", "#212529"


@frozen
class Band:
    """One group on the sheet: what is said of it, and its pictures."""

    heading: str
    cells: Sequence[Cell]


def group_sheet(bands: Sequence[Band], columns: int, size: int) -> Image.Image:
    """Draw groups one under the other, at most `columns` pictures of `size` x `size` pixels in a row.

    Raises InvalidInput for no groups, and for more than a thousand pictures.
    """
    count = sum(len(band.cells) for band in bands)
    if not bands or count > MOST:
        raise InvalidInput(f"a sheet shows 1 to {MOST:,} pictures, not {count:,}")
    columns = min(columns, max(len(band.cells) for band in bands))
    sheets = [contact_sheet(band.cells, len(band.cells), columns, size) for band in bands]
    width = max(sheet.width for sheet in sheets)
    whole = Image.new("RGB", (width, sum(sheet.height + _HEADING for sheet in sheets)), _GROUND)
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(14)
    top = 0
    for band, sheet in zip(bands, sheets, strict=True):
        if top:
            draw.line((_INDENT, top, width - _INDENT, top), _LINE)
        draw.text((_INDENT, top + 8), band.heading, _INK, font)
        whole.paste(sheet, (0, top + _HEADING))
        top += _HEADING + sheet.height
    return whole
