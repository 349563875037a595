"""The shape of a benchmark: one piece of work, done in several ways, each step in a process of its own.

Modules of the suite are imported by the Pythons of peers too, which have nothing but the standard library and the peer.
So they import everything else inside their functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Figures = dict[str, Any]
"""What was measured of one case.

`cpu` and `wall` are seconds; `count` is how many pieces of work they took, and makes the figure a rate; `memory` and `disk`
are MB; `answer` has to be the same in every way of the case. Other names (`recall`, `found`) become columns of the table.
"""

Cases = dict[str, Figures]


@dataclass(frozen=True)
class Job:
    """What a step is given: the data that `prepare` made, a folder of the way's own, and the size."""

    stage: Path
    own: Path
    size: int


Step = Callable[[Job], Cases]


@dataclass(frozen=True)
class Way:
    """One way to do the work. Its steps run in turn and share `Job.own`, which is empty at the start of each run."""

    name: str
    steps: tuple[Step, ...]
    peer: str = ""
    """The environment that the steps run in (`house.peers`); empty for the Python that runs the house."""
    needs: tuple[str, ...] = ()
    """Modules and programs that may be missing; without them the way is left out."""
    most: int | None = None
    """The largest size at which the way ends within minutes."""


def way(name: str, *steps: Step, peer: str = "", needs: tuple[str, ...] = (), most: int | None = None) -> Way:
    """A way with its steps."""
    return Way(name, steps, peer, needs, most)


def nothing(stage: Path, size: int) -> None:
    """The preparation of benchmarks whose ways make their own data."""


@dataclass(frozen=True, eq=False)
class Benchmark:
    """One piece of work, the ways to do it, and the sizes at which it is measured."""

    name: str
    title: str
    """With `{size}` where the number of pieces stands."""
    unit: str
    """What is counted, in the plural."""
    ways: tuple[Way, ...]
    references: Mapping[str, str]
    """The way that Heron is compared with, by the beginning of the case's name; the longest beginning counts."""
    sizes: Mapping[str, int]
    """`tiny` for the test, `small` for a try, `full` for the tables."""
    about: str = ""
    """What a reader of the table has to know, and the target."""
    prepare: Callable[[Path, int], None] = nothing
    made_by: tuple[str, ...] = ()
    """Environments that `prepare` needs."""
    runs: int = 3
    single_from: int | None = None
    """From this size on, each way runs once."""
    extras: Mapping[str, str] = field(default_factory=dict)
    """Titles of further columns, by the name of the figure."""

    def reference(self, case: str) -> str:
        """The name of the way that a case is compared with."""
        return self.references[max((start for start in self.references if case.startswith(start)), key=len)]

    def size(self, given: str) -> int:
        """A size by its name or as a number; raises ValueError for neither."""
        if given in self.sizes:
            return self.sizes[given]
        return int(given.replace(",", "").replace("_", ""))

    def find(self, name: str) -> Way:
        """A way by its name."""
        return next(way for way in self.ways if way.name == name)
