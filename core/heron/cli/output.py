"""What commands print: tables for people, JSON for programs, progress on standard error."""

from __future__ import annotations

import inspect
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from heron.models import Item

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def example(text: str) -> Callable[[Any], Any]:
    """Add examples to a command's help: what one would type, a line each."""

    def add(function: Any) -> Any:
        lines = "\n".join(f"  {line}" for line in text.strip().splitlines())
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n\b\nExample:\n{lines}\n"
        return function

    return add


def print_json(value: Any) -> None:
    """Print records or plain data as JSON."""
    from heron.convert import dumps, unstructure

    click.echo(dumps(unstructure(value)))


def print_json_stream(values: Iterable[Any]) -> None:
    """Print a JSON array, one element a line, as the elements come."""
    from heron.convert import dumps, unstructure

    click.echo("[", nl=False)
    for number, value in enumerate(values):
        click.echo(("," if number else "") + "\n" + dumps(unstructure(value)), nl=False)
    click.echo("\n]")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
    """Print a table; `empty` is the sentence for no rows. On a screen, long cells are shortened to its width."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        click.echo(empty)
        return
    numeric = [
        all(cell.replace(",", "").isdigit() or not cell for cell in column)
        for column in zip(*cells, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    if sys.stdout.isatty():
        _fit(widths, shutil.get_terminal_size().columns)
    for number, row in enumerate([list(columns), *cells]):
        line = "  ".join(
            _shorten(cell, width).rjust(width) if right else _shorten(cell, width).ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        click.secho(line, bold=True) if number == 0 else click.echo(line)


def _fit(widths: list[int], screen: int) -> None:
    """Narrow the widest columns until the row fits."""
    while sum(widths) + 2 * (len(widths) - 1) > screen and max(widths) > 12:
        widths[widths.index(max(widths))] -= 1


def _shorten(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"


def print_items(items: Sequence[Item], cursor: str | None, empty: str) -> None:
    """Print items as a table, and how to get the next page."""
    rows = [
        (item.uuid, item.name, item.kind, size_of(item.size), dimensions(item), ", ".join(item.tags))
        for item in items
    ]
    print_table(["uuid", "name", "kind", "size", "dimensions", "collections"], rows, empty)
    if cursor:
        click.echo(f"More: --cursor {cursor}")


def dimensions(item: Item) -> str:
    """Width and height, or duration, or pages, or nothing."""
    facts = item.facts
    if facts.width and facts.height:
        return f"{facts.width} x {facts.height}"
    if facts.duration:
        return f"{facts.duration:.1f} s"
    return f"{facts.pages} pages" if facts.pages else ""


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
def progress_bar(what: str) -> Iterator[Callable[[int, int, int], None]]:
    """A spinner on standard error with the units done, their rate and the failures; silent without a screen."""
    if not sys.stderr.isatty():
        yield lambda done, added, failed: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what)

        def show(done: int, added: int, failed: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0
            rate = f", {done / elapsed:,.0f} a second" if elapsed > 0.5 else ""
            bad = f", {failed:,} failed" if failed else ""
            progress.update(task, description=f"{what}: {done:,} looked at, {added:,} new{bad}{rate}")

        yield show


def confirm(question: str, yes: bool) -> None:
    """Ask before something is deleted; without a screen to ask on, --yes is needed."""
    if yes:
        return
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
    return "".join(c if c.isprintable() else " " for c in str(value))
