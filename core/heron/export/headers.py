"""The heads of exported tables: one rule for those who write them and for those who import them again."""

from __future__ import annotations

from collections.abc import Sequence

from heron.models import FRAME_FIELDS, ITEM_FIELDS

PREFIX = "metadata."
"""What stands before the keys of metadata."""

FRAMES_PREFIX = "frame.metadata."
"""What stands before the keys of the metadata of frames."""

SAFE = "safe_cells"
"""A last column without values: texts of the table that a spreadsheet would run have an apostrophe before them."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by spreadsheets."""

ITEM = ("position", *(name for name, field in ITEM_FIELDS.items() if field.exported))
"""The fields of items that each row has; `tags` comes after the metadata."""

_OF_ITEM = ("position", "uuid", "name")
MEMBER = ("position", "url", "path", "size", "etag", "frame_count")
FRAME = tuple(name for name in FRAME_FIELDS if name not in ("metadata", "metrics"))

MEMBERS_COLUMNS = (*_OF_ITEM, *(f"member.{name}" for name in MEMBER))
"""The header of a table of members; `position`, `uuid` and `name` are those of the item."""

FRAMES_COLUMNS = (*_OF_ITEM, *(f"frame.{name}" for name in FRAME))
"""The beginning of the header of a table of frames."""


def is_exported(names: Sequence[str]) -> bool:
    """Whether these are the keys of an exported row, or the header of an exported table: of items, members or frames."""
    return list(names[:2]) == ["position", "uuid"]


def is_of_items(names: Sequence[str]) -> bool:
    """Whether these are the keys or the header of exported items, which say where their files are."""
    return is_exported(names) and "url" in names and "name" in names


def is_safe(header: Sequence[str]) -> bool:
    """Whether the texts of a table were made safe for spreadsheets."""
    return is_exported(header) and header[-1] == SAFE


def safe_text(text: str) -> str:
    """A text that a spreadsheet takes for text: with an apostrophe before what it would run, and before what looks so already."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def plain_text(cell: str) -> str:
    """The text of which `safe_text` made a cell."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
