"""Runs a benchmark: every way in turn, each step in a fresh process, several times, and the medians of all."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.house import machine, peers
from benchmarks.house.measuring import MARK, marked
from benchmarks.house.results import Result
from benchmarks.house.shape import Benchmark, Cases, Job, Way

ROOT = Path(__file__).parents[2]
LIMIT = 4 * 3600
"""Seconds after which a step is given up."""


class StepFailed(Exception):
    """A step that ended with an error; the message is the end of what it printed."""


def run(
    benchmark: Benchmark,
    size: int,
    *,
    runs: int | None = None,
    only: Collection[str] = (),
    work_in: Path | None = None,
    say: Callable[[str], None] = print,
) -> Result:
    """Measure all ways that are there. A way of a peer that fails is left out with the reason; any other raises StepFailed."""
    about = machine.describe()
    missing: dict[str, str] = {}
    ways = [way for way in benchmark.ways if not only or way.name in only]
    pythons = {way.name: _python(way, size, missing) for way in ways}
    found: dict[str, list[Cases]] = {}
    single = benchmark.single_from is not None and size >= benchmark.single_from
    if work_in is not None:
        work_in.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="heron-benchmark-", dir=work_in) as folder:
        stage = Path(folder) / "data"
        stage.mkdir()
        try:
            benchmark.prepare(stage, size)
        except peers.PeerUnavailable as error:
            missing |= dict.fromkeys(pythons, str(error))
        for number in range(runs or (1 if single else benchmark.runs)):
            for way in ways:
                if way.name in missing:
                    continue
                say(f"{benchmark.name} {size:,}: {way.name}, run {number + 1}")
                try:
                    cases = _all_steps(benchmark, way, pythons[way.name], stage, Path(folder) / "own", size)
                except StepFailed as error:
                    if not way.peer:
                        raise
                    missing[way.name] = f"failed: {_reason(str(error))}"
                    found.pop(way.name, None)
                else:
                    found.setdefault(way.name, []).append(cases)
    there = [way for way in ways if way.peer and way.name in found]
    versions = {way.name: version for way in there if (version := peers.version(way.peer))}
    return Result(
        benchmark=benchmark.name,
        size=size,
        machine=about,
        dates=dict.fromkeys(found, f"{datetime.now(UTC):%Y-%m-%d}"),
        runs={name: len(runs) for name, runs in found.items()},
        cases=_medians(found),
        versions=versions,
        missing=missing,
    )


def step(benchmark: Benchmark, way: str, number: int, job: Job) -> Cases:
    """Do one step in this process."""
    return benchmark.find(way).steps[number](job)


def _python(way: Way, size: int, missing: dict[str, str]) -> str:
    """The Python for a way; where there is none, or something is not there, the reason goes to `missing`."""
    lacking = [need for need in way.needs if not (shutil.which(need) or importlib.util.find_spec(need))]
    if way.most is not None and size > way.most:
        missing[way.name] = f"not run above {way.most:,}"
    elif lacking:
        missing[way.name] = f"{', '.join(lacking)} not installed"
    elif way.peer:
        try:
            return peers.python_of(way.peer)
        except peers.PeerUnavailable as error:
            missing[way.name] = str(error)
    return sys.executable


def _all_steps(benchmark: Benchmark, way: Way, python: str, stage: Path, own: Path, size: int) -> Cases:
    """One run of a way; its own folder is removed afterwards, and so are processes that it left behind."""
    cases: Cases = {}
    mark = uuid.uuid4().hex
    own.mkdir()
    try:
        for number in range(len(way.steps)):
            given = [benchmark.name, way.name, str(number), str(stage), str(own), str(size)]
            for case, figures in _fresh(python, given, mark).items():
                cases.setdefault(case, {}).update(figures)
    finally:
        for pid in marked(mark):
            os.kill(pid, signal.SIGTERM)
        shutil.rmtree(own, ignore_errors=True)
    return cases


def _fresh(python: str, arguments: list[str], mark: str) -> Cases:
    command = [python, "-m", "benchmarks", "step", *arguments]
    environment = {**os.environ, MARK: mark, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=LIMIT, cwd=ROOT, stdin=subprocess.DEVNULL
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise StepFailed(f"not done after {LIMIT // 3600} hours") from error
    if done.returncode:
        raise StepFailed(f"{' '.join(arguments[:3])}: {done.stderr.strip()[-2000:]}")
    found: Cases = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _reason(text: str) -> str:
    """The line that names the error, of all that a step printed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (named or lines)[-1][:300]


def _medians(found: dict[str, list[Cases]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Case, way, figures; numbers are medians of the runs, other values those of the last one."""
    cases: dict[str, dict[str, dict[str, Any]]] = {}
    for way, runs in found.items():
        for case in runs[-1]:
            figures = {name: _middle([run[case][name] for run in runs]) for name in runs[-1][case]}
            cases.setdefault(case, {})[way] = figures
    return cases


def _middle(values: list[Any]) -> Any:
    """The median of numbers, with four significant digits; the last one of anything else."""
    if all(isinstance(value, float) for value in values):
        return float(f"{statistics.median(values):.4g}")
    return values[-1]
