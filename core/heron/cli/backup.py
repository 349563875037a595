"""`heron backup`: copies the workspace to another place while others use it."""

from __future__ import annotations

from pathlib import Path

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json
from heron.cli.progress import counting_parts
from heron.cli.tables import say, size_of
from heron.wording import counted


@click.command("backup")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--single", is_flag=True, help="Make DIR itself the backup: it must be empty, or not there.")
@json_option
@click.pass_obj
@example("heron backup /backups/lake\nheron backup /backups/lake-before-conversion --single")
def command(context: Context, directory: Path, single: bool, as_json: bool) -> None:
    """Make a backup of the workspace in DIR, in a folder named by the time.

    It has the catalogue, with thumbnails, and the vectors, all of one state, whatever others write meanwhile. It appears whole or not at
    all. Files that the backup before has are hard links to it. The media files are not copied. heron restore brings it back.
    """
    workspace = context.workspace()
    with counting_parts("Copying") as progress:
        made = workspace.backup(directory, single=single, progress=progress)
    if as_json:
        print_json(made)
        return
    shared = (
        f", {size_of(made.shared_bytes)} of them shared with the backup before" if made.shared_bytes else ""
    )
    say(f"Made the backup {made.path}: {counted(made.items, 'item')}, {size_of(made.bytes)}{shared}")
