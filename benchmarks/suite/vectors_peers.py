"""The same vectors in usearch, hnswlib, faiss, LanceDB and sqlite-vec."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.house.measuring import disk, peak_memory, timed
from benchmarks.house.shape import Cases, Job, way

MOST = 10_000
Search = Callable[[Any, int], Iterable[Any]]


def _measured(job: Job, build: Callable[[], Any]) -> Cases:
    return {"building": {**timed(build), "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}}


def _asked(job: Job, search: Search) -> Cases:
    """The nearest of all, and under each filter by taking four times as many as it promises."""
    from benchmarks.suite.vectors import K, asked, masks

    cases = {"ten nearest": asked(job, "all", lambda query: search(query, K))}
    for name, mask in masks(job).items():
        count = min(int(4 * K * job.size / max(1, mask.sum())), MOST, job.size)

        def filtered(query: Any, mask: Any = mask, count: int = count) -> list[int]:
            return [row for row in search(query, count) if row >= 0 and mask[row]][:K]

        cases[name] = asked(job, name, filtered)
    cases["ten nearest"]["memory"] = peak_memory()
    return cases


def usearch_builds(job: Job) -> Cases:
    """A graph over half precision."""
    import numpy as np
    from usearch.index import Index

    given = np.load(job.stage / "vectors.npy")
    index = Index(ndim=given.shape[1], metric="cos", dtype="f16", connectivity=16, expansion_add=128)

    def build() -> None:
        index.add(np.arange(len(given), dtype=np.uint64), given)
        index.save(job.own / "usearch")

    return _measured(job, build)


def usearch_asks(job: Job) -> Cases:
    """With an expansion of 128."""
    from usearch.index import Index

    index = Index.restore(str(job.own / "usearch"), view=True)
    index.expansion_search = 128
    return _asked(job, lambda query, count: index.search(query, count, threads=1).keys.astype(int).tolist())


def hnswlib_builds(job: Job) -> Cases:
    """A graph over float32, on all cores."""
    import hnswlib
    import numpy as np

    unit = np.load(job.stage / "units.npy")
    index = hnswlib.Index("ip", unit.shape[1])

    def build() -> None:
        index.init_index(len(unit), ef_construction=200, M=16)
        index.add_items(unit)
        index.save_index(str(job.own / "hnswlib"))

    return _measured(job, build)


def hnswlib_asks(job: Job) -> Cases:
    """With ef of 64, or as many as are taken."""
    import hnswlib

    index = hnswlib.Index("ip", 512)
    index.load_index(str(job.own / "hnswlib"))
    index.set_num_threads(1)

    def search(query: Any, count: int) -> list[int]:
        index.set_ef(max(64, count))
        found: list[int] = index.knn_query(query, count)[0][0].tolist()
        return found

    return _asked(job, search)


def faiss_builds(job: Job) -> Cases:
    """Lists of vectors around centres (IVF), over float32."""
    import faiss
    import numpy as np

    unit = np.load(job.stage / "units.npy")
    lists = max(1, min(1024, len(unit) // 40))

    def build() -> None:
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(512), 512, lists, faiss.METRIC_INNER_PRODUCT)
        index.train(unit[:: max(1, len(unit) // (lists * 40))])
        index.add(unit)
        faiss.write_index(index, str(job.own / "faiss"))

    return _measured(job, build)


def faiss_asks(job: Job) -> Cases:
    """16 lists a query; filters are asked within the search."""
    import faiss
    import numpy as np

    from benchmarks.suite.vectors import K, asked, masks

    faiss.omp_set_num_threads(1)
    index = faiss.read_index(str(job.own / "faiss"))
    index.nprobe = 16
    cases = {"ten nearest": asked(job, "all", lambda query: index.search(query[None], K)[1][0])}
    for name, mask in masks(job).items():
        chosen = faiss.SearchParametersIVF(
            sel=faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little")), nprobe=64
        )
        cases[name] = asked(
            job, name, lambda query, chosen=chosen: index.search(query[None], K, params=chosen)[1][0]
        )
    cases["ten nearest"]["memory"] = peak_memory()
    return cases


def lancedb_asks(job: Job) -> Cases:
    """Filtered before the search, nothing indexed."""
    import lancedb
    import numpy as np
    import pyarrow as pa

    from benchmarks.suite.vectors import K, asked, masks

    unit, allowed = np.load(job.stage / "units.npy"), masks(job)
    columns = {f"f{number}": pa.array(mask) for number, mask in enumerate(allowed.values())}
    vectors = pa.FixedSizeListArray.from_arrays(unit.ravel(), unit.shape[1])
    rows = pa.table({"id": np.arange(len(unit)), "vector": vectors, **columns})
    table = lancedb.connect(job.own / "lance").create_table("v", rows)

    def search(query: Any, number: int | None) -> Any:
        found = table.search(query).distance_type("cosine")
        if number is not None:
            found = found.where(f"f{number}", prefilter=True)
        return found.limit(K).select(["id"]).to_arrow()["id"].to_pylist()

    cases = {"ten nearest, exact": asked(job, "all", lambda query: search(query, None))}
    for number, name in enumerate(allowed):
        cases[name] = asked(job, name, lambda query, number=number: search(query, number))
    return cases


def sqlite_vec_asks(job: Job) -> Cases:
    """Filtered before the search, in memory."""
    import numpy as np
    import pysqlite3
    import sqlite_vec

    from benchmarks.suite.vectors import K, asked, masks

    unit, allowed = np.load(job.stage / "units.npy"), masks(job)
    database = pysqlite3.connect(":memory:")
    database.enable_load_extension(True)
    sqlite_vec.load(database)
    declared = ", ".join(f"f{number} boolean" for number in range(len(allowed)))
    database.execute(
        f"CREATE VIRTUAL TABLE v USING vec0(vector float[512] distance_metric=cosine, {declared})"
    )
    marks = ", ".join("?" * (len(allowed) + 2))
    columns = np.array(list(allowed.values())).T.astype(int).tolist()
    database.executemany(
        f"INSERT INTO v(rowid, vector, {', '.join(f'f{number}' for number in range(len(allowed)))}) VALUES ({marks})",
        ((row, unit[row].tobytes(), *flags) for row, flags in enumerate(columns)),
    )

    def search(query: Any, more: str) -> list[int]:
        statement = f"SELECT rowid FROM v WHERE vector MATCH ? AND k = {K}{more}"
        return [row for (row,) in database.execute(statement, [query.tobytes()])]

    cases = {"ten nearest, exact": asked(job, "all", lambda query: search(query, ""))}
    for number, name in enumerate(allowed):
        cases[name] = asked(job, name, lambda query, number=number: search(query, f" AND f{number} = 1"))
    return cases


WAYS = (
    way("usearch, f16", usearch_builds, usearch_asks),
    way("hnswlib", hnswlib_builds, hnswlib_asks, peer="hnswlib"),
    way("faiss, IVF", faiss_builds, faiss_asks, peer="faiss"),
    way("LanceDB", lancedb_asks, peer="lancedb", most=100_000),
    way("sqlite-vec", sqlite_vec_asks, peer="sqlite-vec", most=100_000),
)
