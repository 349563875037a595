"""The lake in databases of columns: DuckDB and LanceDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.house.measuring import disk, peak_memory, timed
from benchmarks.house.records import FACETS, batches, facets_answer, page_answer
from benchmarks.house.shape import Cases, Job, way


def arrow(columns: dict[str, list[Any]]) -> Any:
    """A batch as an Arrow table."""
    import pyarrow as pa

    return pa.table(columns)


def duckdb_loads(job: Job) -> Cases:
    """A native table, filled from Arrow tables."""
    import duckdb

    connection = duckdb.connect(str(job.own / "lake.duckdb"))

    def load() -> None:
        for number, columns in enumerate(batches(job.size)):
            batch = arrow(columns)  # noqa: F841 - DuckDB finds it by its name
            order = "INSERT INTO items" if number else "CREATE TABLE items AS"
            connection.execute(f"{order} SELECT * FROM batch")
        connection.execute("CHECKPOINT")

    took = timed(load)
    connection.close()
    return {"registering": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}}


def duckdb_asks(job: Job) -> Cases:
    """SQL over the table."""
    import duckdb

    connection = duckdb.connect(str(job.own / "lake.duckdb"), read_only=True)
    values = {key: key for key in FACETS} | {"captured_at": "month(captured_at)"}

    def page(share: float) -> Callable[[], str]:
        where = f"share < {share} AND width >= 1000 AND city ILIKE 'city%'"

        def work() -> str:
            rows = connection.execute(
                f"SELECT * FROM items WHERE {where} ORDER BY captured_at DESC LIMIT 100"
            ).fetchall()
            [(count,)] = connection.execute(f"SELECT count(*) FROM items WHERE {where}").fetchall()
            return page_answer([row[1] for row in rows], count)

        return work

    def facets(share: float) -> Callable[[], str]:
        def work() -> str:
            found = {}
            for key, value in values.items():
                statement = f"SELECT count(*) FROM items WHERE share < {share} GROUP BY {value}"
                found[key] = [count for (count,) in connection.execute(statement).fetchall()]
            return facets_answer(found)

        return work

    return _asked(page, facets)


def lancedb_loads(job: Job) -> Cases:
    """A table filled from Arrow tables, with an index of the number that decides."""
    import lancedb

    database = lancedb.connect(job.own / "lance")

    def load() -> None:
        table = None
        for columns in batches(job.size):
            if table is None:
                table = database.create_table("items", arrow(columns))
            else:
                table.add(arrow(columns))
        table.create_scalar_index("share")

    took = timed(load)
    return {"registering": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}}


def lancedb_asks(job: Job) -> Cases:
    """A filter; LanceDB has no sort and no groups, so Arrow sorts the times of what was found, and counts."""
    import lancedb
    import pyarrow.compute as pc

    table = lancedb.connect(job.own / "lance").open_table("items")

    def page(share: float) -> Callable[[], str]:
        where = f"share < {share} AND width >= 1000 AND city LIKE 'city%'"

        def work() -> str:
            found = table.search().where(where).select(["name", "captured_at"]).limit(job.size).to_arrow()
            newest = found.sort_by([("captured_at", "descending")]).slice(0, 100)
            return page_answer(newest["name"].to_pylist(), table.count_rows(where))

        return work

    def facets(share: float) -> Callable[[], str]:
        def work() -> str:
            query = table.search().where(f"share < {share}").select(list(FACETS)).limit(job.size)
            found = query.to_arrow()
            counts = {key: found[key] for key in FACETS} | {"captured_at": pc.month(found["captured_at"])}
            return facets_answer(
                {key: pc.value_counts(values).field("counts").to_pylist() for key, values in counts.items()}
            )

        return work

    return _asked(page, facets)


def _asked(page: Any, facets: Any) -> Cases:
    from benchmarks.suite.lake import asked

    return asked(page, facets)


WAYS = (
    way("DuckDB", duckdb_loads, duckdb_asks, peer="duckdb"),
    way("LanceDB", lancedb_loads, lancedb_asks, peer="lancedb", most=1_000_000),
)
