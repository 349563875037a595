"""Three conditions, sorted, a page of 100, and the count, beside SQL by hand on the same file and Polars on the same columns.

Run: python benchmarks/query.py [ITEMS]
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import median, table

SELECTIVITIES = {"30 %": 0.30, "1 %": 0.01, "0.01 %": 0.0001}


def make(directory: str, count: int) -> Any:
    """A catalogue whose key `share` is evenly spread over 0 to 1, so that a bound on it sets the selectivity."""
    import heron

    random.seed(3)
    workspace = heron.open(directory, discover=False)
    with workspace.schema.edit() as schema:
        schema.add_scalar("share", "number")
        schema.add_scalar("captured_at", "datetime")
        schema.add_scalar("dark", "boolean")
        schema.add_enum("weather", ["sun", "rain", "fog"])
        schema.add_scalar("city", "varchar")
        schema.add_scalar("temperature", "number")
    workspace.registration.register(
        (
            heron.NewItem(
                url=f"s3://bucket/{number:07}.jpg",
                facts=heron.MediaFacts(kind="image", media_type="image/jpeg", width=1024, height=768),
                metadata={
                    "share": random.random(),
                    "captured_at": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:00:00Z",
                    "dark": number % 2 == 0,
                    "weather": ["sun", "rain", "fog"][number % 3],
                    "city": f"city {number % 100}",
                    "temperature": random.random() * 40,
                },
            )
            for number in range(count)
        ),
        "A",
    )
    return workspace


def by_hand(connection: sqlite3.Connection, bound: float) -> tuple[list[Any], int]:
    """What somebody who knows the tables would write."""
    condition = "json_extract(metadata, '$.share') < ? AND width >= 1000 AND json_extract(metadata, '$.city') LIKE 'city%'"
    rows = connection.execute(
        f"SELECT id, uuid, name, url, kind, width, height, facts, metadata FROM items WHERE {condition} "
        "ORDER BY json_extract(metadata, '$.captured_at') DESC NULLS LAST, id LIMIT 100",
        [bound],
    ).fetchall()
    found = [(*row, json.loads(row[-1])) for row in rows]
    return found, connection.execute(f"SELECT count(*) FROM items WHERE {condition}", [bound]).fetchone()[0]


def by_polars(frames: list[Any], bound: float) -> tuple[list[int], int]:
    """What somebody who knows the columns would write; the items are not fetched."""
    import polars as pl

    condition = (
        (pl.col('["metadata","real","share"]') < bound)
        & (pl.col('["column","whole","width"]') >= 1000)
        & pl.col('["metadata","text","city"]').str.contains("(?i)^city")
    )
    found = pl.concat([frame.lazy() for frame in frames], how="diagonal").filter(condition)
    by = '["metadata","time","captured_at"]'
    page = found.select("id", by).sort([by, "id"], descending=[True, False], nulls_last=True).head(100)
    ids, count = pl.collect_all([page.select("id"), found.select(pl.len())])
    return ids["id"].to_list(), count.item()


def timed(work: Callable[[], Any], runs: int) -> tuple[float, float, Any]:
    """Medians of wall and processor milliseconds, and the last answer."""
    walls, processors = [], []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        answer = work()
        walls.append(1000 * (time.perf_counter() - wall))
        processors.append(1000 * (time.process_time() - processor))
    return median(walls), median(processors), answer


def main(count: int, runs: int = 7) -> None:
    """Measure each selectivity in turn."""
    import polars as pl

    rows = []
    with tempfile.TemporaryDirectory() as directory, make(directory, count) as workspace:
        connection = sqlite3.connect(Path(directory) / ".heron" / "catalog.db")
        workspace.columns.rebuild()
        frames = [pl.read_ipc(path) for path in (Path(directory) / ".heron" / "columns").glob("*.arrow")]
        for name, share in SELECTIVITIES.items():
            where = f"share < {share} AND width >= 1000 AND city LIKE 'city%'"

            def ours(where: str = where) -> tuple[list[Any], int]:
                page = workspace.search(where=where, sort="-captured_at", limit=100)
                return list(page), workspace.search.count(where=where)

            _, hand, (hand_rows, hand_count) = timed(lambda share=share: by_hand(connection, share), runs)
            _, bare, (bare_ids, bare_count) = timed(lambda share=share: by_polars(frames, share), runs)
            wall, cpu, (our_rows, our_count) = timed(ours, runs)
            assert [row[1] for row in hand_rows] == [item.uuid for item in our_rows]
            assert bare_ids == [item.id for item in our_rows]
            assert hand_count == bare_count == our_count
            rows.append(
                [name, f"{our_count:,}", f"{hand:.1f}", f"{bare:.1f}", f"{cpu:.1f}", f"{cpu / bare:.2f}", f"{wall:.1f}"]
            )  # fmt: skip
    table(
        f"Three conditions, sorted, page of 100 and count, {count:,} items, processor ms",
        ["selectivity", "items found", "SQL by hand", "Polars", "Heron", "to Polars", "Heron, wall ms"],
        rows,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
