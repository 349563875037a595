"""A sheet of groups: the pictures of each group side by side, below a line that describes the group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import frozen
from PIL import Image, ImageDraw

from heron.curation.records import DuplicateGroup, Duplicates, Leak, Leakage
from heron.errors import InvalidInput
from heron.media.lettering import Lettering
from heron.pictures.sheet import Cell, contact_sheet
from heron.records import Record
from heron.wording import counted

_HEADING, _INDENT = 26, 12
_GROUND, _LINE, _INK = "#ffffff", "#ced4da", "#212529"

_MOST_OF_GROUP = 12
"""The most pictures of a group that are shown."""

_MOST_SHOWN = 300
"""The number of pictures after which no further group is added."""

Thumbnail = Callable[[str], bytes | None]
"""The JPEG of an item by UUID; None if it has none."""


@frozen(eq=False, repr=False)
class GroupSheet(Record):
    """A sheet, and how many of the groups are on it."""

    picture: Image.Image
    groups: int


@frozen(repr=False)
class Band(Record):
    """One group on the sheet: its heading, and its pictures."""

    heading: str
    cells: Sequence[Cell]


def sheet_of_duplicates(found: Duplicates, thumbnail: Thumbnail, columns: int, size: int) -> GroupSheet:
    """The groups of duplicates, each with the item to keep first; raises InvalidInput if there are none."""
    groups = (group for group in found.groups if group.items)
    bands = (_duplicates(number, group, thumbnail) for number, group in enumerate(groups, start=1))
    return _sheet(bands, columns, size, "there are no duplicates to show")


def sheet_of_leaks(found: Leakage, thumbnail: Thumbnail, columns: int, size: int) -> GroupSheet:
    """The items that leak, each with the similar items of the other dataset; raises InvalidInput if there are none."""
    of_item: dict[str, list[Leak]] = {}
    for leak in found.leaks:
        of_item.setdefault(leak.item, []).append(leak)
    return _sheet(
        (_leaks(leaks, thumbnail) for leaks in of_item.values()), columns, size, "there are no leaks to show"
    )


def _duplicates(number: int, group: DuplicateGroup, thumbnail: Thumbnail) -> Band:
    best: dict[str, float] = {}
    for pair in group.pairs:
        for uuid in (pair.first, pair.second):
            best[uuid] = max(best.get(uuid, -1.0), pair.score)
    cells = []
    for item in group.items[:_MOST_OF_GROUP]:
        score = f" · {best[item.uuid]:.3f}" if item.uuid in best else ""
        word = "keep" if item.uuid == group.kept else "redundant"
        size = f" · {item.width} x {item.height}" if item.width and item.height else ""
        cells.append(Cell(thumbnail(item.uuid), item.name, f"{word}{score}{size}"))
    return Band(
        f"Group {number}: {len(group.items)} items, keep {group.items[0].name} ({group.reason})", cells
    )


def _leaks(leaks: Sequence[Leak], thumbnail: Thumbnail) -> Band:
    first = leaks[0]
    cells = [Cell(thumbnail(first.item), first.name, "of the second dataset")]
    for leak in leaks[: _MOST_OF_GROUP - 1]:
        score = f" · {leak.score:.3f}" if leak.score is not None else ""
        cells.append(Cell(thumbnail(leak.of), leak.of_name, f"{leak.why}{score}"))
    return Band(f"{first.name}: {counted(len(leaks), 'item')} of the first dataset", cells)


def _sheet(bands: Iterable[Band], columns: int, size: int, empty: str) -> GroupSheet:
    chosen: list[Band] = []
    shown = 0
    for band in bands:
        if shown >= _MOST_SHOWN:
            break
        chosen.append(band)
        shown += len(band.cells)
    if not chosen:
        raise InvalidInput(empty)
    return GroupSheet(_drawn(chosen, columns, size), len(chosen))


def _drawn(bands: Sequence[Band], columns: int, size: int) -> Image.Image:
    """Groups one below the other, at most `columns` pictures of `size` x `size` pixels in a row."""
    columns = min(columns, max(len(band.cells) for band in bands))
    sheets = [contact_sheet(band.cells, len(band.cells), columns, size) for band in bands]
    width = max(sheet.width for sheet in sheets)
    whole = Image.new("RGB", (width, sum(sheet.height + _HEADING for sheet in sheets)), _GROUND)
    draw, letters = ImageDraw.Draw(whole), Lettering(13)
    top = 0
    for band, sheet in zip(bands, sheets, strict=True):
        if top:
            draw.line((_INDENT, top, width - _INDENT, top), _LINE)
        letters.draw(draw, (_INDENT, top + 8), letters.fitted(band.heading, width - 2 * _INDENT), _INK)
        whole.paste(sheet, (0, top + _HEADING))
        top += _HEADING + sheet.height
    return whole
