"""The built-in samplers, and what one of a plugin has chosen, checked and told like any subset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from heron.errors import PluginError
from heron.hooks import PluginManager, Sampler, hookimpl
from heron.hooks.door import guarded

if TYPE_CHECKING:
    from heron.curation.chosen import Array, Chosen
    from heron.curation.diversity import Spread
    from heron.hooks.choosing import SampleVectors

_BLOCK = 4_000_000
"""Numbers that are compared at once."""


def _load_random() -> SampleVectors:
    return at_random


def at_random(units: Array, count: int, seed: int) -> Array:
    """`count` rows, each subset as likely as any other (PCG64 of NumPy)."""
    import numpy as np

    found: Array = np.random.default_rng(seed).permutation(len(units))[:count]
    return found


@hookimpl
def register_samplers() -> Iterable[Sampler]:
    """A random subset, to compare others with."""
    yield Sampler(name="random", summary="items at random, each as likely as any other", load=_load_random)


def sampled(plugins: PluginManager, name: str, chosen: Chosen, units: Array, count: int, seed: int) -> Spread:
    """What a sampler chooses of vectors, `units` of `chosen`; raises PluginError for one that fails or chooses badly."""
    import numpy as np

    from heron.curation.diversity import Spread

    record = plugins.sampler(name)
    sample = plugins.load(record)
    with guarded(plugins.named(record), "sample", f"{len(units):,} vectors", PluginError):
        found: Any = np.asarray(sample(units, count, seed))
        if found.dtype.kind not in "iu" or found.shape != (count,):
            raise ValueError(f"gave {found.dtype} of shape {found.shape}, expected {count} whole numbers")
        if len(np.unique(found)) < count or found.min() < 0 or found.max() >= len(units):
            raise ValueError("chose a row twice, or one that is not there")
    places = found.astype(np.int64)
    taken = np.asarray(units[places])
    scores = np.full(count, np.nan, np.float32)
    for number in range(1, count):
        scores[number] = (taken[:number] @ taken[number]).max()
    step, covered = max(1, _BLOCK // count), 1.0
    for start in range(0, len(units), step):
        covered = min(covered, float((np.asarray(units[start : start + step]) @ taken.T).max(axis=1).min()))
    return Spread(places, scores, covered)
