"""Sending work to a worker: a recipe from which it makes the work again, and its answer.

A recipe holds settings and references to secrets, never a secret, an open client or a loaded model. In the process that
made it, work is called as it is: only pickling turns it into its recipe.
"""

from __future__ import annotations

import os
import socket
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from pickle import HIGHEST_PROTOCOL, dumps, loads
from typing import Any, Generic, Protocol, TypeVar

from attrs import frozen

from heron._version import __version__
from heron.errors import HeronError, InvalidInput, PluginError, PluginWarning
from heron.hooks import PluginManager

U = TypeVar("U")
W = TypeVar("W", contravariant=True)
R = TypeVar("R")

_NEEDED = ("storage", "kind", "decoder", "quality metrics", "embedder", "deriver")
"""The contributions that tasks use."""

_KEPT = 8
"""The most recipes whose work a worker keeps ready."""


class Recipe(Protocol):
    """What is sent in place of work; it is pickled."""

    def build(self) -> Work[Any, Any]:
        """Make the work in a worker; raises HeronError if this worker cannot do it."""


class Work(Protocol[W, R]):
    """Work on units: one result for each, in their order, and never an exception because of a single unit."""

    def __call__(self, units: Sequence[W]) -> list[R]:
        """The results of some units."""

    def recipe(self) -> Recipe:
        """How a worker makes it again; raises InvalidInput if that is not possible."""

    def failed(self, unit: W, reason: str) -> R:
        """The result of a unit that no worker could do; `reason` goes on after the name of the unit."""

    def fits(self, unit: W, result: object) -> bool:
        """Whether this can be the result of a unit."""

    def file(self, unit: W) -> Path | None:
        """The local file that a unit reads, which a worker has to see too."""


@frozen
class Environment:
    """What a worker needs to have: the same Heron, and the plugins that are in use here."""

    version: str
    plugins: tuple[tuple[str, str], ...]
    """Name and distribution of each plugin."""

    manager: tuple[Any, ...]
    """How the manager is made again."""

    @classmethod
    def of(cls, manager: PluginManager) -> Environment:
        """That of a manager; raises InvalidInput for one with plugins that cannot be found by name."""
        if manager.has_objects:
            raise InvalidInput(
                "plugins that were given as objects cannot be sent to other processes",
                hint="install them as packages, or use the executor threads",
            )
        used = (
            (status.name, status.distribution)
            for status in manager.statuses
            if status.usable and any(brought.startswith(_NEEDED) for brought in status.contributions)
        )
        return cls(__version__, tuple(used), manager.__reduce__())

    def open(self) -> PluginManager:
        """The manager, made again in a worker; raises PluginError that says what is missing there."""
        if self.version != __version__:
            raise PluginError(
                f"{here()} has Heron {__version__}, the import runs with {self.version}",
                hint=f"install heron=={self.version} there",
            )
        make, arguments = self.manager
        manager: PluginManager = make(*arguments)
        statuses = {status.name: status for status in manager.statuses}
        for name, distribution in self.plugins:
            found = statuses.get(name)
            if found is None or not found.usable:
                reason = f"is not installed (it is part of {distribution})"
                if found is not None and found.distribution:
                    reason = found.status
                raise PluginError(
                    f"{here()}: plugin {name} {reason}", hint="workers need the plugins that are in use here"
                )
        return manager


@frozen
class Answer(Generic[R]):
    """The answer of a worker: the results, or why it can do none; `unseen` are local files that it does not see.

    `warnings` are those of plugins, which the process that asked says.
    """

    results: tuple[R, ...] = ()
    refusal: HeronError | None = None
    unseen: tuple[str, ...] = ()
    worker: str = ""
    warnings: tuple[str, ...] = ()


class Call(Generic[U, R]):
    """A call of work with units, as an executor gets it. It is pickled as the recipe of the work."""

    def __init__(self, work: Work[U, R]) -> None:
        self._work = work
        self._pickled: bytes | None = None

    def __call__(self, units: Sequence[U]) -> Answer[R]:
        """Do the work in this process."""
        return Answer(tuple(self._work(units)))

    def __reduce__(self) -> tuple[Callable[[bytes], Sent], tuple[bytes]]:
        if self._pickled is None:
            self._pickled = dumps(self._work.recipe(), HIGHEST_PROTOCOL)
        return Sent, (self._pickled,)


class Sent:
    """A call in the process of a worker."""

    def __init__(self, recipe: bytes) -> None:
        self._recipe = recipe

    def __reduce__(self) -> tuple[Callable[[bytes], Sent], tuple[bytes]]:
        return Sent, (self._recipe,)

    def __call__(self, units: Sequence[Any]) -> Answer[Any]:
        """Do the work, and say which of its local files are not there."""
        try:
            work = _built(self._recipe)
        except HeronError as error:
            return Answer(refusal=error, worker=here(), warnings=_warned())
        files = [file for unit in units if (file := work.file(unit)) is not None]
        unseen = tuple(str(file) for file in files if not os.path.lexists(file))
        results = tuple(work(units))
        return Answer(results, unseen=unseen, worker=here(), warnings=_warned())


_WARNINGS: list[str] = []


def keep_warnings() -> None:
    """From now on, warnings of plugins in this process go into its answers. For a process that is ours."""
    otherwise: Callable[..., None] = warnings.showwarning

    def keep(message: Warning | str, category: type[Warning], *rest: Any, **named: Any) -> None:
        if issubclass(category, PluginWarning):
            _WARNINGS.append(str(message))
        else:
            otherwise(message, category, *rest, **named)

    warnings.showwarning = keep


def _warned() -> tuple[str, ...]:
    said = tuple(_WARNINGS)
    _WARNINGS.clear()
    return said


def here() -> str:
    """The name of this worker for messages."""
    return f"worker {socket.gethostname()} (process {os.getpid()})"


_WORK: OrderedDict[bytes, Work[Any, Any]] = OrderedDict()
_BUILDING = threading.Lock()


def _built(recipe: bytes) -> Work[Any, Any]:
    """The work of a recipe, made once in this process: decoders and connections stay open from task to task."""
    with _BUILDING:
        if recipe not in _WORK:
            _WORK[recipe] = loads(recipe).build()  # noqa: S301 - sent by the process that this worker serves
            while len(_WORK) > _KEPT:
                _WORK.popitem(last=False)
        _WORK.move_to_end(recipe)
        return _WORK[recipe]
