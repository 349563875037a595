"""`heron schema`: the metadata keys and their types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.output import (
    confirm,
    example,
    json_option,
    limit_option,
    list_options,
    listing,
    print_json,
    print_json_list,
    print_verification,
    skip_option,
    tell,
    yes_option,
)
from heron.cli.tables import print_table, say
from heron.errors import HeronError, InvalidInput
from heron.search.fields import ITEM_NAMES
from heron.wording import counted


@click.group("schema", invoke_without_command=True)
@list_options
@click.pass_context
@example(
    "heron schema\nheron schema add city varchar\nheron schema add weather enum --option sun --option rain"
)
def command(context: click.Context, as_json: bool) -> None:
    """Show and change the metadata schema."""
    listing(context, show, as_json)


@command.command("show")
@list_options
@click.pass_obj
@example("heron schema show --json")
def show(context: Context, as_json: bool) -> None:
    """Show the keys, deleted ones too."""
    schema = context.workspace().schema
    if as_json:
        print_json(schema.to_dict())
        return
    rows = []
    for key in schema.show():
        details = ", ".join(map(str, key.parameters.get("options", []))) or str(
            key.parameters.get("size", "")
        )
        rows.append((key.name, key.type, details, key.indexed, "" if key.state == "active" else key.state))
    print_table(
        ["key", "type", "details", "indexed", "state"],
        rows,
        "The schema is empty. Add a key: heron schema add KEY TYPE",
    )
    unknown = schema.unknown_keys()
    if unknown:
        say(f"In use, but not in the schema: {', '.join(unknown)}")


@command.command("types")
@list_options
@click.pass_obj
@example("heron schema types")
def types(context: Context, as_json: bool) -> None:
    """List the types that a key can have."""
    from heron.hooks import MetadataType

    known = list(context.plugins().contributions(MetadataType))
    rows = [(kind.name, ", ".join(kind.aliases), kind.summary) for kind in known]
    if as_json:
        print_json_list({"name": t.name, "aliases": list(t.aliases), "summary": t.summary} for t in known)
        return
    print_table(["type", "also called", "holds"], rows, "")


@command.command("add")
@click.argument("key")
@click.argument("type", shell_complete=completing.types)
@click.option("--option", "options", multiple=True, help="An option of an enum; give it once for each.")
@click.option("--size", type=int, help="Numbers of an embedding, 1 to 4096.")
@json_option
@click.pass_obj
@example("heron schema add captured_at datetime\nheron schema add clip embedding --size 512")
def add(
    context: Context, key: str, type: str, options: tuple[str, ...], size: int | None, as_json: bool
) -> None:
    """Add a key. TYPE is one of those that `heron schema types` lists."""
    given: dict[str, Any] = {
        **({"options": list(options)} if options else {}),
        **({"size": size} if size else {}),
    }
    added = context.workspace().schema.add(key, type, **given)
    if as_json:
        print_json(added)
        return
    say(f"Added key {added.name} of type {added.type}")
    if key in ITEM_NAMES:
        say(f"In conditions, {key} now means this key; item.{key} is the field of the item")


@command.command("add-options")
@click.argument("key", shell_complete=completing.keys)
@click.argument("options", nargs=-1, required=True, metavar="OPTION...")
@json_option
@click.pass_obj
@example("heron schema add-options weather snow fog")
def add_options(context: Context, key: str, options: tuple[str, ...], as_json: bool) -> None:
    """Add options to an enum key."""
    changed = context.workspace().schema.add_enum_options(key, options)
    count = counted(len(changed.parameters["options"]), "option")
    tell(as_json, changed, f"Key {key} now has {count}")


@command.command("delete")
@click.argument("key", shell_complete=completing.keys)
@click.option("--hard", is_flag=True, help="For good: the name can never be used again.")
@yes_option
@json_option
@click.pass_obj
@example("heron schema delete city\nheron schema delete city --hard")
def delete(context: Context, key: str, hard: bool, yes: bool, as_json: bool) -> None:
    """Delete a key. Values on items stay; `restore` brings the key back unless it was deleted with --hard."""
    if hard:
        confirm(f"Delete key {key} for good? Its name can never be used again.", yes)
    context.workspace().schema.delete_key(key, hard=hard)
    back = "" if hard else f"; heron schema restore {key!r} brings it back"
    tell(as_json, {"deleted": key, "for_good": hard}, f"Deleted key {key}{back}")


@command.command("restore")
@click.argument("key", shell_complete=completing.keys)
@json_option
@click.pass_obj
@example("heron schema restore city")
def restore(context: Context, key: str, as_json: bool) -> None:
    """Restore a deleted key."""
    restored = context.workspace().schema.restore_key(key)
    tell(as_json, restored, f"Restored key {restored.name}")


@command.command("index")
@click.argument("key", shell_complete=completing.keys)
@click.option("--drop", is_flag=True, help="Drop the index instead.")
@json_option
@click.pass_obj
@example("heron schema index city")
def index(context: Context, key: str, drop: bool, as_json: bool) -> None:
    """Make a database index over a key: conditions of equality become faster, imports slower."""
    changed = context.workspace().schema.set_indexed(key, not drop)
    tell(as_json, changed, f"{'Dropped' if drop else 'Made'} the index over {key}")


@command.command("dump")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
@example("heron schema dump schema.toml\nheron schema dump schema.json")
def dump(context: Context, file: Path | None, as_json: bool) -> None:
    """Write the schema to a .json or .toml file, or print it as JSON."""
    from heron.catalog.schema_files import write_schema

    data = context.workspace().schema.to_dict()
    if file is None:
        print_json(data)
        return
    write_schema(file, data)
    tell(as_json, {"keys": len(data), "file": str(file)}, f"Wrote {counted(len(data), 'key')} to {file}")


@command.command("load")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
@example("heron schema load schema.toml")
def load(context: Context, file: Path, as_json: bool) -> None:
    """Replace the schema by that of a .json or .toml file. Keys that are not in it are deleted; they can be restored."""
    from heron.catalog.schema_files import read_schema

    data = read_schema(file)
    try:
        context.workspace().schema.set_from_dict(data)
    except HeronError as error:
        raise InvalidInput(f"{file}: {error.message}", hint=error.hint) from error
    tell(as_json, {"keys": len(data)}, f"The schema now has {counted(len(data), 'key')}")


@command.command("verify")
@limit_option
@skip_option
@list_options
@click.pass_obj
@example("heron schema verify")
def verify(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List every stored value whose key the schema does not know, or that the schema no longer accepts."""
    print_verification(context.workspace().metadata.verify(), as_json, limit, cursor)
