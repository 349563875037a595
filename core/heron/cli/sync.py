"""`heron sync`: brings synced folders up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.crashes import survived
from heron.cli.executing import executor_option
from heron.cli.exits import DONE, ERROR, status_of, status_of_error, together
from heron.cli.import_files import gone_on, resumable, say_report
from heron.cli.output import example, json_option, print_json_list
from heron.cli.progress import progress_bar
from heron.cli.tables import say
from heron.errors import HeronError

if TYPE_CHECKING:
    from heron.jobs import ImportJob, ImportReport
    from heron.workspace import Workspace


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
    crash = survived(nested=context.is_nested)
    done = gone_on(context, crash, executor) if crash is not None else []
    workspace = context.workspace()
    names = list(folders or [synced.folder for synced in workspace.synced.list()])
    if not names and not as_json:
        say("No folder is synced yet: heron folders create NAME --sync URL")
    reports, statuses = [], [DONE]

    def tell(report: ImportReport, name: str) -> None:
        reports.append(report)
        statuses.append(status_of(report.job))
        if not as_json:
            say_report(report, f"Synced {name}")

    if done:
        before, names = told_before(names, workspace, [report.job for report in done])
        reports += [report for report in done[:-1] if report.job.state in _ENDED]
        jobs = {report.job.folder_id: report.job for report in done[:-1]}
        statuses += [_status_before(name, workspace, jobs) for name in before[:-1]]
        tell(done[-1], before[-1])
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
        tell(report, name)
    if as_json:
        print_json_list(reports)
    return together(*statuses)


_ENDED = ("done", "incomplete")
"""The states of a sync that has a report; an error has told of the others."""


def _status_before(name: str, workspace: Workspace, jobs: Mapping[int | None, ImportJob]) -> int:
    """The exit status for a folder that was told of before the crash, synced or not."""
    with suppress(HeronError):
        job = jobs.get(workspace.folders.get(name).id)
        if job is not None and job.state != "failed":
            return status_of(job)
    return ERROR


def told_before(
    names: Sequence[str], workspace: Workspace, jobs: Sequence[ImportJob]
) -> tuple[list[str], list[str]]:
    """The names of the folders up to that of the last of some syncs, and those of the folders that are still to sync.

    The folder of the last sync can have been deleted since: then it has no name, and the folder of the last sync that is there counts.
    """
    ids: list[int | None] = []
    for name in names:
        try:
            ids.append(workspace.folders.get(name).id)
        except HeronError:  # it has been told of already
            ids.append(None)
    synced = {job.folder_id for job in jobs} - {None}
    last = max((place for place, id in enumerate(ids) if id in synced), default=-1)
    before = list(names[: last + 1])
    if last < 0 or ids[last] != jobs[-1].folder_id:
        before.append("a folder that was deleted meanwhile")
    return before, list(names[last + 1 :])
