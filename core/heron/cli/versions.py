"""`heron datasets freeze|versions|diff|verify`: versions of datasets that never change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.exits import DONE, FAILURES, INCOMPLETE
from heron.cli.output import (
    example,
    json_option,
    limit_option,
    list_options,
    page_options,
    print_json,
    print_json_stream,
    print_records,
    tell,
)
from heron.cli.progress import counting
from heron.cli.tables import is_csv, print_beginning, say
from heron.convert import dumps
from heron.wording import counted

if TYPE_CHECKING:
    from heron.versions import ChangedItem, DatasetDiff, DatasetVersion, VerifiedFile

_STATES = ("unchanged", "changed", "gone", "unreadable", "unknown")


@click.command("freeze")
@click.argument("title", shell_complete=completing.datasets)
@click.option("--note", default="", help="What the version is for.")
@click.option(
    "--hash", "hashes", is_flag=True, help="Read the files whose hash is not known, and keep their hashes."
)
@json_option
@click.pass_obj
@example("heron datasets freeze rain-1 --note 'given to training' --hash")
def freeze(context: Context, title: str, note: str, hashes: bool, as_json: bool) -> None:
    """Make the next version of a dataset, which never changes.

    It has the rows in order, with URL, hash, size and ETag, facts, metadata, members and frames of each item, and the schema
    and the queries behind them. Commands take it as TITLE@NUMBER.
    """
    workspace = context.workspace()
    with counting("Freezing", "row") as progress:
        made = workspace.versions.freeze(title, note=note, hashes=hashes, progress=progress)
    tell(as_json, made, f"Froze {counted(made.row_count, 'row')} as {made.name}")
    if made.unhashed and not as_json:
        hint = "they could not be read" if hashes else "--hash reads them"
        say(f"The content hashes of {counted(made.unhashed, 'row')} are not known: {hint}.", err=True)


@click.command("versions")
@click.argument("title", required=False, shell_complete=completing.datasets)
@page_options
@click.pass_obj
@example("heron datasets versions rain-1\nheron datasets versions rain-1@2 --json")
def versions(context: Context, title: str | None, limit: int | None, cursor: int, as_json: bool) -> None:
    """List the versions of a dataset, or of all. TITLE@NUMBER shows one, with the queries behind it."""
    service = context.workspace().versions
    found = service.find(title) if title is not None else None
    if found is not None and not is_csv():
        print_json(found) if as_json else _show(found)
        return
    print_records(
        [found] if found is not None else service.list(title),
        as_json,
        ["version", "rows", "without hash", "made", "by", "note"],
        lambda v: (v.name, v.row_count, v.unhashed, _time(v), v.created_by, v.note),
        "There is no version yet: heron datasets freeze TITLE",
        limit,
        cursor,
    )


def _time(version: DatasetVersion) -> str:
    return version.created_at.isoformat(sep=" ", timespec="seconds")


def _show(version: DatasetVersion) -> None:
    rows = counted(version.row_count, "row")
    say(f"{version.name}: {rows}, {version.unhashed:,} of them without a known content hash")
    say(f"made {_time(version)} by {version.created_by}{f': {version.note}' if version.note else ''}")
    for source in version.sources:
        told = {name: value for name, value in source.items() if name not in ("verb", "at", "by")}
        say(
            f"{source['verb']} by {source['by']} at {source['at']}: {dumps(told) if told else 'items that were given'}"
        )
    say(f"schema: {dumps(version.schema)}")


@click.command("diff")
@click.argument("old", shell_complete=completing.datasets)
@click.argument("new", required=False, shell_complete=completing.datasets)
@limit_option
@list_options
@click.pass_obj
@example("heron datasets diff rain-1@1 rain-1@2\nheron datasets diff rain-1@2")
def diff(context: Context, old: str, new: str | None, limit: int | None, as_json: bool) -> None:
    """Tell what is different between two versions, or between a version and the dataset as it is now.

    That is: items that were added, are gone or have moved, and those whose metadata, fields, frames or content have changed, with the
    old and the new values.
    """
    service = context.workspace().versions
    found = service.diff(old, new if new is not None else service.get(old).dataset)
    if as_json:
        print_json(found)
        return
    if not is_csv():
        say(_summary(found), err=False)
    heads = ["what", "name", "old", "new"] if not is_csv() else ["what", "name", "uuid", "old", "new"]
    rows = _rows(found)
    shown = rows if is_csv() else ((what, name, first, second) for what, name, _, first, second in rows)
    if is_csv() or not found.is_empty:
        print_beginning(heads, shown, "", limit, 0)


def _summary(found: DatasetDiff) -> str:
    numbers = {name: len(getattr(found, name)) for name in ("added", "gone", "moved", "changed")}
    told = ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number)
    return f"{found.old} to {found.new}: {told or 'no difference'}, {found.unchanged:,} unchanged"


def _rows(found: DatasetDiff) -> Iterator[Sequence[Any]]:
    for what, placed in (("added", found.added), ("gone", found.gone), ("moved", found.moved)):
        for one in placed:
            yield what, one.name, one.item, _row(one.old), _row(one.new)
    for change in found.changed:
        for what, old, new in _changes(change):
            yield what, change.name, change.item, _value(old), _value(new)


def _changes(change: ChangedItem) -> Iterator[tuple[str, Any, Any]]:
    for before, pairs in (
        ("content ", change.content),
        ("metadata ", change.metadata),
        ("field ", change.fields),
    ):
        for name, (old, new) in pairs.items():
            yield f"{before}{name}", old, new
    for number, of_frame in change.frames.items():
        for name, (old, new) in of_frame.items():
            yield f"frame {number} {name}".rstrip(), old, new


def _row(position: int | None) -> str:
    return "" if position is None else f"row {position}"


def _value(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else dumps(value)


@click.command("verify")
@click.argument("title", shell_complete=completing.datasets)
@click.option("--hash", "hashes", is_flag=True, help="Read each file whose hash is known, and compare.")
@click.option("--all", "shows_all", is_flag=True, help="List the files that are unchanged too.")
@limit_option
@list_options
@click.pass_obj
@example("heron datasets verify rain-1\nheron datasets verify rain-1@2 --hash")
def verify(
    context: Context, title: str, hashes: bool, shows_all: bool, limit: int | None, as_json: bool
) -> None:
    """Tell for each file of a dataset, or of a version, whether it is what it was.

    Size and ETag or time are compared first; a file is read if these leave a doubt and its hash is known. JSON has each file. The exit
    status is 0 if all are unchanged, 3 if one is changed, gone or unreadable, 4 if what is known of one does not suffice to tell.
    """
    service = context.workspace().versions
    counts: Counter[str] = Counter()
    with counting("Verifying", "file") as progress:
        found = _counted(service.verify(title, hashes=hashes, progress=progress), counts)
        if as_json:
            print_json_stream(found, limit)
        else:
            told = (one for one in found if shows_all or one.state != "unchanged")
            rows = [(one.state, one.name, one.reason, one.url) for one in told]
    for _ in found:
        pass
    if not as_json:
        if rows or is_csv():
            print_beginning(["state", "name", "reason", "url"], rows, "", limit, 0)
        told_counts = ", ".join(f"{counts[state]:,} {state}" for state in _STATES if counts[state])
        say(f"{counted(counts.total(), 'file')}: {told_counts or 'the dataset is empty'}", err=is_csv())
    click.get_current_context().exit(_status(counts))


def _counted(found: Iterable[VerifiedFile], counts: Counter[str]) -> Iterator[VerifiedFile]:
    for one in found:
        counts[one.state] += 1
        yield one


def _status(counts: Counter[str]) -> int:
    if counts["changed"] or counts["gone"] or counts["unreadable"]:
        return FAILURES
    return INCOMPLETE if counts["unknown"] else DONE
