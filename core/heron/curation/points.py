"""The points of a projection: coordinates, owners, and values of a field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen

from heron.projection.colouring import Value
from heron.records import Record

Array = np.ndarray[Any, Any]


@frozen(eq=False, repr=False)
class Points(Record):
    """Points of items or frames: coordinates, UUIDs and names of the items, and numbers of the frames.

    `places` are the coordinates, float32 of shape (n, 2). `values` are the values of `field`, if one was requested;
    `frames` is None for points of items. The sequences of many points make their objects when they are first read.
    """

    uuids: Sequence[str]
    names: Sequence[str]
    frames: Sequence[int | None]
    places: Array
    of_frames: bool = False
    field: str | None = None
    values: Sequence[Value] | None = None

    def __len__(self) -> int:
        return len(self.uuids)
