"""Checks of the facts and pictures of a decoder, and of the files that it leaves open."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heron.models import MediaFacts


def check_facts(facts: MediaFacts) -> None:
    """Fail unless the facts can be stored and make sense."""
    extra = json.dumps(facts.extra, allow_nan=False, ensure_ascii=False).encode()
    assert len(extra) <= 1_000_000, f"extra facts take {len(extra):,} bytes"
    assert all(isinstance(facts.extra[name], Mapping) for name in facts.extra), (
        "extra facts are in namespaces"
    )
    for name in ("width", "height", "frame_count", "sample_rate", "channels", "pages"):
        value = getattr(facts, name)
        assert value is None or (type(value) is int and value >= 0), f"{name} is {value!r}"
    for name in ("fps", "duration"):
        value = getattr(facts, name)
        assert value is None or (type(value) in (int, float) and 0 <= value < 1e12), f"{name} is {value!r}"


def check_picture(picture: Any, size: int) -> None:
    """Fail unless the picture is None, or RGB or RGBA, loaded, and within the size."""
    if picture is None:
        return
    assert picture.mode in ("RGB", "RGBA")
    assert min(picture.size) >= 1
    assert max(picture.size) <= size, f"{picture.size} does not fit into {size}"
    assert len(picture.tobytes()) == picture.size[0] * picture.size[1] * len(picture.mode)


def descriptors(path: Path) -> list[str]:
    """The open descriptors of this process on a file, if the system tells (Linux)."""
    folder = Path("/proc/self/fd")
    if not sys.platform.startswith("linux") or not folder.is_dir():
        return []
    place = path.resolve()
    links = [link for link in folder.iterdir() if link.is_symlink()]
    return [link.name for link in links if link.exists() and link.resolve() == place]
