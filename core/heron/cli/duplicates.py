"""`heron duplicates`: items with equal or nearly equal content, and which of them to keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heron.cli.collecting import check_titles, collect
from heron.cli.context import Context
from heron.cli.cosines import AUTO, Cosine
from heron.cli.exits import DONE, status_of_counts
from heron.cli.item_tables import check_columns, columns_option, extra_cells, id_column, ids
from heron.cli.output import example, limit_option, list_options, print_json
from heron.cli.progress import counting
from heron.cli.repeating import not_done, repeatable, say_waiting
from heron.cli.selection import Selection, selection
from heron.cli.show import picture_option, save_picture
from heron.cli.tables import print_beginning, say, size_cell
from heron.wording import counted

if TYPE_CHECKING:
    from heron.answers import CarriedOver
    from heron.curation.records import DuplicateGroup, Duplicates
    from heron.models import Query
    from heron.workspace import Workspace


_SHOWN = 20
"""Conflicts that are printed."""


@click.command("duplicates")
@click.option(
    "--near",
    type=Cosine(),
    is_flag=False,
    flag_value=AUTO,
    metavar="[COSINE]",
    help="Find near duplicates: items whose vectors have at least this cosine (without a number, what their embedder recommends, or 0.95).",
)
@click.option(
    "--turned",
    is_flag=True,
    help="Find near duplicates that are mirrored or rotated by 90, 180 or 270 degrees too.",
)
@click.option("--frames", is_flag=True, help="With --near: compare the vectors of frames too.")
@selection(order=False)
@click.option("--hash-missing", is_flag=True, help="First hash the files of items that have no hash yet.")
@click.option("--collect", "kept", metavar="TITLE", help="Make a collection of the best of each group.")
@click.option("--collect-redundant", "redundant", metavar="TITLE", help="Make a collection of the others.")
@click.option(
    "--carry-over",
    is_flag=True,
    help="Copy metadata, collections and dataset rows of the others to the best one, without overwriting.",
)
@click.option("--dry-run", is_flag=True, help="With --carry-over: only show what would be copied.")
@picture_option("Draw the groups")
@columns_option
@limit_option
@list_options
@click.pass_obj
@example(
    "heron duplicates --hash-missing\nheron duplicates --near 0.97 --folder Photos -o twins.png\n"
    "heron duplicates --near --turned --key phash\n"
    "heron duplicates --near --where \"kind = 'image'\" --collect-redundant 'To delete'"
)
def command(
    context: Context,
    near: float | str | None,
    turned: bool,
    frames: bool,
    hash_missing: bool,
    kept: str | None,
    redundant: str | None,
    carry_over: bool,
    dry_run: bool,
    output: Path | None,
    columns: str | None,
    limit: int | None,
    as_json: bool,
    selection: Selection,
) -> int:
    """Find duplicate items, and which of them to keep.

    Duplicates are files of equal content, by their hashes (heron import --hash stores them); with --near,
    items whose vectors are near each other. A group holds all items that such pairs connect. The first item
    of a group is the best: the one with the most metadata, collections and datasets, then the largest in pixels,
    then one without loss, then the least compressed, then the oldest, then the sharpest.
    """
    by_vectors = {"key", "exact"} & set(selection.given) and not {"text", "like"} & set(selection.given)
    near = AUTO if near is None and turned else near
    if near is None and (frames or by_vectors):
        raise click.UsageError("--key, --frames and --exact go with --near.")
    if near is not None and hash_missing:
        raise click.UsageError("--hash-missing is for exact duplicates, not for --near.")
    if dry_run and not carry_over:
        raise click.UsageError("--dry-run goes with --carry-over.")
    check_columns(columns, as_json)
    workspace = context.workspace()
    check_titles(workspace, kept, redundant)
    query = selection.query(workspace, compares=True)
    hashed = DONE
    if near is None:
        if hash_missing:
            hashed = _hash(workspace, query, as_json)
        found = workspace.curation.exact_duplicates(query)
    else:
        least = near if isinstance(near, float) else None
        found = _near(workspace, query, least, selection, frames=frames, turned=turned, as_json=as_json)
    from heron.catalog.work import FOUND

    sheet = None
    if output is not None and found.groups:
        sheet = workspace.curation.sheet(found)
        save_picture(sheet.picture, output)
    carried = workspace.curation.carry_over(found, dry_run=dry_run or not carry_over)
    if as_json:
        _print_json(found, carried)
    else:
        _print(workspace, found, limit, columns, turned=turned)
        _print_carried(carried, asked=carry_over)
    collect(workspace, kept, found.kept, quiet=as_json, description=FOUND["kept"])
    collect(workspace, redundant, found.redundant, quiet=as_json, description=FOUND["redundant"])
    if sheet is not None and not as_json:
        say(f"Wrote {output} with {sheet.groups:,} of {counted(len(found.groups), 'group')}")
    return hashed


def _hash(workspace: Workspace, query: Query, quiet: bool) -> int:
    """Store missing hashes, and say how many; returns the exit status."""
    with repeatable("the hashes that were computed are kept"), counting("Hashing", "file") as progress:
        done = workspace.curation.hash_missing(query, progress=progress)
    say(f"Hashed {counted(done.hashed, 'file')}{not_done(done.failed, done.waiting, 'file')}.", err=quiet)
    for number, problem in enumerate(done.problems[:20]):
        say(f"  {'failed' if number < done.failed else 'waiting'}: {problem}", err=quiet)
    say_waiting(done.waiting, err=quiet)
    return status_of_counts(done.failed, done.waiting)


def _print(
    workspace: Workspace, found: Duplicates, limit: int | None, names: str | None, *, turned: bool
) -> None:
    columns = [
        "group",
        "name",
        id_column(),
        "keep",
        "score",
        *["turned"][:turned],
        "folder",
        "dimensions",
        "size",
    ]
    rows: Iterator[tuple[Any, ...]] = _rows(workspace, found, turned=turned)
    uuids = [item.uuid for group in found.groups for item in group.items]
    if named := extra_cells(workspace, uuids, names):
        end = 5 + turned
        columns = ["group", *named, *columns[3:end]]
        rows = (
            (row[0], *of, *row[3:end])
            for row, of in zip(rows, zip(*named.values(), strict=True), strict=True)
        )
    print_beginning(columns, rows, _nothing(found), limit)
    if found.groups:
        items = sum(len(group.items) for group in found.groups)
        say(
            f"{counted(len(found.groups), 'group')} of {counted(items, 'item')}, {len(found.redundant):,} of them redundant; "
            f"{found.compared:,} were compared"
        )
    for note in found.notes:
        say(f"Note: {note}")


def _print_carried(carried: CarriedOver, *, asked: bool) -> None:
    """What was copied to the kept items, or what they lack."""
    parts = [
        counted(number, noun)
        for number, noun in (
            (carried.values, "metadata value"),
            (carried.collections, "collection membership"),
            (carried.datasets, "dataset row"),
        )
        if number
    ]
    if parts and not asked:
        say(
            f"Note: redundant items have {', '.join(parts)} that the kept ones lack; heron duplicates --carry-over copies these"
        )
    elif asked:
        verb = "Copied" if carried.written else "A dry run, nothing was changed. Would copy"
        say(f"{verb} {', '.join(parts)} to {counted(carried.items, 'item')}" if parts else f"{verb} nothing")
    if carried.conflicts and not asked:
        say(f"Note: {counted(len(carried.conflicts), 'metadata value')} differ between copies of one picture")
    for conflict in carried.conflicts[:_SHOWN] if asked else ():
        say(
            f"Conflict, not copied: {conflict.key} is {_short(conflict.value)} of {conflict.name}, "
            f"{_short(conflict.other_value)} of {conflict.other_name}"
        )
    if asked and len(carried.conflicts) > _SHOWN:
        say(f"… and {len(carried.conflicts) - _SHOWN:,} more conflicts, all are in --json")
    for note in carried.notes if asked else ():
        say(f"Note: {note}")


def _short(value: Any) -> str:
    """A value on one line."""
    from heron.convert import dumps
    from heron.records import cut

    return cut(dumps(value), 60)


def _nothing(found: Duplicates) -> str:
    """What to do next if there are no duplicates."""
    near = " Near ones: heron duplicates --near" if found.compared and found.threshold is None else ""
    return f"There are no duplicates.{near}"


def _rows(workspace: Workspace, found: Duplicates, *, turned: bool) -> Iterator[tuple[Any, ...]]:
    uuids = [item.uuid for group in found.groups for item in group.items]
    short = dict(zip(uuids, ids(workspace, uuids), strict=True))
    for number, group in enumerate(found.groups, start=1):
        scores, turns = _scores(group), group.turns if turned else {}
        for item in group.items:
            dimensions = f"{item.width} x {item.height}" if item.width and item.height else ""
            yield (
                number, item.name, short[item.uuid], group.reason if item.uuid == group.kept else "",
                scores.get(item.uuid), *[turns.get(item.uuid)][:turned], item.folder, dimensions, size_cell(item.size),
            )  # fmt: skip


def _scores(group: DuplicateGroup) -> dict[str, float]:
    """The highest score of each item."""
    scores: dict[str, float] = {}
    for pair in group.pairs:  # by descending score
        for uuid in (pair.first, pair.second):
            scores.setdefault(uuid, pair.score)
    return scores


def _near(
    workspace: Workspace,
    query: Query,
    near: float | None,
    selection: Selection,
    *,
    frames: bool,
    turned: bool,
    as_json: bool,
) -> Duplicates:
    """Near duplicates. With nothing to compare, an empty answer is printed as JSON before the error."""
    from heron.curation.compared import NothingToCompare
    from heron.curation.records import Duplicates

    try:
        with counting("Comparing", "vector") as progress:
            return workspace.curation.near_duplicates(
                selection.key,
                near,
                query,
                frames=frames,
                exact=selection.exact,
                turned=turned,
                progress=progress,
            )
    except NothingToCompare as nothing:
        if as_json:
            found = Duplicates((), 0, nothing.left_out, "pairs", nothing.key, near, (nothing.message,))
            _print_json(found, workspace.curation.carry_over(found, dry_run=True))
        raise


def _print_json(found: Duplicates, carried: CarriedOver) -> None:
    """The record as JSON, with the item to keep of each group."""
    from heron.convert import unstructure

    plain: dict[str, Any] = unstructure(found)
    for record, group in zip(plain["groups"], found.groups, strict=True):
        record["kept"] = group.kept
    print_json({**plain, "carried_over": unstructure(carried)})
