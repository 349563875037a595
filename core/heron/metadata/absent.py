"""Metadata types whose plugin is gone: who brought them, and what can be said of their stored values without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NoReturn

from attrs import frozen

from heron.errors import PluginError
from heron.models import Json
from heron.scripts import SCRIPT

if TYPE_CHECKING:
    from heron.hooks import PluginStatus

_SORTS: dict[str, tuple[type, ...]] = {"text": (str,), "number": (int, float), "boolean": (bool,)}


@frozen
class TypeOrigin:
    """The plugin that brought a metadata type when a key of it was last added or changed, and how its values are stored."""

    type: str
    plugin: str
    distribution: str
    version: str
    affinity: Literal["text", "number", "boolean", "json"]
    ordered: bool

    def error(self, statuses: Sequence[PluginStatus]) -> PluginError:
        """What is said where the plugin is needed."""
        by = "" if self.distribution == SCRIPT else f"{self.distribution} {self.version}".strip()
        source = f"{by} (plugin {self.plugin})" if by else f"the plugin {self.plugin} of a program"
        if self.distribution == SCRIPT:
            source = f"the script .heron/plugins/{self.plugin}.py"
        status = next((each for each in statuses if each.name == self.plugin), None)
        if status is not None and status.status != "loaded":
            return PluginError(
                f"the metadata type {self.type} came with {source}, which cannot be used: {status.status}",
                hint="see heron plugins",
            )
        if status is not None:
            return PluginError(
                f"the metadata type {self.type} came with {source}, which does not bring it any more",
                hint=f"install the version that does: pip install {self.distribution}=={self.version}"
                if by
                else None,
            )
        if not by:
            return PluginError(f"the metadata type {self.type} came with {source}, which is not there now")
        return PluginError(
            f"the metadata type {self.type} came with {source}, which is not installed",
            hint=f"pip install {self.distribution}",
        )

    def fault(self, value: Json) -> str | None:
        """Why a stored value cannot be one of the type; None if it can."""
        sorts = _SORTS.get(self.affinity)
        if sorts is None or (isinstance(value, sorts) and (bool in sorts or not isinstance(value, bool))):
            return None
        return f"{self.type} is stored as {self.affinity}"


class Refusal:
    """Refuses every value with the reason."""

    def __init__(self, error: PluginError) -> None:
        self._text = f"{error.message} ({error.hint})" if error.hint else error.message

    def __call__(self, value: object) -> NoReturn:
        """Raise ValueError."""
        raise ValueError(self._text)
