"""`heron imports`: import jobs and their reports."""

from __future__ import annotations

import csv
from pathlib import Path

import click

from heron.cli.context import Context
from heron.cli.crashes import survived
from heron.cli.executing import executor_option
from heron.cli.import_files import gone_on, print_report, resumable, without_name
from heron.cli.output import (
    example,
    json_option,
    list_options,
    listing,
    page_options,
    print_json,
    print_json_stream,
    print_records,
    tell,
)
from heron.cli.progress import progress_bar
from heron.cli.tables import print_beginning, print_fields, say
from heron.wording import counted


@click.group("imports", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron imports\nheron imports report 3 -o problems.csv")
def command(context: click.Context, as_json: bool) -> None:
    """List imports and their reports, resume and cancel them."""
    listing(context, list_imports, as_json)


@command.command("list")
@page_options
@click.pass_obj
@example("heron imports list --limit 5")
def list_imports(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List the imports, the newest first."""
    print_records(
        context.workspace().imports.list(),
        as_json,
        [
            "number",
            "state",
            "new",
            "failed",
            "started (UTC)",
            "source",
            "skipped",
            "updated",
            "restored",
            "vanished",
            "waiting",
            "warnings",
        ],
        lambda job: (
            job.id,
            job.state,
            job.added,
            job.failed,
            f"{job.started_at:%Y-%m-%dT%H:%M:%S}",
            job.source,
            job.skipped,
            job.updated,
            job.restored,
            job.removed,
            job.waiting,
            job.warnings,
        ),
        "Nothing was imported yet: heron import PATH --folder NAME",
        limit,
        cursor,
    )


@command.command("show")
@click.argument("number")
@json_option
@click.pass_obj
@example("heron imports show 3")
def show(context: Context, number: str, as_json: bool) -> None:
    """Show one import. NUMBER is its number in the list, or its UUID or the beginning of it."""
    job = context.workspace().imports.get(number)
    if as_json:
        print_json(job)
        return
    fields = (
        "uuid",
        "source",
        "state",
        "position",
        "added",
        "updated",
        "restored",
        "removed",
        "skipped",
        "failed",
        "waiting",
        "warnings",
        "started_at",
        "finished_at",
    )
    print_fields((name, getattr(job, name)) for name in fields)


@command.command("resume")
@click.argument("number")
@executor_option
@json_option
@click.pass_obj
@example("heron imports resume 3")
def resume(context: Context, number: str, executor: str | None, as_json: bool) -> int:
    """Continue an import that is incomplete or was interrupted, without loss and without duplicates."""
    crash = survived(nested=context.is_nested)
    if crash is not None:
        [*_, report] = gone_on(context, crash, executor)
    else:
        workspace = context.workspace()
        with resumable(), progress_bar("Importing") as progress:
            report = workspace.ingest.resume(number, executor=executor, progress=progress)
    return print_report(report, f"Import {report.job.id} is {report.job.state}", as_json)


@command.command("cancel")
@click.argument("number")
@json_option
@click.pass_obj
@example("heron imports cancel 3")
def cancel(context: Context, number: str, as_json: bool) -> None:
    """Cancel an import, which may run in another process, or is incomplete; items that were added stay."""
    job = context.workspace().imports.cancel(number)
    tell(
        as_json, job, f"Cancelled import {job.id}; {counted(job.added, 'new item')} had been added and stay."
    )


@command.command("report")
@click.argument("number")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the whole report to a CSV file, or - for standard output.",
)
@page_options
@click.pass_obj
@example("heron imports report 3\nheron imports report 3 -o problems.csv")
def report(
    context: Context, number: str, output: Path | None, limit: int | None, cursor: int, as_json: bool
) -> None:
    """List every failure and warning of an import."""
    if output is not None and (as_json or limit or cursor):
        raise click.UsageError(
            "--output writes the whole report as CSV: leave out --json, --limit and --cursor."
        )
    problems = context.workspace().imports.problems(number)
    if as_json:
        print_json_stream(problems, limit, cursor)
        return
    columns = ("severity", "place", "url", "reason")
    if output is not None:
        import io

        from heron.export.files import whole_file

        with whole_file(output) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
            writer = csv.writer(text)
            writer.writerow(columns)
            count = 0
            for problem in problems:
                writer.writerow([getattr(problem, name) for name in columns])
                count += 1
            text.detach()
        say(f"Wrote {counted(count, 'problem')} to {output}", err=str(output) == "-")
        return
    rows = ((p.severity, p.place, without_name(p).strip(" :") if p.place else p.reason) for p in problems)
    print_beginning(["severity", "place", "reason"], rows, "Nothing went wrong.", limit, cursor)
