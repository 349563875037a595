"""`heron sync`: brings synced folders up to date."""

from __future__ import annotations

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.executing import executor_option
from heron.cli.exits import DONE, status_of, status_of_error, together
from heron.cli.import_files import resumable, say_report
from heron.cli.output import example, json_option, print_json_list
from heron.cli.progress import progress_bar
from heron.cli.tables import say
from heron.errors import HeronError


@click.command("sync")
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", shell_complete=completing.folders)
@click.option("--allow-empty", is_flag=True, help="Mark all items as deleted if no object is left.")
@executor_option
@json_option
@click.pass_obj
@example("heron sync\nheron sync Driving/2026")
def command(
    context: Context, folders: tuple[str, ...], allow_empty: bool, executor: str | None, as_json: bool
) -> int:
    """Bring synced folders up to date, all of them unless some are named.

    New objects are added, changed ones are read again, items whose object has vanished are marked as deleted
    (collections and datasets keep them), and items whose object is back are restored.
    """
    workspace = context.workspace()
    names = folders or [synced.folder for synced in workspace.synced.list()]
    if not names and not as_json:
        say("No folder is synced yet: heron folders create NAME --sync URL")
    reports, statuses = [], [DONE]
    for name in names:
        try:
            with resumable(), progress_bar(f"Syncing {name}") as progress:
                report = workspace.ingest.sync(
                    name, allow_empty=allow_empty, executor=executor, progress=progress
                )
        except HeronError as error:
            if len(names) == 1:
                raise
            statuses.append(status_of_error(error))  # go on with the other folders
            say(f"Folder {name} could not be synced: {error}", err=True, fg="red")
            continue
        reports.append(report)
        statuses.append(status_of(report.job))
        if not as_json:
            say_report(report, f"Synced {name}")
    if as_json:
        print_json_list(reports)
    return together(*statuses)
