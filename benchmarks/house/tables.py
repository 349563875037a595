"""Results as Markdown tables: for the terminal, and for the block in `benchmarks/README.md`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.house.machine import sentence
from benchmarks.house.results import Result
from benchmarks.house.shape import Benchmark, Figures

BLOCK = re.compile(r"(<!-- begin: results -->\n).*?(<!-- end -->)", re.DOTALL)
OURS = "Heron"
_PLAIN = {"cpu", "wall", "count", "memory", "disk", "answer"}


def section(benchmark: Benchmark, result: Result) -> str:
    """One table for the cases that are rates, one for those that are times, and what is missing."""
    rates = {case: ways for case, ways in result.cases.items() if any("count" in f for f in ways.values())}
    times = {case: ways for case, ways in result.cases.items() if case not in rates}
    parts = [_table(benchmark, cases, is_rate) for cases, is_rate in ((rates, True), (times, False)) if cases]
    return "\n\n".join([*parts, *_notes(result)])


def title(benchmark: Benchmark, size: int) -> str:
    """The title with the size in it."""
    return benchmark.title.format(size=f"{size:,}")


def speed(benchmark: Benchmark, ways: dict[str, Figures], case: str, name: str) -> float | None:
    """How many times as fast as the reference a way is, by processor time for each piece of work."""
    reference, own = ways.get(benchmark.reference(case)), ways.get(name)
    if not reference or not own or not own.get("cpu") or not reference.get("cpu"):
        return None
    return float(_each(reference, "cpu") / _each(own, "cpu"))


def summary(pairs: Sequence[tuple[Benchmark, Result]]) -> str:
    """One row for each result: Heron's speed to the reference, over its cases."""
    rows = []
    for benchmark, result in pairs:
        for reference in dict.fromkeys(map(benchmark.reference, result.cases)):
            speeds = [
                found
                for case, ways in result.cases.items()
                for name in ways
                if name.startswith(OURS) and benchmark.reference(case) == reference != name
                if (found := speed(benchmark, ways, case, name)) is not None
            ]
            if speeds:
                text = (
                    f"{number(min(speeds))} to {number(max(speeds))}"
                    if len(speeds) > 1
                    else number(speeds[0])
                )
                rows.append(
                    [f"[{title(benchmark, result.size)}](#{anchor(benchmark, result.size)})", reference, text]
                )
    return markdown(["benchmark", "reference", "speed of Heron to it (processor time)"], rows)


def anchor(benchmark: Benchmark, size: int) -> str:
    """The anchor that GitHub gives to the heading."""
    return re.sub(r"[^\w\- ]", "", title(benchmark, size).lower()).replace(" ", "-")


def report(pairs: Sequence[tuple[Benchmark, Result]], pictures: dict[str, str]) -> str:
    """The whole block: the machines, the summary, and a section for each benchmark, its largest size first."""
    machines = dict.fromkeys(sentence(result.machine) for _, result in pairs)
    parts = ["Measured on: " + "; ".join(machines) + ".", summary(pairs)]
    for benchmark in dict.fromkeys(benchmark for benchmark, _ in pairs):
        own = [result for other, result in pairs if other is benchmark]
        for place, result in enumerate(reversed(own)):
            parts.append(f"### {title(benchmark, result.size)}")
            if place == 0 and benchmark.about:
                parts.append(benchmark.about.strip())
            if place == 0 and benchmark.name in pictures:
                parts.append(f"![{title(benchmark, result.size)}]({pictures[benchmark.name]})")
            parts.append(section(benchmark, result))
    return "\n\n".join(parts)


def rewritten(text: str, block: str) -> str:
    """The page with its block generated."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{block}\n\n{found[2]}", text)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: Any) -> str:
    """Three significant digits, with commas in what is large."""
    if not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def _table(benchmark: Benchmark, cases: dict[str, dict[str, Figures]], is_rate: bool) -> str:
    every = [figures for ways in cases.values() for figures in ways.values()]
    extras = [name for name in dict.fromkeys(n for f in every for n in f) if name not in _PLAIN]
    optional = {"memory": "peak MB", "disk": "MB on disk"}
    shown = [name for name in optional if any(name in figures for figures in every)]
    timing = (
        [f"{benchmark.unit} per CPU s", f"{benchmark.unit}/s (wall)"] if is_rate else ["CPU ms", "wall ms"]
    )
    if not any("cpu" in figures for figures in every):
        timing = []
    columns = [
        *(["case"] if len(cases) > 1 else []), "way", *timing, *(["speed to the reference"] if timing else []),
        *(optional[name] for name in shown), *(benchmark.extras.get(name, name) for name in extras),
    ]  # fmt: skip
    rows = []
    for case, ways in cases.items():
        for name in sorted(ways, key=[way.name for way in benchmark.ways].index):
            figures = ways[name]
            cells = [case] if len(cases) > 1 else []
            cells.append(f"**{name}**" if name.startswith(OURS) else name)
            if timing:
                cells += _timing(figures, is_rate)
                found = speed(benchmark, ways, case, name)
                cells.append("" if found is None else number(found))
            cells += [number(figures[name]) if name in figures else "" for name in (*shown, *extras)]
            rows.append(cells)
    return markdown(columns, rows)


def _timing(figures: Figures, is_rate: bool) -> list[str]:
    if "cpu" not in figures:
        return ["", ""]
    if is_rate:
        return [
            f"{figures['count'] / max(figures[name], 1e-9):,.0f}" if name in figures else ""
            for name in ("cpu", "wall")
        ]
    return [number(1000.0 * figures[name]) if name in figures else "" for name in ("cpu", "wall")]


def _each(figures: Figures, name: str) -> float:
    return float(figures[name]) / float(figures.get("count", 1))


def _notes(result: Result) -> list[str]:
    days: dict[str, list[str]] = {}
    for way, day in result.dates.items():
        days.setdefault(day, []).append(way)
    missing = [f"{way}: {reason}" for way, reason in result.missing.items()]
    if not days:
        return [". ".join(missing) + "."]
    first, *others = sorted(days, key=lambda day: -len(days[day]))
    notes = [f"Measured on {first}" + "".join(f"; {', '.join(days[day])} on {day}" for day in others)]
    if "load" in result.machine:
        notes[0] += f", load {result.machine['load']} before the start"
    few = min(result.runs.values())
    notes.append(f"{'one run' if few == 1 else f'medians of {few} runs'}")
    notes += [f"{way} {version}" for way, version in result.versions.items()]
    return [". ".join((", ".join(notes[:2]), *notes[2:], *missing)) + "."]
