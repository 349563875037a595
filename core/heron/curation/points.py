"""The points of a projection, as they are read: where, of what, and with which value of a field."""

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
    """Points of items, or of frames, by place: UUIDs and names of the items, and numbers of the frames.

    `places` is float32 of shape (n, 2). `values` are those of the `field`, if one was asked for; `frames` are None for items.
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
