"""How long another writer waits while a strict import and datasets land: `python -m benchmarks.locks --entries 250000 --members 500000`.

A second process writes again and again, and keeps the longest of its waits. Times are those of the machine as it is; processor
seconds of the longest transaction are said beside, which other programs change less.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import heron
from benchmarks.suite.lake import workspace_for
from benchmarks.suite.manifest import write_manifest
from heron.catalog.database import Database

OTHER = """
import sys, time
from pathlib import Path
from heron.catalog.database import Database
database = Database(Path(sys.argv[1]), busy_seconds=3600)
longest, count = 0.0, 0
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    begin = time.perf_counter()
    database.execute("UPDATE folders SET description = description WHERE id = 1")
    longest, count = max(longest, time.perf_counter() - begin), count + 1
    time.sleep(0.02)
print(longest, count)
"""


class Locks:
    """The longest transaction of this process since it was last asked, in seconds and processor seconds."""

    def __init__(self) -> None:
        self.longest = (0.0, 0.0)
        write = Database.write

        @contextmanager
        def watched(database: Database) -> Iterator[None]:
            is_outer = not database.is_writing
            with write(database):
                begin = time.perf_counter(), time.process_time()
                yield
            if is_outer:
                self.longest = max(
                    self.longest, (time.perf_counter() - begin[0], time.process_time() - begin[1])
                )

        Database.write = watched  # type: ignore[method-assign]


def measured(name: str, directory: Path, locks: Locks, work: Callable[[], object]) -> None:
    """Do the work beside a second process that writes, and print how long that waited."""
    end = directory.parent / "end"
    end.unlink(missing_ok=True)
    command = [sys.executable, "-c", OTHER, str(directory), str(end)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        locks.longest = (0.0, 0.0)
        begin = time.perf_counter(), time.process_time()
        try:
            work()
        finally:
            took = time.perf_counter() - begin[0], time.process_time() - begin[1]
            end.touch()
        longest, count = other.stdout.read().split()
    wall, cpu = locks.longest
    print(
        f"{name}: {took[0]:.1f} s ({took[1]:.1f} CPU s); the other wrote {int(count):,} times and waited at most "
        f"{float(longest):.2f} s; longest transaction {wall:.2f} s ({cpu:.2f} CPU s)",
        flush=True,
    )


def main() -> None:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=250_000)
    parser.add_argument("--members", type=int, default=500_000)
    given = parser.parse_args()
    locks = Locks()
    with tempfile.TemporaryDirectory() as place, workspace_for(Path(place), discover=True) as workspace:
        directory = Path(place) / ".heron"
        write_manifest(Path(place), given.entries)
        workspace.folders.create("Other")

        def strict(folder: str) -> None:
            workspace.ingest.manifest(Path(place) / "manifest.json", folder=folder)

        measured(f"strict import of {given.entries:,} entries", directory, locks, lambda: strict("A"))
        register(workspace, given.members - given.entries)
        measured(
            f"dataset with a backing folder of {given.members:,} items",
            directory,
            locks,
            lambda: workspace.datasets.create("Backed", backing_folder="A"),
        )
        items = [item.uuid for item in workspace.items.stream(folder="A")]
        measured(
            f"dataset of {len(items):,} items",
            directory,
            locks,
            lambda: workspace.datasets.create("Given", items=items),
        )


def register(workspace: heron.Workspace, count: int) -> None:
    """Add so many items more to the folder of the import."""
    facts = heron.MediaFacts("image", "image/jpeg", 1, 1)
    new = (heron.NewItem(f"s3://more/{number:08}.jpg", facts) for number in range(count))
    workspace.registration.register(new, "A")


if __name__ == "__main__":
    main()
