"""The cost of a start: `heron --help`, `heron items` and `heron.open`, beside the imports that they need.

Run: python benchmarks/startup.py [RUNS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import median, table

HERON = "import sys; sys.argv = ['heron', *sys.argv[1:]]; from heron.cli.main import run; run()"
WORK = {
    "import click": ["-c", "import click"],
    "heron --help": ["-c", HERON, "--help"],
    "import click, sqlite3": ["-c", "import click, sqlite3"],
    "heron items": ["-c", HERON, "items"],
    "import nothing": ["-c", "pass"],
    "heron.open": ["-c", "import heron; heron.open('.', create=False)"],
}


def cost(arguments: list[str], directory: str) -> float:
    """Processor milliseconds of one call."""
    done = subprocess.Popen([sys.executable, *arguments], cwd=directory, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(done.pid, 0)
    assert status == 0, arguments
    return 1000 * (usage.ru_utime + usage.ru_stime)


def main(runs: int) -> None:
    """Run all in turn, many times."""
    import heron

    with tempfile.TemporaryDirectory() as directory:
        with heron.open(directory, discover=False) as workspace:
            (Path(directory) / "a.txt").write_text("a\n")
            workspace.ingest.files([Path(directory) / "a.txt"], folder="A")
        found: dict[str, list[float]] = {name: [] for name in WORK}
        for _ in range(runs):
            for name, arguments in WORK.items():
                found[name].append(cost(arguments, directory))
    mid = {name: median(values) for name, values in found.items()}
    base = {
        "heron --help": "import click",
        "heron items": "import click, sqlite3",
        "heron.open": "import nothing",
    }
    table(
        f"Start-up, medians of {runs} runs",
        ["command", "CPU ms", "ratio", "more than the import, ms"],
        [
            [name, f"{ms:.0f}", f"{ms / mid[base[name]]:.2f}", f"{ms - mid[base[name]]:.0f}"]
            if name in base
            else [name, f"{ms:.0f}", "", ""]
            for name, ms in mid.items()
        ],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
