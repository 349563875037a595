"""Importing JPEGs with thumbnails by executors: one worker process, two, threads, and a Dask cluster of two workers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from benchmarks.house.measuring import disk, peak_memory, timed
from benchmarks.house.pictures import write_jpegs
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way


def imported(root: Path, files: list[Path], executor: str) -> None:
    """An import with thumbnails into a new workspace."""
    import heron

    shutil.rmtree(root, ignore_errors=True)
    with heron.open(root, discover=executor.startswith("dask")) as workspace:
        report = workspace.ingest.files(files, folder="A", thumbnails=True, executor=executor)
        assert (report.added, report.failed) == (len(files), 0), report


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a scheduler with two workers, which are processes of this machine."""
    from heron_executor_dask.testing import Cluster

    found = Cluster(2)
    try:
        yield f"dask://{found.address}"
    finally:
        found.stop()


def by(executor: str) -> Step:
    """An import by an executor, after one of few files, so that everything is imported."""

    def step(job: Job) -> Cases:
        files = sorted(job.stage.glob("*.jpg"))
        with cluster() if executor == "dask" else nullcontext(executor) as name:
            imported(job.own / "warm", files[:130], name)
            took = timed(lambda: imported(job.own / "lake", files, name))
        return {
            "importing": {
                **took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own / "lake")
            }
        }  # fmt: skip

    return step


BENCHMARK = Benchmark(
    name="executors",
    title="Importing {size} JPEGs of some 1024x768 with thumbnails, by executors",
    unit="files",
    about="""
Each way imports the same files with facts, thumbnails and metrics: `--executor processes:1` and so on. Look at the rate in wall
time, which is what workers are for; it tells something only if as many cores are free. The time to start worker processes counts; the
cluster of Dask runs already, on the same machine, and the processor time of its workers counts where the system tells it.
Targets, in wall time: two processes at least 1.7 of one; Dask with two workers at least 0.8 of two processes.
""",
    prepare=write_jpegs,
    ways=(
        way("Heron, processes:1", by("processes:1")),
        way("Heron, processes:2", by("processes:2")),
        way("Heron, threads:2", by("threads:2")),
        way("Heron, Dask with two workers", by("dask"), needs=("distributed",)),
    ),
    references={"": "Heron, processes:1"},
    sizes={"tiny": 20, "small": 1_000, "full": 5_000},
)
