"""Writes the tables of `benchmarks/README.md` and all pictures from the results, and says which of them are out of date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.house import drawing, results, tables
from benchmarks.house.drawing import Curve
from benchmarks.house.results import Result
from benchmarks.house.shape import Benchmark, Figures
from benchmarks.suite import NAMES, find

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "benchmarks" / "README.md"
PICTURES = ROOT / "benchmarks" / "pictures"
GROWTH = ROOT / "docs" / "pictures"
LEAST_BARS = 3
"""A picture of fewer bars says less than the table."""


def rate(figures: Figures) -> float | None:
    """Pieces of work a processor second."""
    return figures["count"] / figures["cpu"] if figures.get("cpu") and "count" in figures else None


def milliseconds(figures: Figures) -> float | None:
    """Processor milliseconds."""
    return 1000 * figures["cpu"] if figures.get("cpu") else None


def named(name: str) -> Callable[[Figures], float | None]:
    """A figure by its name."""
    return lambda figures: figures.get(name)


CURVES = (
    Curve("growth_import", "Registering items with six metadata values", "items per CPU s", ("registering",), rate),
    Curve(
        "growth_query", "Three conditions, sorted: a page of 100 and the count", "CPU ms",
        ("three conditions, 30 %", "three conditions, 1 %", "three conditions, 0.01 %"), milliseconds,
    ),
    Curve("growth_facets", "Five facets under a condition", "CPU ms", ("five facets, 30 %", "five facets, 1 %"), milliseconds),
    Curve(
        "growth_memory", "Highest memory of the process", "MB", ("registering", "five facets, 30 %"), named("memory"),
    ),
    Curve("growth_disk", "Disk after registering", "MB", ("registering",), named("disk")),
)  # fmt: skip


def write() -> None:
    """Write the page, and the pictures that are out of date; pictures of results that are gone are removed."""
    pairs = _pairs()
    wanted = dict(_pictures(pairs))
    for path, (shown, draw) in wanted.items():
        if drawing.drawn_checksum(path) != drawing.checksum(shown):
            draw(path, shown)
    for path in PICTURES.glob("*.png"):
        if path not in wanted:
            path.unlink()
    PAGE.write_text(tables.rewritten(PAGE.read_text(), _block(pairs, wanted)))


def out_of_date() -> list[str]:
    """One line for each page or picture that does not show the results as they are."""
    pairs = _pairs()
    wanted = dict(_pictures(pairs))
    stale = [
        f"{path.relative_to(ROOT)} does not show the results: python -m benchmarks report"
        for path, (shown, _) in wanted.items()
        if drawing.drawn_checksum(path) != drawing.checksum(shown)
    ]
    text = PAGE.read_text()
    if text != tables.rewritten(text, _block(pairs, wanted)):
        stale.append(f"{PAGE.relative_to(ROOT)} does not show the results: python -m benchmarks report")
    return stale


def _block(pairs: list[tuple[Benchmark, Result]], pictures: dict[Path, Any]) -> str:
    links = {
        path.stem: path.relative_to(PAGE.parent).as_posix() for path in pictures if path.parent == PICTURES
    }
    return tables.report(pairs, links)


def _pairs() -> list[tuple[Benchmark, Result]]:
    """All results, in the order of the suite and by size."""
    found = [(find(result.benchmark), result) for result in results.all_of()]
    return sorted(found, key=lambda pair: (NAMES.index(pair[0].name), pair[1].size))


def _pictures(
    pairs: list[tuple[Benchmark, Result]],
) -> Iterator[tuple[Path, tuple[Any, Callable[[Path, Any], None]]]]:
    """Each picture with what it shows and who draws it: bars of the largest size of a benchmark, and the growth curves."""
    largest = {benchmark.name: (benchmark, result) for benchmark, result in pairs}
    for name, (benchmark, result) in largest.items():
        shown = drawing.bars_shown(benchmark, result)
        if len(shown["bars"]) >= LEAST_BARS:
            yield PICTURES / f"{name}.png", (shown, partial(drawing.draw_bars))
    lakes = [(benchmark, result) for benchmark, result in pairs if benchmark.name == "lake"]
    for curve in CURVES if len(lakes) > 1 else ():
        shown = drawing.curve_shown(curve, lakes[0][0], [result for _, result in lakes])
        yield GROWTH / f"{curve.name}.png", (shown, drawing.draw_curve)
