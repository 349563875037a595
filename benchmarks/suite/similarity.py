"""Similarity search as users call it, catalogue included: keeping vectors, opening, queries with and without a condition."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.house.embeddings import BATCH, SIZE, best, clustered, ranks, units
from benchmarks.house.measuring import disk, median_of, peak_memory, timed
from benchmarks.house.shape import Benchmark, Cases, Figures, Job, way

K, QUERIES = 10, 15
SHARES = (0.3, 0.01, 0.0001)
MORE = "width >= 1000 AND name LIKE '%.jpg'"
"""Two conditions that all items fulfil, so that each query has three."""


def prepare(stage: Path, size: int) -> None:
    """Vectors, queries, and two numbers for each item: one at random, one that rises along a direction."""
    import numpy as np

    given = np.concatenate(list(clustered(size)))
    np.save(stage / "vectors.npy", given)
    unit = units(given)
    np.save(stage / "units.npy", unit)
    np.save(stage / "queries.npy", units(next(clustered(QUERIES, seed=99))))
    np.save(stage / "ranks.npy", np.array(ranks(unit)))


def conditions() -> dict[str, tuple[str, float]]:
    """Names, the key and the share that is allowed."""
    kinds = {"random": "share", "correlated": "along"}
    return {f"{100 * share:g} % {kind}": (key, share) for share in SHARES for kind, key in kinds.items()}


def heron_keeps(job: Job) -> Cases:
    """Items with both numbers, then their vectors, in transactions of 10,000; then the index."""
    import numpy as np

    import heron

    given, (share, along) = np.load(job.stage / "vectors.npy"), np.load(job.stage / "ranks.npy")
    with heron.open(job.own, discover=False) as workspace:
        with workspace.schema.edit() as schema:
            schema.add_scalar("share", "number")
            schema.add_scalar("along", "number")
            schema.add_embedding("own", SIZE)
        workspace.registration.register(
            (
                heron.NewItem(
                    url=f"s3://bucket/{number:07}.jpg",
                    facts=heron.MediaFacts("image", "image/jpeg", 1024, 768),
                    metadata={"share": float(share[number]), "along": float(along[number])},
                )
                for number in range(job.size)
            ),
            "A",
        )
        uuids = [item.uuid for item in workspace.items.list(limit=None)]

        def keep() -> None:
            for start in range(0, job.size, BATCH):
                workspace.vectors.add("own", uuids[start : start + BATCH], given[start : start + BATCH])

        cases: Cases = {"keeping": {**timed(keep), "count": job.size}}
        took = timed(lambda: workspace.vectors.rebuild("own"))
        cases["indexing"] = {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}
    return cases


def heron_asks(job: Job) -> Cases:
    """Opening, the first query, and pages of ten items with all that they have."""
    import numpy as np

    queries = np.load(job.stage / "queries.npy")
    opened: list[Any] = []

    def opening() -> None:
        import heron

        opened.append(heron.open(job.own, discover=False))

    cases = {"opening": timed(opening)}
    [workspace] = opened

    def page(query: Any, **parts: Any) -> list[int]:
        return [int(item.name[:7]) for item in workspace.search(like=query, key="own", limit=K, **parts)]

    cases["first query"] = timed(lambda: page(queries[0]))
    cases["ten most similar"] = _asked(job, page, None)
    for name, (key, share) in conditions().items():
        where = f"{key} < {share} AND {MORE}"
        cases[name] = _asked(job, lambda query, where=where: page(query, where=where), (key, share))
    cases["ten most similar"]["memory"] = peak_memory()
    return cases


def _matrix(job: Job) -> Any:
    from heron.vectors.matrix import Matrix

    return Matrix(job.own / "vectors.f32", SIZE, "float32")


def _space(job: Job) -> Any:
    from heron.vectors.space import Space

    return Space(_matrix(job), job.size, job.own, "vectors")


def engine_keeps(job: Job) -> Cases:
    """The matrix, its codes and partitions, without a catalogue."""
    import numpy as np

    _matrix(job).write(0, np.load(job.stage / "vectors.npy", mmap_mode="r"))
    space = _space(job)
    took = timed(space.build)
    return {"indexing": {**took, "count": job.size, "memory": peak_memory()}}


def engine_asks(job: Job) -> Cases:
    """The rows that a condition allows are given."""
    import numpy as np

    space, ranked = _space(job), dict(zip(("share", "along"), np.load(job.stage / "ranks.npy"), strict=True))
    cases = {"ten most similar": _asked(job, lambda query: space.search(query, K).rows, None)}
    for name, (key, share) in conditions().items():
        rows = np.flatnonzero(ranked[key] < share)
        search = lambda query, rows=rows: space.search(query, K, filter=rows).rows  # noqa: E731
        cases[name] = _asked(job, search, (key, share))
    cases["ten most similar"]["memory"] = peak_memory()
    return cases


def by_hand_keeps(job: Job) -> Cases:
    """numpy.save and fsync, and a table of the numbers in SQLite, written as Heron's catalogue does."""
    import json
    import os
    import sqlite3

    import numpy as np

    given, (share, along) = np.load(job.stage / "vectors.npy"), np.load(job.stage / "ranks.npy")

    def keep() -> None:
        with (job.own / "vectors.npy").open("wb") as stream:
            np.save(stream, given)
            stream.flush()
            os.fsync(stream.fileno())

    connection = sqlite3.connect(job.own / "items.db")
    connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, width INTEGER, metadata TEXT)")
    connection.executemany(
        "INSERT INTO items VALUES (?, ?, 1024, ?)",
        (
            (row, f"{row:07}.jpg", json.dumps({"share": float(share[row]), "along": float(along[row])}))
            for row in range(job.size)
        ),
    )
    connection.commit()
    return {"keeping": {**timed(keep), "count": job.size}}


def by_hand_asks(job: Job) -> Cases:
    """SQL for the condition, then NumPy over the rows it allows."""
    import sqlite3

    import numpy as np

    unit = np.load(job.stage / "units.npy")
    connection = sqlite3.connect(job.own / "items.db")
    cases = {"ten most similar": _asked(job, lambda query: best(unit, query, K), None)}
    for name, (key, share) in conditions().items():
        statement = f"SELECT id FROM items WHERE json_extract(metadata, '$.{key}') < {share} AND {MORE}"

        def search(query: Any, statement: str = statement) -> Any:
            rows = np.array([row for (row,) in connection.execute(statement)], np.int64)
            return best(unit, query, K, rows) if len(rows) else rows

        cases[name] = _asked(job, search, (key, share))
    return cases


def _asked(job: Job, search: Callable[[Any], Any], condition: tuple[str, float] | None) -> Figures:
    """Recall of the ten nearest that a condition allows, and medians of the time of one query."""
    import numpy as np

    unit, queries = np.load(job.stage / "units.npy", mmap_mode="r"), np.load(job.stage / "queries.npy")
    rows = None
    if condition:
        at_random, along = np.load(job.stage / "ranks.npy")
        rows = np.flatnonzero((at_random if condition[0] == "share" else along) < condition[1])
    runs, hits, wanted = [], 0, 0
    search(queries[0])
    for query in queries:
        wall, processor = time.perf_counter(), time.process_time()
        found = search(query)
        runs.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - processor})
        truth = best(unit, query, K, rows) if rows is None or len(rows) else []
        hits, wanted = hits + len({*map(int, found)} & {*map(int, truth)}), wanted + len(truth)
    return {**median_of(runs), **({"recall": hits / wanted} if wanted else {})}


BENCHMARK = Benchmark(
    name="similarity",
    title="Similarity search among {size} items",
    unit="vectors",
    about="""
The whole query as users call it: `ws.search(like=…, where=…)` gives ten items with all they have. Three conditions allow a share of the items,
at random, or those that lie to one side. The engine alone is Heron's own, without a catalogue: the rows that are allowed are given, and rows
are what it finds. By hand: SQL evaluates the conditions, NumPy compares the rows that they allow, in memory. Target: at most 1.3
times the time of the engine and 10 ms.
""",
    prepare=prepare,
    ways=(
        way("Heron", heron_keeps, heron_asks),
        way("engine alone, rows given", engine_keeps, engine_asks),
        way("SQL and NumPy", by_hand_keeps, by_hand_asks),
    ),
    references={"": "engine alone, rows given", "keeping": "SQL and NumPy"},
    sizes={"tiny": 300, "small": 10_000, "full": 1_000_000},
    runs=1,
    extras={"recall": "recall@10"},
)
