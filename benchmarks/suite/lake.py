"""A lake of metadata: registering, three conditions with sort, page and count, five facets, memory and disk, by size."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from benchmarks.house.measuring import disk, peak_memory, repeated, timed
from benchmarks.house.records import (
    FACETS,
    SHARES,
    WEATHER,
    batches,
    facets_answer,
    name,
    page_answer,
    records,
    url,
    width,
)
from benchmarks.house.shape import Benchmark, Cases, Job, way
from benchmarks.suite import lake_databases, lake_datasets

INSERT = (
    "INSERT INTO items (uuid, folder_id, name, url, kind, media_type, size, width, height, frame_count, "
    "facts, metadata, created_at, updated_at, created_by) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)


def workspace_for(directory: Any, *, discover: bool = False) -> Any:
    """A workspace with the keys of the records and the folder A."""
    import heron

    workspace = heron.open(directory, discover=discover)
    with workspace.schema.edit() as schema:
        schema.add_scalar("share", "number")
        schema.add_scalar("captured_at", "datetime")
        schema.add_scalar("dark", "boolean")
        schema.add_enum("weather", WEATHER)
        schema.add_scalar("city", "varchar")
        schema.add_scalar("shot", "uuid")
    workspace.folders.create("A")
    return workspace


def heron_registers(job: Job) -> Cases:
    """The Python API, with facts that are given."""
    import heron

    with workspace_for(job.own) as workspace:
        items = (
            heron.NewItem(
                url=url(number),
                facts=heron.MediaFacts("image", "image/jpeg", width(number), 768, frame_count=1),
                size=100_000 + number,
                metadata=metadata,
            )
            for number, metadata in records(job.size)
        )
        took = timed(lambda: workspace.registration.register(items, "A"))
        assert workspace.items.count() == job.size
        took["memory"] = peak_memory()
    columns = disk(job.own / ".heron" / "columns")
    return {
        "registering": {
            **took,
            "count": job.size,
            "disk": disk(job.own),
            **({"columns": columns} if columns else {}),
        }
    }


def heron_asks(job: Job) -> Cases:
    """Opening, and the queries as users write them."""
    opened: list[Any] = []

    def opening() -> None:
        import heron

        opened.append(heron.open(job.own, discover=False))

    cases = {"opening": timed(opening)}
    [workspace] = opened

    def page(share: float) -> Callable[[], str]:
        where = f"share < {share} AND width >= 1000 AND city LIKE 'city%'"

        def work() -> str:
            items = workspace.search(where=where, sort="-captured_at", limit=100)
            return page_answer([item.name for item in items], workspace.search.count(where=where))

        return work

    def facets(share: float) -> Callable[[], str]:
        def work() -> str:
            found = workspace.facets(",".join(FACETS), where=f"share < {share}", most=100)
            return facets_answer(
                {facet.name: [part.count for part in facet.buckets if part.count] for facet in found}
            )

        return work

    cases["first query"] = timed(page(0.01))
    return cases | asked(page, facets)


def sqlite_registers(job: Job) -> Cases:
    """sqlite3.executemany alone, into a file with the same tables and indexes."""
    import sqlite3

    import orjson

    workspace_for(job.own).close()
    connection = sqlite3.connect(job.own / ".heron" / "catalog.db")
    connection.execute("PRAGMA synchronous = NORMAL")
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    moment = "2026-01-01T00:00:00.000000Z"
    rows = (
        (
            f"01a1fc87-{number >> 16:04x}-7000-8000-{number:012x}", 1, name(number), url(number), "image", "image/jpeg",
            100_000 + number, width(number), 768, 1, "{}", orjson.dumps(metadata).decode(), moment, moment, "owner",
        )
        for number, metadata in records(job.size)
    )  # fmt: skip

    def load() -> None:
        while batch := list(islice(rows, 5000)):
            with connection:
                connection.executemany(INSERT, batch)

    took = timed(load)
    connection.close()
    return {"registering": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}}


def sqlite_asks(job: Job) -> Cases:
    """SQL by hand on that file."""
    import json
    import sqlite3

    connection = sqlite3.connect(job.own / ".heron" / "catalog.db")
    values = {key: f"json_extract(metadata, '$.{key}')" for key in FACETS} | {"width": "width"}
    values["captured_at"] = f"substr({values['captured_at']}, 1, 7)"

    def page(share: float) -> Callable[[], str]:
        where = (
            f"json_extract(metadata, '$.share') < {share} AND width >= 1000 "
            "AND json_extract(metadata, '$.city') LIKE 'city%'"
        )

        def work() -> str:
            rows = connection.execute(
                f"SELECT id, uuid, name, url, kind, width, height, facts, metadata FROM items WHERE {where} "
                "ORDER BY json_extract(metadata, '$.captured_at') DESC NULLS LAST, id LIMIT 100"
            ).fetchall()
            found = [(*row, json.loads(row[-1])) for row in rows]
            [(count,)] = connection.execute(f"SELECT count(*) FROM items WHERE {where}")
            return page_answer([row[2] for row in found], count)

        return work

    def facets(share: float) -> Callable[[], str]:
        def work() -> str:
            found = {}
            for key, value in values.items():
                statement = f"SELECT count(*) FROM items WHERE json_extract(metadata, '$.share') < {share} GROUP BY {value}"
                found[key] = [count for (count,) in connection.execute(statement)]
            return facets_answer(found)

        return work

    return asked(page, facets)


def polars_writes(job: Job) -> Cases:
    """Arrow IPC files of 200,000 rows, made of lists of values."""
    import polars as pl

    def load() -> None:
        for number, columns in enumerate(batches(job.size, 200_000)):
            pl.DataFrame(columns).write_ipc(job.own / f"{number:03}.arrow")

    took = timed(load)
    return {"registering": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}}


def polars_asks(job: Job) -> Cases:
    """Polars over these files, mapped; a page is made of names, items are not fetched."""
    import polars as pl

    lake = pl.concat([pl.read_ipc(path).lazy() for path in sorted(job.own.glob("*.arrow"))])

    def page(share: float) -> Callable[[], str]:
        found = lake.filter(
            (pl.col("share") < share) & (pl.col("width") >= 1000) & pl.col("city").str.contains("(?i)^city")
        )
        newest = found.select("name", "captured_at").sort("captured_at", descending=True).head(100)

        def work() -> str:
            names, count = pl.collect_all([newest.select("name"), found.select(pl.len())])
            return page_answer(names["name"].to_list(), count.item())

        return work

    def facets(share: float) -> Callable[[], str]:
        found = lake.filter(pl.col("share") < share)
        keys = {key: pl.col(key) for key in FACETS} | {"captured_at": pl.col("captured_at").dt.month()}
        queries = [found.group_by(key).agg(pl.len().alias("rows")) for key in keys.values()]

        def work() -> str:
            frames = pl.collect_all(queries)
            return facets_answer(
                {key: frame["rows"].to_list() for key, frame in zip(keys, frames, strict=True)}
            )

        return work

    return asked(page, facets)


Asks = Callable[[float], Callable[[], str]]


def asked(page: Asks, facets: Asks | None) -> Cases:
    """Medians of the page with its count under each condition, and of five facets."""
    cases: Cases = {}
    for kind, make, shares in (
        ("three conditions", page, tuple(SHARES)),
        ("five facets", facets, ("30 %", "1 %")),
    ):
        for share in shares if make else ():
            took, answer = repeated(make(SHARES[share]), 5)
            cases[f"{kind}, {share}"] = {**took, "memory": peak_memory(), "answer": answer}
    return cases


BENCHMARK = Benchmark(
    name="lake",
    title="A lake of {size} items with six metadata values",
    unit="items",
    about="""
Items are registered with facts that are given: no file is read. Then three conditions (one on a number that decides, one on
the width, one `LIKE`) give a page of 100, sorted by time, and the count; and five facets are counted under the first condition. All
ways have to give the same names and counts. The bare loader of SQLite writes the same columns and keeps the same indexes,
with its values neither checked nor normalised. Polars, over its own Arrow files, finds names only; Heron reads the items of the page.
Below 20,000 items Heron has no columns, and SQLite answers; from then on a program that asks many queries uses them, and from
200,000 on every program: they are written while items land. Targets: registering at 0.5 of the bare loader; a query at most
twice the time of Polars and 5 ms.
""",
    ways=(
        way("Heron", heron_registers, heron_asks),
        way("sqlite3 alone", sqlite_registers, sqlite_asks),
        way("Polars alone", polars_writes, polars_asks, needs=("polars",)),
        *lake_databases.WAYS,
        *lake_datasets.WAYS,
    ),
    references={"": "Polars alone", "registering": "sqlite3 alone"},
    sizes={"tiny": 300, "small": 10_000, "full": 1_000_000},
    single_from=300_000,
    extras={"columns": "MB of it columns"},
)
