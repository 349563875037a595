"""`heron manifest`: checks a manifest before it is imported, and writes one of the files below a URL."""

from __future__ import annotations

from pathlib import Path

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.formats import format_options, keys_of
from heron.cli.output import example, json_option, print_json, print_json_list
from heron.cli.tables import print_table, say
from heron.wording import counted


@click.group("manifest")
@example("heron manifest check runs.json\nheron manifest create s3://bucket/2026/ -o runs.json")
def command() -> None:
    """Check manifests, and write manifests of the files below a URL."""


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--integration",
    shell_complete=completing.integrations,
    metavar="NAME",
    help="Integration with which it will be imported.",
)
@format_options
@json_option
@click.pass_obj
@example("heron manifest check runs.json\nheron manifest check annotations.json --format coco --root images")
def check(
    context: Context,
    file: Path,
    integration: str | None,
    format: str | None,
    root: Path | None,
    keys: tuple[str, ...],
    as_json: bool,
) -> int:
    """Read a manifest to its end and list every fault with its place. No object is fetched, nothing is changed.

    Exits with 1 if there is a fault. Inside a workspace, metadata is validated against its schema.
    """
    ingest = context.workspace().ingest
    found = ingest.check_manifest(file, integration, format=format, root=root, keys=keys_of(keys))
    if as_json:
        print_json(found)
    else:
        rows = list(found.kinds.items())
        print_table(["kind", "entries"], [(kind, count) for kind, count in rows], "The manifest is empty.")
        if found.with_facts:
            say(f"{found.with_facts:,} of them have facts, and will not be fetched.")
        for problem in found.problems[:100]:
            say(f"  {problem.reason}")
        if len(found.problems) > 100:
            say(f"  … and {len(found.problems) - 100:,} more: --json lists all of them")
        say(f"{counted(found.faults, 'fault')} found." if found.faults else "No fault found.", bold=True)
    return 1 if found.faults else 0


@command.command("formats")
@json_option
@click.pass_obj
@example("heron manifest formats")
def formats(context: Context, as_json: bool) -> None:
    """List the formats of manifests and datasets that can be imported, and which annotations each has."""
    from heron.hooks import DatasetImporter

    known = list(context.plugins().contributions(DatasetImporter))
    if as_json:
        names = ("name", "summary", "suffixes", "reads_folder", "annotations")
        print_json_list({name: getattr(each, name) for name in names} for each in known)
        return
    cells = [
        (
            each.name,
            each.summary,
            ", ".join([*each.suffixes, *(["a folder"] if each.reads_folder else [])]),
            ", ".join(each.annotations),
        )
        for each in known
    ]
    print_table(["format", "what it is", "is", "annotations"], cells, "There is no format.")


@command.command("create")
@click.argument("prefix")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write (.json, .jsonl or .csv), - for JSON on standard output.",
)
@click.option(
    "--integration",
    shell_complete=completing.integrations,
    metavar="NAME",
    help="Integration whose credentials to use.",
)
@click.option(
    "--facts",
    is_flag=True,
    help="Write the size, and the media type guessed by name, so that an import fetches nothing.",
)
@json_option
@click.pass_obj
@example("heron manifest create s3://bucket/2026/ -o runs.json --integration lab")
def create(
    context: Context, prefix: str, output: Path, integration: str | None, facts: bool, as_json: bool
) -> None:
    """Write a manifest of the files at or below a URL or a folder, with kinds guessed by name."""
    if as_json and str(output) == "-":
        raise click.UsageError("-o - and --json both write to standard output: give one of them.")
    written = context.workspace().ingest.write_manifest(
        prefix, output, integration=integration, with_facts=facts
    )
    if as_json:
        print_json(written)
        return
    parts = ", ".join(f"{count:,} {kind}" for kind, count in written.kinds.items()) or "nothing"
    say(f"Wrote {parts} to {output}", err=str(output) == "-")
    for problem in written.problems:
        say(f"Left out: {problem.reason}", err=True)
    if written.left_out:
        say(
            f"Left out {counted(written.left_out, 'object')} that are DICOM files or whose names show no known kind.",
            err=str(output) == "-",
        )
