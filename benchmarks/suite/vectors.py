"""The vector engine alone: building an index, the ten nearest of all, and of those that a filter allows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.house.embeddings import SIZE, best, clustered, filters, units
from benchmarks.house.measuring import disk, peak_memory, timed
from benchmarks.house.shape import Benchmark, Cases, Figures, Job, way
from benchmarks.suite import vectors_peers

K, QUERIES = 10, 100


def prepare(stage: Path, size: int) -> None:
    """The vectors, their units, queries from the same distribution, masks of the filters, and the true answers to all."""
    import numpy as np

    given = np.concatenate(list(clustered(size)))
    np.save(stage / "vectors.npy", given)
    unit = units(given)
    np.save(stage / "units.npy", unit)
    queries = units(next(clustered(QUERIES, seed=99)))
    np.save(stage / "queries.npy", queries)
    masks = dict(filters(unit))
    np.savez(stage / "masks.npz", **masks)
    truth = {name: [best(unit, q, K, np.flatnonzero(mask)) for q in queries] for name, mask in masks.items()}
    truth["all"] = [best(unit, query, K) for query in queries]
    np.savez(stage / "truth.npz", **{name: _even(rows) for name, rows in truth.items()})


def _even(answers: Sequence[Any]) -> Any:
    """Answers as one array; those with fewer rows than others end with -1."""
    import numpy as np

    found = np.full((len(answers), K), -1, np.int64)
    for number, rows in enumerate(answers):
        found[number, : len(rows)] = rows
    return found


def asked(job: Job, name: str, search: Callable[[Any], Any]) -> Figures:
    """Recall of the ten nearest, and medians of the time of one query."""
    import numpy as np

    queries, truth = np.load(job.stage / "queries.npy"), np.load(job.stage / "truth.npz")[name]
    hits, walls, processors = 0, [], []
    search(queries[0])
    for query, wanted in zip(queries, truth, strict=True):
        wall, processor = time.perf_counter(), time.process_time()
        found = search(query)
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
        hits += len({int(row) for row in found} & set(wanted[wanted >= 0].tolist()))
    recall = hits / int((truth >= 0).sum())
    return {"wall": statistics.median(walls), "cpu": statistics.median(processors), "recall": recall}


def masks(job: Job) -> dict[str, Any]:
    """The filters."""
    import numpy as np

    return dict(np.load(job.stage / "masks.npz"))


def _matrix(job: Job) -> Any:
    from heron.vectors.matrix import Matrix

    return Matrix(job.own / "vectors.f32", SIZE, "float32")


def _space(job: Job) -> Any:
    from heron.vectors.space import Space

    return Space(_matrix(job), job.size, job.own, "vectors")


def heron_builds(job: Job) -> Cases:
    """The matrix, the codes for scans, and the index."""
    import numpy as np

    given = np.load(job.stage / "vectors.npy", mmap_mode="r")
    given.max()  # reads it
    cases: Cases = {"writing": {**timed(lambda: _matrix(job).write(0, given)), "count": job.size}}
    space = _space(job)

    def build() -> None:
        space.refresh()
        space.build()

    cases["building"] = {**timed(build), "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}
    return cases


def heron_asks(job: Job) -> Cases:
    """The engine's own choice, and exact."""
    import numpy as np

    space = _space(job)
    cases = {"ten nearest": asked(job, "all", lambda query: space.search(query, K).rows)}
    cases["ten nearest, exact"] = asked(job, "all", lambda query: space.search(query, K, exact=True).rows)
    for name, mask in masks(job).items():
        rows = np.flatnonzero(mask)
        cases[name] = asked(job, name, lambda query, rows=rows: space.search(query, K, filter=rows).rows)
    cases["ten nearest"]["memory"] = peak_memory()
    return cases


def numpy_writes(job: Job) -> Cases:
    """numpy.save and fsync."""
    import os

    import numpy as np

    given = np.load(job.stage / "vectors.npy")

    def work() -> None:
        with (job.own / "saved.npy").open("wb") as stream:
            np.save(stream, given)
            stream.flush()
            os.fsync(stream.fileno())

    return {"writing": {**timed(work), "count": job.size}}


def numpy_asks(job: Job) -> Cases:
    """Multiplying everything that is allowed, in memory."""
    import numpy as np

    unit = np.load(job.stage / "units.npy")
    cases = {"ten nearest, exact": asked(job, "all", lambda query: best(unit, query, K))}
    for name, mask in masks(job).items():
        rows = np.flatnonzero(mask)
        cases[name] = asked(job, name, lambda query, rows=rows: best(unit, query, K, rows))
    cases["ten nearest, exact"]["memory"] = peak_memory()
    return cases


def int8_asks(job: Job) -> Cases:
    """What somebody would write by hand: gather int8, take the best 64, compare these by their float32."""
    import numkong
    import numpy as np

    from heron.vectors.codes import encode

    unit = np.load(job.stage / "units.npy")
    codes = np.concatenate([encode(unit[start : start + 10_000]) for start in range(0, len(unit), 10_000)])

    def search(query: Any, rows: Any) -> Any:
        near = np.asarray(numkong.cdist(encode(query[None]), codes[rows], metric="angular"))[0]
        few = rows[np.argpartition(near, 64)[:64]] if len(near) > 64 else rows
        return few[np.argsort(-(unit[few] @ query))[:K]]

    cases = {}
    for name, mask in masks(job).items():
        rows = np.flatnonzero(mask)
        cases[name] = asked(job, name, lambda query, rows=rows: search(query, rows))
    return cases


BENCHMARK = Benchmark(
    name="vectors",
    title="The vector engine: {size} vectors of 512 numbers in clusters",
    unit="vectors",
    about="""
Clusters are those of embeddings of pictures (a mixture of Gaussians in 64 dimensions, seen through 512, with noise, an offset and two
strong dimensions). Queries come from the same distribution. Filters allow rows at random, or those that lie to one side (correlated).
usearch is Heron's own library as its manual has it; the graphs take four times as many neighbours as the share of the filter promises,
at most 10,000, and drop what is not allowed. LanceDB and sqlite-vec filter first and have no index. `ten nearest, exact` and filters
are compared with NumPy, the rest with hnswlib. Target: recall@10 of 0.95 everywhere (0.99 for the engine to come), at most 1.3 times
the best by hand.
""",
    prepare=prepare,
    ways=(
        way("Heron", heron_builds, heron_asks),
        way("NumPy", numpy_writes, numpy_asks),
        way("int8 by hand", int8_asks),
        *vectors_peers.WAYS,
    ),
    references={"": "NumPy", "building": "hnswlib", "ten nearest": "hnswlib", "ten nearest, exact": "NumPy"},
    sizes={"tiny": 500, "small": 10_000, "full": 100_000},
    runs=1,
    extras={"recall": "recall@10"},
)
