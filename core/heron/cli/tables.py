"""Prints rows as a table that fits the screen, or as CSV; long cells are cut so that cells that differ stay different."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

import click

from heron.cli import screen
from heron.cli.stdout import echo, echo_bytes

_NUMBER = re.compile(r"-?[0-9][0-9,]*(\.[0-9]+)?( ?(%|s|B|[kMGT]B))?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+Z?)?")
_NAMES = {"name", "id", "uuid", "title", "path", "folder", "value", "description", "key", "collections"}
"""Columns that stay on the left also if every cell is a number."""

_LEAST, _LEAST_OF_FIRST = 10, 24
"""The least cells of a column that is cut, and of the first one, which has the names."""

_OUTLIER = 60
"""A cell longer than this does not widen its column where nothing is cut, as in a pipe."""

_LONGEST = 2000
"""The most characters of a cell that are laid out on a screen."""

_CSV = "heron.csv"


class Size(int):
    """A number of bytes: `1.2 MB` in a table, digits in CSV."""

    def __str__(self) -> str:
        return size_of(int(self))


def _ask_for_csv(context: click.Context, parameter: click.Parameter, given: bool) -> None:
    if given:
        context.meta[_CSV] = True


csv_option = click.option(
    "--csv",
    is_flag=True,
    expose_value=False,
    callback=_ask_for_csv,
    help="Print CSV, with every value in full.",
)


def is_csv() -> bool:
    """Whether this command prints CSV; then nothing else goes to standard output."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_CSV))


def clean(text: str) -> str:
    """Text that is safe for a terminal: control characters become spaces."""
    readable = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() or c == "\u200d" else " " for c in readable)


def say(text: str, *, err: bool = False, **style: Any) -> None:
    """Print a line, cleaned; `style` is that of click.secho. If the command prints CSV, it goes to standard error."""
    echo(clean(text), err=err or is_csv(), **style)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str, *, keep: Collection[str] = ("id",)
) -> None:
    """Print rows as a table, or as CSV; `empty` is printed if there are none.

    On a terminal, columns without values are left out and long cells are cut, so that rows fit. If that is not enough, the
    last columns are left out, except the first one and those in `keep`, and a line names them.
    """
    if is_csv():
        if not _print_csv(columns, rows):
            say(empty)
        return
    texts = [[_cell(value) for value in row] for row in rows]
    if not texts:
        say(empty)
        return
    heads = [screen.as_written(screen.visible(name)) for name in columns]
    width = screen.screen_width()
    if width is not None:
        texts = [[_bounded(text) for text in row] for row in texts]
    by_column = list(zip(*texts, strict=True))
    right = [
        name not in _NAMES and any(of) and all(not text or _NUMBER.fullmatch(text) for text in of)
        for name, of in zip(columns, by_column, strict=True)
    ]
    natural = [
        max(screen.cells(head), *(screen.cells(text) for text in of))
        for head, of in zip(heads, by_column, strict=True)
    ]
    left_out: list[str] = []
    if width is None:
        widths = [_unspoilt(head, of) for head, of in zip(heads, by_column, strict=True)]
    else:
        kept = [name in keep for name in columns]
        times = [any(of) and all(not text or _TIME.fullmatch(text) for text in of) for of in by_column]
        fixed = [any(reasons) for reasons in zip(right, kept, times, strict=True)]
        widths = fitted(natural, fixed, kept, [not any(of) for of in by_column], width)
        left_out = [
            head for head, size, of in zip(heads, widths, by_column, strict=True) if not size and any(of)
        ]
        by_column = [distinct(of, size) if size else of for of, size in zip(by_column, widths, strict=True)]
    for number, row in enumerate([heads, *zip(*by_column, strict=True)]):
        line = "  ".join(
            screen.padded(text if number else screen.cut_end(text, size), size, right=is_right)
            for text, size, is_right in zip(row, widths, right, strict=True)
            if size
        ).rstrip()
        echo(line, bold=True) if number == 0 else echo(line)
    if left_out:
        say(f"Left out, the window is too narrow: {', '.join(left_out)}")


def print_fields(rows: Iterable[tuple[str, Any]]) -> None:
    """Print names with their values, each value in full, as a table or as CSV."""
    if is_csv():
        _print_csv(["field", "value"], rows)
        return
    texts = [(_cell(name), _cell(value)) for name, value in rows]
    width = max((screen.cells(name) for name, _ in texts), default=0)
    width = max(width, len("field"))
    echo(f"{screen.padded('field', width)}  value", bold=True)
    for name, value in texts:
        echo(f"{screen.padded(name, width)}  {value}".rstrip())


def print_beginning(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    empty: str,
    limit: int | None,
    cursor: int = 0,
    *,
    keep: Collection[str] = ("id",),
) -> None:
    """Print rows of a stream, `limit` after the first `cursor`, and whether there are more; CSV prints all by default."""
    stream = islice(rows, cursor, None)
    print_table(columns, islice(stream, shown_rows(limit)), empty, keep=keep)
    say_more(stream)


def shown_rows(limit: int | None) -> int | None:
    """The most rows that `print_beginning` prints, None for all."""
    return limit if limit is not None or is_csv() else 100


def say_more(rest: Iterable[Any]) -> None:
    """Say that there are more rows than those that were printed, if there are."""
    if next(iter(rest), None) is not None:
        say("There is more: --limit prints more rows, --json all of them")


def fitted(
    natural: Sequence[int], fixed: Sequence[bool], is_kept: Sequence[bool], empty: Sequence[bool], width: int
) -> list[int]:
    """The widths of columns that fit into a width together, with two blanks between them; 0 leaves a column out.

    Empty columns are left out, then those that are not `fixed` become narrower, the widest first; then the last ones are
    left out, and those with `is_kept` last of all. The first column always stays.
    """
    widths = [*natural]
    if _length(widths) > width:
        widths = [
            0 if is_empty and place else size
            for place, (size, is_empty) in enumerate(zip(widths, empty, strict=True))
        ]
    least = [size if is_fixed else min(size, _LEAST) for size, is_fixed in zip(natural, fixed, strict=True)]
    least[0] = min(natural[0], _LEAST_OF_FIRST)
    places = [place for place, size in enumerate(widths) if size]
    while True:
        _narrow(widths, least, width)
        droppable = [place for place in places[1:] if not is_kept[place]] or places[2:]
        if _length(widths) <= width or not droppable:
            return widths
        places.remove(droppable[-1])
        widths = [size if place in places else 0 for place, size in enumerate(natural)]


def _narrow(widths: list[int], least: Sequence[int], width: int) -> None:
    """Make the widest columns narrower until all columns fit, or each has its least width."""
    while (over := _length(widths) - width) > 0:
        able = [place for place, size in enumerate(widths) if size > least[place]]
        if not able:
            return
        most = max(widths[place] for place in able)
        widest = [place for place in able if widths[place] == most]
        floors = [least[place] for place in widest] + [
            widths[place] for place in able if widths[place] < most
        ]
        step = min(most - max(floors), max(1, over // len(widest)))
        for place in widest[: over if step == 1 else None]:
            widths[place] -= step


def _length(widths: Sequence[int]) -> int:
    return sum(width + 2 for width in widths if width) - 2


def distinct(texts: Sequence[str], width: int) -> tuple[str, ...]:
    """Texts cut to a width in cells such that different ones stay different, if that is possible.

    All are cut in the same way: at the end, in the middle, or so that they begin shortly before the first difference.
    """
    if all(screen.cells(text) <= width for text in texts):
        return tuple(texts)
    wanted = len(set(texts))
    best = [screen.cut_end(text, width) for text in texts]
    for found in (
        [screen.cut_middle(text, width) for text in texts],
        _around_differences(texts, width),
    ):
        if len(set(best)) == wanted:
            break
        if len(set(found)) > len(set(best)):
            best = found
    return tuple(best)


def _around_differences(texts: Sequence[str], width: int) -> list[str]:
    """Texts cut in the middle; of those that look the same then, what stands around their first difference."""
    alike: dict[str, set[str]] = {}
    for text in texts:
        alike.setdefault(screen.cut_middle(text, width), set()).add(text)
    found = []
    for text in texts:
        short = screen.cut_middle(text, width)
        same = alike[short]
        if len(same) > 1:
            common = _common(min(same), max(same))
            short = screen.cut_around(text, max(0, common - width // 3), width)
        found.append(short)
    return found


def _common(first: str, last: str) -> int:
    """The number of characters with which two texts begin alike; of the first and last in order, all between them do too."""
    pairs = enumerate(zip(first, last, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(first), len(last)))


def _unspoilt(head: str, texts: Sequence[str]) -> int:
    """The width of a column of which no cell is cut: that of its longest cell, without outliers."""
    sizes = [screen.cells(text) for text in texts]
    return max([screen.cells(head), *(size for size in sizes if size <= _OUTLIER)])


def _bounded(text: str) -> str:
    """A cell that is not too long to be laid out: its beginning and its end."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int) and not isinstance(value, Size):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}"
    text = _time(value) if isinstance(value, datetime) else str(value)
    readable = text.encode("utf-8", "backslashreplace").decode()
    return screen.as_written(screen.visible(readable))


def _time(value: datetime) -> str:
    from heron.times import utc_iso

    return utc_iso(value)


def size_of(size: int | None) -> str:
    """A number of bytes, readable for people."""
    if size is None:
        return ""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def size_cell(size: int | None) -> Size | None:
    """A number of bytes as a cell, or an empty one."""
    return None if size is None else Size(size)


def _print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Print rows as CSV in UTF-8 as they come (RFC 4180); returns their number.

    Nothing is printed if the first row raises an error.
    """
    rest = iter(rows)
    first = list(islice(rest, 1))
    sys.stdout.flush()
    line = io.StringIO()
    writer = csv.writer(line)
    count = -1
    lines: Iterable[Sequence[Any]] = chain([columns], first, rest)
    for row in lines:
        count += 1
        writer.writerow([_csv_cell(value) for value in row])
        echo_bytes(line.getvalue().encode("utf-8", "backslashreplace"))
        line.seek(0)
        line.truncate()
    sys.stdout.flush()
    return count


def _csv_cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int(value)
    return _time(value) if isinstance(value, datetime) else value
