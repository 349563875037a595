"""Importing a JSON manifest with facts and six metadata values an entry, beside a bare loader of the same file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import disk, peak_memory, timed
from benchmarks.house.records import name, records, url, width
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way
from benchmarks.suite.lake import INSERT, workspace_for


def write_manifest(stage: Path, size: int) -> None:
    """A manifest of images with their facts and metadata, some 500 bytes an entry."""
    import orjson

    with (stage / "manifest.json").open("wb") as stream:
        stream.write(b'{"images": [')
        for number, metadata in records(size):
            entry = {
                "objectUrl": url(number),
                "title": name(number),
                "clientMetadata": metadata,
                "imageMetadata": {
                    "mimeType": "image/jpeg", "fileSize": 100_000 + number, "width": width(number), "height": 768,
                },
            }  # fmt: skip
            stream.write((b",\n" if number else b"\n") + orjson.dumps(entry))
        stream.write(b"\n]}\n")


def heron_imports(**options: Any) -> Step:
    """The Python API, with the options of the import."""

    def step(job: Job) -> Cases:
        with workspace_for(job.own, discover=True) as workspace:
            took = timed(
                lambda: workspace.ingest.manifest(job.stage / "manifest.json", folder="A", **options)
            )
            assert workspace.items.count() == job.size
        return {"": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}}

    return step


def bare(job: Job) -> Cases:
    """orjson and sqlite3.executemany alone."""
    import sqlite3

    import orjson

    workspace_for(job.own).close()
    connection = sqlite3.connect(job.own / ".heron" / "catalog.db")
    connection.execute("PRAGMA synchronous = NORMAL")
    moment = "2026-01-01T00:00:00.000000Z"

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, entry in enumerate(orjson.loads((job.stage / "manifest.json").read_bytes())["images"]):
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

    took = timed(load)
    [(count,)] = connection.execute("SELECT count(*) FROM items")
    assert count == job.size
    connection.close()
    return {"": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}}


BENCHMARK = Benchmark(
    name="manifest",
    title="A manifest of {size} entries with facts and six metadata values",
    unit="entries",
    about="""
The loader reads the whole file at once and checks nothing; Heron reads it as a stream, names the place of every fault, brings
URLs to one form and checks metadata against the schema. Target: at least 0.5 of the loader, under 400 MB.
""",
    prepare=write_manifest,
    ways=(
        way("Heron, --ignore-errors", heron_imports(ignore_errors=True)),
        way("Heron, all or nothing", heron_imports()),
        way("Heron, --skip-duplicates", heron_imports(ignore_errors=True, skip_duplicates=True)),
        way("bare orjson and executemany", bare),
    ),
    references={"": "bare orjson and executemany"},
    sizes={"tiny": 100, "small": 10_000, "full": 1_000_000},
    single_from=300_000,
)
