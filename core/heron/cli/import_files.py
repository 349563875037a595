"""`heron import`: files and folders, of this machine or behind a storage plugin."""

from __future__ import annotations

import click

from heron.cli.context import Context
from heron.cli.output import counted, example, json_option, print_json, progress_bar, say
from heron.models import ImportReport


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH_OR_URL...")
@click.option(
    "--folder", required=True, metavar="NAME", help="Folder to import into; made when it is missing."
)
@click.option(
    "--ignore-errors", is_flag=True, help="Import the rest when a file fails, and report the failures."
)
@click.option("--again", is_flag=True, help="Import files that are in the folder already once more.")
@click.option(
    "--hash", "content_hash", is_flag=True, help="Keep each file's SHA-256 and warn of equal content."
)
@click.option(
    "--skip-identical", is_flag=True, help="Leave out files whose content is in the catalogue already."
)
@click.option("--thumbnails", is_flag=True, help="Make a small picture of each item.")
@click.option(
    "--sidecar-suffix", default=".metadata.json", show_default=True, help="Ending of metadata sidecars."
)
@click.option("--no-sidecars", is_flag=True, help="Take sidecars for ordinary files.")
@json_option
@click.pass_obj
@example(
    "heron import photos/ --folder Photos\nheron import a.jpg b.png --folder Best --hash --ignore-errors"
)
def command(
    context: Context,
    paths: tuple[str, ...],
    folder: str,
    ignore_errors: bool,
    again: bool,
    content_hash: bool,
    skip_identical: bool,
    thumbnails: bool,
    sidecar_suffix: str,
    no_sidecars: bool,
    as_json: bool,
) -> None:
    """Import files and folders.

    A source is a path of this machine, or a URL that a storage plugin reads. What a file is, its content tells, not its name. Files stay where they are. A second run adds only what is new.
    """
    workspace = context.workspace()
    with progress_bar("Importing") as progress:
        report = workspace.ingest.files(
            paths,
            folder=folder,
            ignore_errors=ignore_errors,
            skip_duplicates=not again,
            content_hash=content_hash,
            skip_identical=skip_identical,
            thumbnails=thumbnails,
            sidecar_suffix=None if no_sidecars else sidecar_suffix,
            progress=progress,
        )
    if as_json:
        print_json(report)
        return
    say_report(report, folder)


def say_report(report: ImportReport, folder: str) -> None:
    """Tell what an import did, with its first problems."""
    job = report.job
    parts = [f"{job.added:,} new"]
    parts += [f"{job.skipped:,} there already"] if job.skipped else []
    parts += [f"{job.failed:,} failed"] if job.failed else []
    parts += [counted(job.warnings, "warning")] if job.warnings else []
    say(f"Imported into {folder}: {', '.join(parts)}.")
    for problem in report.problems:
        mark = "failed" if problem.severity == "failure" else "warning"
        say(f"  {mark}: {problem.reason}")
    if job.failed + job.warnings > len(report.problems):
        say(f"  … all of them: heron imports report {job.id}")
