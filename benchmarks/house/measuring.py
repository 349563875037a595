"""Measuring inside the process that does the work: processor and wall time, peak memory, disk.

The processor time includes all processes that the work started, also servers that left their parent: the house marks the
environment of each step, and every process that inherited the mark counts.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.house.shape import Figures

MARK = "HERON_BENCHMARK_STEP"
_TICK = 1 / os.sysconf("SC_CLK_TCK")


def timed(work: Callable[[], Any]) -> Figures:
    """Wall and processor seconds of one call."""
    others = _others()
    before, start = _own() + _alive(others), time.perf_counter()
    work()
    wall, own = time.perf_counter() - start, _own()
    return {"wall": wall, "cpu": own + _alive(_others()) - before}


def repeated(work: Callable[[], Any], runs: int = 7) -> tuple[Figures, Any]:
    """Medians of wall and processor seconds over several calls after a first one, and the last answer."""
    answer = work()
    others = _others()
    walls, processors = [], []
    for _ in range(runs):
        wall, processor = time.perf_counter(), _own() + _alive(others)
        answer = work()
        walls.append(time.perf_counter() - wall)
        processors.append(_own() + _alive(others) - processor)
    return {"wall": statistics.median(walls), "cpu": statistics.median(processors)}, answer


def median_of(runs: Sequence[Figures]) -> Figures:
    """The median of each figure over some runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def peak_memory() -> float:
    """Highest resident memory so far of this process and of those alive that it started, in MB."""
    return _peak(Path("/proc/self")) + sum(_peak(Path(f"/proc/{pid}")) for pid in _others())


def disk(*places: Path) -> float:
    """MB that files and folders take on the disk; holes in files take nothing."""
    files = [path for place in places for path in (place.rglob("*") if place.is_dir() else [place])]
    return sum(path.stat().st_blocks * 512 for path in files if path.is_file()) / 1e6


def on_one_core() -> None:
    """Keep this process to the first core that it may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def marked(mark: str) -> list[int]:
    """The processes that inherited a mark, oldest first; none on systems without /proc."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
    return sorted(found)


def _others() -> list[int]:
    mark = os.environ.get(MARK)
    return [pid for pid in marked(mark) if pid != os.getpid()] if mark else []


def _own() -> float:
    """Processor seconds of this process and of its children that ended."""
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _alive(pids: list[int]) -> float:
    """Processor seconds of other processes and of their children that ended."""
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += _TICK * sum(map(int, fields[11:15]))
    return total


def _peak(folder: Path) -> float:
    """VmHWM of a process in MB, for getrusage would count the memory of the parent before the fork."""
    try:
        lines = (folder / "status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if folder.name == "self" else 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
