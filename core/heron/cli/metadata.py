"""`heron metadata`: what is said of items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json, print_table
from heron.cli.selection import selected, selection
from heron.cli.values import assignments


@click.group("metadata")
@example("heron metadata merge city=Algiers dark=true --item 01a1fc7f-6634-7b8f-8ffa-50166ba72775")
def command() -> None:
    """Set, merge, import and verify metadata."""


@command.command("show")
@click.argument("uuid")
@click.pass_obj
@example("heron metadata show 01a1fc7f-6634-7b8f-8ffa-50166ba72775")
def show(context: Context, uuid: str) -> None:
    """Print the metadata of an item as JSON."""
    print_json(context.workspace().items.get(uuid).metadata)


@command.command("merge")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@selection
@click.pass_obj
@example(
    "heron metadata merge city=Algiers --folder Photos\nheron metadata merge dark=true --where \"name LIKE 'night%'\""
)
def merge(context: Context, pairs: tuple[str, ...], **choice: Any) -> None:
    """Give items these keys; their others stay. `KEY=` takes a key away."""
    workspace = context.workspace()
    metadata = assignments(pairs, workspace.schema.current())
    done = workspace.metadata.merge_all(selected(workspace, **choice), metadata)
    click.echo(f"Merged {', '.join(metadata)} into {done:,} items")


@command.command("replace")
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
@selection
@click.pass_obj
@example("heron metadata replace city=Algiers --item 01a1fc7f-6634-7b8f-8ffa-50166ba72775")
def replace(context: Context, pairs: tuple[str, ...], **choice: Any) -> None:
    """Give items these keys instead of all they had."""
    workspace = context.workspace()
    metadata = assignments(pairs, workspace.schema.current())
    done = workspace.metadata.replace_all(selected(workspace, **choice), metadata)
    click.echo(f"Replaced the metadata of {done:,} items")


@command.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--by",
    type=click.Choice(["uuid", "url", "name"]),
    help="How a row names its item (default: by its columns).",
)
@click.option("--replace", is_flag=True, help="Replace all metadata of the items instead of merging.")
@json_option
@click.pass_obj
@example(
    "heron metadata import metadata.jsonl --by name\nheron metadata import labels.csv\nheron metadata import table.parquet"
)
def import_file(context: Context, file: Path, by: str | None, replace: bool, as_json: bool) -> None:
    """Merge metadata from a JSON, JSONL, CSV or Parquet file. Each row names its item by uuid, url or name."""
    report = context.workspace().ingest.metadata_file(file, by=by, replace=replace)
    if as_json:
        print_json(report)
        return
    click.echo(f"Updated {report.updated:,} items.")
    for name in report.unmatched[:10]:
        click.echo(f"  no item: {name}")
    for name, count in list(report.ambiguous.items())[:10]:
        click.echo(f"  {count} items, none changed: {name}")
    if report.unmatched or report.ambiguous:
        click.echo(f"{len(report.unmatched):,} rows met no item, {len(report.ambiguous):,} met several.")


@command.command("verify")
@json_option
@click.pass_obj
@example("heron metadata verify")
def verify(context: Context, as_json: bool) -> None:
    """List every stored value that the schema does not know or no longer accepts."""
    found = list(context.workspace().metadata.verify())
    if as_json:
        print_json(found)
        return
    rows = [(row.item, row.key, str(row.value)[:60], row.reason) for row in found]
    print_table(["item", "key", "value", "reason"], rows, "All metadata follows the schema.")
