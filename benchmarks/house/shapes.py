"""Sets of vectors of several shapes, made from a seed, with queries near them and far from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SIZES = {
    "heavy tails": 512, "descriptors": 512, "narrow cone": 512, "tight groups": 512, "pictures": 512, "sphere": 512,
    "long": 128,
}  # fmt: skip
"""The numbers of a vector, by the name of the set; `long` has ten times as many vectors as the others."""

QUERIES = 40
_BLOCK = 10_000


def count_of(name: str, size: int) -> int:
    """How many vectors a set has."""
    return 10 * size if name == "long" else size


def made(name: str, count: int) -> tuple[Any, Any, Any]:
    """Unit vectors of a set, queries from the same distribution, and queries from elsewhere: all of length 1, float32."""
    import numpy as np

    block = _sort(name, count, np.random.default_rng(7))
    source = np.random.default_rng(0)
    vectors = np.empty((count, SIZES[name]), np.float32)
    for start in range(0, count, _BLOCK):
        vectors[start : start + _BLOCK] = block(source, min(_BLOCK, count - start))
        vectors[start : start + _BLOCK] /= _lengths(vectors[start : start + _BLOCK])
    near = block(source, QUERIES)
    near = near / _lengths(near)
    return vectors, near.astype(np.float32), _far(vectors, source).astype(np.float32)


def _far(vectors: Any, source: Any) -> Any:
    """A quarter each: between two vectors, to one side of one as texts are, in any direction, opposite to one."""
    import numpy as np

    number, size = QUERIES // 4, vectors.shape[1]
    one, two, three, four = vectors[source.integers(0, len(vectors), (4, number))].astype(np.float64)
    side, grain, anywhere = source.standard_normal(size), *source.standard_normal((2, number, size))
    aside = three + side / np.linalg.norm(side) + grain / np.sqrt(size) / 2
    far = np.concatenate([one + two, aside, anywhere, -four])
    return far / _lengths(far)


def _lengths(vectors: Any) -> Any:
    import numpy as np

    return np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)


def _sort(name: str, count: int, world: Any) -> Callable[[Any, int], Any]:
    """A function that makes some vectors of a set from a source of random numbers."""
    import numpy as np

    size = SIZES[name]

    def weights(number: int, power: float) -> Any:
        found = 1 / np.arange(1, number + 1) ** power
        return found / found.sum()

    if name == "heavy tails":
        centres, seen = world.standard_normal((1000, 64)), world.standard_normal((64, size)) / 8

        def block(source: Any, number: int) -> Any:
            chosen = centres[source.choice(1000, number, p=weights(1000, 0.9))]
            tails = source.standard_normal((number, 64)) / np.sqrt(source.chisquare(2.5, (number, 1)) / 2.5)
            return (chosen + 0.6 * tails) @ seen + source.standard_normal((number, size)) / 10

    elif name == "descriptors":
        first, second = world.standard_normal((24, 200)) / 4, world.standard_normal((200, size)) / 7
        centres = 0.8 * world.standard_normal((300, 24))

        def block(source: Any, number: int) -> Any:
            hidden = centres[source.integers(0, 300, number)] + 0.8 * source.standard_normal((number, 24))
            bins = np.tanh(hidden @ first) @ second + 0.15 * source.standard_normal((number, size)) - 0.3
            bins = np.maximum(bins, 0)
            return np.sqrt(bins / np.maximum(bins.sum(axis=1, keepdims=True), 1e-9))

    elif name == "narrow cone":
        mean = world.standard_normal(size) / np.sqrt(size)
        seen, centres = (
            world.standard_normal((48, size)) / np.sqrt(48 * size),
            world.standard_normal((500, 48)),
        )

        def block(source: Any, number: int) -> Any:
            hidden = centres[source.integers(0, 500, number)] + source.standard_normal((number, 48))
            return mean + hidden @ seen / 4 + source.standard_normal((number, size)) / 10 / np.sqrt(size)

    elif name == "tight groups":
        groups = max(1, count // 20)
        seen, centres = world.standard_normal((48, size)) / 7, world.standard_normal((groups, 48))

        def block(source: Any, number: int) -> Any:
            grain = source.standard_normal((number, size))
            return centres[source.integers(0, groups, number)] @ seen + 0.12 * grain

    elif name == "sphere":

        def block(source: Any, number: int) -> Any:
            return source.standard_normal((number, size))

    elif name == "long":
        centres, seen = world.standard_normal((3000, 32)), world.standard_normal((32, size)) / 6

        def block(source: Any, number: int) -> Any:
            chosen = centres[source.choice(3000, number, p=weights(3000, 0.7))]
            hidden = chosen + 0.55 * source.standard_normal((number, 32))
            return hidden @ seen + 0.12 * source.standard_normal((number, size))

    else:
        centres, seen = world.standard_normal((1000, 64)), world.standard_normal((64, size)) / 8
        offset = world.standard_normal(size) / 2
        offset[:2] *= 8

        def block(source: Any, number: int) -> Any:
            chosen = centres[source.choice(1000, number, p=weights(1000, 0.7))]
            hidden = chosen + source.standard_normal((number, 64)) / 2
            return hidden @ seen + offset + source.standard_normal((number, size)) / 10

    return block
