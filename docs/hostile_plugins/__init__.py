"""Hostile plugins, each with what it does and what that costs: the table of `docs/hostile-plugins.md` is made from them, and a test installs all."""

from __future__ import annotations

from docs.hostile_plugins import later, reading, working
from docs.hostile_plugins.shape import Hostile

HOSTILE = (
    *reading.decoders(),
    *reading.registering(),
    *reading.storages(),
    *reading.types(),
    *working.working(),
    *later.later(),
)
"""All of them."""

__all__ = ["HOSTILE", "Hostile"]
