"""`heron projects`: datasets that people work on together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from heron.cli import completing
from heron.cli.contents import frames_option
from heron.cli.context import Context
from heron.cli.output import (
    confirm,
    example,
    json_option,
    list_options,
    listing,
    page_options,
    print_json,
    print_records,
    tell,
    yes_option,
)
from heron.cli.tables import print_fields, say
from heron.models import FrameChoice
from heron.wording import counted

STATUS = click.Choice(["not_started", "in_progress", "completed"])


@click.group("projects", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron projects create Survey --dataset train --tag urgent\nheron projects list --tag urgent")
def command(context: click.Context, as_json: bool) -> None:
    """Make projects of datasets, with tags and a status."""
    listing(context, list_projects, as_json)


@command.command("list")
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME", help="With this tag; several: with all of them."
)
@click.option("--status", type=STATUS, help="With this status.")
@click.option("--archived", is_flag=True, help="Archived ones too.")
@page_options
@click.pass_obj
@example("heron projects list --tag urgent --tag small --status in_progress")
def list_projects(
    context: Context,
    limit: int | None,
    cursor: int,
    as_json: bool,
    tags: tuple[str, ...] = (),
    status: Any = None,
    archived: bool = False,
) -> None:
    """List the projects that have all of the tags, and the status."""
    print_records(
        context.workspace().projects.list(tags=tags, status=status, archived=archived),
        as_json,
        ["title", "status", "datasets", "tags", "description"],
        lambda p: (p.title, p.status, ", ".join(p.datasets), ", ".join(p.tags), p.description),
        "There is no such project: heron projects create TITLE --dataset TITLE",
        limit,
        cursor,
    )


def _parts(function: Any) -> Any:
    """Add --dataset, --collection and --tag."""
    function = click.option(
        "--collection",
        "collections",
        multiple=True,
        metavar="TITLE",
        help="A collection, which then belongs to the project.",
        shell_complete=completing.collections,
    )(function)
    function = click.option(
        "--tag", "tags", multiple=True, metavar="NAME", help="A tag of the organisation."
    )(function)
    return click.option(
        "--dataset",
        "datasets",
        multiple=True,
        metavar="TITLE",
        help="A dataset.",
        shell_complete=completing.datasets,
    )(function)


@command.command("create")
@click.argument("title")
@_parts
@click.option("--description", default="", help="What the project is for.")
@json_option
@click.pass_obj
@example("heron projects create Survey --dataset train --dataset test --tag urgent")
def create(
    context: Context,
    title: str,
    datasets: tuple[str, ...],
    collections: tuple[str, ...],
    tags: tuple[str, ...],
    description: str,
    as_json: bool,
) -> None:
    """Make a project of datasets."""
    made = context.workspace().projects.create(
        title, datasets=datasets, tags=tags, collections=collections, description=description
    )
    tell(as_json, made, f"Made project {title} of {counted(len(made.datasets), 'dataset')}")


@command.command("show")
@click.argument("title", shell_complete=completing.projects)
@json_option
@click.pass_obj
@example("heron projects show Survey")
def show(context: Context, title: str, as_json: bool) -> None:
    """Show a project."""
    project = context.workspace().projects.get(title)
    if as_json:
        print_json(project)
        return
    rows = [
        ("title", project.title),
        ("description", project.description),
        ("status", project.status),
        ("datasets", ", ".join(project.datasets)),
        ("collections", ", ".join(project.collections)),
        ("tags", ", ".join(project.tags)),
        ("archived", project.archived_at),
        ("made", project.created_at),
    ]
    print_fields(row for row in rows if row[1])


@command.command("add")
@click.argument("title", shell_complete=completing.projects)
@_parts
@json_option
@click.pass_obj
@example("heron projects add Survey --dataset test --tag urgent")
def add(
    context: Context,
    title: str,
    datasets: tuple[str, ...],
    collections: tuple[str, ...],
    tags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add datasets and collections to a project, and put tags on it."""
    changed = context.workspace().projects.add(title, datasets=datasets, tags=tags, collections=collections)
    tell(as_json, changed, f"Project {title} has {counted(len(changed.datasets), 'dataset')} now")


@command.command("remove")
@click.argument("title", shell_complete=completing.projects)
@_parts
@json_option
@click.pass_obj
@example("heron projects remove Survey --tag urgent")
def remove(
    context: Context,
    title: str,
    datasets: tuple[str, ...],
    collections: tuple[str, ...],
    tags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Take datasets, collections and tags off a project."""
    removed = context.workspace().projects.remove(
        title, datasets=datasets, tags=tags, collections=collections
    )
    tell(as_json, {"removed": removed}, f"Took {removed:,} off {title}")


@command.command("update")
@click.argument("title", shell_complete=completing.projects)
@click.option("--title", "new_title", help="The new title.")
@click.option("--description", help="The new description.")
@click.option("--status", type=STATUS, help="How far the work is.")
@click.option("--archive/--unarchive", "archived", default=None, help="Archive it, or bring it back.")
@json_option
@click.pass_obj
@example("heron projects update Survey --status in_progress\nheron projects update Survey --archive")
def update(
    context: Context,
    title: str,
    new_title: str | None,
    description: str | None,
    status: Any,
    archived: bool | None,
    as_json: bool,
) -> None:
    """Change title, description or status, and archive a project."""
    changed = context.workspace().projects.update(
        title, title=new_title, description=description, status=status, archived=archived
    )
    state = "archived" if changed.archived_at else changed.status
    tell(as_json, changed, f"Project {changed.title} is {state}")


@command.command("send")
@click.argument("title", shell_complete=completing.projects)
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--collection",
    required=True,
    metavar="TITLE",
    help="The items to send.",
    shell_complete=completing.collections,
)
@click.option("--format", required=True, help="label-studio, cvat, encord, or another format of one file.")
@frames_option(default="marked")
@click.option("--again", is_flag=True, help="Also what was sent for this project in this format before.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@json_option
@click.pass_obj
@example(
    "heron projects send Survey tasks.json --collection 'Rainy nights' --format label-studio\n"
    "heron projects send Survey - --collection 'Rainy nights' --format cvat --dry-run"
)
def send(
    context: Context,
    title: str,
    output: Path,
    collection: str,
    format: str,
    frames: FrameChoice,
    again: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write the items of a collection as tasks of an annotation tool, and remember that they were sent.

    Items that are in no dataset of the project, and those that were sent before, are left out.
    """
    if as_json and str(output) == "-" and not dry_run:
        raise click.UsageError("OUTPUT - and --json both write to standard output: give one of them.")
    done = context.workspace().annotation.send(
        title, collection, output, format=format, frames=frames, again=again, dry_run=dry_run
    )
    if as_json:
        print_json(done)
        return
    number = counted(done.items, "item") + (f" with {counted(done.frames, 'frame')}" if done.frames else "")
    if done.sent is not None:
        say(f"Sent {number} to {output}", err=str(output) == "-")
    else:
        say(f"{number} would be sent" if done.items else "There is nothing to send, and nothing was written")
    reasons = {
        "were sent before: --again sends them too": done.skipped,
        f"are in no dataset of project {title}": done.outside,
        f"are of kinds that {format} does not take": done.not_taken,
    }
    for reason, number_of in reasons.items():
        if number_of:
            say(f"Left out {counted(number_of, 'item')} that {reason}", err=True)


@command.command("sent")
@click.argument("title", required=False, shell_complete=completing.projects)
@click.option(
    "--items", "of", metavar="UUID", help="The items that were sent at one time, with their frames."
)
@page_options
@click.pass_obj
@example("heron projects sent Survey\nheron projects sent --items 01a1fc7f-6634-7b8f-8ffa-50166ba72775")
def sent(
    context: Context, title: str | None, of: str | None, limit: int | None, cursor: int, as_json: bool
) -> None:
    """List what was sent to annotation, the newest first."""
    annotation = context.workspace().annotation
    if of is not None and title is not None:
        raise click.UsageError("Give a project, or --items, not both.")
    if of is not None:
        print_records(
            list(annotation.items(of)),
            as_json,
            ["name", "frames", "item"],
            lambda i: (i.name, ", ".join(map(str, i.frames)), i.item),
            "None of these items is there any more.",
            limit,
            cursor,
        )
        return
    print_records(
        annotation.sent(title),
        as_json,
        ["sent", "by", "project", "collection", "format", "items", "frames", "file", "uuid"],
        lambda s: (
            s.sent_at, s.sent_by, s.project, s.collection, s.format, s.item_count, s.frame_count, s.file, s.uuid,
        ),
        "Nothing was sent yet: heron projects send TITLE OUTPUT --collection TITLE --format label-studio",
        limit,
        cursor,
    )  # fmt: skip


@command.command("delete")
@click.argument("title", shell_complete=completing.projects)
@yes_option
@json_option
@click.pass_obj
@example("heron projects delete Survey")
def delete(context: Context, title: str, yes: bool, as_json: bool) -> None:
    """Delete a project with the roles on it; its datasets stay."""
    projects = context.workspace().projects
    project = projects.get(title)
    confirm(
        f"Delete project {project.title} with the roles on it and the record of what was sent? Its datasets stay.",
        yes,
    )
    projects.delete(project)
    tell(as_json, project, f"Deleted project {project.title}")
