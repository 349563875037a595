"""Methods that project vectors to two dimensions: principal components, and t-SNE by openTSNE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from heron.errors import InvalidInput, PluginError

Array = np.ndarray[Any, Any]

_BLOCK = 4_000_000
"""Numbers per block; 16 MB as float32."""

_MOST = 1e15
"""Largest magnitude of a number whose squares can still be summed in float32."""

_ROUGH = 50
"""Principal components that t-SNE starts from, as in van der Maaten and Hinton (JMLR 9, 2008)."""

_PERPLEXITY = 30
_MANY = 10_000
"""With this many vectors or more, t-SNE uses all processors; with fewer, threads wait for each other too
much.
"""

_LEAST = 5
"""With fewer vectors, neighbours have no meaning, and principal components are used."""


def project(vectors: Array, method: str = "pca", *, seed: int = 0) -> Array:
    """Coordinates of vectors in two dimensions; equal input gives equal output.

    `vectors` have shape (n, size) and may be memory-mapped: they are read in blocks, a few times. Returns
    float32 of shape (n, 2). Methods that draw random numbers use `seed`. Raises InvalidInput for no vectors,
    for NaN, infinity or extremely large numbers, and for an unknown method; PluginError if its package is
    missing.
    """
    if method not in METHODS:
        raise InvalidInput(f"there is no projection {method!r}", hint=f"there are {', '.join(METHODS)}")
    if vectors.ndim != 2 or not vectors.shape[1] or vectors.dtype.kind not in "fiu":
        raise InvalidInput(
            f"expected vectors as real numbers of shape (n, size), got {vectors.dtype} of shape {vectors.shape}"
        )
    if not len(vectors):
        raise InvalidInput("there are no vectors to project")
    return METHODS[method](vectors, seed)


def _pca(vectors: Array, seed: int) -> Array:
    return principal_components(vectors, 2)


def _tsne(vectors: Array, seed: int) -> Array:
    """t-SNE with Euclidean distances, initialised with the principal components (Kobak and Berens 2019)."""
    if len(vectors) < _LEAST:
        return principal_components(vectors, 2)
    try:
        from openTSNE import TSNE
        from openTSNE.initialization import rescale
    except ImportError as error:
        raise PluginError("t-SNE needs openTSNE", hint='pip install "heron[tsne]"') from error
    rough = principal_components(vectors, max(2, min(_ROUGH, vectors.shape[1])))
    if not rough.any():
        return rough[:, :2]  # all vectors are equal
    start = rescale(rough[:, :2].astype(np.float64))
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    threads = -1 if len(vectors) >= _MANY else 1
    model = TSNE(perplexity=perplexity, initialization=start, n_jobs=threads, random_state=seed)
    return np.asarray(model.fit(rough), np.float32)


METHODS: dict[str, Callable[[Array, int], Array]] = {"pca": _pca, "tsne": _tsne}
"""The methods of `project` by name."""


def principal_components(vectors: Array, count: int) -> Array:
    """Coordinates along the directions of greatest variance, greatest first; float32 of shape (n, count).

    The sign of each axis makes its largest weight positive. If the vectors vary in fewer than `count`
    directions, the other coordinates are 0. Raises InvalidInput for NaN, infinity and extremely large
    numbers.
    """
    mean, axes = _principal_axes(vectors, count)
    points = np.zeros((len(vectors), count), np.float32)
    for start, block in _blocks(vectors):
        points[start : start + len(block), : len(axes)] = (block - mean) @ axes.T
    return points


def _principal_axes(vectors: Array, count: int) -> tuple[Array, Array]:
    """The mean, and unit vectors along the greatest variance; shapes (size,) and (at most count, size), float32.

    The covariance is summed about the mean of the first block, and corrected for that at the end: one pass is enough.
    If there are fewer vectors than dimensions, the vectors themselves are decomposed.
    """
    total, size = vectors.shape
    if total <= size:
        whole = np.concatenate([block for _, block in _blocks(vectors)])
        mean = whole.mean(axis=0)
        _, strengths, axes = np.linalg.svd(whole - mean, full_matrices=False)
        deviations = strengths / np.sqrt(total)
    else:
        near = next(_blocks(vectors))[1].mean(axis=0)
        sums, products = np.zeros(size), np.zeros((size, size))
        for _, block in _blocks(vectors):
            moved = block - near
            sums += moved.sum(axis=0, dtype=np.float64)
            products += moved.T @ moved
        shift = sums / total
        mean = (near + shift).astype(np.float32)
        variances, columns = np.linalg.eigh(products / total - np.outer(shift, shift))
        deviations, axes = np.sqrt(variances[::-1].clip(0)), columns.T[::-1]
    rounding = max(deviations[0] * 1e-3, float(np.linalg.norm(mean)) * 1e-6)
    kept = axes[:count][deviations[:count] > rounding]
    largest = np.take_along_axis(kept, np.abs(kept).argmax(axis=1, keepdims=True), axis=1)
    return mean, (kept * np.sign(largest)).astype(np.float32)


def _blocks(vectors: Array) -> Iterator[tuple[int, Array]]:
    """Blocks of vectors as float32, each with the position of its first vector; raises InvalidInput for
    unusable numbers.
    """
    rows = max(1, _BLOCK // vectors.shape[1])
    for start in range(0, len(vectors), rows):
        with np.errstate(over="ignore"):
            block = np.asarray(vectors[start : start + rows], np.float32)
        usable = np.abs(block).max(axis=1) < _MOST
        if not usable.all():
            raise InvalidInput(
                f"vector {start + int(usable.argmin()):,} holds NaN, infinity or a number beyond {_MOST:g}"
            )
        yield start, block
