"""What commands print: tables for people, JSON for programs, progress on standard error."""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from heron.wording import counted

if TYPE_CHECKING:
    from heron.ingest.pipeline import Progress
    from heron.models import Item, Verification

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
cursor_option = click.option("--cursor", metavar="CURSOR", help="Go on after the page that printed it.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")

_CONTROLS = re.compile("[\x7f-\x9f]")
"""Control characters that JSON does not have to escape, but that a terminal obeys."""

ROWS = click.IntRange(1, 100_000)
"""What --limit takes."""

limit_option = click.option(
    "--limit", type=ROWS, help="Rows to print (default: 100 in a table, all with --json)."
)


def example(text: str) -> Callable[[Any], Any]:
    """Add examples to a command's help: what one would type, a line each."""

    def add(function: Any) -> Any:
        lines = "\n".join(f"  {line}" for line in text.strip().splitlines())
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n\b\nExample:\n{lines}\n"
        return function

    return add


def clean(text: str) -> str:
    """Text as a terminal may get it: whatever could steer it becomes a blank."""
    readable = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else " " for c in readable)


def say(text: str, **style: Any) -> None:
    """Print a line, cleaned; `style` is that of click.secho."""
    click.secho(clean(text), **style)


def print_json(value: Any) -> None:
    """Print records or plain data as JSON."""
    click.echo(_json(value))


def _json(value: Any) -> str:
    from heron.convert import dumps, unstructure

    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", dumps(unstructure(value)))


def print_json_stream(values: Iterable[Any], name: str | None = None, **head: Any) -> None:
    """Print a JSON array, one element a line, as the elements come; with a name, as the last part of an object."""
    if name is not None:
        before = [f"{_json(key)}:{_json(value)}," for key, value in head.items()]
        click.echo(f"{{{''.join(before)}{_json(name)}:", nl=False)
    click.echo("[", nl=False)
    for number, value in enumerate(values):
        click.echo(("," if number else "") + "\n" + _json(value), nl=False)
    click.echo("\n]" if name is None else "\n]}")


def print_beginning(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str, limit: int | None
) -> None:
    """Print the first rows of a stream as a table, and say whether there are more."""
    stream = iter(rows)
    print_table(columns, islice(stream, limit or 100), empty)
    if next(stream, None) is not None:
        say("There is more: --limit prints more rows, --json all of them")


def print_verification(found: Iterable[Verification], as_json: bool, limit: int | None) -> None:
    """Print where stored metadata and schema disagree."""
    if as_json:
        print_json_stream(islice(found, limit))
        return
    rows = ((row.item, row.key, str(row.value)[:60], row.reason) for row in found)
    print_beginning(["item", "key", "value", "reason"], rows, "All metadata follows the schema.", limit)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
    """Print a table; `empty` is the sentence for no rows. On a screen, long cells are shortened to its width."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        say(empty)
        return
    numeric = [
        all(cell.replace(",", "").isdigit() or not cell for cell in column)
        for column in zip(*cells, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    if sys.stdout.isatty():
        empty_columns = {number for number, column in enumerate(zip(*cells, strict=True)) if not any(column)}
        _fit(widths, shutil.get_terminal_size().columns, empty_columns)
    for number, row in enumerate([list(columns), *cells]):
        line = "  ".join(
            _shorten(cell, width).rjust(width) if right else _shorten(cell, width).ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
            if width
        ).rstrip()
        click.secho(line, bold=True) if number == 0 else click.echo(line)


def print_records(
    records: Sequence[T], as_json: bool, columns: Sequence[str], row: Callable[[T], Sequence[Any]], empty: str
) -> None:
    """Print records as JSON, or as a table with the cells that `row` gives of each."""
    if as_json:
        print_json(records)
    else:
        print_table(columns, map(row, records), empty)


def _fit(widths: list[int], screen: int, empty: Iterable[int] = ()) -> None:
    """Make a row fit: leave out columns without a value, then narrow the widest; the first stays, it is the name."""
    for number in empty:
        if _length(widths) > screen:
            widths[number] = 0
    while _length(widths) > screen and max(widths[1:], default=0) > 12:
        widths[widths.index(max(widths[1:]), 1)] -= 1


def _length(widths: Sequence[int]) -> int:
    return sum(width + 2 for width in widths if width) - 2


def _shorten(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"


ITEM_COLUMNS = ("uuid", "name", "folder", "kind", "size", "dimensions", "collections")


def item_row(item: Item) -> tuple[str, ...]:
    """The cells of an item under `ITEM_COLUMNS`."""
    tags = ", ".join(item.tags)
    return item.uuid, item.name, item.folder_path, item.kind, size_of(item.size), dimensions(item), tags


def print_items(items: Iterable[Item], cursor: str | None, empty: str) -> None:
    """Print a page of items as a table, and how to get the next one."""
    print_table(ITEM_COLUMNS, map(item_row, items), empty)
    if cursor:
        say(f"More: --cursor {cursor}")


def dimensions(item: Item) -> str:
    """Width and height, or duration, or pages, or nothing."""
    facts = item.facts
    if facts.width and facts.height:
        return f"{facts.width} x {facts.height}"
    if facts.duration:
        return f"{facts.duration:.1f} s"
    return counted(facts.pages, "page") if facts.pages else ""


def size_of(size: int | None) -> str:
    """Bytes in a form that people read."""
    if size is None:
        return ""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[Progress], None]]:
    """A line on standard error with the units done, their rate, the failures and the time left; silent without a screen."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what)

        def show(progress: Progress) -> None:
            elapsed = bar.tasks[0].elapsed or 0
            if progress.share is not None and not any(isinstance(c, BarColumn) for c in bar.columns):
                bar.columns = (*bar.columns, BarColumn(bar_width=20))
            text = f"{what}: {_progress_text(progress, elapsed)}"
            bar.update(task, description=text, total=1.0, completed=progress.share or 0.0)

        yield show


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """A line on standard error with how many there are by now, and their rate; silent without a screen."""
    with progress_bar(what) as show:
        if not sys.stderr.isatty():
            yield lambda done: None
            return
        from heron.ingest.pipeline import Progress

        yield lambda done: show(Progress(done, done))


def _progress_text(progress: Progress, elapsed: float) -> str:
    """What progress says after so many seconds: `2,000 looked at, 10 new, 500 a second, 1:20 left`."""
    parts = [f"{progress.done:,} looked at", f"{progress.added:,} new"]
    parts += [f"{progress.failed:,} failed"] if progress.failed else []
    if elapsed > 0.5:
        parts.append(f"{progress.done / elapsed:,.0f} a second")
        if progress.share and 0.01 < progress.share < 1:
            left = round(elapsed / progress.share - elapsed)
            parts.append(f"{left // 60}:{left % 60:02} left")
    return ", ".join(parts)


def confirm(question: str, yes: bool) -> None:
    """Ask before something is deleted; without a screen to ask on, --yes is needed."""
    if yes:
        return
    question = clean(question)
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Say --yes to do it.")
    click.confirm(question, abort=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int):
        return f"{value:,}"
    return clean(str(value))
