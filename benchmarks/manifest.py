"""Importing a JSON manifest with facts and six metadata values an entry, beside a bare loader of the same file.

The loader reads the whole file with orjson and inserts with sqlite3.executemany, into a file with the same tables and
indexes, with nothing checked. Run: python benchmarks/manifest.py [ENTRIES]
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from measure import in_fresh_process, median, peak_memory_mb, table, timed
from register import INSERT, prepare, values


def write_manifest(path: Path, count: int) -> None:
    """A manifest of images with their facts and metadata, some 500 bytes an entry."""
    with path.open("wb") as stream:
        stream.write(b'{"images": [')
        for number, metadata in values(count):
            entry = {
                "objectUrl": f"s3://bucket/{number // 1000:04}/{number:07}.jpg",
                "title": f"{number:07}.jpg",
                "clientMetadata": metadata,
                "imageMetadata": {
                    "mimeType": "image/jpeg", "fileSize": 100_000 + number, "width": 1024, "height": 768,
                },
            }  # fmt: skip
            stream.write((b",\n" if number else b"\n") + orjson.dumps(entry))
        stream.write(b"\n]}\n")


def ours(count: int, file: Path, **options: Any) -> dict[str, float]:
    """Through the Python API."""
    with tempfile.TemporaryDirectory() as directory, prepare(directory, discover=True) as workspace:
        wall, processor = timed(lambda: workspace.ingest.manifest(file, folder="A", **options))
        assert workspace.items.count() == count
    return {"wall": wall, "processor": processor, "memory": peak_memory_mb()}


def bare(count: int, file: Path) -> dict[str, float]:
    """By orjson and sqlite3.executemany alone."""
    with tempfile.TemporaryDirectory() as directory:
        prepare(directory).close()
        connection = sqlite3.connect(Path(directory) / ".heron" / "catalog.db")
        connection.execute("PRAGMA synchronous = NORMAL")
        moment = "2026-01-01T00:00:00.000000Z"

        def rows() -> Iterator[tuple[Any, ...]]:
            for number, entry in enumerate(orjson.loads(file.read_bytes())["images"]):
                facts = entry["imageMetadata"]
                yield (
                    f"01a1fc87-{number >> 16:04x}-7000-8000-{number:012x}", 1, entry["title"], entry["objectUrl"],
                    "image", facts["mimeType"], facts["fileSize"], facts["width"], facts["height"], 1,
                    "{}", orjson.dumps(entry["clientMetadata"]).decode(), moment, moment, "owner",
                )  # fmt: skip

        def load() -> None:
            stream = rows()
            while batch := list(islice(stream, 5000)):
                with connection:
                    connection.executemany(INSERT, batch)

        wall, processor = timed(load)
        assert connection.execute("SELECT count(*) FROM items").fetchone()[0] == count
        connection.close()
    return {"wall": wall, "processor": processor, "memory": peak_memory_mb()}


RUNS = {
    "bare orjson and executemany": bare,
    "Heron, --ignore-errors": lambda count, file: ours(count, file, ignore_errors=True),
    "Heron, all or nothing": ours,
    "Heron, --skip-duplicates": lambda count, file: ours(
        count, file, ignore_errors=True, skip_duplicates=True
    ),
}


def main(count: int, runs: int = 3) -> None:
    """Run all in turn, each in a process of its own."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in RUNS}
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "manifest.json"
        write_manifest(file, count)
        for _ in range(runs):
            for name in RUNS:
                results[name].append(in_fresh_process(__file__, name, str(count), str(file)))
    middle = {
        name: {key: median([run[key] for run in found]) for key in found[0]}
        for name, found in results.items()
    }
    reference = middle["bare orjson and executemany"]
    table(
        f"A manifest of {count:,} entries with facts and six metadata values",
        ["loader", "entries/s (wall)", "entries per CPU s", "peak memory", "ratio to bare (CPU)", "(wall)"],
        [
            [
                name,
                f"{count / m['wall']:,.0f}",
                f"{count / m['processor']:,.0f}",
                f"{m['memory']:,.0f} MB",
                f"{reference['processor'] / m['processor']:.2f}",
                f"{reference['wall'] / m['wall']:.2f}",
            ]
            for name, m in middle.items()
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(RUNS[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
