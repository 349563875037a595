"""The record of viewers: what shows items in the Explorer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from attrs import field, frozen

from heron.hooks.contributions import Contribution, texts


def _checked_viewer(viewer: Viewer, attribute: Any, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name):
        raise ValueError(
            f"{name!r} cannot be the name of a viewer: it starts with a-z and has a-z, 0-9, - and _"
        )


def _checked_suffixes(viewer: Viewer, attribute: Any, suffixes: Sequence[str]) -> None:
    for suffix in suffixes:
        if not re.fullmatch(r"\.[^A-Z/\s]+", suffix):
            raise ValueError(f"viewer {viewer.name}: a suffix is in lower case with its dot, not {suffix!r}")
    if not viewer.kinds and not suffixes:
        raise ValueError(f"viewer {viewer.name}: it has kinds or suffixes, else it shows nothing")


@frozen(kw_only=True)
class Viewer(Contribution):
    """A viewer of items in the Explorer: of those of some `kinds`, and of those whose names end with one of `suffixes`.

    `module` is the path of one file with an ES module, which imports nothing else. It exports `mount(element, item)`: that shows
    the item in an element of the page, which is empty, and may return a function that takes away what goes on without the element,
    such as a timer. `item` is the record of the item, and its `media` is the address of its file. The page loads scripts and data from its own server alone.
    """

    sort: ClassVar[str] = "viewer"

    name: str = field(validator=_checked_viewer)
    module: Path = field(converter=Path)
    kinds: Sequence[str] = field(default=(), converter=texts)
    suffixes: Sequence[str] = field(default=(), converter=texts, validator=_checked_suffixes)
