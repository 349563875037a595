"""`heron log`: who did what to which resource when."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from heron.cli.context import Context
from heron.cli.output import example, page_options, print_json_stream, tell
from heron.cli.tables import print_beginning
from heron.convert import dumps, unstructure
from heron.wording import counted

if TYPE_CHECKING:
    from heron.organisation import LogEntry


@click.command("log")
@click.option("--user", metavar="EMAIL", help="What this user did.")
@click.option("--verb", help="A verb, such as collections.add, or the part before the dot.")
@click.option("--noun", help="What was done to a noun, such as folder.")
@click.option("--resource", metavar="NAME", help="What was done to this path, title, name or UUID.")
@click.option("--since", metavar="TIME", help="From this time on, such as 2026-01-31T12:00:00Z.")
@click.option("--until", metavar="TIME", help="Before this time.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all of it to a new file, as JSONL.",
)
@page_options
@click.pass_obj
@example("heron log --verb roles\nheron log --user ada@example.org --since 2026-01-01T00:00:00Z -o log.jsonl")
def command(
    context: Context,
    output: Path | None,
    limit: int | None,
    cursor: int,
    as_json: bool,
    **given: str | None,
) -> None:
    """Show who did what to which resource when, the newest first.

    Admins see all of it, members what they did themselves.
    """
    log = context.workspace().log
    if output is not None:
        if limit or cursor:
            raise click.UsageError("--output writes all of it: leave out --limit and --cursor.")
        count = _write(log.stream(**given), output)
        tell(as_json, {"written": count, "file": str(output)}, f"Wrote {counted(count, 'line')} to {output}")
        return
    entries = log.stream(**given)
    if as_json:
        print_json_stream(entries, limit, cursor)
        return
    rows = (
        (f"{each.at:%Y-%m-%d %H:%M:%S}", each.user, each.verb, each.noun, each.resource, each.count)
        for each in entries
    )
    columns = ["at", "user", "verb", "noun", "resource", "count"]
    print_beginning(columns, rows, "Nothing was done yet that the log keeps.", limit, cursor)


def _write(entries: Iterable[LogEntry], output: Path) -> int:
    """Write entries to a new file, which appears whole or not at all; returns their number."""
    from heron.export.files import whole_file

    if output.exists():
        raise click.UsageError(f"{output} is there already.")
    count = 0
    with whole_file(output.absolute()) as stream:  # a file also for -
        for entry in entries:
            stream.write(f"{dumps(unstructure(entry))}\n".encode())
            count += 1
    return count
