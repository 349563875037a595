"""Importing JPEGs with their facts, beside a bare Pillow loop and programs for datasets, and three conditions on the facts."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import disk, on_one_core, peak_memory, repeated, timed
from benchmarks.house.pictures import write_jpegs
from benchmarks.house.records import page_answer
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way
from benchmarks.suite import images_peers


def look(paths: Sequence[Path]) -> list[tuple[Any, ...]]:
    """Size, format and EXIF of some files, by Pillow."""
    from PIL import Image

    found = []
    for path in paths:
        with Image.open(path) as image:
            exif = image.getexif()
            detail = exif.get_ifd(0x8769)
            found.append((path.stat().st_size, image.size, image.format, dict(exif), dict(detail)))
    return found


def pillow(cores: str) -> Step:
    """A bare loop; over a pool of processes on all cores."""

    def work(directory: Path) -> None:
        paths = sorted(directory.glob("*.jpg"))
        if cores == "one core":
            look(paths)
            return
        with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(look, [paths[start : start + 64] for start in range(0, len(paths), 64)]))

    def step(job: Job) -> Cases:
        if cores == "one core":
            on_one_core()
        look(sorted(job.stage.glob("*.jpg"))[:1])
        took = timed(lambda: work(job.stage))
        return {f"importing, {cores}": {**took, "count": job.size, "memory": peak_memory()}}

    return step


def imported(root: Path, directory: Path, **options: bool) -> None:
    """An import into a new workspace."""
    import heron

    with heron.open(root, discover=False) as workspace:
        report = workspace.ingest.files([directory], folder="A", **options)
        assert report.failed == 0 and report.added == len(list(directory.glob("*.jpg"))), report


def heron_imports(cores: str, **options: bool) -> Step:
    """An import, after one of a single file, so that everything is imported."""

    def step(job: Job) -> Cases:
        if cores == "one core":
            on_one_core()
        with tempfile.TemporaryDirectory(dir=job.own) as warm:
            (Path(warm) / "files").mkdir()
            shutil.copy(next(job.stage.glob("*.jpg")), Path(warm) / "files")
            imported(Path(warm) / "lake", Path(warm) / "files")
        root = job.own / "lake"
        shutil.rmtree(root, ignore_errors=True)
        took = timed(lambda: imported(root, job.stage, **options))
        return {
            f"importing, {cores}": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(root)}
        }

    return step


def heron_asks(job: Job) -> Cases:
    """Three conditions on facts, sorted, a page of 100 and the count."""
    import heron

    with heron.open(job.own / "lake", discover=False) as workspace:
        where = "width >= 1000 AND height > 740 AND height < 765"

        def work() -> str:
            page = workspace.search(where=where, sort="-name", limit=100)
            return page_answer([item.name for item in page], workspace.search.count(where=where))

        took, answer = repeated(work, 5)
    return {"three conditions": {**took, "memory": peak_memory(), "answer": answer}}


def both(make: Callable[..., Step], **options: bool) -> tuple[Step, Step]:
    """On one core, then on all."""
    return make("one core", **options), make("all cores", **options)


BENCHMARK = Benchmark(
    name="images",
    title="Importing {size} JPEGs of some 1024x768 with EXIF",
    unit="files",
    about="""
The bare loop opens each file, reads its size and EXIF, and keeps them in memory; on all cores it is spread over a pool of processes.
Heron also sniffs the format, checks that the file is complete, looks for duplicates and sidecars, and writes the catalogue. Below
10,000 files it stays in one process for facts, for starting workers costs more than it gains. The programs for datasets read width
and height, by as many workers as they choose. Then three conditions on width and height, which 30 % meet, sorted by name, give a page of 100 and the count.
Target: at least 0.8 of the plain loop.
""",
    prepare=write_jpegs,
    ways=(
        way("Heron, facts", *both(heron_imports), heron_asks),
        way("Heron, facts and SHA-256", *both(heron_imports, content_hash=True)),
        way("Heron, facts and thumbnails", *both(heron_imports, thumbnails=True)),
        way("Pillow loop", *both(pillow)),
        *images_peers.WAYS,
    ),
    references={"importing": "Pillow loop", "three conditions": "FiftyOne"},
    sizes={"tiny": 20, "small": 500, "full": 5_000},
)
