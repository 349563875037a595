"""Exports of a dataset: JSON, CSV and Parquet beside bare loops over the same rows, and copies of files beside `cp -r`."""

from __future__ import annotations

import csv
import hashlib
import random
import sqlite3
import subprocess
from collections.abc import Generator, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import peak_memory, timed
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way

FILE_BYTES = 60_000
BUNDLE = 1000
KEYS = ("weather", "city", "dark", "score", "seen", "temperature")
EMPTY = ("frame_count", "fps", "duration", "codec", "sample_rate", "channels", "pages")
"""Columns of the table that these items do not fill."""


def make_lakes(stage: Path, size: int) -> None:
    """A catalogue of `size` items with facts and six metadata values, and one of a hundredth as many files; each with a dataset."""
    import heron
    from heron import MediaFacts, NewItem

    rng = random.Random(13)
    facts = MediaFacts("image", "image/jpeg", width=1024, height=768, captured_at="2026-01-31T12:00:00Z")

    def metadata(number: int) -> dict[str, Any]:
        seen = f"2026-{number % 12 + 1:02}-01T00:00:00.000000Z"
        values = (
            rng.choice(["sun", "rain"]),
            f"city {number % 50}",
            number % 2 == 0,
            rng.uniform(0.01, 1),
            seen,
            rng.uniform(1, 35),
        )
        return dict(zip(KEYS, values, strict=True))

    with heron.open(stage / "lake") as workspace:
        for key, kind in zip(
            KEYS, ("varchar", "varchar", "boolean", "number", "datetime", "number"), strict=True
        ):
            workspace.schema.add_scalar(key, kind)
        items = (NewItem(f"s3://lake/{n:07}.jpg", facts, size=9, metadata=metadata(n)) for n in range(size))
        workspace.registration.register(items, "A")
        workspace.datasets.create("all", items=workspace.items.stream())
    for number in range(max(10, size // 100)):
        path = stage / "files" / f"{number // 1000:03}" / f"{number:07}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(FILE_BYTES))
    with heron.open(stage / "of-files") as workspace:
        for folder in sorted((stage / "files").iterdir()):
            kept = [
                NewItem(file.as_uri(), MediaFacts("other", "application/octet-stream"), size=FILE_BYTES)
                for file in sorted(folder.iterdir())
            ]
            workspace.registration.register(kept, f"files/{folder.name}")
        workspace.datasets.create("all", items=workspace.items.stream())


def by_heron(format: str) -> Step:
    """One export, in a workspace that is open."""

    def step(job: Job) -> Cases:
        import heron

        lake, out = "of-files" if format == "copies" else "lake", job.own / f"out-{format}"
        with heron.open(job.stage / lake) as workspace:
            count = workspace.datasets.get("all").row_count
            if workspace.datasets.find("one") is None:
                workspace.datasets.create("one", items=workspace.items.list(limit=1))
            workspace.export("one", job.own / f"warm-{format}", format=format)
            took = timed(lambda: workspace.export("all", out, format=format))
        return {
            NAMES[format]: {**took, "count": count, "memory": peak_memory(), "answer": answer(format, out)}
        }

    return step


def bare(format: str, *, at_hand: bool) -> Step:
    """What somebody would write by hand for these items: SELECT, then orjson, csv or PyArrow; or only the latter."""

    def step(job: Job) -> Cases:
        out = job.own / f"bare-{format}"
        warm(format, job)
        rows = [*selected(job.stage)] if at_hand else selected(job.stage)
        took = timed(lambda: WRITERS[format](rows, out))
        return {
            NAMES[format]: {**took, "count": job.size, "memory": peak_memory(), "answer": answer(format, out)}
        }

    return step


def warm(format: str, job: Job) -> None:
    """Write a few rows, so that what has to be imported is there."""
    rows = selected(job.stage)
    WRITERS[format]([next(rows)], job.own / f"warm-{format}")
    rows.close()


def selected(stage: Path) -> Generator[list[dict[str, Any]], None, None]:
    """The rows of the dataset as dictionaries, some at a time."""
    import orjson

    connection = sqlite3.connect(f"{(stage / 'lake/.heron/catalog.db').as_uri()}?mode=ro", uri=True)
    names = (
        "uuid",
        "name",
        "folder",
        "path",
        "url",
        "size",
        "kind",
        "media_type",
        "width",
        "height",
        "captured_at",
    )
    rows = connection.execute(
        "SELECT items.uuid, items.name, folders.path, url, url, size, kind, media_type, width, height, captured_at, facts, "
        "items.metadata, items.created_at, items.updated_at, stores.name FROM dataset_rows JOIN items ON items.id = item_id "
        "JOIN folders ON folders.id = folder_id LEFT JOIN stores ON stores.id = store_id WHERE dataset_id = 1 ORDER BY dataset_rows.id"
    )
    position = 0
    while bundle := rows.fetchmany(BUNDLE):
        found = []
        for *values, facts, metadata, created, updated, store in bundle:
            found.append(
                {"position": position, **dict(zip(names, values)), "facts": orjson.loads(facts), "metadata": orjson.loads(metadata),  # noqa: B905
                 "tags": [], "created_at": created, "updated_at": updated, "store": store}
            )  # fmt: skip
            position += 1
        yield found


def as_json(rows: Iterable[list[dict[str, Any]]], out: Path) -> None:
    """JSON lines."""
    import orjson

    with out.open("wb") as stream:
        for bundle in rows:
            for row in bundle:
                stream.write(orjson.dumps(row))
                stream.write(b"\n")


def as_csv(rows: Iterable[list[dict[str, Any]]], out: Path) -> None:
    """The columns that Heron writes, also those without values."""
    with out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        known = ("position", "uuid", "name", "path", "url", "size", "kind", "media_type", "width", "height")
        writer.writerow([*known, *EMPTY, "captured_at", *(f"metadata.{key}" for key in KEYS), "tags"])
        nothing = [""] * len(EMPTY)
        for bundle in rows:
            for row in bundle:
                values = row["metadata"]
                dark = "true" if values["dark"] else "false"
                cells = (dark if key == "dark" else values[key] for key in KEYS)
                writer.writerow([*(row[name] for name in known), *nothing, row["captured_at"], *cells, ""])


def as_parquet(rows: Iterable[list[dict[str, Any]]], out: Path) -> None:
    """Typed columns, in row groups of 16,000."""
    import pyarrow as pa
    from pyarrow import parquet

    moment = pa.timestamp("us", "UTC")
    texts = [(name, pa.string()) for name in ("uuid", "name", "folder", "path", "url", "kind", "media_type")]
    numbers = [(name, pa.int64()) for name in ("position", "size", "width", "height")]
    of_keys = {"dark": pa.bool_(), "score": pa.float64(), "temperature": pa.float64(), "seen": moment}
    keys = [(f"metadata.{key}", of_keys.get(key, pa.string())) for key in KEYS]
    schema = pa.schema(
        [*numbers, *texts, *((name, moment) for name in ("captured_at", "created_at", "updated_at")), *keys]
    )

    def batch(given: list[dict[str, Any]]) -> Any:
        columns = []
        for field in schema:
            key = field.name.removeprefix("metadata.")
            values = (
                [row["metadata"][key] for row in given] if key != field.name else [row[key] for row in given]
            )
            if field.type == moment:
                values = [datetime.fromisoformat(value) for value in values]
            columns.append(pa.array(values, field.type))
        return pa.record_batch(columns, schema=schema)

    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        group: list[dict[str, Any]] = []
        for bundle in rows:
            group += bundle
            if len(group) >= 16 * BUNDLE:
                writer.write_batch(batch(group))
                group = []
        if group:
            writer.write_batch(batch(group))


def answer(format: str, out: Path) -> str:
    """What has to be the same in all ways: the bytes of JSON and CSV, sums over Parquet, the number of copies and their bytes."""
    if format == "parquet":
        import pyarrow.compute as pc
        from pyarrow import parquet

        table = parquet.read_table(out, columns=["uuid", "metadata.score"])
        return f"{table.num_rows} {pc.sum(table.column('metadata.score')).as_py():.6f}"
    if format == "copies":
        files = list(out.rglob("*.bin"))
        return f"{len(files)} {sum(path.stat().st_size for path in files)}"
    with out.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def by_cp(job: Job) -> Cases:
    """Copy the folder."""
    took = timed(
        lambda: subprocess.run(["cp", "-r", job.stage / "files", job.own / "out-copies"], check=True)
    )
    count = max(10, job.size // 100)
    return {NAMES["copies"]: {**took, "count": count, "answer": answer("copies", job.own / "out-copies")}}


NAMES = {"jsonl": "JSON lines", "csv": "CSV", "parquet": "Parquet", "copies": "copies of files"}
WRITERS = {"jsonl": as_json, "csv": as_csv, "parquet": as_parquet}
FORMATS = tuple(WRITERS)

BENCHMARK = Benchmark(
    name="exports",
    title="Exports of {size} items, and copies of a hundredth as many files",
    unit="items",
    about="""
A dataset of items with six metadata values is written as JSON lines, CSV and Parquet. The bare loops know these items: they select only
the columns that have values, neither ask for rights nor for members, frames and tags, and write the same bytes (Parquet: the same
columns that have values). One reads its rows from SQLite as Heron does, the other has them in memory already, and only writes. Copies are of
files of 60 kB, on a local disk. Targets: half as fast as bare loops that read the same rows; copies at 0.9 of `cp -r` in wall time; memory that
does not grow with the dataset.
""",
    prepare=make_lakes,
    ways=(
        way("Heron", *(by_heron(format) for format in (*FORMATS, "copies"))),
        way("bare loops", *(bare(format, at_hand=False) for format in FORMATS), needs=("pyarrow",)),
        way(
            "bare loops, rows in memory",
            *(bare(format, at_hand=True) for format in FORMATS),
            needs=("pyarrow",),
            most=1_000_000,
        ),
        way("cp -r", by_cp, needs=("cp",)),
    ),
    references={**{NAMES[format]: "bare loops" for format in FORMATS}, NAMES["copies"]: "cp -r"},
    sizes={"tiny": 200, "small": 20_000, "full": 1_000_000},
)
