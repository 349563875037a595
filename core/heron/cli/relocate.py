"""`heron relocate`: tells the catalogue that files lie at another place now."""

from __future__ import annotations

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json
from heron.cli.tables import say
from heron.wording import counted


@click.command("relocate")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--integration", metavar="NAME", help="Reads the files at the new place, and says in which store that is."
)
@click.option("--dry-run", is_flag=True, help="Only count what would change.")
@click.option("--verify", is_flag=True, help="Look first whether a file lies at each new place.")
@json_option
@click.pass_obj
@example(
    "heron relocate /mnt/old/lake /data/lake --dry-run\nheron relocate s3://old-bucket/lake s3://new-bucket/lake --verify"
)
def command(
    context: Context, old: str, new: str, integration: str | None, dry_run: bool, verify: bool, as_json: bool
) -> None:
    """Tell the catalogue that all files below OLD lie below NEW now.

    Both are paths or URLs. No file is moved. Metadata, vectors, collections and datasets stay, and synced folders follow. Files below the
    workspace's own folder need no relocation: they are found wherever it is moved.
    """
    done = context.workspace().storage.relocate(
        old, new, integration=integration, dry_run=dry_run, verify=verify
    )
    if as_json:
        print_json(done)
        return
    say(
        f"{'Would relocate' if dry_run else 'Relocated'} {counted(done.items, 'item')}, {counted(done.files, 'file')} of items "
        f"that have several, and {counted(done.synced_folders, 'synced folder')}."
    )
