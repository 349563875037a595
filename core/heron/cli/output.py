"""What commands print besides tables: JSON for programs, and progress on standard error; and options that many commands take."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from heron.cli.context import Context
from heron.cli.screen import is_unicode
from heron.cli.stdout import echo, printing
from heron.cli.tables import clean, csv_option, is_csv, print_beginning, say

if TYPE_CHECKING:
    from heron.answers import Verification

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def list_options(function: Any) -> Any:
    """Add --json and --csv, for a command that prints a list."""
    return json_option(csv_option(function))


cursor_option = click.option(
    "--cursor", metavar="CURSOR", help="Continue after the page that printed this cursor."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")

_CONTROLS = re.compile("[\x7f-\x9f]")
"""Control characters that JSON need not escape, but that a terminal acts on."""

_LARGE = re.compile("[^\x00-\x7f]")
"""Characters that are escaped if standard output is in another encoding than UTF-8, since JSON is UTF-8 (RFC 8259)."""

ROWS = click.IntRange(1, 100_000)
"""The type of --limit."""

limit_option = click.option(
    "--limit", type=ROWS, help="Rows to print (default: 100 in a table, all with --json)."
)

skip_option = click.option(
    "--cursor",
    type=click.IntRange(0, 10**15),
    default=0,
    metavar="CURSOR",
    help="Continue after the page that printed this cursor.",
)
"""For lists without a key to continue from: the cursor is the number of rows before."""


def page_options(function: Any) -> Any:
    """Add --limit, --cursor, --json and --csv, for a command that prints a list or a page of it."""
    return limit_option(skip_option(list_options(function)))


def listing(context: click.Context, command: click.Command, as_json: bool) -> None:
    """Run the `list` command if a group is called without a subcommand."""
    if context.invoked_subcommand is None:
        context.invoke(command, as_json=as_json)
    elif as_json or is_csv():
        raise click.UsageError(f"--{'json' if as_json else 'csv'} goes after {context.invoked_subcommand}.")


def example(text: str) -> Callable[[Any], Any]:
    """Add examples to a command's help: command lines, one on each line."""

    def add(function: Any) -> Any:
        lines = "\n".join(f"  {line}" for line in text.strip().splitlines())
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n\b\nExample:\n{lines}\n"
        return function

    return add


def print_json(value: Any) -> None:
    """Print records or plain data as JSON."""
    _refuse_csv()
    echo(_json(value))


def print_json_pieces(pieces: Iterable[str]) -> None:
    """Print JSON text that comes in pieces, so that it need not be in memory at once."""
    _refuse_csv()
    for piece in pieces:
        echo(_escaped(piece), nl=False)
    echo("")


def _refuse_csv() -> None:
    if is_csv():
        raise click.UsageError("--json and --csv print in two forms: give one of them.")


def _json(value: Any) -> str:
    from heron.convert import dumps, unstructure

    return _escaped(dumps(unstructure(value)))


def _escaped(text: str) -> str:
    """JSON text as it can be printed: control characters, and what the encoding of standard output lacks, as escapes."""
    text = _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text if text.isascii() or is_unicode(sys.stdout) else _LARGE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    """A character as JSON writes it in ASCII: one or two UTF-16 units."""
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def print_notes(notes: Iterable[str], *, mark: str = "Note: ", err: bool = True) -> None:
    """Print sentences about an answer beside it, on standard error; a tour of several commands says each one once."""
    context = click.get_current_context().find_object(Context)
    told = context.told if context is not None else set()
    for note in notes:
        if note not in told:
            say(f"{mark}{note}", err=err)
            told.add(note)


def tell(as_json: bool, changed: Any, sentence: str) -> None:
    """Print what a command changed, as a sentence or as a JSON object."""
    print_json(changed) if as_json else say(sentence)


def print_json_list(values: Iterable[Any], cursor: str | None = None, **more: Any) -> None:
    """Print a list as JSON, in the shape of all lists; the cursor leads to the next page and is null on the last page."""
    print_json({**more, "items": list(values), "cursor": cursor})


def print_json_array(values: Iterable[Any]) -> None:
    """Print a JSON array as a stream, one element on each line."""
    _refuse_csv()
    echo("[", nl=False)
    for number, value in enumerate(values):
        echo(("," if number else "") + "\n" + _json(value), nl=False)
    echo("\n]")


def print_json_stream(
    values: Iterable[Any], limit: int | None, cursor: int = 0, *, is_skipped: bool = False, **more: Any
) -> None:
    """Print a list in the shape of all lists, as a stream, one element on each line: `limit` after the first `cursor`.

    Nothing is printed if the first element raises an error. With `is_skipped`, the values begin behind the cursor already.
    """
    _refuse_csv()
    rest = islice(values, 0 if is_skipped else cursor, None)
    stream = chain([*islice(rest, 1)], rest)
    before = [f"{_json(key)}:{_json(value)}," for key, value in more.items()]
    echo(f'{{{"".join(before)}"items":[', nl=False)
    for number, value in enumerate(islice(stream, limit)):
        echo(("," if number else "") + "\n" + _json(value), nl=False)
    is_whole = limit is None or next(stream, None) is None
    echo(f'\n],"cursor":{"null" if is_whole else _json(str(cursor + (limit or 0)))}}}')


def print_verification(
    found: Iterable[Verification], as_json: bool, limit: int | None, cursor: int = 0
) -> None:
    """Print the stored metadata that does not follow the schema."""
    if as_json:
        print_json_stream(found, limit, cursor)
        return
    rows = ((row.item, row.key, str(row.value), row.reason) for row in found)
    columns = ["item", "key", "value", "reason"]
    print_beginning(columns, rows, "All metadata follows the schema.", limit, cursor)


def print_records(
    records: Sequence[T],
    as_json: bool,
    columns: Sequence[str],
    row: Callable[[T], Sequence[Any]],
    empty: str,
    limit: int | None = None,
    cursor: int = 0,
) -> None:
    """Print records, `limit` after the first `cursor`, as JSON or as a table with the cells that `row` returns for each."""
    if as_json:
        print_json_stream(records, limit, cursor)
    else:
        print_beginning(columns, map(row, records), empty, limit, cursor)


def confirm(question: str, yes: bool) -> None:
    """Ask before something is deleted; without a terminal, --yes is required."""
    if yes:
        return
    question = clean(question)
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Give --yes to do it.")
    as_json = click.get_current_context().params.get("as_json", False)
    with printing():
        click.confirm(question, abort=True, err=as_json)
