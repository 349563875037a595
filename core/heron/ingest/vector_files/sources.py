"""Files with vectors as they are read: in bundles, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from attrs import frozen

from heron.ingest.vector_files.names import Named

if TYPE_CHECKING:
    from heron.vectors.matrix import DType

Array = np.ndarray[Any, Any]

_BUNDLE_BYTES = 16 * 1024 * 1024


@frozen(eq=False)
class Bundle:
    """Some rows of a file: what names their owners, their places in the file, and their vectors of shape (n, size)."""

    names: Sequence[Named]
    places: Sequence[int]
    vectors: Array


class Source(Protocol):
    """A file with vectors of `size` numbers each; `unit` is what its places are numbers of.

    A key that is made for them is of `dtype`.
    """

    file: Path
    unit: Literal["row", "line"]
    size: int
    dtype: DType

    def bundles(self) -> Iterator[Bundle]:
        """The whole file from its beginning; raises InvalidInput naming the faulty place."""


def place_in(source: Source, number: int) -> str:
    """How a message names a place: rows count from 0, as in NumPy, and lines from 1."""
    return f"{source.file}, {source.unit} {number}"


def rows_of_bundle(size: int) -> int:
    """How many vectors of `size` numbers are in memory at a time."""
    return max(256, min(16_384, _BUNDLE_BYTES // (4 * size)))
