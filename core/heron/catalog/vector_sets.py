"""Vector sets opened for search: the numbers mapped, whose each row is known, and which rows count no more."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from heron.catalog.vector_rows import VectorRows, VectorSet
from heron.vectors.space import Space

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = np.ndarray[Any, Any]

_TAIL = 20_000
"""Owners that are read from the catalogue at each opening, at most, before the file with the others is written anew."""

_SAMPLE = 16


@frozen(eq=False)
class OpenSet:
    """A set as it stands now. `items` and `frames` are inner ids by row, int64, frame 0 for the item itself.

    `live` says which rows count; those of the file that are missing are not among them.
    """

    kept: VectorSet
    space: Space
    items: Array
    frames: Array
    live: Array
    missing: int

    @property
    def count(self) -> int:
        """Rows of the matrix, those that count no more among them."""
        return len(self.items)


class OpenSets:
    """Opens sets, and keeps them open as long as they do not change."""

    def __init__(self, rows: VectorRows) -> None:
        self._rows = rows
        self._lock = threading.Lock()
        self._open: dict[str, tuple[tuple[Any, ...], OpenSet]] = {}

    def get(self, key: str) -> OpenSet | None:
        """The set of a key as it stands now; None where no vector is kept."""
        kept = self._rows.find(key)
        if kept is None or not kept.row_count:
            return None
        state = (kept, live := self._rows.live_count(kept))
        if not live:
            return None
        with self._lock:
            known = self._open.get(key)
            if known is None or known[0] != state:
                self._open[key] = known = (state, self._opened(kept))
        return known[1]

    def _opened(self, kept: VectorSet) -> OpenSet:
        matrix = self._rows.matrix(kept)
        count = min(kept.row_count, matrix.rows_there())
        owners, live = self._owners(kept)
        owners, live = owners[:count], live[:count]
        live[[row for row in self._rows.gaps(kept) if row < count]] = False
        space = Space(matrix, count, self._rows.folder, kept.file)
        codes = space.view().codes
        if count - (codes.rows if codes is not None else 0) > _TAIL:
            space.refresh()
        return OpenSet(kept, space, owners[:, 0], owners[:, 1], live, kept.row_count - count)

    def _owners(self, kept: VectorSet) -> tuple[Array, Array]:
        """Item and frame of each row, of shape (rows, 2), and whether the catalogue knows the row."""
        cached = self._cached(kept)
        owners = np.zeros((kept.row_count, 2), dtype=np.int64)
        owners[: len(cached)] = cached
        tail = self._rows.owners_from(kept, len(cached))
        if tail:
            read = np.array([tuple(row) for row in tail], dtype=np.int64)
            owners[read[:, 0]] = read[:, 1:]
        if len(tail) > _TAIL:
            self._write(kept, owners)
        return owners, owners[:, 0] > 0

    def _cached(self, kept: VectorSet) -> Array:
        """What the file of owners says, as far as it agrees with the catalogue; a file of owners is never the truth."""
        nothing = np.zeros((0, 2), dtype=np.int64)
        try:
            cached = np.fromfile(self._file(kept), dtype="<i8")
        except OSError:
            return nothing
        if len(cached) % 2 or len(cached) // 2 > kept.row_count or not len(cached):
            return nothing
        cached = cached.reshape(-1, 2)
        sample: Sequence[int] = np.linspace(0, len(cached) - 1, _SAMPLE).astype(int).tolist()
        agrees = all(
            owner is None or owner == tuple(cached[row])
            for row, owner in self._rows.owners_of(kept, sample).items()
        )
        return cached if agrees else nothing

    def _write(self, kept: VectorSet, owners: Array) -> None:
        path = self._file(kept)
        part = path.with_name(f"{path.name}.{threading.get_ident()}.part")
        with suppress(OSError):  # it only saves time
            owners.astype("<i8").tofile(part)
            part.replace(path)

    def _file(self, kept: VectorSet) -> Any:
        return self._rows.folder / f"{kept.file}.owners"
