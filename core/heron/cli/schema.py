"""`heron schema`: the metadata keys and their types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.conversions import print_conversions, print_examples
from heron.cli.output import (
    confirm,
    example,
    json_option,
    list_options,
    listing,
    page_options,
    print_json,
    print_json_list,
    print_verification,
    tell,
    yes_option,
)
from heron.cli.progress import counting
from heron.cli.tables import print_table, say
from heron.convert import unstructure
from heron.errors import HeronError, InvalidInput
from heron.search.fields import ITEM_NAMES
from heron.wording import counted

dry_option = click.option(
    "--dry-run", is_flag=True, help="Show what would be done to stored values; change nothing."
)


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
    for name, count in schema.not_fitting().items():
        say(
            f"{counted(count, 'value')} of {name} did not fit its type when last counted: heron metadata verify"
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
@dry_option
@json_option
@click.pass_obj
@example("heron schema add captured_at datetime\nheron schema add clip embedding --size 512")
def add(
    context: Context,
    key: str,
    type: str,
    options: tuple[str, ...],
    size: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add a key. TYPE is one of those that `heron schema types` lists.

    Values that items have under this key already are converted, if nothing is lost; `heron schema undo` restores them.
    """
    given: dict[str, Any] = {
        **({"options": list(options)} if options else {}),
        **({"size": size} if size else {}),
    }
    with (
        counting(f"Converting {key}", "row") as show,
        context.workspace().schema.edit(dry_run=dry_run, progress=show) as draft,
    ):
        added = draft.add(key, type, **given)
    if as_json:
        print_json({**unstructure(added), "conversions": list(draft.conversions)})
        return
    say(f"{'Would add' if dry_run else 'Added'} key {added.name} of type {added.type}")
    print_conversions(draft.conversions)
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


@command.command("rename-option")
@click.argument("key", shell_complete=completing.keys)
@click.argument("old")
@click.argument("new")
@click.option("--merge", is_flag=True, help="Join two options: NEW is one already.")
@dry_option
@json_option
@click.pass_obj
@example("heron schema rename-option weather fog mist\nheron schema rename-option weather foggy fog --merge")
def rename_option(
    context: Context, key: str, old: str, new: str, merge: bool, dry_run: bool, as_json: bool
) -> None:
    """Rename an option of an enum key, also where items, folders and frames have it."""
    with counting(f"Renaming {old}", "row") as progress:
        done = context.workspace().schema.rename_option(
            key, old, new, merge=merge, dry_run=dry_run, progress=progress
        )
    values = counted(done.converted, "value")
    sentence = f"{'Would rename' if dry_run else 'Renamed'} option {old} of {key} to {new}, in {values}"
    back = f"; heron schema undo {key} restores them" if done.converted and not dry_run else ""
    tell(as_json, done, sentence + back)


@command.command("convert")
@click.argument("keys", nargs=-1, metavar="[KEY]...", shell_complete=completing.keys)
@dry_option
@json_option
@click.pass_obj
@example("heron schema convert speed --dry-run\nheron schema convert")
def convert(context: Context, keys: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Convert stored values of keys, or of all keys, into the form of their type, if nothing is lost.

    This happens by itself when a key is added or changed. Here also texts such as '3' are converted that stand beside numbers.
    """
    with counting("Converting", "row") as progress:
        done = context.workspace().schema.convert(*keys, dry_run=dry_run, progress=progress)
    if as_json:
        print_json_list(done)
        return
    found = [report for report in done if report.converted or report.left]
    print_conversions(found)
    if not found:
        say("All values have the form of their type.")


@command.command("undo")
@click.argument("key", shell_complete=completing.keys)
@dry_option
@json_option
@click.pass_obj
@example("heron schema undo speed --dry-run\nheron schema undo speed")
def undo(context: Context, key: str, dry_run: bool, as_json: bool) -> None:
    """Undo the last change of a key that converted values: the key and the values are as before.

    Values that were written since stay as they are, and are listed.
    """
    with counting(f"Restoring {key}", "row") as progress:
        done = context.workspace().schema.undo(key, dry_run=dry_run, progress=progress)
    if as_json:
        print_json(done)
        return
    say(
        f"{'Would restore' if dry_run else 'Restored'} {counted(done.converted, 'value')} of {key}, and the key as it was"
    )
    if done.left:
        say(f"{counted(done.left, 'value')} written since {'stay' if done.left > 1 else 'stays'}:")
        print_examples(done)


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
    with (
        counting(f"Converting {key}", "row") as progress,
        context.workspace().schema.edit(progress=progress) as draft,
    ):
        restored = draft.restore_key(key)
    tell(
        as_json,
        {**unstructure(restored), "conversions": list(draft.conversions)},
        f"Restored key {restored.name}",
    )
    if not as_json:
        print_conversions(draft.conversions)


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
    from heron.export.files import outside_of_workspaces

    data = context.workspace().schema.to_dict()
    if file is None:
        print_json(data)
        return
    write_schema(outside_of_workspaces(file), data)
    tell(as_json, {"keys": len(data), "file": str(file)}, f"Wrote {counted(len(data), 'key')} to {file}")


@command.command("load")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@dry_option
@json_option
@click.pass_obj
@example("heron schema load schema.toml\nheron schema load schema.toml --dry-run")
def load(context: Context, file: Path, dry_run: bool, as_json: bool) -> None:
    """Replace the schema by that of a .json or .toml file. Keys that are not in it are deleted; they can be restored.

    Values of keys that are new or have another type are converted, if nothing is lost; `heron schema undo` restores them.
    """
    from heron.catalog.schema_files import read_schema

    data = read_schema(file)
    try:
        with (
            counting("Converting", "row") as progress,
            context.workspace().schema.edit(dry_run=dry_run, progress=progress) as draft,
        ):
            draft.set_from_dict(data)
    except HeronError as error:
        raise InvalidInput(f"{file}: {error.message}", hint=error.hint) from error
    keys = counted(len(data), "key")
    tell(
        as_json,
        {"keys": len(data), "conversions": list(draft.conversions)},
        f"The schema would have {keys}" if dry_run else f"The schema now has {keys}",
    )
    if not as_json:
        print_conversions(draft.conversions)


@command.command("verify")
@page_options
@click.pass_obj
@example("heron schema verify")
def verify(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List every stored value whose key the schema does not know, or that the schema no longer accepts."""
    print_verification(context.workspace().metadata.verify(), as_json, limit, cursor)
