"""Points of projections and stored vectors as binary columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

import heron
from heron.remote import columns

NAMES = ("x", "y", "uuid", "name", "frame", "value")
"""The columns of points."""


def written(result: heron.Points | Iterable[heron.StoredVectors], wanted: str | None) -> Iterator[bytes]:
    """The blocks of a result: one of points, or one for each batch of vectors."""
    if isinstance(result, heron.Points):
        yield from _points(result, chosen(wanted))
        return
    for batch in result:
        parts = {
            "uuid": columns.uuids(batch.items),
            "frame": _frames(batch.frames),
            "vector": columns.numbers(batch.vectors),
        }
        yield from columns.written(len(batch.items), parts)


def chosen(wanted: str | None) -> tuple[str, ...]:
    """The names of the columns to send; raises InvalidInput for one that there is not."""
    if wanted is None:
        return NAMES
    names = tuple(name.strip() for name in wanted.split(","))
    if unknown := [name for name in names if name not in NAMES]:
        raise heron.InvalidInput(
            f"points have no column {unknown[0][:40]!r}", hint=f"give some of {', '.join(NAMES)}"
        )
    return names


def _points(points: heron.Points, names: tuple[str, ...]) -> Iterator[bytes]:
    makers = {
        "x": lambda: columns.numbers(points.places[:, 0]),
        "y": lambda: columns.numbers(points.places[:, 1]),
        "uuid": lambda: columns.uuids(points.uuids),
        "name": lambda: columns.texts(points.names),
        "frame": lambda: _frames(points.frames),
        "value": lambda: columns.values(points.values or ()),
    }
    left_out = {"frame"} if not points.of_frames else set()
    left_out |= {"value"} if points.values is None else set()
    parts = {name: makers[name]() for name in names if name not in left_out}
    yield from columns.written(len(points), parts)


def _frames(numbers: Iterable[int | None]) -> columns.Column:
    """The numbers of frames, -1 for rows that are items."""
    return columns.numbers(np.array([-1 if number is None else number for number in numbers]), "int32")
