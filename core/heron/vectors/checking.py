"""Checks of vectors that come from outside: their size, and that each number is finite and fits the type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from heron.errors import InvalidInput
from heron.vectors.matrix import Array, DType

_BLOCK = 256 * 1024
"""Numbers that are checked at a time: they fit into the cache of a core."""

_TOO_LARGE: dict[DType, float] = {"float32": 2.0**128 - 2.0**103, "float16": 65520.0}
"""A number of this magnitude or more rounds to infinity (IEEE 754, round to nearest)."""


_TOO_SMALL: dict[DType, float] = {"float32": 2.0**-126, "float16": 2.0**-14}
"""Smaller numbers lose digits, and in the end become zero; in a vector whose largest number is so small, all do."""


def checked(vectors: Any, size: int, name: Callable[[int], str], *, dtype: DType = "float32") -> Array:
    """Anything array-like as vectors, float32, shape (n, size), C-contiguous; not copied if it is so already.

    A single vector may have the shape (size,). Raises InvalidInput for another size, for anything that is not
    a number, for NaN and infinity, for numbers too large for `dtype`, and for vectors, not of zeros, that are all too small for it; the
    message calls the first faulty vector `name(index)`.
    """
    found = _array(vectors, size, name)
    if found.ndim == 1 and len(found) in (0, size):
        found = found.reshape(-1, size)
    if found.ndim != 2 or found.shape[1] != size:
        shape = f"{found.shape[1]:,}" if found.ndim == 2 else f"an array of shape {found.shape}"
        raise InvalidInput(f"{name(0)}: expected {size:,} numbers, got {shape}")
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(found, np.float32)
    step = max(1, _BLOCK // size)
    for start in range(0, len(numbers), step):
        block = numbers[start : start + step]
        if not float(np.maximum(block.max(), -block.min())) < _TOO_LARGE[dtype]:  # NaN is not less either
            largest = np.abs(block).max(1).astype(np.float64)
            row = start + int(np.argmin(largest < _TOO_LARGE[dtype]))
            raise InvalidInput(f"{name(row)}: {_fault(found[row], dtype)}")
        small = np.flatnonzero(np.abs(block).max(1, initial=0) < _TOO_SMALL[dtype])
        lost = next((int(row) for row in small if np.any(found[start + row])), None)
        if lost is not None:
            largest = float(np.abs(found[start + lost].astype(np.float64)).max())
            raise InvalidInput(
                f"{name(start + lost)}: the largest number of the vector, {largest:g}, is too small for {dtype}, which keeps "
                f"numbers from {_TOO_SMALL[dtype]:.1e} on",
                hint="multiply the vector by a number: that changes no similarity",
            )
    return numbers


def _array(vectors: Any, size: int, name: Callable[[int], str]) -> Array:
    try:
        found = np.asarray(vectors)
    except (ValueError, TypeError):
        _refuse_ragged(vectors, size, name)
        raise InvalidInput(f"{name(0)}: not an array of numbers") from None
    if found.dtype.kind in "fiu":
        return found
    if not found.size and found.ndim < 3:
        return np.empty((0, size), np.float32)
    raise InvalidInput(f"{name(0)}: expected numbers, got {found.dtype.name}")


def _refuse_ragged(vectors: Any, size: int, name: Callable[[int], str]) -> None:
    """Raise InvalidInput for the first row of another length, if the rows can be told apart."""
    for index, row in enumerate(vectors if isinstance(vectors, Sequence) else ()):
        length = len(row) if hasattr(row, "__len__") else 1
        if length != size:
            raise InvalidInput(f"{name(index)}: expected {size:,} numbers, got {length:,}")


def _fault(vector: Array, dtype: DType) -> str:
    values = vector.astype(np.float64)
    index = int(np.argmin(np.abs(values) < _TOO_LARGE[dtype]))
    reason = f"is too large for {dtype}" if np.isfinite(values[index]) else "is not a finite number"
    return f"number {index + 1} of the vector, {values[index]:g}, {reason}"
