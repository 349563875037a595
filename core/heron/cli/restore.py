"""`heron restore`: brings a backup back."""

from __future__ import annotations

from pathlib import Path

import click

from heron.cli.context import Context
from heron.cli.output import confirm, example, json_option, print_json, yes_option
from heron.cli.progress import counting_of
from heron.cli.tables import say
from heron.wording import counted


@click.command("restore")
@click.argument("backup", type=click.Path(path_type=Path))
@click.argument("target", required=False, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace the workspace that is there.")
@click.option("--dry-run", is_flag=True, help="Check everything, but restore nothing.")
@yes_option
@json_option
@click.pass_obj
@example(
    "heron restore /backups/lake /data/lake\nheron restore /backups/lake/2026-11-29T163000Z /data/lake --replace"
)
def command(
    context: Context,
    backup: Path,
    target: Path | None,
    replace: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Restore BACKUP, or the newest one of a series, as the workspace in the folder TARGET (default: this folder).

    All files are copied beside it and checked: checksums, the catalogue by SQLite, and that all vectors are there. Only then it appears, or
    takes the place of the workspace that is there, which no other process may have open.
    """
    from heron.opening import restore

    root = target or Path(context.path or ".")
    if replace and not dry_run:
        confirm(f"Replace the workspace in {root} by the backup {backup}?", yes)
    with counting_of("Restoring", "byte") as progress:
        done = restore(backup, root, replace=replace, dry_run=dry_run, user=context.user, progress=progress)
    if as_json:
        print_json(done)
        return
    items, made = (
        counted(done.backup.items, "item"),
        done.backup.made_at.isoformat(sep=" ", timespec="seconds"),
    )
    would = "Would restore" if dry_run else "Restored"
    instead = ", in place of the one that is there" if done.replaces and dry_run else ""
    say(f"{would} {items} of {made} as the workspace {done.path}{instead}")
