"""`heron presets`: saved queries."""

from __future__ import annotations

import click
from attrs import evolve

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.output import (
    example,
    json_option,
    list_options,
    listing,
    page_options,
    print_json,
    print_records,
    tell,
)
from heron.cli.selection import Selection, selection
from heron.cli.tables import print_fields
from heron.convert import unstructure


@click.group("presets", invoke_without_command=True)
@list_options
@click.pass_context
@example(
    "heron presets create rainy --where \"weather = 'rain'\" --sort -captured_at\nheron search --preset rainy"
)
def command(context: click.Context, as_json: bool) -> None:
    """Save queries and use them again."""
    listing(context, list_presets, as_json)


@command.command("list")
@page_options
@click.pass_obj
@example("heron presets list")
def list_presets(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List the saved queries."""
    print_records(
        context.workspace().presets.list(),
        as_json,
        ["name", "text", "where", "folder", "sort", "description"],
        lambda p: (p.name, p.query.text, p.query.where, p.query.folder, p.query.sort, p.description),
        "No query is saved yet: heron presets create NAME --where …",
        limit,
        cursor,
    )


@command.command("create")
@click.argument("name")
@selection()
@click.option("--description", default="", help="What the query is for.")
@click.option("--replace", is_flag=True, help="Replace the preset of that name.")
@json_option
@click.pass_obj
@example("heron presets create big --where 'width > 4000' --description 'For printing'")
def create(
    context: Context, name: str, description: str, replace: bool, selection: Selection, as_json: bool
) -> None:
    """Save a query under a name. The query is tried first."""
    workspace = context.workspace()
    query = selection.query(workspace)
    workspace.search(evolve(query, limit=1))
    saved = workspace.presets.create(name, query, description=description, replace=replace)
    tell(as_json, saved, f"Saved preset {name}. Use it: heron search --preset {name!r}")


@command.command("show")
@click.argument("name", shell_complete=completing.presets)
@json_option
@click.pass_obj
@example("heron presets show big")
def show(context: Context, name: str, as_json: bool) -> None:
    """Show a saved query."""
    preset = context.workspace().presets.get(name)
    if as_json:
        print_json(preset)
        return
    query = preset.query
    parts = {name: value for name, value in unstructure(query).items() if name not in ("cursor", "recursive")}
    parts["like"] = ", ".join(map(str, query.like))
    rows = [
        ("name", preset.name),
        ("description", preset.description),
        *parts.items(),
        ("made", preset.created_at),
    ]
    print_fields(row for row in rows if row[1])


@command.command("delete")
@click.argument("name", shell_complete=completing.presets)
@json_option
@click.pass_obj
@example("heron presets delete big")
def delete(context: Context, name: str, as_json: bool) -> None:
    """Delete a saved query."""
    presets = context.workspace().presets
    deleted = presets.get(name)
    presets.delete(name)
    tell(as_json, deleted, f"Deleted preset {name}")
