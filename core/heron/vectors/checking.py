"""Checking vectors from outside: their size, and that each of their numbers is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from heron.errors import InvalidInput
from heron.vectors.matrix import Array, DType

_BLOCK = 256 * 1024
"""Numbers looked at in one go: they fit into the cache of a core."""

_TOO_LARGE: dict[DType, float] = {"float32": 2.0**128 - 2.0**103, "float16": 65520.0}
"""From here on a number rounds to infinity (IEEE 754, to nearest)."""


def checked(vectors: Any, size: int, place: Callable[[int], str], *, dtype: DType = "float32") -> Array:
    """Anything array-like as vectors, float32, shape (n, size), C-contiguous; not copied where it is that.

    One vector alone may come without its outer brackets. Raises InvalidInput for another size, for what is no
    number, for NaN and infinity, and for numbers too large for `dtype`; it names the first faulty vector as
    `place(index)`.
    """
    found = _array(vectors, size, place)
    if found.ndim == 1 and len(found) in (0, size):
        found = found.reshape(-1, size)
    if found.ndim != 2 or found.shape[1] != size:
        shape = f"{found.shape[1]:,}" if found.ndim == 2 else f"an array of shape {found.shape}"
        raise InvalidInput(f"{place(0)}: expected {size:,} numbers, got {shape}")
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(found, np.float32)
    step = max(1, _BLOCK // size)
    for start in range(0, len(numbers), step):
        block = numbers[start : start + step]
        if not float(np.maximum(block.max(), -block.min())) < _TOO_LARGE[dtype]:  # NaN is not less either
            largest = np.abs(block).max(1).astype(np.float64)
            row = start + int(np.argmin(largest < _TOO_LARGE[dtype]))
            raise InvalidInput(f"{place(row)}: {_fault(found[row], dtype)}")
    return numbers


def _array(vectors: Any, size: int, place: Callable[[int], str]) -> Array:
    try:
        found = np.asarray(vectors)
    except (ValueError, TypeError):
        _refuse_ragged(vectors, size, place)
        raise InvalidInput(f"{place(0)}: not an array of numbers") from None
    if found.dtype.kind in "fiu":
        return found
    if not found.size and found.ndim < 3:
        return np.empty((0, size), np.float32)
    raise InvalidInput(f"{place(0)}: expected numbers, got {found.dtype.name}")


def _refuse_ragged(vectors: Any, size: int, place: Callable[[int], str]) -> None:
    """Name the first row that is not like the others should be, where rows can be told apart."""
    for index, row in enumerate(vectors if isinstance(vectors, Sequence) else ()):
        length = len(row) if hasattr(row, "__len__") else 1
        if length != size:
            raise InvalidInput(f"{place(index)}: expected {size:,} numbers, got {length:,}")


def _fault(vector: Array, dtype: DType) -> str:
    values = vector.astype(np.float64)
    index = int(np.argmin(np.abs(values) < _TOO_LARGE[dtype]))
    reason = f"is too large for {dtype}" if np.isfinite(values[index]) else "is not a finite number"
    return f"number {index + 1} of the vector, {values[index]:g}, {reason}"
