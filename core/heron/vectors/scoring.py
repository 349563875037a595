"""Cosine similarity of a query with many vectors: exact by the vectors, fast and approximate by the codes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numkong
import numpy as np
from attrs import frozen

from heron.cores import usable_cores
from heron.errors import InvalidInput
from heron.vectors.checking import checked
from heron.vectors.codes import encode
from heron.vectors.matrix import Array

_BLOCK = 2048
"""Rows that are scored at a time: their codes fit into the cache of a core."""

_FAR = 2
"""If the rows are closer together than this on average, the rows between them are scored too; otherwise they
are copied.
"""

_SHARED = 16 * 1024 * 1024
"""A scan of this many numbers or more runs on all cores; starting threads takes a tenth of a millisecond."""

_SAFE = (1e-30, 1e30)
"""Squared lengths for which float32 neither overflows nor loses digits."""


@frozen(eq=False)
class Query:
    """A query vector in three forms: `unit`, float64, of length 1; `small`, the same in float32; `code`,
    int8, (1, size).
    """

    unit: Array
    small: Array
    code: Array

    @classmethod
    def of(cls, query: object, size: int) -> Query:
        """Raises InvalidInput for another size, for numbers that are not finite, and for a vector of zeros."""
        vectors = checked(
            query, size, lambda index: "the query" if index == 0 else f"vector {index} of the query"
        )
        if len(vectors) != 1:
            raise InvalidInput(f"a search takes one vector of {size:,} numbers, not {len(vectors):,}")
        wide = vectors[0].astype(np.float64)
        if not wide.any():
            raise InvalidInput(
                "the query is a vector of zeros, which has no direction", hint="take another one"
            )
        unit = wide / np.linalg.norm(wide)
        return cls(unit, unit.astype(np.float32), encode(vectors))


def units(vectors: Array) -> Array:
    """Vectors with length 1, shape (n, size); those of zeros stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Array = vectors / np.where(lengths > 0, lengths, 1)
    return found


def true_scores(truth: Array, rows: Array, query: Query) -> Array:
    """Cosine similarities of some rows, computed in float64, returned as float32; NaN for vectors of zeros."""
    scores = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK):
        scores[start : start + _BLOCK] = _cosines(
            truth[rows[start : start + _BLOCK]].astype(np.float64), query.unit
        )
    return scores


def _cosines(vectors: Array, unit: Array) -> Array:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    with np.errstate(divide="ignore", invalid="ignore"):
        # row by row: the score of a vector is the same whichever others are compared with it
        scores: Array = np.clip(np.einsum("ij,j->i", vectors, unit) / lengths, -1, 1)
    return scores


def scan(truth: Array, codes: Array | None, query: Query, rows: Array | None = None) -> Array:
    """Approximate cosine similarities of all rows, or of `rows` (ascending): float32, one for each.

    Rows that have codes are scored by their codes, the others by their vectors. A vector of zeros scores -2
    or 0.
    """
    total = len(truth) if rows is None else len(rows)
    coded = 0 if codes is None else min(len(codes), len(truth))
    split = coded if rows is None else int(np.searchsorted(rows, coded))
    scores = np.empty(total, np.float32)
    if codes is not None and split:
        _in_parts(split, truth.shape[1], lambda start, end: _by_codes(codes, query, rows, scores, start, end))
    for start in range(split, total, _BLOCK):
        end = min(start + _BLOCK, total)
        block = truth[start:end] if rows is None else truth[rows[start:end]]
        scores[start:end] = _by_truth(block, query)
    return scores


def _in_parts(total: int, size: int, work: Callable[[int, int], None]) -> None:
    """Call `work` on the range 0 to `total`, in parts on all cores if that is faster."""
    cores = usable_cores() if total * size >= _SHARED else 1
    if cores == 1:
        work(0, total)
        return
    bounds = np.linspace(0, total, cores + 1).astype(int)
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))  # raises the exceptions of the threads


def _by_codes(codes: Array, query: Query, rows: Array | None, scores: Array, start: int, end: int) -> None:
    """Fill `scores` from `start` to `end`."""
    gathered = np.empty((0 if rows is None else min(_BLOCK, end - start), codes.shape[1]), np.int8)
    for first in range(start, end, _BLOCK):
        last = min(first + _BLOCK, end)
        if rows is None:
            _similarities(codes[first:last], query, scores[first:last])
            continue
        wanted = rows[first:last]
        low, high = int(wanted[0]), int(wanted[-1]) + 1
        if high - low <= _FAR * len(wanted):
            between = np.empty(high - low, np.float32)
            _similarities(codes[low:high], query, between)
            scores[first:last] = between[wanted - low]
        else:
            block = gathered[: len(wanted)]
            np.take(
                codes, wanted, axis=0, out=block, mode="clip"
            )  # unlike "raise", this fills `block` directly
            _similarities(block, query, scores[first:last])


def _similarities(codes: Array, query: Query, out: Array) -> None:
    numkong.cdist(query.code, codes, metric="angular", out=out[None])
    np.subtract(1, out, out=out)
    np.fmax(out, -2, out=out)  # some kernels of numkong give NaN for zeros


def _by_truth(block: Array, query: Query) -> Array:
    """Cosine similarities in float32, and in float64 where a vector is too long or too short for that."""
    vectors = block.astype(np.float32, copy=False)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors)
        scores: Array = vectors @ query.small / np.sqrt(squares)
    odd = np.flatnonzero(~((squares > _SAFE[0]) & (squares < _SAFE[1])))
    if len(odd):
        scores[odd] = np.nan_to_num(_cosines(vectors[odd].astype(np.float64), query.unit), nan=-2)
    return scores
