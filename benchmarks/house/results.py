"""Results as JSON files, one for each benchmark and size, and what is wrong about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "results"


@dataclass(frozen=True)
class Result:
    """What was measured: case, way, figures (`house.shape.Figures`)."""

    benchmark: str
    size: int
    machine: dict[str, str | int | float]
    dates: dict[str, str]
    """The day on which each way was measured."""
    runs: dict[str, int]
    cases: dict[str, dict[str, dict[str, Any]]]
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def disagreements(self) -> list[str]:
        """Cases whose ways do not give the same answer."""
        found = []
        for case, ways in self.cases.items():
            answers = {name: figures["answer"] for name, figures in ways.items() if "answer" in figures}
            if len({json.dumps(answer) for answer in answers.values()}) > 1:
                found.append(f"{self.benchmark}, {case}: the answers differ: {answers}")
        return found


def save(result: Result, folder: Path = FOLDER) -> Path:
    """Write a result; ways that it did not measure keep their figures of before."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.benchmark}-{result.size}.json"
    if path.exists():
        result = merged(load(path), result)
    path.write_text(json.dumps(asdict(result), indent=1, ensure_ascii=False) + "\n")
    return path


def load(path: Path) -> Result:
    """Read a result."""
    return Result(**json.loads(path.read_text()))


def merged(old: Result, new: Result) -> Result:
    """The old result with the ways that were measured anew, so that one way can be measured alone."""
    measured = set(new.runs)
    cases = {
        case: {way: figures for way, figures in ways.items() if way not in measured}
        for case, ways in old.cases.items()
    }
    for case, ways in new.cases.items():
        cases.setdefault(case, {}).update(ways)
    return Result(
        benchmark=new.benchmark, size=new.size, machine=new.machine,
        dates={**old.dates, **new.dates},
        runs={**old.runs, **new.runs},
        cases={case: ways for case, ways in cases.items() if ways},
        versions={**old.versions, **new.versions},
        missing={way: reason for way, reason in {**old.missing, **new.missing}.items() if way not in {**old.runs, **new.runs}},
    )  # fmt: skip


def all_of(folder: Path = FOLDER) -> Iterator[Result]:
    """All results of a folder, by benchmark and size."""
    yield from sorted(map(load, folder.glob("*.json")), key=lambda result: (result.benchmark, result.size))
