"""`heron plugins`: installed plugins, and whether they can be used."""

from __future__ import annotations

from pathlib import Path

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, list_options, listing, print_json, print_json_array
from heron.cli.tables import print_table, say


@click.group("plugins", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron plugins\nHERON_PLUGINS=storage_s3 heron plugins\nheron --no-plugins plugins --json")
def command(context: click.Context, as_json: bool) -> None:
    """List plugins and whether they can be used.

    The status is `loaded`, `needs PACKAGE`, `failed: REASON` or `conflict between X and Y`.
    """
    listing(context, list_plugins, as_json)


@command.command("list")
@list_options
@click.pass_obj
@example("heron plugins list --json")
def list_plugins(context: Context, as_json: bool) -> None:
    """List plugins with their contributions."""
    statuses = context.plugins().statuses
    if as_json:
        print_json_array(statuses)
        return
    rows = [
        (s.name, f"{s.distribution} {s.version}".strip(), s.status, ", ".join(s.contributions))
        for s in statuses
    ]
    print_table(["plugin", "from", "status", "brings"], rows, "There is no plugin.")


@command.command("new")
@click.argument("name")
@click.option(
    "--in",
    "directory",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to create the project in.",
)
@json_option
@example("heron plugins new media_flif")
def new(name: str, directory: Path, as_json: bool) -> None:
    """Write a new plugin project whose tests pass, as a start for your own plugin."""
    from heron.cli.plugin_template import write_plugin

    written = write_plugin(name, directory)
    root = written[0].parent
    if as_json:
        print_json({"name": name, "files": list(map(str, written))})
        return
    for path in written:
        say(f"  {path}")
    say(f"Next: cd {root} && pip install -e '.[test]' && pytest")
