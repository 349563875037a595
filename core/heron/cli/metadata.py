"""`heron metadata`: the metadata of items."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.output import (
    confirm,
    example,
    json_option,
    limit_option,
    list_options,
    print_json,
    print_json_array,
    print_verification,
    tell,
    yes_option,
)
from heron.cli.progress import counting_of
from heron.cli.selection import Selection, selection
from heron.cli.tables import say
from heron.cli.values import assignments, note_unknown, say_unknown
from heron.errors import NotFound
from heron.wording import counted

if TYPE_CHECKING:
    from heron.ingest.metadata_files import MetadataFileReport
    from heron.metadata.schema import Schema


@click.group("metadata")
@example("heron metadata merge city=Algiers dark=true --item 01a1fc7f-6634-7b8f-8ffa-50166ba72775")
def command() -> None:
    """Set, merge, import and verify metadata."""


@command.command("show")
@click.argument("item", shell_complete=completing.items)
@json_option
@click.pass_obj
@example("heron metadata show harbour.jpg")
def show(context: Context, item: str, as_json: bool) -> None:
    """Print the metadata of an item as JSON."""
    print_json(context.workspace().items.get(item).metadata)


@command.command("merge")
@click.argument(
    "pairs", nargs=-1, required=True, metavar="KEY=VALUE...", shell_complete=completing.assignments
)
@selection()
@json_option
@click.pass_obj
@example(
    "heron metadata merge city=Algiers --folder Photos\nheron metadata merge dark=true --where \"name LIKE 'night%'\""
)
def merge(context: Context, pairs: tuple[str, ...], selection: Selection, as_json: bool) -> None:
    """Set these keys of items; their other keys stay. `KEY=` removes a key."""
    workspace = context.workspace()
    metadata = assignments(pairs, workspace.schema.current())
    done = workspace.metadata.merge_all(selection.chosen(workspace), metadata)
    if as_json:
        unknown = [key for key in metadata if workspace.schema.current().get(key) is None]
        print_json({"updated": done, "unknown_keys": unknown})
        return
    say(f"Merged {', '.join(metadata)} into {counted(done, 'item')}")
    note_unknown(metadata, workspace.schema.current())


@command.command("replace")
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completing.assignments)
@selection()
@yes_option
@json_option
@click.pass_obj
@example("heron metadata replace city=Algiers --item 01a1fc7f-6634-7b8f-8ffa-50166ba72775")
def replace(context: Context, pairs: tuple[str, ...], yes: bool, selection: Selection, as_json: bool) -> None:
    """Replace all metadata of items by these keys."""
    if not pairs:
        confirm("No KEY=VALUE is given. Remove all metadata of these items?", yes)
    workspace = context.workspace()
    metadata = assignments(pairs, workspace.schema.current())
    done = workspace.metadata.replace_all(selection.chosen(workspace), metadata)
    tell(as_json, {"updated": done}, f"Replaced the metadata of {counted(done, 'item')}")


@command.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--by",
    type=click.Choice(["uuid", "url", "path", "name"]),
    help="How a row names its item (default: by its columns).",
)
@click.option("--replace", is_flag=True, help="Replace all metadata of the items instead of merging.")
@click.option(
    "--as-is", is_flag=True, help="Also import keys that differ from keys of the schema only by case."
)
@click.option("--dry-run", is_flag=True, help="Only check the file, and count the items that would change.")
@json_option
@click.pass_obj
@example(
    "heron metadata import metadata.jsonl --by name\nheron metadata import labels.csv --dry-run\nheron metadata import table.parquet"
)
def import_file(
    context: Context, file: Path, by: str | None, replace: bool, as_is: bool, dry_run: bool, as_json: bool
) -> None:
    """Merge metadata from a JSON, JSONL, CSV or Parquet file. Each row names its item by uuid, url, path or name.

    The keys of the whole file are checked before anything is written. It exits with 1 if no row names an item of the catalogue.
    """
    workspace = context.workspace()
    with counting_of("Importing metadata", "row") as progress:
        report = workspace.ingest.metadata_file(
            file, by=by, replace=replace, as_is=as_is, dry_run=dry_run, progress=progress
        )
    if as_json:
        print_json(report)
    else:
        _say_imported(report, workspace.schema.current())
    if report.rows and len(report.unmatched) == report.rows:
        raise NotFound(
            f"no row of {file} names an item of this workspace",
            hint="--by uuid, url, path or name says which column names the items",
        )


def _say_imported(report: MetadataFileReport, schema: Schema) -> None:
    if report.would_change is None:
        say(f"Updated {counted(report.updated, 'item')}.")
    else:
        say(f"A dry run, nothing was changed. Would change {counted(report.would_change, 'item')}.")
    for name in report.unmatched[:10]:
        say(f"  no item: {name}")
    for name, count in list(report.ambiguous.items())[:10]:
        say(f"  {count} items, none changed: {name}")
    if report.unmatched or report.ambiguous:
        say(
            f"{counted(len(report.unmatched), 'row')} matched no item, {len(report.ambiguous):,} matched several."
        )
    if report.passed_over:
        columns = counted(len(report.passed_over), "column")
        say(f"Passed over {columns} that are not metadata: {', '.join(report.passed_over)}.")
    say_unknown(report.unknown_keys, schema)


@command.command("verify")
@limit_option
@list_options
@click.pass_obj
@example("heron metadata verify")
def verify(context: Context, limit: int | None, as_json: bool) -> None:
    """List every stored value whose key the schema does not know, or that the schema no longer accepts."""
    found = context.workspace().metadata.verify()
    if as_json:
        print_json_array(islice(found, limit))
    else:
        print_verification(found, as_json, limit)
