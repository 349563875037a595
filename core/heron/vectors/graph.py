"""The second cache: a navigable graph (HNSW, Malkov and Yashunin 2016) over the codes, stored by usearch.

usearch trusts the file that it maps, and a damaged one can crash the process. So a file is used only if its
inode, size and time in nanoseconds are those of the file that was written, or its checksum is the same; and
only with the codes that it was made from.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from attrs import evolve, frozen

from heron.errors import CatalogueBusy, CatalogueError
from heron.inside import require_plain
from heron.vectors.codes import Codes
from heron.vectors.files import checksum, exclusive, replace, stamp, sync_file
from heron.vectors.matrix import Array
from heron.vectors.records import Unusable, read_record, write_record
from heron.vectors.tuning import Tuning

if TYPE_CHECKING:
    from usearch.index import Index

VERSION = 2

_CHUNK = 1024
"""Vectors that are added in one call; between two calls, progress is reported and Ctrl-C is handled."""

_ALONE = 4096
"""The first vectors are added on one core: on several, usearch leaves up to 2 % of so few unreachable."""


@frozen
class Saved:
    """One saved state of the graph."""

    rows: int
    """The graph covers the first `rows` rows, without vectors of zeros."""

    vectors: int
    codes_checksum: int
    """Checksum of the codes of these rows."""

    crc: int
    stamp: tuple[int, int, int]
    """Stamp of the file; renaming the file does not change it."""

    expansion: int | None = None
    """Candidates to consider so that enough of the nearest are found; None if no number of them is enough."""

    recall: float = 0.0
    """Share of the ten nearest that was found with this expansion, over sampled queries near the vectors."""

    far_recall: float | None = None
    """The same for queries farther from the vectors; None if it was not kept."""


@frozen
class GraphRecord:
    """The content of the JSON file beside the graph: the state that was saved last, and the one before."""

    size: int
    connectivity: int
    states: tuple[Saved, ...]
    version: int = VERSION


class Graph:
    """A graph opened for search."""

    def __init__(self, index: Index, saved: Saved) -> None:
        self.saved = saved
        self._index = index
        self._lock = threading.Lock()

    def nearest(self, code: Array, count: int) -> tuple[Array, Array]:
        """The nearest `count` rows found with `count` candidates, int64, and the similarities of their codes,
        float32.
        """
        with self._lock:  # threads that call usearch at the same time would share its scratch memory
            found = self._index.search(code, count, threads=1)
        return found.keys.astype(np.int64), 1 - found.distances

    def tried_with(self, expansion: int) -> Graph:
        """The same graph with another expansion, to measure its recall."""
        return Graph(self._index, evolve(self.saved, expansion=expansion))


@frozen
class Judged:
    """The expansion that a graph needs, None if none is enough, and its recall for queries near the vectors and farther away."""

    expansion: int | None
    near: float
    far: float


Judge = Callable[[Graph], Judged]


class GraphFile:
    """`NAME.graph` and `NAME.graph.json` in a folder of caches."""

    def __init__(self, folder: Path, name: str, size: int, tuning: Tuning) -> None:
        self.path = folder / f"{name}.graph"
        self.record_path = folder / f"{name}.graph.json"
        self.part = folder / f"{name}.graph.part"
        self.lock = folder / f"{name}.graph.lock"
        self._size = size
        self._tuning = tuning

    def opened(self, codes: Codes, before: Graph | None) -> Graph:
        """The graph, memory-mapped, or `before` if it is the same state; raises Unusable with the reason."""
        saved = self._state(codes)
        if before is not None and before.saved == saved:
            return before
        index = self._empty()
        try:
            index.view(self.path)
        except RuntimeError as error:
            raise Unusable(f"usearch cannot read it: {error}") from None
        return Graph(self._held(index, saved), saved)

    def _state(self, codes: Codes) -> Saved:
        """The recorded state that the file has."""
        try:
            require_plain(self.path)
        except OSError as error:
            raise Unusable(f"{self.path.name} cannot be read: {error.strerror}") from None
        record = read_record(self.record_path, GraphRecord, VERSION)
        if record.connectivity != self._tuning.connectivity:
            raise Unusable("it was made with other settings")
        if record.size != self._size:
            raise Unusable(f"it was made from vectors of {record.size:,} numbers")
        saved = self._matching(record.states)
        checksums = codes.record.checksums
        position = saved.rows // self._tuning.checkpoint - 1
        if position not in range(len(checksums)):
            raise Unusable("the codes it was made of are not there")
        if checksums[position] != saved.codes_checksum:
            raise Unusable("it was made from other vectors")
        return saved

    def _matching(self, states: tuple[Saved, ...]) -> Saved:
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

    def _held(self, index: Index, saved: Saved) -> Index:
        if len(index) != saved.vectors:
            raise Unusable("the file was damaged")
        return index

    def _empty(self) -> Index:
        from usearch.index import Index

        return Index(
            ndim=self._size,
            metric="cos",
            dtype="i8",
            connectivity=self._tuning.connectivity,
            expansion_add=self._tuning.expansion_add,
            expansion_search=1,  # so that the `count` of a search sets the expansion
            enable_key_lookups=False,  # they would read every page of the file when it is opened
        )

    def build(self, codes: Codes, count: int, judge: Judge, progress: Callable[[int, int], None]) -> None:
        """Extend the graph, or make one, up to the last checkpoint in the first `count` rows.

        It is saved after the first `Tuning.least` rows, and every `Tuning.save` rows; an interruption loses what was added since
        then. A graph whose recall is too low is not extended, since more vectors would lower it. Raises CatalogueBusy while
        another process builds it, CatalogueError if it cannot be written.
        """
        with ExitStack() as stack:
            with self._explained():
                is_ours = stack.enter_context(exclusive(self.lock))
            if not is_ours:
                raise CatalogueBusy(
                    f"{self.path.name} is being built by another process", hint="wait until it is done"
                )
            self._build(codes, count, judge, progress)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:  # usearch raises RuntimeError for a full disk
            raise CatalogueError(
                f"{self.path} cannot be written: {error}", hint="free some space, or make the folder writable"
            ) from error

    def _build(self, codes: Codes, count: int, judge: Judge, progress: Callable[[int, int], None]) -> None:
        goal = min(count, codes.rows) // self._tuning.checkpoint * self._tuning.checkpoint
        index, saved = self._resumed(codes)
        if saved is None:
            with self._explained():
                self.drop()
        if goal < self._tuning.least:
            return
        done = saved.rows if saved else 0
        while done < goal and not (saved and saved.expansion is None):
            end = min(
                goal, done - done % self._tuning.save + self._tuning.save if done else self._tuning.least
            )
            for start in range(done, end, _CHUNK):
                self._add(index, codes.array, start, min(start + _CHUNK, end))
                progress(min(start + _CHUNK, end), goal)
            saved = self._save(index, codes, end, judge, saved)
            done = end

    def _resumed(self, codes: Codes) -> tuple[Index, Saved | None]:
        index = self._empty()
        try:
            saved = self._state(codes)
            index.load(self.path)
            return self._held(index, saved), saved
        except (Unusable, RuntimeError):
            return self._empty(), None

    def _add(self, index: Index, codes: Array, start: int, end: int) -> None:
        """Add rows, on all cores if there are many; the graph refers to the mapped codes and does not copy
        them.
        """
        block = codes[start:end]
        threads = 1 if start < _ALONE else 0
        positions = np.flatnonzero(block.any(axis=1))
        if len(positions) == len(block):
            index.add(np.arange(start, end, dtype=np.uint64), block, copy=False, threads=threads)
        elif len(positions):
            index.add((positions + start).astype(np.uint64), block[positions], threads=threads)

    def _save(self, index: Index, codes: Codes, rows: int, judge: Judge, before: Saved | None) -> Saved:
        """Save to another file, record both states, and then replace the old file."""
        with self._explained():
            self.part.unlink(missing_ok=True)  # usearch would write through a link
            index.save(self.part)
            sync_file(self.part)
            written = stamp(self.part) or (0, 0, 0)
            codes_checksum = codes.record.checksums[rows // self._tuning.checkpoint - 1]
            saved = Saved(rows, len(index), codes_checksum, checksum(self.part, written[1]), written)
            judged = judge(Graph(index, saved))
            saved = evolve(saved, expansion=judged.expansion, recall=judged.near, far_recall=judged.far)
            states = (saved, before) if before else (saved,)
            write_record(self.record_path, GraphRecord(self._size, self._tuning.connectivity, states))
            replace(self.part, self.path)
        return saved

    def drop(self) -> None:
        """Remove the files; whoever has them open can go on reading them."""
        for path in (self.record_path, self.path, self.part):
            path.unlink(missing_ok=True)
