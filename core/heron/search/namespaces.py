"""Namespaces of media facts: the first part of a name such as `exif.Model`, as decoders declare it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from heron.media.builtin import register_decoders
from heron.media.kinds import BUILT_IN as KINDS
from heron.models import OTHER

if TYPE_CHECKING:
    from heron.hooks import PluginManager

BUILT_IN = (
    *dict.fromkeys(name for decoder in register_decoders() for name in decoder.namespaces),
    *(name for name in KINDS if name != OTHER),
    "metric",
)
"""Those of the built-in decoders; the built-in kinds, for what manifests give; and `metric`, for quality metrics."""


class Namespaces:
    """All namespaces. Plugins are loaded only for one that is not built in."""

    def __init__(self, plugins: Callable[[], PluginManager]) -> None:
        self._plugins = plugins

    def __contains__(self, name: str) -> bool:
        return name in BUILT_IN or name in self._plugins().fact_namespaces()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*BUILT_IN, *self._plugins().fact_namespaces())))
