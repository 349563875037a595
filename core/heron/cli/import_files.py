"""`heron import`: imports files and folders, local or of a storage backend, and manifests of URLs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import click

from heron.catalog.paths import path_of
from heron.cli import completing
from heron.cli.context import Context
from heron.cli.crashes import Crash, end_by, left_by, survived
from heron.cli.executing import executor_option
from heron.cli.exits import status_of
from heron.cli.formats import format_options, keys_of
from heron.cli.output import example, json_option, print_json
from heron.cli.progress import progress_bar
from heron.cli.repeating import marked
from heron.cli.tables import say
from heron.errors import BadCredentials, ExecutorError, ImportInterrupted, Unreachable
from heron.jobs import ImportJob, ImportProblem, ImportReport
from heron.portable import MANIFEST
from heron.wording import counted


@click.command("import")
@click.argument("paths", nargs=-1, metavar="[PATH_OR_URL]...")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    help="Import what a JSON, JSONL or CSV file lists, or a dataset of another tool.",
)
@format_options
@click.option(
    "--folder",
    shell_complete=completing.folders,
    required=True,
    metavar="NAME",
    help="Folder to import into; created if it is missing.",
)
@click.option(
    "--integration",
    shell_complete=completing.integrations,
    metavar="NAME",
    help="Integration whose credentials to use.",
)
@click.option(
    "--ignore-errors", is_flag=True, help="Import the rest when a file fails, and report the failures."
)
@click.option("--again", is_flag=True, help="Import files again that are in the folder already.")
@click.option(
    "--skip-duplicates", is_flag=True, help="With --manifest: skip URLs that are in the folder already."
)
@click.option(
    "--upsert-metadata",
    is_flag=True,
    help="With --manifest: merge metadata into items that are in the folder already.",
)
@click.option("--dry-run", is_flag=True, help="Report what would happen, and change nothing.")
@click.option(
    "--hash", "content_hash", is_flag=True, help="Store each file's SHA-256 and warn of equal content."
)
@click.option("--skip-identical", is_flag=True, help="Skip files whose content is in the catalogue already.")
@click.option("--thumbnails", is_flag=True, help="Make a small picture of each item, and measure images.")
@click.option(
    "--as",
    "batch_as",
    type=click.Choice(["group", "sequence"]),
    help="Make one item of the images of each folder, and one of the images named one by one.",
)
@click.option(
    "--sampling-rate",
    type=click.FloatRange(min=0),
    metavar="FPS",
    help="Frames per second of a video to catalogue (default 1); 0 for the first and the key frames only.",
)
@click.option(
    "--no-patient-tags",
    is_flag=True,
    help="Leave out personal facts; HERON_PATIENT_TAGS=0 does so always.",
)
@click.option(
    "--sidecar-suffix", default=".metadata.json", show_default=True, help="Suffix of metadata sidecars."
)
@click.option("--no-sidecars", is_flag=True, help="Import sidecars as ordinary files.")
@click.option(
    "--flat", is_flag=True, help="Put everything into the folder itself, however deep it is nested."
)
@click.option(
    "--tree",
    metavar="URL",
    help="With --manifest: keep the folders below this URL or path as folders, as an import of it does.",
)
@executor_option
@json_option
@click.pass_obj
@example(
    "heron import photos/ --folder Photos\nheron import a.jpg b.png --folder Best --hash --ignore-errors\n"
    "heron import scans/ --folder Scans --no-patient-tags --thumbnails\nheron import views/ --folder Views --as group\n"
    "heron import photos/ --folder Photos --thumbnails --executor processes:8\n"
    "heron import s3://bucket/2026/ --folder Runs --integration lab\n"
    "heron import --manifest runs.json --folder Runs --integration lab --ignore-errors\n"
    "heron import --manifest annotations.json --format coco --root images --folder Coco --key labels=classes"
)
def command(
    context: Context,
    paths: tuple[str, ...],
    manifest: Path | None,
    format: str | None,
    root: Path | None,
    keys: tuple[str, ...],
    folder: str,
    integration: str | None,
    ignore_errors: bool,
    again: bool,
    skip_duplicates: bool,
    upsert_metadata: bool,
    dry_run: bool,
    content_hash: bool,
    skip_identical: bool,
    thumbnails: bool,
    batch_as: Literal["group", "sequence"] | None,
    sampling_rate: float | None,
    no_patient_tags: bool,
    sidecar_suffix: str,
    no_sidecars: bool,
    flat: bool,
    tree: str | None,
    executor: str | None,
    as_json: bool,
) -> int:
    """Import files and folders, or what a manifest lists.

    A source is a local path, or a URL that a storage plugin reads. Formats are recognised by content, not by
    name. Files stay where they are, and subfolders become folders. A second run adds only new files; with a
    manifest, use --skip-duplicates for that.
    """
    if bool(paths) == bool(manifest):
        raise click.UsageError("Give paths or URLs to import, or a --manifest.")
    for path in paths:
        _require_no_export(path)
    crash = None if dry_run else survived(nested=context.is_nested)
    if crash is not None:
        [*_, report] = gone_on(context, crash, executor)
        return print_report(report, f"Imported into {folder}", as_json)
    ingest = context.workspace().ingest
    with resumable(), progress_bar("Importing") as progress:
        if manifest is not None:
            if again or skip_identical or no_sidecars or batch_as or flat:
                raise click.UsageError(
                    "--again, --skip-identical, --no-sidecars, --as and --flat do not go with --manifest."
                )
            report = ingest.manifest(
                manifest,
                folder=folder,
                integration=integration,
                ignore_errors=ignore_errors,
                skip_duplicates=True if skip_duplicates else None,
                upsert_metadata=True if upsert_metadata else None,
                content_hash=content_hash,
                thumbnails=thumbnails,
                sampling_rate=sampling_rate,
                personal=False if no_patient_tags else None,
                tree=tree,
                format=format,
                root=root,
                keys=keys_of(keys),
                dry_run=dry_run,
                executor=executor,
                progress=progress,
            )
        else:
            if skip_duplicates or upsert_metadata or tree or format or root or keys:
                raise click.UsageError(
                    "--skip-duplicates, --upsert-metadata, --tree, --format, --root and --key go with --manifest."
                )
            report = ingest.files(
                paths,
                folder=folder,
                integration=integration,
                ignore_errors=ignore_errors,
                skip_duplicates=not again,
                content_hash=content_hash,
                skip_identical=skip_identical,
                thumbnails=thumbnails,
                batch_as=batch_as,
                sampling_rate=sampling_rate,
                personal=False if no_patient_tags else None,
                sidecar_suffix=None if no_sidecars else sidecar_suffix,
                flat=flat,
                dry_run=dry_run,
                executor=executor,
                progress=progress,
            )
    return print_report(
        report, f"{'A dry run, nothing was changed. Into' if dry_run else 'Imported into'} {folder}", as_json
    )


def print_report(report: ImportReport, what: str, as_json: bool) -> int:
    """Print what an import did; returns the status with which the command ends."""
    if as_json:
        print_json(report)
    else:
        say_report(report, what)
    return status_of(report.job)


def gone_on(context: Context, crash: Crash, executor: str | None) -> list[ImportReport]:
    """The reports of the imports of a process that crashed, the last of which is resumed, so that the next crash costs its file."""
    finished: list[ImportJob] = []
    for where in ("with its decoders", "with all that reads files"):
        done, crashed = left_by(context.workspace(), crash)
        finished += done
        context.close()
        text = f"The process ended by {crash.signal}: import {crashed.id} goes on {where} in processes of their own"
        say(text, err=True, fg="yellow")
        again = survived(nested=context.is_nested)
        if again is None:
            break
        crash = again
    else:
        end_by(crash)
    workspace = context.workspace()
    with resumable(), progress_bar("Importing") as progress:
        resumed = workspace.ingest.resume(crashed.id, executor=executor, progress=progress)
    return [*(workspace.imports.report(job) for job in finished), resumed]


def _require_no_export(path: str) -> None:
    """Refuse a folder or an archive that `heron export` wrote: it is not media, and another command takes it."""
    try:
        is_folder_of_one = (Path(path) / MANIFEST).is_file()
    except OSError:  # a name that is too long, which is refused later
        return
    if not path.lower().endswith(".zip") and not is_folder_of_one:
        return
    from heron.ingest.portable.source import is_export

    if is_export(Path(path)):
        raise click.UsageError(
            f"{path} is an export of a workspace: heron merge {shlex.quote(path)} takes it."
        )


@contextmanager
def resumable() -> Iterator[None]:
    """Let Ctrl-C, and a storage that does not answer, end an import with a hint how to resume it."""
    try:
        yield
    except (Unreachable, BadCredentials, ExecutorError) as error:
        if "imports resume" not in (error.hint or ""):
            raise
        raise ImportInterrupted(error.message, hint=error.hint) from error
    except KeyboardInterrupt as stop:
        notes = getattr(stop, "__notes__", [])
        if not notes:
            raise
        raise ImportInterrupted("interrupted", hint=notes[0]) from stop


def say_report(report: ImportReport, what: str) -> None:
    """Print what an import did, with its first problems."""
    job = report.job
    counts = {
        "new": job.added, "updated": job.updated, "restored": job.restored, "vanished": job.removed,
        "there already": job.skipped, "failed": job.failed, "waiting": job.waiting,
    }  # fmt: skip
    parts = [f"{count:,} {name}" for name, count in counts.items() if count or name == "new"]
    parts += [counted(job.warnings, "warning")] if job.warnings else []
    say(f"{what}: {', '.join(parts)}.")
    shown = report.problems if not report.is_kept else report.problems[:20]
    for problem in shown:
        say(f"  {marked(problem)}: {told(problem)}")
    if job.failed + job.warnings + job.waiting > len(shown) and report.is_kept:
        say(f"  … all of them: heron imports report {job.id}")
    if job.state == "incomplete" and report.is_kept:
        say(f"Not complete, since a store could not be read: heron imports resume {job.id} asks for the rest")


def told(problem: ImportProblem) -> str:
    """A problem in one line, with its place or URL unless the reason names it already."""
    path = path_of(problem.url.partition(" ")[0])
    name = path.rpartition("/")[2]
    reason = without_name(problem)
    if name and reason != problem.reason:
        reason = (problem.place if problem.place.endswith(name) else path) + reason
    if not problem.place or problem.place in reason or (path and path in reason and "://" in problem.place):
        return reason
    return f"{problem.place}: {reason}"


def without_name(problem: ImportProblem) -> str:
    """The reason of a problem without the file at its beginning, to stand behind its place."""
    path = path_of(problem.url.partition(" ")[0])
    for named in filter(None, (problem.place, path, path.rpartition("/")[2])):
        if problem.reason.startswith((f"{named} ", f"{named}: ")):
            return problem.reason.removeprefix(named)
    return problem.reason
