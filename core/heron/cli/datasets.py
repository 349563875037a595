"""`heron datasets`: ordered lists of items to hand on."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import click

from heron.catalog.datasets import Duplicates
from heron.cli import completing
from heron.cli.contents import frames_option
from heron.cli.context import Context
from heron.cli.exits import DONE, FAILURES
from heron.cli.exported import goes_on, left_out_sentence, reported
from heron.cli.frozen_fields import FrozenFields
from heron.cli.item_tables import (
    Cells,
    columns_option,
    dimensions,
    id_column,
    ids,
    named_cells,
    print_stream,
    values_of,
)
from heron.cli.output import (
    confirm,
    example,
    json_option,
    limit_option,
    list_options,
    listing,
    page_options,
    print_json,
    print_json_array,
    print_records,
    tell,
    yes_option,
)
from heron.cli.progress import counting
from heron.cli.selection import Selection, selection
from heron.cli.tables import is_csv, say
from heron.cli.values import assignments
from heron.cli.versions import diff, freeze, verify, versions
from heron.convert import dumps, item_to_dict
from heron.errors import InvalidInput, NotFound
from heron.models import DatasetRow, FrameChoice
from heron.wording import counted

_SHOWN = 20
"""Files that cannot be read of which an export names each."""


@click.group("datasets", invoke_without_command=True)
@list_options
@click.pass_context
@example(
    "heron datasets create rain-1 --collection 'Rainy nights'\nheron datasets export rain-1 -o rain-1.csv"
)
def command(context: click.Context, as_json: bool) -> None:
    """Make datasets and export them."""
    listing(context, list_datasets, as_json)


for _of_versions in (freeze, versions, diff, verify):
    command.add_command(_of_versions)


@command.command("list")
@page_options
@click.pass_obj
@example("heron datasets list")
def list_datasets(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List the datasets."""
    print_records(
        context.workspace().datasets.list(),
        as_json,
        ["title", "rows", "description"],
        lambda d: (d.title, d.row_count, d.description),
        "There is no dataset yet: heron datasets create TITLE --collection …",
        limit,
        cursor,
    )


@command.command("create")
@click.argument("title")
@selection()
@click.option(
    "--backing-folder",
    shell_complete=completing.folders,
    metavar="PATH",
    help="Make the items of this folder, and of those below it, the rows, now and whenever they change.",
)
@click.option("--description", default="", help="What the dataset is for.")
@json_option
@click.pass_obj
@example(
    "heron datasets create rain-1 --collection 'Rainy nights'\nheron datasets create all-2026 --backing-folder Driving/2026"
)
def create(
    context: Context,
    title: str,
    backing_folder: str | None,
    description: str,
    selection: Selection,
    as_json: bool,
) -> None:
    """Make a dataset from chosen items, or one that follows a folder."""
    if backing_folder and selection:
        raise click.UsageError("Which items? Give --backing-folder, or options that choose items, not both.")
    workspace = context.workspace()
    items = () if backing_folder else selection.chosen(workspace)
    source = None if backing_folder else selection.source(workspace)
    dataset = workspace.datasets.create(
        title, items=items, description=description, backing_folder=backing_folder, source=source
    )
    tell(as_json, dataset, f"Made dataset {title} of {counted(dataset.row_count, 'row')}")


@command.command("show")
@click.argument("title", shell_complete=completing.datasets)
@columns_option
@limit_option
@list_options
@click.pass_obj
@example("heron datasets show rain-1")
def show(context: Context, title: str, columns: str | None, limit: int | None, as_json: bool) -> None:
    """List the rows of a dataset, or of a version, TITLE@NUMBER, with their metadata.

    The rows of a version are as they were frozen; the column `since` says what has become of the item.
    """
    workspace = context.workspace()
    rows = workspace.datasets.rows(title)
    version = workspace.versions.find(title)
    if version is not None and columns is not None:
        frozen = FrozenFields(version, columns)
        if as_json:
            print_json_array({"position": row.position, **frozen.of(row.item)} for row in islice(rows, limit))
            return
        print_stream(rows, frozen.cells, f"Version {title} has no rows.", limit)
        return
    if as_json and columns is not None:
        named = values_of(workspace, (row.item for row in islice(rows, limit)), columns)
        print_json_array({"position": position, **values} for position, values in enumerate(named))
        return
    if as_json:
        print_json_array(_row_to_dict(row) for row in islice(rows, limit))
        return

    def cells(part: Sequence[DatasetRow]) -> Cells:
        items, positions = [row.item for row in part], [row.position for row in part]
        if columns is not None:
            return {"row": positions, **named_cells(workspace, items, columns)}
        return {
            "name": [item.name for item in items],
            **({} if version else {id_column(): ids(workspace, (item.uuid for item in items))}),
            "row": positions,
            **({"since": [row.since for row in part]} if version else {}),
            "kind": [item.kind for item in items],
            "dimensions": [dimensions(item) for item in items],
            "metadata": [_metadata(item.metadata) for item in items],
        }

    empty = f"Dataset {title} is empty; add items: heron datasets add {shlex.quote(title)} --where …"
    print_stream(rows, cells, empty, limit)


@command.command("add")
@click.argument("title", shell_complete=completing.datasets)
@selection()
@click.option(
    "--duplicates",
    default="skip",
    show_default=True,
    type=click.Choice(["skip", "fail", "add"]),
    help="What to do with items that are rows already.",
)
@json_option
@click.pass_obj
@example("heron datasets add rain-1 --where \"weather = 'rain'\"")
def add(context: Context, title: str, duplicates: Duplicates, selection: Selection, as_json: bool) -> None:
    """Add items to a dataset."""
    workspace = context.workspace()
    source = selection.source(workspace)
    done = workspace.datasets.add(title, selection.chosen(workspace), duplicates=duplicates, source=source)
    tell(as_json, done, f"Added {counted(done.added, 'row')}, skipped {done.skipped:,}")


@command.command("remove")
@click.argument("title", shell_complete=completing.datasets)
@selection()
@json_option
@click.pass_obj
@example("heron datasets remove rain-1 --where 'width < 1000'")
def remove(context: Context, title: str, selection: Selection, as_json: bool) -> None:
    """Remove items from a dataset."""
    workspace = context.workspace()
    source = selection.source(workspace)
    removed = workspace.datasets.remove(title, selection.chosen(workspace), source=source)
    tell(as_json, {"removed": removed}, f"Removed {counted(removed, 'row')}")


@command.command("metadata")
@click.argument("title", shell_complete=completing.datasets)
@click.argument("row", type=click.IntRange(0, 10**9))
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completing.assignments)
@click.option("--replace", is_flag=True, help="Drop all other keys.")
@json_option
@click.pass_obj
@example("heron datasets metadata rain-1 0 city=Algiers")
def metadata(
    context: Context, title: str, row: int, pairs: tuple[str, ...], replace: bool, as_json: bool
) -> None:
    """Merge metadata into the item of a row, or show it."""
    workspace = context.workspace()
    if pairs or replace:
        given = assignments(pairs, workspace.schema.current())
        workspace.datasets.set_metadata(title, row, given, merge=not replace)
    found = next(islice(workspace.datasets.rows(title), row, None), None)
    if found is None:
        count = counted(workspace.datasets.get(title).row_count, "row")
        raise NotFound(f"dataset {title!r} has no row {row}, it has {count}", hint="rows count from 0")
    print_json(found.item.metadata)


@command.command("export")
@click.argument("title", shell_complete=completing.datasets)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write, or - for standard output; for a format of several files, the folder to create.",
)
@click.option(
    "--format",
    "format",
    shell_complete=completing.formats,
    metavar="NAME",
    help="An exporter, such as jsonl; heron plugins lists all (default: by the file's suffix).",
)
@frames_option(default="marked")
@click.option(
    "--vectors",
    multiple=True,
    metavar="KEY",
    shell_complete=completing.embeddings,
    help="Add the vectors of this embedding key to items and chosen frames; may be given several times.",
)
@click.option(
    "--template",
    metavar="PATH",
    help="For formats that copy or link files: their paths, as '{folder}/{name}' or '{captured_at:%Y}/{stem}{suffix}'.",
)
@click.option(
    "--safe-cells", is_flag=True, help="csv: write ' before texts that a spreadsheet would run as formulas."
)
@json_option
@click.pass_obj
@example(
    "heron datasets export rain-1 -o rain-1.json\nheron datasets export rain-1 -o rain-1.txt --format csv"
)
def export(
    context: Context,
    title: str,
    output: Path,
    format: str | None,
    frames: FrameChoice,
    vectors: tuple[str, ...],
    template: str | None,
    safe_cells: bool,
    as_json: bool,
) -> None:
    """Write a dataset, or a version, TITLE@NUMBER, to a file, or to a folder if the format has several files.

    JSON, Parquet and Arrow have the members and the chosen frames of each item; CSV has tables of their own for them: csv-members,
    csv-frames. docs/exports.md says what each format keeps.
    """
    from heron.export.writing import export_rows, format_of, require_vectors, template_of

    if as_json and str(output) == "-":
        raise click.UsageError("-o - and --json both write to standard output: give one of them.")
    workspace = context.workspace()
    if format == "heron":
        from heron.cli.export import write_portable

        write_portable(workspace, output, {"dataset": title}, False, False, as_json)
        return
    try:
        chosen = format_of(workspace.plugins, output, format)
    except InvalidInput as error:
        raise click.UsageError(f"{error.message[:1].upper()}{error.message[1:]} ({error.hint}).") from error
    if output.is_dir() and not workspace.plugins.exporter(chosen).writes_folder:
        raise click.UsageError(f"File {str(output)!r} is a directory.")
    exporter = workspace.plugins.exporter(chosen)
    require_vectors(workspace.plugins, chosen, vectors)
    template_of(workspace.plugins, chosen, template)
    version = workspace.versions.find(title)
    total = (version or workspace.datasets.get(title)).row_count
    of_version: Counter[str] = Counter()
    with counting("Writing", "row", total) as progress:
        rows = reported(workspace.datasets._exported(title, frames, vectors), progress, of_version)
        files = (workspace.storage, unreadable := list[str]())
        with goes_on(exporter.resumes and version is None):
            count = export_rows(
                workspace.plugins, chosen, rows, output, files, safe_cells=safe_cells, template=template
            )
    workspace._exported(title, output, chosen, count)

    def count_of(part: str) -> int:
        if version is not None:
            return of_version[part]
        if part == "members":
            return workspace.datasets._member_count(title)
        return workspace.datasets._frame_count(title, frames)

    left_out = {}
    others = total - count - len(unreadable)  # one sentence for each item that cannot be read
    if others > 0 and chosen not in ("csv-members", "csv-frames"):
        left_out["items"] = others
    for part in ("members", "frames"):
        if part not in exporter.contains and (number := count_of(part)):
            left_out[part] = number
    if as_json:
        print_json(
            {
                "file": str(output),
                "format": chosen,
                "rows": count,
                "left_out": left_out,
                "unreadable": unreadable,
            }
        )
        click.get_current_context().exit(FAILURES if unreadable else DONE)
    say(f"Wrote {counted(count, 'row')} to {output}", err=str(output) == "-")
    if left_out and chosen not in ("csv-members", "csv-frames"):
        say(left_out_sentence(left_out, chosen), err=True)
    for sentence in unreadable[:_SHOWN]:
        say(f"Left out, it cannot be read: {sentence}", err=True)
    if unreadable:
        if len(unreadable) > _SHOWN:
            say(f"… and {len(unreadable) - _SHOWN:,} more", err=True)
        click.get_current_context().exit(FAILURES)


@command.command("update")
@click.argument("title", shell_complete=completing.datasets)
@click.option("--title", "new_title", help="The new title.")
@click.option("--description", help="The new description.")
@json_option
@click.pass_obj
@example("heron datasets update rain-1 --title rain-2026")
def update(
    context: Context, title: str, new_title: str | None, description: str | None, as_json: bool
) -> None:
    """Change title or description."""
    changed = context.workspace().datasets.update(title, title=new_title, description=description)
    tell(as_json, changed, f"It is now {changed.title}")


@command.command("delete")
@click.argument("title", shell_complete=completing.datasets)
@yes_option
@json_option
@click.pass_obj
@example("heron datasets delete rain-1")
def delete(context: Context, title: str, yes: bool, as_json: bool) -> None:
    """Delete a dataset with its versions, or one version, TITLE@NUMBER; the items stay."""
    workspace = context.workspace()
    version = workspace.versions.find(title)
    if version is not None:
        confirm(f"Delete version {title} of {counted(version.row_count, 'row')} for good?", yes)
        workspace.versions.delete(version)
        tell(as_json, version, f"Deleted version {title}")
        return
    found = workspace.datasets.get(title)
    frozen = workspace.versions.list(found)
    with_versions = f" and its {counted(len(frozen), 'version')}" if frozen else ""
    rows = counted(found.row_count, "row")
    confirm(f"Delete dataset {title} of {rows}{with_versions}? The items stay.", yes)
    workspace.datasets.delete(title)
    tell(as_json, found, f"Deleted dataset {title}{with_versions}")


def _row_to_dict(row: DatasetRow) -> dict[str, object]:
    return {"position": row.position, **item_to_dict(row.item), **({"since": row.since} if row.since else {})}


def _metadata(metadata: dict[str, object]) -> str:
    if is_csv():
        return dumps(metadata)
    return ", ".join(
        f"{key}={value if isinstance(value, str) else dumps(value)}" for key, value in metadata.items()
    )
