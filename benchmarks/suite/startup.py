"""The cost of a start: `heron --help`, `heron items` and `heron.open`, beside the imports that they need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.house.measuring import median_of
from benchmarks.house.shape import Benchmark, Cases, Figures, Job, way

HERON = "import sys; sys.argv = ['heron', *sys.argv[1:]]; from heron.cli.main import run; run()"
OURS = {
    "heron --help": ["-c", HERON, "--help"],
    "heron items": ["-c", HERON, "items"],
    "heron.open": ["-c", "import heron; heron.open('.', create=False)"],
}
IMPORTS = {
    "heron --help": ["-c", "import click"],
    "heron items": ["-c", "import click, sqlite3"],
    "heron.open": ["-c", "pass"],
}


def lake(stage: Path, size: int) -> None:
    """A workspace with one item."""
    import heron

    with heron.open(stage, discover=False) as workspace:
        (stage / "a.txt").write_text("a\n")
        workspace.ingest.files([stage / "a.txt"], folder="A")


def started(commands: dict[str, list[str]], job: Job) -> Cases:
    """Medians of many starts of each command, in turn."""
    found: dict[str, list[Figures]] = {name: [] for name in commands}
    for _ in range(job.size):
        for name, arguments in commands.items():
            found[name].append(_start(arguments, job.stage))
    return {name: median_of(figures) for name, figures in found.items()}


def _start(arguments: list[str], directory: Path) -> Figures:
    import time

    start = time.perf_counter()
    done = subprocess.Popen([sys.executable, *arguments], cwd=directory, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(done.pid, 0)
    assert status == 0, arguments
    return {"wall": time.perf_counter() - start, "cpu": usage.ru_utime + usage.ru_stime}


BENCHMARK = Benchmark(
    name="startup",
    title="Start-up, {size} starts of each command",
    unit="starts",
    about="""
The reference is what cannot be avoided: for `heron --help` a Python that imports click, for `heron items` click and sqlite3, for
`heron.open` a Python that imports nothing. Targets: `heron --help` at most 3 times that, `heron items` at most 1.2 times and 60 ms more,
`heron.open` at most 60 ms after `import heron`.
""",
    prepare=lake,
    ways=(
        way("Heron", lambda job: started(OURS, job)),
        way("imports", lambda job: started(IMPORTS, job)),
    ),
    references={"": "imports"},
    sizes={"tiny": 1, "small": 5, "full": 21},
    runs=1,
)
