"""Builds an index: estimates the time, reports progress, and can run in a background process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from heron.cli.tables import say
from heron.cores import usable_cores
from heron.errors import CatalogueError, HeronError
from heron.inside import child, make_folder, open_file

if TYPE_CHECKING:
    from heron.workspace import Workspace

Advanced = Callable[[int, int], None]
"""Called with the number of rows done and of rows in total."""

_PARTITIONS = (0.00003, 0.00000008)
"""Seconds of a core per vector, and per number of it, measured at 100,000 vectors of 512 and 1,000,000 of 128."""

_GRAPH = (0.00016, 0.00000076)
"""The same of a graph, measured at 131,072 vectors of 64 and of 512 numbers."""

_EVERY = 30.0
"""The seconds between two lines of a log."""

_PATIENCE = 60.0
"""The seconds in which a background process must have started."""


@contextmanager
def building(key: str, size: int, *, graph: bool = False, quiet: bool = False) -> Iterator[Advanced]:
    """Print an estimate, and then the progress: a bar on a terminal, otherwise a line from time to time.

    With `quiet` nothing is printed to standard output. Ctrl-C becomes an error of one line.
    """
    begun = False

    def advanced(done: int, total: int) -> None:
        nonlocal begun
        if not begun:
            begun = True
            say(expectation(total - done, size, graph=graph), err=quiet)
        show(done, total)

    try:
        with _bar(key) if sys.stderr.isatty() else _lines(key) as show:
            yield advanced
    except (KeyboardInterrupt, RuntimeError) as stop:
        if isinstance(stop, RuntimeError) and "terminated" not in str(
            stop
        ):  # usearch reports Ctrl-C like this
            raise
        raise HeronError(
            "interrupted, the saved part of the index is kept",
            hint=f"heron vectors rebuild {key!r} continues",
        ) from None


def expectation(rows: int, size: int, *, graph: bool = False) -> str:
    """An estimate of the time that this machine needs to index `rows` vectors of a size, as a sentence."""
    cores = usable_cores()
    per_vector, per_number = _GRAPH if graph else _PARTITIONS
    seconds = rows * (per_vector + per_number * size) / cores
    return (
        f"Indexing {rows:,} vectors of {size:,} numbers takes about {spoken(seconds)} on {cores} cores. "
        "It can be stopped and continued later; searches work meanwhile."
    )


@contextmanager
def _bar(key: str) -> Iterator[Advanced]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        BarColumn(bar_width=20),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Index of {key}")
        pace = Pace()

        def show(done: int, total: int) -> None:
            bar.update(task, description=f"Index of {key}: {pace(done, total)}", completed=done, total=total)

        yield show


@contextmanager
def _lines(key: str) -> Iterator[Advanced]:
    pace, last = Pace(), 0.0

    def show(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY or not last:
            last = time.monotonic()
            say(f"Index of {key}: {pace(done, total)}", err=True)

    yield show


class Pace:
    """Returns the rate and the time left. Adding a vector takes longer the more vectors there are."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None

    def __call__(self, done: int, total: int) -> str:
        """`8,192 of 300,000 vectors, 1,200 a second, about 4 minutes left`."""
        now = time.monotonic()
        text = f"{done:,} of {total:,} vectors"
        if self._start is None:
            self._start = now, done
            return text
        since, first = self._start
        if now - since < 1 or done == first:
            return text
        rate = (done - first) / (now - since)
        return f"{text}, {rate:,.0f} a second, about {spoken((total - done) / rate)} left"


def spoken(seconds: float) -> str:
    """`40 seconds`, `7 minutes`, `2.5 hours`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def in_background(
    workspace: Workspace, key: str, discover: bool, *, anew: bool, graph: bool, quiet: bool = False
) -> Path | None:
    """Start the same command in a process that outlives this one, and print its first lines.

    Returns the log with its progress, or None if it is done already. Raises the error with which it ended, for
    instance if another process builds the index.
    """
    log = child(workspace._database.path.parent / "logs", f"rebuild {key}.log")
    arguments = ["-w", str(workspace.root), *([] if discover else ["--no-plugins"]), "vectors", "rebuild"]
    program = [sys.executable, "-c", "from heron.cli.main import run; run()"]
    try:
        make_folder(log.parent)
        with open_file(log, "ab") as stream:
            before = stream.tell()
            process = subprocess.Popen(
                [*program, *arguments, *["--anew"][:anew], *["--graph"][:graph], "--", key],
                stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise CatalogueError(f"{log} cannot be written: {error.strerror or error}") from error
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and log.stat().st_size == before and time.monotonic() < end:
        time.sleep(0.05)
    with suppress(subprocess.TimeoutExpired):  # a process with little to do, or with an error, ends at once
        process.wait(1)
    with open_file(log, "rb") as stream:
        stream.seek(before)
        said = stream.read().decode(errors="replace").strip()
    if said.startswith("Error: ") or process.returncode:
        raise HeronError(said.removeprefix("Error: "))
    for line in said.splitlines():
        say(line, err=quiet)
    return log if process.poll() is None else None
