"""One matrix opened for search, together with its caches."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from attrs import frozen

from heron.errors import CatalogueError, InvalidInput
from heron.vectors.codes import Codes, CodesFile
from heron.vectors.files import stamp
from heron.vectors.found import Filter, Found
from heron.vectors.graph import Graph, GraphFile
from heron.vectors.judging import judge
from heron.vectors.matrix import Array, Matrix
from heron.vectors.partition_file import OpenPartitions, PartitionFile
from heron.vectors.planner import Rows, Search, View
from heron.vectors.records import Unusable
from heron.vectors.scoring import Query
from heron.vectors.tuning import DEFAULT, Tuning
from heron.vectors.verify import faults

T = TypeVar("T")


@frozen
class CacheStatus:
    """A cache: how many `rows` it covers, its `bytes` on disk, and, if it exists but is not used, why."""

    rows: int
    bytes: int
    problem: str | None


@frozen
class SpaceStatus:
    """A space and its caches."""

    count: int
    size: int
    dtype: str
    bytes: int
    codes: CacheStatus
    partitions: CacheStatus
    graph: CacheStatus
    expansion: int | None
    """Candidates that the graph considers for the ten nearest; None if it would not find enough of them."""

    recall: float | None
    """Share of the ten nearest that it found, over sampled queries near the vectors."""

    far_recall: float | None
    """The same for queries farther from the vectors."""

    partitions_recall: float | None
    """Share of the nearest that the partitions found, over sampled queries of the sort found worst."""

    are_partitions_useful: bool
    """Whether searches use the partitions: a scan is faster where all vectors are far from each other."""


class Space:
    """The first `count` rows of a matrix; later writes do not change them. Any number of threads may use it."""

    def __init__(
        self, matrix: Matrix, count: int, caches: Path, name: str, *, tuning: Tuning = DEFAULT
    ) -> None:
        """Memory-map the matrix; its caches are `caches`/`name`.* and are opened when they are first needed.

        Raises CatalogueError if the matrix has fewer rows.
        """
        self.matrix = matrix
        self.count = count
        self.truth = matrix.mapped(count)
        self._tuning = tuning
        self._caches = caches
        self._codes_file = CodesFile(caches, name, matrix.size, tuning)
        self._partition_file = PartitionFile(caches, name, matrix.size, tuning)
        self._graph_file = GraphFile(caches, name, matrix.size, tuning)
        self._codes = _Current(
            lambda before: self._codes_file.opened(self.truth), self._codes_file.record_path
        )
        self._partitions = _Current(
            self._opened_partitions,
            self._partition_file.record_path,
            self._partition_file.path,
            self._codes_file.record_path,
        )
        self._graph = _Current(
            self._opened_graph,
            self._graph_file.record_path,
            self._graph_file.path,
            self._codes_file.record_path,
        )

    def search(
        self,
        query: Any,
        k: int,
        *,
        filter: Filter | Array | None = None,
        groups: Array | None = None,
        ids: Array | None = None,
        exact: bool = False,
        least: float | None = None,
    ) -> Found:
        """The `k` rows whose vectors are most similar to `query`, a vector of `size` numbers.

        `filter` says which rows may be found: a Filter, or an array of row numbers. With `groups`, one number
        for each row, only the best row of each group is found. Rows of equal scores come in the order of `ids`, one
        number for each row, by default the row numbers. With `exact` all are compared. Rows that score below
        `least` are not wanted, and only some of them are found. The result has fewer than `k` rows if there are not
        enough. Raises InvalidInput for a query of another size, of
        zeros, or with numbers that are not finite, and for `k` below 1.
        """
        if k < 1:
            raise InvalidInput(f"a search finds 1 vector or more, not {k:,}")
        for name, given in (("groups", groups), ("ids", ids)):
            if given is not None and len(given) != self.count:
                raise InvalidInput(f"expected the {name} of {self.count:,} vectors, got {len(given):,}")
        if isinstance(filter, np.ndarray):
            filter = Rows.of(filter, self.count)
        query = Query.of(query, self.matrix.size)
        count = min(k, max(1, self.count))
        return Search(self.view(), query, count, groups, exact, least, ids).among(filter)

    def vectors(self, rows: Any) -> Array:
        """The vectors of some rows, float32, shape (n, size); InvalidInput for a row that does not exist."""
        wanted = np.asarray(rows, np.int64).reshape(-1)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < self.count:
            raise InvalidInput(
                f"there are {self.count:,} vectors; rows {wanted.min()} to {wanted.max()} were asked for"
            )
        return self.truth[wanted].astype(np.float32)

    def view(self) -> View:
        """The vectors with those caches that are usable now."""
        return View(
            self.truth, self._codes.value(), self._graph.value(), self._partitions.value(), self._tuning
        )

    def refresh(self) -> None:
        """Extend the codes to `count` rows, which takes a second for 500,000 vectors of 512 numbers; and partitions that
        are there and lack many rows.

        Does nothing while another process does it, or if the caches cannot be written: searches then read the
        vectors themselves.
        """
        with suppress(OSError, CatalogueError):
            self._codes_file.refresh(self.truth)
            codes, partitions = self._codes.value(), self._partitions.value()
            if codes is not None and partitions is not None:
                self._partition_file.extend(codes, self.count)

    def build(
        self,
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        graph: bool = False,
        anew: bool = False,
    ) -> None:
        """Make partitions, or add the vectors to them that they lack, up to `count` rows. With `graph`, or if there is
        one that is used, do the same with the graph. With `anew`, all is made from scratch.

        Raises what `build_partitions` and `build_graph` raise.
        """
        graph = graph or self.status().expansion is not None
        if anew:
            self.drop_caches()
        self.build_partitions(progress)
        if graph:
            self.build_graph(progress)

    def build_partitions(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Make partitions, or add the vectors to them that they lack, up to `count` rows.

        `progress` is called with rows done and rows in total. A small number of vectors gets none. Raises
        CatalogueBusy while another process makes them, CatalogueError if they cannot be written.
        """
        self._partition_file.build(self._complete_codes(), self.count, progress)

    def build_graph(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Make a graph, or extend the one that is there, to `count` rows, on all cores.

        It is saved every 65,536 rows, so an interrupted build continues from there; searches work meanwhile,
        and use each state once it is saved. `progress` is called with rows done and rows in total. A small
        number of vectors gets no graph, and a graph whose recall is too low (all vectors far from each other)
        is not extended: in both cases scans are faster. Raises CatalogueBusy while another process is
        building, CatalogueError if it cannot be written.
        """
        codes = self._complete_codes()
        self._graph_file.build(
            codes, self.count, lambda graph: judge(self.truth, codes, graph, self._tuning), progress
        )

    def _complete_codes(self) -> Codes:
        """The codes of all vectors; raises CatalogueError if they cannot be written."""
        try:
            self._codes_file.refresh(self.truth, wait=True)
            return self._codes_file.opened(self.truth)
        except (OSError, Unusable) as error:
            raise CatalogueError(
                f"{self._codes_file.path} cannot be written: {error}", hint="make the folder writable"
            ) from error

    def status(self) -> SpaceStatus:
        """How many vectors each cache covers, and why one is not used."""
        codes, graph, partitions = self._codes.value(), self._graph.value(), self._partitions.value()
        return SpaceStatus(
            self.count,
            self.matrix.size,
            self.matrix.dtype.name,
            self.count * self.matrix.row_bytes,
            _status(codes.rows if codes else 0, self._codes_file, self._codes.problem),
            _status(
                partitions.saved.rows if partitions else 0, self._partition_file, self._partitions.problem
            ),
            _status(graph.saved.rows if graph else 0, self._graph_file, self._graph.problem),
            graph.saved.expansion if graph else None,
            graph.saved.recall if graph else None,
            graph.saved.far_recall if graph else None,
            partitions.saved.recall if partitions else None,
            partitions is not None and partitions.is_useful,
        )

    def verify(self, deep: bool = False) -> list[str]:
        """Problems, one sentence each; missing caches are no problem. With `deep` every vector is checked."""
        view, status = self.view(), self.status()
        caches = (
            ("the int8 codes are", status.codes),
            ("the partitions are", status.partitions),
            ("the graph is", status.graph),
        )
        unused = [f"{name} not used: {cache.problem}" for name, cache in caches if cache.problem]
        if deep and view.partitions and self._partition_file.is_damaged(view.partitions.saved):
            unused.append("the partitions were damaged")
        return unused + list(faults(view, deep))

    def drop_caches(self) -> None:
        """Remove the caches; whoever has them open can go on reading them. Raises CatalogueError if that
        fails.
        """
        try:
            self._graph_file.drop()
            self._partition_file.drop()
            self._codes_file.drop()
        except OSError as error:
            raise CatalogueError(
                f"the caches in {self._caches} cannot be removed: {error.strerror}"
            ) from error

    def _opened_partitions(self, before: OpenPartitions | None) -> OpenPartitions:
        codes = self._codes.value()
        if codes is None:
            raise Unusable("the codes that they were made from are not there")
        return self._partition_file.opened(codes, before)

    def _opened_graph(self, before: Graph | None) -> Graph:
        codes = self._codes.value()
        if codes is None:
            raise Unusable("the codes that it was made from are not there")
        return self._graph_file.opened(codes, before)


class _Current(Generic[T]):
    """A cache that is opened again when one of its files has changed."""

    def __init__(self, open: Callable[[T | None], T], *files: Path) -> None:
        self.problem: str | None = None
        self._open = open
        self._files = files
        self._seen: tuple[object, ...] = ()
        self._value: T | None = None
        self._lock = threading.Lock()

    def value(self) -> T | None:
        """The cache, or None if it is not usable; then `problem` says why."""
        found = tuple(stamp(path) for path in self._files)
        with self._lock:
            if found != self._seen:
                try:
                    self._value, self.problem = self._open(self._value), None
                except Unusable as error:
                    self._value, self.problem = None, str(error)
                self._seen = found
            return self._value


def _status(rows: int, file: CodesFile | PartitionFile | GraphFile, problem: str | None) -> CacheStatus:
    found = stamp(file.path)
    is_there = found is not None or file.record_path.exists()
    return CacheStatus(rows, found[1] if found else 0, problem if is_there else None)
