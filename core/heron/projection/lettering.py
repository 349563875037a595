"""Text of a plot in any script: fonts that have its characters, and code points for characters that no font has."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from heron.media.lettering import code_point

_FIRST = "DejaVu Sans"
"""The font that comes with matplotlib."""

_FURTHER = (
    "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari",
    "Noto Sans Thai", "Droid Sans Fallback", "WenQuanYi Micro Hei", "Hiragino Sans", "PingFang SC", "Arial Unicode MS",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Segoe UI Symbol", "FreeSans",
)  # fmt: skip
"""Fonts for other scripts that systems often have, in the order in which they are tried."""


logging.getLogger(
    "matplotlib.font_manager"
).addFilter(  # a fallback without a bold face is no news for anybody
    lambda record: "Failed to find font weight" not in record.getMessage()
)


def font(size: float, weight: str = "normal") -> FontProperties:
    """The font of all text, with installed fonts as fallbacks; `size` in points."""
    return FontProperties(family=list(_characters()), size=size, weight=weight)


def shown(text: str, longest: int = 32) -> str:
    """One line of at most `longest` characters, with the code point of each that cannot be drawn."""
    line = " ".join(text.split())
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    return "".join(c if _is_drawn(c, _characters().values()) else code_point(c) for c in line)


def _is_drawn(character: str, fonts: Iterable[frozenset[int]]) -> bool:
    return character.isprintable() and any(ord(character) in characters for characters in fonts)


@cache
def _characters() -> dict[str, frozenset[int]]:
    """The fonts to use, and the characters of each."""
    installed = {entry.name for entry in fontManager.ttflist}
    chosen = [_FIRST, *(name for name in _FURTHER if name in installed)]
    return {name: frozenset(get_font(findfont(name)).get_charmap()) for name in chosen}
