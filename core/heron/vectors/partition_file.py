"""The third cache: the file of partitions. It is written whole, beside the old one, and then takes its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
from attrs import evolve, frozen

from heron.errors import CatalogueBusy, CatalogueError
from heron.inside import open_file, require_plain
from heron.vectors.calibrating import Calibration
from heron.vectors.clustering import CLIP, Model, trained, unit_blocks
from heron.vectors.codes import Codes
from heron.vectors.files import checksum, exclusive, replace, stamp, sync_file
from heron.vectors.matrix import Array
from heron.vectors.partitions import Contents, Margins, Partitions
from heron.vectors.records import Unusable, read_record, write_record
from heron.vectors.tuning import Tuning

Progress = Callable[[int, int], None]

VERSION = 1
"""Of the file and of the record."""

_GROWN = 1.5
"""With this many times the rows that the centres were made from, they are made again."""

_STRANGE = 1.15
"""So are they if new vectors are, on average, this many times as far from them (squared) as the first ones."""

_PRIOR = 8
"""The variances of a partition count together with those of all, as if so many more vectors had them."""


@frozen
class SavedPartitions:
    """One saved state of the file."""

    rows: int
    """The partitions have the vectors of the first `rows` rows, without those of zeros."""

    vectors: int
    partitions: int
    axes: int
    trained: int
    """Rows that the centres were made from."""

    spread: float
    """Mean square of the distances of these vectors from their centres."""

    codes_checksum: int
    """Checksum of the codes of `rows` rows."""

    crc: int
    stamp: tuple[int, int, int]
    """Stamp of the file; renaming the file does not change it."""

    reach: float
    doubt: float
    recall: float
    """Share of the nearest that was found, over sampled queries of the sort for which it is lowest."""

    cost: float
    """Cost of a query, in codes scanned."""


ENOUGH = 0.985
"""Partitions that find a smaller share of the nearest are not used."""

_CHEAPER = 0.6
"""Nor are those that look at so large a part of the rows that a scan of all is as quick."""


@frozen
class PartitionsRecord:
    """The content of the JSON file beside the partitions: the state that was saved last, and the one before."""

    size: int
    states: tuple[SavedPartitions, ...]
    version: int = VERSION


@frozen(eq=False)
class OpenPartitions:
    """Partitions and the record of them."""

    saved: SavedPartitions
    index: Partitions

    @property
    def is_useful(self) -> bool:
        """Whether they find enough of the nearest, in less time than a scan of all."""
        return self.saved.recall >= ENOUGH and self.saved.cost < _CHEAPER * self.saved.rows


class PartitionFile:
    """`NAME.parts` and `NAME.parts.json` in a folder of caches."""

    def __init__(self, folder: Path, name: str, size: int, tuning: Tuning) -> None:
        self.path = folder / f"{name}.parts"
        self.record_path = folder / f"{name}.parts.json"
        self.part = folder / f"{name}.parts.part"
        self.lock = folder / f"{name}.parts.lock"
        self._size = size
        self._tuning = tuning

    def opened(self, codes: Codes, before: OpenPartitions | None = None) -> OpenPartitions:
        """The partitions, memory-mapped, or `before` if it is the same state; raises Unusable with the reason."""
        saved = self._state(codes)
        if before is not None and before.saved == saved:
            return before
        contents = self._mapped(saved)
        return OpenPartitions(saved, Partitions(contents, Margins(saved.reach, saved.doubt)))

    def _state(self, codes: Codes) -> SavedPartitions:
        """The recorded state that the file has."""
        try:
            require_plain(self.path)
        except OSError as error:
            raise Unusable(f"{self.path.name} cannot be read: {error.strerror}") from None
        record = read_record(self.record_path, PartitionsRecord, VERSION)
        if record.size != self._size:
            raise Unusable(f"they were made from vectors of {record.size:,} numbers")
        saved = self._matching(record.states)
        checksums = codes.record.checksums
        position = saved.rows // self._tuning.checkpoint - 1
        if saved.rows % self._tuning.checkpoint or position not in range(len(checksums)):
            raise Unusable("the codes they were made of are not there")
        if checksums[position] != saved.codes_checksum:
            raise Unusable("they were made from other vectors")
        return saved

    def _matching(self, states: Sequence[SavedPartitions]) -> SavedPartitions:
        found = stamp(self.path)
        if found is None:
            raise Unusable("the file is not there")
        for saved in states:
            if saved.stamp == found:
                return saved
        for saved in states:
            try:
                if saved.stamp[1] == found[1] and checksum(self.path, found[1]) == saved.crc:
                    return saved
            except OSError as error:
                raise Unusable(f"{self.path.name} cannot be read: {error.strerror or error}") from None
        raise Unusable("the file was damaged")

    def _mapped(self, saved: SavedPartitions) -> Contents:
        sections = _sections(saved.partitions, self._size, saved.axes, saved.vectors)
        try:
            with open_file(self.path, "rb") as stream:
                data = np.memmap(stream, np.uint8, "r").view(np.ndarray)
        except (OSError, ValueError) as error:
            raise Unusable(f"{self.path.name} cannot be read: {error}") from None
        arrays, at = [], 0
        for dtype, shape in sections:
            end = at + int(np.prod(shape)) * np.dtype(dtype).itemsize
            if end > len(data):
                raise Unusable("the file is cut short")
            arrays.append(data[at:end].view(dtype).reshape(shape))
            at = end
        starts, centres, axes, deviations, variances, rest, rows, sketches = arrays
        is_whole = starts[0] == 0 and starts[-1] == len(rows) and bool((np.diff(starts) >= 0).all())
        if not is_whole or (len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < saved.rows):
            raise Unusable("the file was damaged")
        # the small parts are read for each query: copies stay in memory
        model = Model(centres.copy(), axes.copy(), deviations.copy())
        return Contents(model, starts.copy(), rows, sketches, variances.copy(), rest.copy())

    def build(self, codes: Codes, count: int, progress: Progress) -> None:
        """Make partitions of the vectors up to the last checkpoint in the first `count` rows, or add those vectors
        to them that they lack. Few vectors get no partitions.

        If there are many new vectors, or vectors unlike the others, the centres are made again. Raises CatalogueBusy
        while another process does this, CatalogueError if it cannot be written.
        """
        goal = self._goal(codes, count)
        with ExitStack() as stack:
            with self._explained():
                is_ours = stack.enter_context(exclusive(self.lock))
            if not is_ours:
                raise CatalogueBusy(
                    f"{self.path.name} is being built by another process", hint="wait until it is done"
                )
            try:
                before = self.opened(codes)
            except Unusable:
                before = None
                with self._explained():
                    self.drop()
            if goal < self._tuning.least or (before is not None and before.saved.rows >= goal):
                return
            if before is None or not self._extended(codes, goal, before, progress):
                self._make(codes, goal, before, progress)

    def extend(self, codes: Codes, count: int) -> None:
        """Add vectors to partitions that are there, if they lack many, and vectors like the others.

        Does nothing while another process makes them. Raises CatalogueError if they cannot be written.
        """
        goal = self._goal(codes, count)
        with self._explained(), exclusive(self.lock) as is_ours:
            try:
                before = self.opened(codes) if is_ours else None
            except Unusable:
                return
            if before is not None and goal - before.saved.rows >= self._tuning.least:
                self._extended(codes, goal, before, lambda done, total: None)

    def _goal(self, codes: Codes, count: int) -> int:
        return min(count, codes.rows) // self._tuning.checkpoint * self._tuning.checkpoint

    def _extended(self, codes: Codes, goal: int, before: OpenPartitions, progress: Progress) -> bool:
        """Add the vectors behind those that partitions have; False if the centres do not suit them."""
        if goal > _GROWN * before.saved.trained:
            return False
        old = before.index.contents
        new = _placed(old.model, codes.array[:goal], before.saved.rows, progress)
        if new.spread > _STRANGE * before.saved.spread:
            return False
        both = _Placed(
            np.concatenate([_homes(old), new.homes]),
            np.concatenate([old.rows, new.rows]),
            np.concatenate([old.sketches, new.sketches]),
            new.squares,
        )
        self._save(codes, goal, _contents(old.model, both, old.rest), before.saved, before.saved)
        return True

    def _make(self, codes: Codes, goal: int, before: OpenPartitions | None, progress: Progress) -> None:
        """Make partitions from scratch, with margins that are measured."""
        model = trained(codes.array[:goal])
        if model is None:
            return
        placed = _placed(model, codes.array[:goal], 0, progress)
        contents = _contents(model, placed, _rest(model, placed))
        calibration = Calibration(codes.array[:goal])
        margins = calibration.margins(Partitions(contents, Margins(0, 0)))
        measured = calibration.measured(Partitions(contents, margins))
        saved = SavedPartitions(
            goal, len(placed.rows), len(model.centres), model.axes.shape[1], goal, placed.spread, 0, 0, (0, 0, 0),
            margins.reach, margins.doubt, measured.recall, measured.cost,
        )  # fmt: skip
        self._save(codes, goal, contents, saved, before.saved if before else None)

    def is_damaged(self, saved: SavedPartitions) -> bool:
        """Whether the bytes of the file are no longer those that were written."""
        try:
            return checksum(self.path, saved.stamp[1]) != saved.crc
        except OSError:
            return True

    def _save(
        self,
        codes: Codes,
        rows: int,
        contents: Contents,
        saved: SavedPartitions,
        before: SavedPartitions | None,
    ) -> None:
        """Write another file, record both states, and then replace the old file."""
        model = contents.model
        arrays = (
            contents.starts, model.centres, model.axes, model.deviations, contents.variances, contents.rest,
            contents.rows, contents.sketches,
        )  # fmt: skip
        sections = _sections(len(model.centres), self._size, model.axes.shape[1], len(contents.rows))
        with self._explained():
            self.part.unlink(missing_ok=True)
            with open_file(self.part, "xb") as stream:
                for array, (dtype, shape) in zip(arrays, sections, strict=True):
                    stream.write(np.ascontiguousarray(array, dtype).reshape(shape).data)
            sync_file(self.part)
            written = stamp(self.part) or (0, 0, 0)
            codes_checksum = codes.record.checksums[rows // self._tuning.checkpoint - 1]
            saved = evolve(
                saved,
                rows=rows,
                vectors=len(contents.rows),
                codes_checksum=codes_checksum,
                crc=checksum(self.part, written[1]),
                stamp=written,
            )
            states = (saved, before) if before else (saved,)
            write_record(self.record_path, PartitionsRecord(self._size, states))
            replace(self.part, self.path)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CatalogueError(
                f"{self.path} cannot be written: {error}", hint="free some space, or make the folder writable"
            ) from error

    def drop(self) -> None:
        """Remove the files; whoever has them open can go on reading them."""
        for path in (self.record_path, self.path, self.part):
            path.unlink(missing_ok=True)


def _sections(partitions: int, size: int, axes: int, vectors: int) -> list[tuple[str, tuple[int, ...]]]:
    """Types and shapes of the arrays in the file, one behind the other, little-endian."""
    return [
        ("<i8", (partitions + 1,)),
        ("<f4", (partitions, size)),
        ("<f4", (size, axes)),
        ("<f4", (axes,)),
        ("<f4", (partitions, axes)),
        ("<f4", (partitions,)),
        ("<i4", (vectors,)),
        ("<i1", (vectors, axes)),
    ]


@frozen(eq=False)
class _Placed:
    """Vectors with their partitions, in the order of rows. `squares` are those of their distances from the centres."""

    homes: Array
    rows: Array
    sketches: Array
    squares: Array

    @property
    def spread(self) -> float:
        return float(self.squares.mean()) if len(self.squares) else 0.0


def _placed(model: Model, codes: Array, start: int, progress: Progress) -> _Placed:
    """The vectors of all codes from row `start` on, placed."""
    parts = []
    for rows, units in unit_blocks(codes, start):
        parts.append((rows.astype(np.int32), *model.placed(units)))
        if len(rows):
            progress(int(rows[-1]) + 1, len(codes))
    progress(len(codes), len(codes))
    rows, homes, sketches, squares = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Placed(homes, rows, sketches, squares)


def _homes(contents: Contents) -> Array:
    return np.repeat(np.arange(len(contents.starts) - 1), np.diff(contents.starts))


def _contents(model: Model, placed: _Placed, rest: Array) -> Contents:
    """Vectors brought into the order of their partitions."""
    number = len(model.centres)
    order = np.argsort(placed.homes.astype(np.int32), kind="stable")
    sizes = np.bincount(placed.homes, minlength=number)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    sketches = placed.sketches[order]
    variances = np.empty((number, sketches.shape[1]), np.float32)
    for partition, (start, end) in enumerate(pairwise(starts)):
        variances[partition] = (sketches[start:end].astype(np.float32) ** 2).sum(axis=0)
    everywhere = model.deviations**2
    variances *= everywhere * (CLIP / 127) ** 2
    variances = (variances + _PRIOR * everywhere) / (sizes[:, None] + _PRIOR)
    return Contents(model, starts, placed.rows[order], sketches, variances, rest)


def _rest(model: Model, placed: _Placed) -> Array:
    """For each partition the variance along each direction that is not an axis."""
    number, others = len(model.centres), model.axes.shape[0] - model.axes.shape[1]
    if not others:
        return np.zeros(number, np.float32)
    along = (placed.sketches.astype(np.float32) * (model.deviations * CLIP / 127)) ** 2
    beside = np.maximum(placed.squares - along.sum(axis=1), 0)
    sums = np.bincount(placed.homes, beside, minlength=number) + _PRIOR * beside.mean()
    found: Array = sums / (np.bincount(placed.homes, minlength=number) + _PRIOR) / others
    return found.astype(np.float32)
