"""The records of what works on the vectors of many items at once: projections to two dimensions, and samplers of subsets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from attrs import field, frozen

from heron.hooks.contributions import Contribution

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


class ProjectVectors(Protocol):
    """What a projection loads."""

    def __call__(self, units: Array, seed: int, /) -> Array:
        """Coordinates of vectors of length 1, float32 of shape (n, size), as real numbers of shape (n, 2).

        `units` may be memory-mapped, and is only read; n is at least 1. Equal input and an equal seed give equal output.
        """


class SampleVectors(Protocol):
    """What a sampler loads."""

    def __call__(self, units: Array, count: int, seed: int, /) -> Array:
        """`count` different rows, as whole numbers from 0 in the order in which they are chosen, of vectors of length 1.

        `units` is float32 of shape (n, size), may be memory-mapped, and is only read; `count` is 1 to n. Equal input and an
        equal seed give equal output.
        """


def _checked(record: Contribution, attribute: Any, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name):
        raise ValueError(f"{name!r} cannot be its name: it starts with a-z and has a-z, 0-9, - and _")


@frozen(kw_only=True)
class ProjectionMethod(Contribution):
    """A method that projects vectors to two dimensions: `heron plot --method NAME`; `title` is its name on a plot."""

    sort: ClassVar[str] = "projection"

    name: str = field(validator=_checked)
    title: str = ""
    load: Callable[[], ProjectVectors]


@frozen(kw_only=True)
class Sampler(Contribution):
    """A method that chooses some of many items by their vectors: `heron select --sample N --sampler NAME`."""

    sort: ClassVar[str] = "sampler"

    name: str = field(validator=_checked)
    load: Callable[[], SampleVectors]
