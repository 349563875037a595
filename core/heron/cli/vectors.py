"""`heron vectors`: the vectors of each embedding key, their files, and their import and export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.output import (
    confirm,
    example,
    json_option,
    list_options,
    print_json,
    print_json_list,
    tell,
    yes_option,
)
from heron.cli.progress import counting
from heron.cli.selection import Selection, selection
from heron.cli.tables import print_table, say, size_cell
from heron.wording import counted

if TYPE_CHECKING:
    from heron.catalog.vectors.status import VectorStatus
    from heron.ingest.vector_files.service import VectorImport
    from heron.workspace import Workspace

file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
ids_option = click.option(
    "--ids",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with an id for each row of a .npy (default: NAME.ids.txt beside it).",
)


@click.group("vectors")
@example(
    "heron vectors status\nheron vectors import clip clip.npy --ids names.txt\nheron vectors rebuild clip"
)
def command() -> None:
    """Manage the vectors of items and frames, and import and export them."""


@command.command("status")
@list_options
@click.pass_obj
@example("heron vectors status\nheron vectors status --json")
def status(context: Context, as_json: bool) -> None:
    """Show the vectors of each key, and how many of them the caches cover.

    Gaps are rows of vectors that were deleted or replaced; `compact` removes them. Scan and index are the
    numbers of vectors that the two caches cover; `rebuild` extends both to all vectors.
    """
    store = context.workspace().vectors
    kept, adoptable = store.status(), store.adoptable()
    if as_json:
        print_json_list(kept)
        return
    columns = ["key", "size", "vectors", "gaps", "made by", "scan", "index", "recall", "disk"]
    print_table(columns, map(_row, kept), "No vectors are kept yet: heron embed makes some.")
    for status in kept:
        for note in _notes(status):
            say(f"{status.key}: {note}")
    for key in adoptable:
        say(f"{key}: some vectors are in metadata, where no search finds them; heron vectors adopt {key!r}")


def _row(status: VectorStatus) -> tuple[Any, ...]:
    size = f"{status.size:,}" + (" half" if status.dtype == "float16" else "")
    maker = " ".join(filter(None, (status.embedder, status.model))) or "given"
    recall = "" if status.recall is None or not status.indexed else f"{status.recall:.3f}"
    return (
        status.key, size, status.vectors, status.gaps, maker, status.coded, status.indexed, recall, size_cell(status.bytes),
    )  # fmt: skip


def _notes(status: VectorStatus) -> list[str]:
    """Notes about a key, besides its numbers."""
    missing = (
        [f"the file has lost {counted(status.missing, 'vector')}; heron vectors verify {status.key!r}"]
        if status.missing
        else []
    )
    return missing + list(status.notes)


@command.command("rebuild")
@click.argument("key", shell_complete=completing.embeddings)
@click.option("--anew", is_flag=True, help="Build from scratch, instead of extending the index.")
@click.option("--graph", is_flag=True, help="Build a graph as well, which takes minutes.")
@click.option("--background", is_flag=True, help="Run in a background process, which writes a log.")
@json_option
@click.pass_obj
@example(
    "heron vectors rebuild clip\nheron vectors rebuild clip --graph --background\nheron vectors rebuild clip --anew"
)
def rebuild(context: Context, key: str, anew: bool, graph: bool, background: bool, as_json: bool) -> None:
    """Build or extend the index of a key, which makes search fast.

    The index consists of partitions. A graph is used as well where it is faster; a graph that exists is extended.
    Searches work meanwhile. Without an index every vector is compared, which is exact, and fast enough for about
    100,000.
    """
    from heron.cli.rebuilding import building, in_background

    workspace = context.workspace()
    sizes = {status.key: status.size for status in workspace.vectors.status()}
    if background and key in sizes:
        log = in_background(workspace, key, context.discover, anew=anew, graph=graph, quiet=as_json)
        if as_json:
            print_json({"key": key, "log": str(log) if log is not None else None})
        elif log is not None:
            say(f"It runs in the background; {log} shows the progress.")
        return
    with building(key, sizes.get(key, 0), graph=graph, quiet=as_json) as progress:
        workspace.vectors.rebuild(key, anew=anew, graph=graph, progress=progress)
    rebuilt = next(status for status in workspace.vectors.status() if status.key == key)
    print_json(rebuilt) if as_json else _say_rebuilt(rebuilt)


def _say_rebuilt(status: VectorStatus) -> None:
    total = status.vectors + status.gaps
    if status.indexed:
        say(f"The index of {status.key!r} covers {status.indexed:,} of {total:,} vectors.")
    else:
        say(f"{counted(total, 'vector')} of {status.key!r} are searched without an index, by a scan of all.")
    for note in _notes(status):
        say(f"  {note}")


@command.command("compact")
@click.argument("key", required=False, shell_complete=completing.embeddings)
@json_option
@click.pass_obj
@example("heron vectors compact\nheron vectors compact clip")
def compact(context: Context, key: str | None, as_json: bool) -> None:
    """Rewrite the files of a key, or of all keys, without deleted and replaced vectors."""
    workspace = context.workspace()
    done = {each: workspace.vectors.compact(each) for each in _keys(workspace, key)}
    if as_json:
        print_json_list({"key": each, "removed": count} for each, count in done.items())
        return
    for each, count in done.items():
        say(f"Removed {counted(count, 'row')} from {each!r}" if count else f"{each!r} has no gaps")
    if not done:
        say("No vectors are kept yet.")


@command.command("verify")
@click.argument("key", required=False, shell_complete=completing.embeddings)
@click.option("--deep", is_flag=True, help="Check every number.")
@click.option("--repair", is_flag=True, help="Repair damage where possible.")
@json_option
@click.pass_context
@example("heron vectors verify\nheron vectors verify clip --deep\nheron vectors verify clip --repair")
def verify(context: click.Context, key: str | None, deep: bool, repair: bool, as_json: bool) -> None:
    """Check the files of a key, or of all keys, for damage; the exit status is 1 if some remains.

    Repairing makes caches again, and deletes vectors that a file has lost, so that they can be imported or
    embedded again.
    """
    workspace = context.obj.workspace()
    found = [_verified(workspace, each, deep, repair) for each in _keys(workspace, key)]
    if as_json:
        print_json_list(found)
    else:
        for each in found:
            for problem in each["problems"]:
                say(f"{each['key']}: {problem}")
            if each["problems"] and not each["remaining"]:
                say(f"{each['key']} is repaired.")
            elif not each["problems"]:
                say(f"{each['key']} has no problems.")
        if not found:
            say("No vectors are kept yet.")
    if any(each["remaining"] for each in found):
        context.exit(1)


def _verified(workspace: Workspace, key: str, deep: bool, repair: bool) -> dict[str, Any]:
    problems = workspace.vectors.verify(key, repair=repair, deep=deep)
    remaining = workspace.vectors.verify(key, deep=deep) if problems and repair else problems
    return {"key": key, "problems": problems, "remaining": remaining}


def _keys(workspace: Workspace, key: str | None) -> list[str]:
    return [key] if key is not None else [status.key for status in workspace.vectors.status()]


@command.command("delete")
@click.argument("key", shell_complete=completing.embeddings)
@yes_option
@json_option
@click.pass_obj
@example("heron vectors delete clip")
def delete(context: Context, key: str, yes: bool, as_json: bool) -> None:
    """Remove all vectors of a key; the key stays in the schema."""
    store = context.workspace().vectors
    count = sum(status.vectors for status in store.status() if status.key == key)
    confirm(f"Delete {counted(count, 'vector')} of {key}?", yes)
    deleted = store.delete(key)
    tell(as_json, {"key": key, "deleted": deleted}, f"Deleted {counted(deleted, 'vector')} of {key}")


@command.command("adopt")
@click.argument("key", shell_complete=completing.embeddings)
@click.option("--replace", is_flag=True, help="Also replace vectors that exist already.")
@json_option
@click.pass_obj
@example("heron vectors adopt clip")
def adopt(context: Context, key: str, replace: bool, as_json: bool) -> None:
    """Move vectors that were written as metadata, before their key was in the schema, to where searches find
    them.
    """
    done = context.workspace().vectors.adopt(key, replace=replace)
    if as_json:
        print_json(done)
        return
    say(f"Moved {counted(done.moved, 'vector')} from metadata to {key!r}.")
    for reason in done.reasons:
        say(f"  not moved: {reason}")
    if done.left > len(done.reasons):
        say(f"{counted(done.left, 'value')} stay in metadata.")


@command.command("import")
@click.argument("key", shell_complete=completing.embeddings)
@file_argument
@click.option(
    "--by",
    type=click.Choice(["uuid", "url", "path", "name"]),
    help="What the ids are (default: recognised for each id).",
)
@ids_option
@click.option("--create", is_flag=True, help="Add the key to the schema, with the size of these vectors.")
@json_option
@click.pass_obj
@example(
    "heron vectors import clip clip.npy --ids names.txt --create\nheron vectors import clip clip.parquet\n"
    "heron vectors import clip clip.jsonl --by name"
)
def import_file(
    context: Context, key: str, file: Path, by: Any, ids: Path | None, create: bool, as_json: bool
) -> None:
    """Import vectors from a .npy file with a file of ids, from Parquet or from JSON lines.

    Each row names an item by UUID, URL, path or name; a frame by `UUID#12` in a list of ids, or in a column
    `frame`. The whole file is checked before anything is stored. It exits with 1 if no id belongs to an item.
    """
    files = context.workspace().vector_files
    with counting("Keeping vectors", "vector") as progress:
        try:
            done = files.import_file(key, file, by=by, ids=ids, create=create, progress=progress)
        except KeyboardInterrupt:
            from heron.errors import HeronError

            raise HeronError(
                "interrupted, the vectors stored so far stay", hint="the same command stores all of them"
            ) from None
    print_json(done) if as_json else _say_imported(done)
    if not done.kept and (done.unmatched or done.ambiguous):
        raise click.exceptions.Exit(1)


def _say_imported(done: VectorImport) -> None:
    if done.created:
        say(f"Added key {done.key} to the schema")
    say(f"Stored {counted(done.kept, 'vector')} as {done.key!r}.")
    if done.zeros:
        say(f"  {counted(done.zeros, 'vector')} of zeros: they have no direction, so no search finds them")
    for name in done.first_unmatched[:10]:
        say(f"  no item: {name}")
    for name, count in list(done.first_ambiguous.items())[:10]:
        say(f"  {count} items have this name, so none got the vector: {name}")
    if done.unmatched or done.ambiguous:
        say(f"{counted(done.unmatched, 'vector')} matched no item, {done.ambiguous:,} matched several.")


@command.command("export")
@click.argument("exported", metavar="KEY", shell_complete=completing.embeddings)
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="File to write: .npy (and its ids), .parquet or .jsonl.",
)  # fmt: skip
@ids_option
@selection(order=False)
@json_option
@click.pass_obj
@example(
    "heron vectors export clip -o clip.npy\nheron vectors export clip -o clip.parquet --where \"city = 'Algiers'\""
)
def export(
    context: Context,
    exported: str,
    output: Path,
    ids: Path | None,
    selection: Selection,
    as_json: bool,
) -> None:
    """Write vectors to a file; importing it restores the same bits."""
    workspace = context.workspace()
    query = selection.query(workspace) if selection else None
    with counting("Writing vectors", "vector") as progress:
        done = workspace.vector_files.export_file(exported, output, query=query, ids=ids, progress=progress)
    if as_json:
        print_json(done)
        return
    say(f"Wrote {counted(done.vectors, 'vector')} to {' and '.join(done.files)}")
