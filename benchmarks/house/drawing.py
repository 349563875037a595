"""The pictures: bars of a benchmark, and curves over the sizes of a lake. Each file carries a checksum of what it shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.house.results import Result
from benchmarks.house.shape import Benchmark, Figures
from benchmarks.house.tables import OURS, number, title

COLOURS = ("#0b6e99", "#8c8c8c", "#d98e04", "#7a5195", "#5f9e6e", "#bc5090", "#a0522d", "#4d4d4d")
KEY = "Heron-Results"


@dataclass(frozen=True)
class Curve:
    """A picture over all sizes: one figure of some cases, one line for each way."""

    name: str
    title: str
    label: str
    cases: tuple[str, ...]
    figure: Callable[[Figures], float | None]
    limits: tuple[float, float] | None = field(default=None)


def checksum(shown: Any) -> str:
    """What a picture shows, in short; titles and labels are part of it."""
    return hashlib.sha256(json.dumps(shown, sort_keys=True, default=str).encode()).hexdigest()[:16]


def drawn_checksum(path: Path) -> str:
    """The checksum that a picture carries; empty if there is none."""
    from PIL import Image

    if not path.exists():
        return ""
    with Image.open(path) as image:
        return str(image.info.get(KEY, ""))


def bars_shown(benchmark: Benchmark, result: Result) -> Any:
    """Case, way, value of the bars: processor time or rate."""
    found = []
    for case, ways in result.cases.items():
        if len(ways) < 2:
            continue
        for way in (way.name for way in benchmark.ways if way.name in ways):
            figures = ways[way]
            if figures.get("cpu"):
                rate = "count" in figures
                value = figures["count"] / figures["cpu"] if rate else 1000 * figures["cpu"]
                found.append((case, way, value, f"{benchmark.unit} per CPU s" if rate else "CPU ms"))
    return {"title": title(benchmark, result.size), "bars": found}


def draw_bars(path: Path, shown: Any) -> None:
    """One panel for each case, at most six, with a bar for each way."""
    plt = _pyplot()
    cases: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for case, way, value, unit in shown["bars"]:
        cases.setdefault((case, unit), []).append((way, value))
    chosen = list(cases.items())[:6]
    columns = min(2, len(chosen))
    rows = -(-len(chosen) // columns)
    tallest = max(len(bars) for _, bars in chosen)
    figure, axes = plt.subplots(
        rows, columns, figsize=(5.2 * columns, (0.9 + 0.27 * tallest) * rows + 0.4), squeeze=False
    )
    for axis in list(axes.flat)[len(chosen) :]:
        axis.set_visible(False)
    for axis, ((case, unit), bars) in zip(axes.flat, chosen, strict=False):
        names, values = [name for name, _ in bars], [value for _, value in bars]
        colours = [COLOURS[0] if name.startswith(OURS) else "#b8b8b8" for name in names]
        drawn = axis.barh(names, values, color=colours, height=0.72)
        axis.bar_label(drawn, [number(float(value)) for value in values], padding=3, fontsize=8)
        axis.invert_yaxis()
        axis.set_title(f"{case}, {unit}".removeprefix(", "), fontsize=9, loc="left")
        axis.set_xlim(0, 1.18 * max(values))
        axis.tick_params(labelsize=8, length=0)
        axis.set_xticks([])
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    figure.suptitle(shown["title"], fontsize=10, x=0.01, ha="left")
    _save(plt, figure, path, shown)


def curve_shown(curve: Curve, benchmark: Benchmark, results: Sequence[Result]) -> Any:
    """Case, way, sizes and values of the lines."""
    lines = []
    for case in curve.cases:
        for way in (way.name for way in benchmark.ways):
            points = []
            for result in results:
                figures = result.cases.get(case, {}).get(way)
                value = curve.figure(figures) if figures else None
                if value is not None:
                    points.append((result.size, value))
            if points:
                lines.append((case, way, points))
    return {"title": curve.title, "label": curve.label, "lines": lines}


def draw_curve(path: Path, shown: Any) -> None:
    """A panel for each case over the number of items, both axes logarithmic."""
    from matplotlib.ticker import LogLocator

    plt = _pyplot()
    cases = list(dict.fromkeys(case for case, _, _ in shown["lines"]))
    ways = list(dict.fromkeys(way for _, way, _ in shown["lines"]))
    values = [value for _, _, points in shown["lines"] for _, value in points]
    spread = max(values) / min(values)
    figure, axes = plt.subplots(
        1, len(cases), figsize=(4.1 * len(cases) + 1.6, 3.5), squeeze=False, sharey=True
    )
    for axis, wanted in zip(axes.flat, cases, strict=True):
        for case, way, points in shown["lines"]:
            if case == wanted:
                ours = way.startswith(OURS)
                axis.plot(
                    *zip(*points, strict=True), label=way, color=COLOURS[ways.index(way) % len(COLOURS)], marker="o",
                    markersize=5 if ours else 4, linewidth=2.6 if ours else 1.4, zorder=3 if ours else 2,
                )  # fmt: skip
        axis.set_xscale("log")
        axis.set_yscale("log")
        sizes = sorted({size for _, _, points in shown["lines"] for size, _ in points})
        axis.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
        axis.minorticks_off()
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if spread < 100 else (1,)))
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlabel("items", fontsize=8)
        if len(cases) > 1:
            axis.set_title(wanted, fontsize=9, loc="left")
    axes.flat[0].set_ylabel(shown["label"], fontsize=8)
    handles = {
        label: handle
        for axis in axes.flat
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        [handles[way] for way in ways],
        ways,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        fontsize=8,
        frameon=False,
    )
    figure.suptitle(shown["title"], fontsize=10, x=0.01, ha="left")
    _save(plt, figure, path, shown)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _save(plt: Any, figure: Any, path: Path, shown: Any) -> None:
    """A small PNG with a palette, and the checksum of what it shows."""
    import io

    from PIL import Image, PngImagePlugin

    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=90, bbox_inches="tight", format="png")
    plt.close(figure)
    notes = PngImagePlugin.PngInfo()
    notes.add_text(KEY, checksum(shown))
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(buffer) as image:
        image.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(path, optimize=True, pnginfo=notes)
