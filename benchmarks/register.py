"""Registering items with given facts and six metadata values, beside a bare sqlite3.executemany loader.

Both write the same columns into the same tables with the same indexes. Run: python benchmarks/register.py [ROWS]
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from measure import in_fresh_process, median, peak_memory_mb, table, timed

START = datetime(2026, 1, 1, tzinfo=UTC)
WEATHER = ["sun", "rain", "fog", "snow"]
CITIES = ["Algiers", "Oslo", "Lisbon", "Lima", "Osaka", "Quito"]


def values(count: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The metadata of each item, the same for both loaders."""
    random.seed(7)
    for number in range(count):
        yield (
            number,
            {
                "dark": number % 3 == 0,
                "captured_at": (START + timedelta(seconds=number)).isoformat(),
                "temperature": random.random() * 40,
                "shot": str(uuid.UUID(int=random.getrandbits(128), version=4)),
                "city": CITIES[number % 6],
                "weather": WEATHER[number % 4],
            },
        )


INSERT = (
    "INSERT INTO items (uuid, folder_id, name, url, kind, media_type, size, width, height, frame_count, "
    "facts, metadata, created_at, updated_at, created_by) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)


def prepare(directory: str, *, discover: bool = False) -> Any:
    """A workspace with the schema and the folder."""
    import heron

    workspace = heron.open(directory, discover=discover)
    with workspace.schema.edit() as schema:
        schema.add_scalar("dark", "boolean")
        schema.add_scalar("captured_at", "datetime")
        schema.add_scalar("temperature", "number")
        schema.add_scalar("shot", "uuid")
        schema.add_scalar("city", "varchar")
        schema.add_enum("weather", WEATHER)
    workspace.folders.create("A")
    return workspace


def ours(count: int) -> dict[str, float]:
    """Through the Python API."""
    import heron

    with tempfile.TemporaryDirectory() as directory, prepare(directory) as workspace:
        items = (
            heron.NewItem(
                url=f"s3://bucket/{number // 1000:04}/{number:07}.jpg",
                facts=heron.MediaFacts(
                    kind="image", media_type="image/jpeg", width=1024, height=768, frame_count=1
                ),
                size=100_000 + number,
                metadata=metadata,
            )
            for number, metadata in values(count)
        )
        wall, processor = timed(lambda: workspace.registration.register(items, "A"))
        assert workspace.items.count() == count
    return {"wall": wall, "processor": processor, "memory": peak_memory_mb()}


def bare(count: int) -> dict[str, float]:
    """By sqlite3.executemany alone, into a file with the same tables and indexes."""
    with tempfile.TemporaryDirectory() as directory:
        prepare(directory).close()
        connection = sqlite3.connect(Path(directory) / ".heron" / "catalog.db")
        connection.execute("PRAGMA synchronous = NORMAL")
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        moment = "2026-01-01T00:00:00.000000Z"

        def rows() -> Iterator[tuple[Any, ...]]:
            for number, metadata in values(count):
                name = f"{number:07}.jpg"
                yield (
                    f"01a1fc87-{number >> 16:04x}-7000-8000-{number:012x}", 1, name,
                    f"s3://bucket/{number // 1000:04}/{name}", "image", "image/jpeg", 100_000 + number, 1024, 768, 1,
                    "{}", orjson.dumps(metadata).decode(), moment, moment, "owner",
                )  # fmt: skip

        def load() -> None:
            stream = rows()
            from itertools import islice

            while batch := list(islice(stream, 5000)):
                with connection:
                    connection.executemany(INSERT, batch)

        wall, processor = timed(load)
        connection.close()
    return {"wall": wall, "processor": processor, "memory": peak_memory_mb()}


def main(count: int, runs: int = 3) -> None:
    """Run both in turn, each in a process of its own."""
    results: dict[str, list[dict[str, float]]] = {"bare": [], "ours": []}
    for _ in range(runs):
        for name in results:
            results[name].append(in_fresh_process(__file__, name, str(count)))
    mid = {
        name: {key: median([run[key] for run in found]) for key in found[0]}
        for name, found in results.items()
    }
    table(
        f"Registering {count:,} items with six metadata values",
        ["loader", "rows/s (wall)", "rows per CPU s", "peak memory", "ratio to bare (CPU)"],
        [
            [
                {"bare": "bare sqlite3.executemany", "ours": "Heron, Python API"}[name],
                f"{count / m['wall']:,.0f}",
                f"{count / m['processor']:,.0f}",
                f"{m['memory']:,.0f} MB",
                f"{mid['bare']['processor'] / m['processor']:.2f}",
            ]
            for name, m in mid.items()
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps({"bare": bare, "ours": ours}[sys.argv[1]](int(sys.argv[2]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
