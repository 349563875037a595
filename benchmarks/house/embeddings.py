"""Vectors as embeddings of pictures have them, made from a seed, with queries and filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SIZE = 512
BATCH = 10_000
SHARES = (0.5, 0.1, 0.03, 0.01, 0.001)


def clustered(count: int, seed: int = 0) -> Iterator[Any]:
    """Batches of float32: Gaussians of uneven weight in 64 dimensions, seen through 512 with noise, an offset and two strong dimensions."""
    import numpy as np

    world, source = np.random.default_rng(7), np.random.default_rng(seed)
    centres, spread = world.standard_normal((1000, 64)), world.standard_normal((64, SIZE)) / 8
    offset = world.standard_normal(SIZE) / 2
    offset[:2] *= 8
    weights = 1 / np.arange(1, 1001) ** 0.7
    for start in range(0, count, BATCH):
        number = min(BATCH, count - start)
        grain = source.standard_normal((number, SIZE), dtype=np.float32)
        chosen = centres[source.choice(1000, number, p=weights / weights.sum())]
        batch = (chosen + source.standard_normal((number, 64)) / 2) @ spread + offset + grain / 10
        yield batch.astype(np.float32)


def units(vectors: Any) -> Any:
    """The same with length 1."""
    import numpy as np

    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ranks(unit: Any) -> tuple[Any, Any]:
    """Two numbers from 0 to 1 for each row: one at random, and its rank along one direction."""
    import numpy as np

    source = np.random.default_rng(3)
    along = np.argsort(np.argsort(unit @ source.standard_normal(SIZE).astype(np.float32)))
    return source.random(len(unit)), along / len(unit)


def filters(unit: Any) -> Iterator[tuple[str, Any]]:
    """Names and masks: rows at random, and rows that lie to one side; at least some 20 rows."""
    at_random, along = ranks(unit)
    for share in SHARES:
        bound = max(share, 20 / len(unit))
        yield f"{100 * share:g} % random", at_random < bound
        yield f"{100 * share:g} % correlated", along < bound


def best(unit: Any, query: Any, count: int, rows: Any = None) -> Any:
    """The nearest rows by multiplying everything."""
    import numpy as np

    scores = unit @ query if rows is None else unit[rows] @ query
    places = np.argpartition(-scores, min(count, len(scores) - 1))[:count]
    places = places[np.argsort(-scores[places])]
    return places if rows is None else rows[places]
