"""What commands print: tables for people, JSON for programs, progress on standard error."""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from heron.cli import completing
from heron.wording import counted

if TYPE_CHECKING:
    from heron.answers import Verification
    from heron.ingest.pipeline import Progress
    from heron.models import Item
    from heron.pages import Page
    from heron.workspace import Workspace

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
cursor_option = click.option(
    "--cursor", metavar="CURSOR", help="Continue after the page that printed this cursor."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")

_CONTROLS = re.compile("[\x7f-\x9f]")
"""Control characters that JSON need not escape, but that a terminal acts on."""

ROWS = click.IntRange(1, 100_000)
"""The type of --limit."""

limit_option = click.option(
    "--limit", type=ROWS, help="Rows to print (default: 100 in a table, all with --json)."
)

columns_option = click.option(
    "--columns",
    metavar="NAMES",
    shell_complete=completing.columns,
    help="Print just these fields, separated by commas: name,width,metric.sharpness.",
)

skip_option = click.option(
    "--cursor",
    type=click.IntRange(0, 10**15),
    default=0,
    metavar="CURSOR",
    help="Continue after the page that printed this cursor.",
)
"""For lists without a key to continue from: the cursor is the number of rows before."""


def listing(context: click.Context, command: click.Command, as_json: bool) -> None:
    """Run the `list` command if a group is called without a subcommand."""
    if context.invoked_subcommand is None:
        context.invoke(command, as_json=as_json)
    elif as_json:
        raise click.UsageError(f"--json goes after {context.invoked_subcommand}.")


def example(text: str) -> Callable[[Any], Any]:
    """Add examples to a command's help: command lines, one on each line."""

    def add(function: Any) -> Any:
        lines = "\n".join(f"  {line}" for line in text.strip().splitlines())
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n\b\nExample:\n{lines}\n"
        return function

    return add


def clean(text: str) -> str:
    """Text that is safe for a terminal: control characters become spaces."""
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


def tell(as_json: bool, changed: Any, sentence: str) -> None:
    """Print what a command changed, as a sentence or as a JSON object."""
    print_json(changed) if as_json else say(sentence)


def print_json_list(values: Iterable[Any], cursor: str | None = None, **more: Any) -> None:
    """Print a list as JSON, in the shape of all lists; the cursor leads to the next page and is null on the last page."""
    print_json({**more, "items": list(values), "cursor": cursor})


def print_json_array(values: Iterable[Any]) -> None:
    """Print a JSON array as a stream, one element on each line."""
    click.echo("[", nl=False)
    for number, value in enumerate(values):
        click.echo(("," if number else "") + "\n" + _json(value), nl=False)
    click.echo("\n]")


def print_json_stream(values: Iterable[Any], limit: int | None, cursor: int = 0, **more: Any) -> None:
    """Print a list in the shape of all lists, as a stream, one element on each line: `limit` after the first `cursor`.

    Nothing is printed if the first element raises an error.
    """
    rest = islice(values, cursor, None)
    stream = chain([*islice(rest, 1)], rest)
    before = [f"{_json(key)}:{_json(value)}," for key, value in more.items()]
    click.echo(f'{{{"".join(before)}"items":[', nl=False)
    for number, value in enumerate(islice(stream, limit)):
        click.echo(("," if number else "") + "\n" + _json(value), nl=False)
    is_whole = limit is None or next(stream, None) is None
    click.echo(f'\n],"cursor":{"null" if is_whole else _json(str(cursor + (limit or 0)))}}}')


def print_beginning(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str, limit: int | None, cursor: int = 0
) -> None:
    """Print rows of a stream as a table, `limit` after the first `cursor`, and whether there are more."""
    stream = islice(rows, cursor, None)
    print_table(columns, islice(stream, limit or 100), empty)
    if next(stream, None) is not None:
        say("There is more: --limit prints more rows, --json all of them")


def print_verification(
    found: Iterable[Verification], as_json: bool, limit: int | None, cursor: int = 0
) -> None:
    """Print the stored metadata that does not follow the schema."""
    if as_json:
        print_json_stream(found, limit, cursor)
        return
    rows = ((row.item, row.key, str(row.value)[:60], row.reason) for row in found)
    columns = ["item", "key", "value", "reason"]
    print_beginning(columns, rows, "All metadata follows the schema.", limit, cursor)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
    """Print a table; `empty` is printed if there are no rows. On a terminal, long cells are shortened to its width."""
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
    """Print records as JSON, or as a table with the cells that `row` returns for each record."""
    if as_json:
        print_json_list(records)
    else:
        print_table(columns, map(row, records), empty)


def _fit(widths: list[int], screen: int, empty: Iterable[int] = ()) -> None:
    """Make rows fit: drop columns without a value, then narrow the widest; the first stays, since it is the name."""
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
    """Print a page of items as a table, and how to get the next page."""
    print_table(ITEM_COLUMNS, map(item_row, items), empty)
    if cursor:
        say(f"More: --cursor {cursor}")


def print_columns(
    workspace: Workspace, page: Page[Any], names: str, as_json: bool, empty: str, *, frames: bool = False
) -> None:
    """Print only the named fields of the items or frames of a page, as a table or as JSON."""
    rows = workspace.search.values(page.rows, names, frames=frames)
    if as_json:
        print_json_list(rows, page.cursor)
        return
    print_table(
        list(rows[0]) if rows else [], [[_written(value) for value in row.values()] for row in rows], empty
    )
    if page.cursor:
        say(f"More: --cursor {page.cursor}")


def _written(value: Any) -> Any:
    """A value as JSON, but texts without quotes; numbers have no thousands separators."""
    return value if value is None or isinstance(value, str) else _json(value)


def dimensions(item: Item) -> str:
    """Width and height, or duration, or number of pages, or an empty text."""
    facts = item.facts
    if facts.width and facts.height:
        return f"{facts.width} x {facts.height}"
    if facts.duration:
        return f"{facts.duration:.1f} s"
    return counted(facts.pages, "page") if facts.pages else ""


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


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[Progress], None]]:
    """A line on standard error with the units done, their rate, the failures and the time left; only on a terminal."""
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
    """A line on standard error with the number done so far and the rate; only on a terminal."""
    with progress_bar(what) as show:
        if not sys.stderr.isatty():
            yield lambda done: None
            return
        from heron.ingest.pipeline import Progress

        yield lambda done: show(Progress(done, done))


def _progress_text(progress: Progress, elapsed: float) -> str:
    """The text of progress after `elapsed` seconds: `2,000 processed, 10 new, 500 a second, 1:20 left`."""
    parts = [f"{progress.done:,} processed", f"{progress.added:,} new"]
    parts += [f"{progress.failed:,} failed"] if progress.failed else []
    if elapsed > 0.5:
        parts.append(f"{progress.done / elapsed:,.0f} a second")
        if progress.share and 0.01 < progress.share < 1:
            left = round(elapsed / progress.share - elapsed)
            parts.append(f"{left // 60}:{left % 60:02} left")
    return ", ".join(parts)


def confirm(question: str, yes: bool) -> None:
    """Ask before something is deleted; without a terminal, --yes is required."""
    if yes:
        return
    question = clean(question)
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Give --yes to do it.")
    as_json = click.get_current_context().params.get("as_json", False)
    click.confirm(question, abort=True, err=as_json)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        from heron.times import utc_iso

        return utc_iso(value)
    return clean(str(value))
