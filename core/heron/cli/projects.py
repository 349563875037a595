"""`heron projects`: datasets that people work on together."""

from __future__ import annotations

from typing import Any

import click

from heron.cli import completing
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
from heron.cli.tables import print_fields
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
@click.option("--archived", is_flag=True, help="Archived ones too.")
@page_options
@click.pass_obj
@example("heron projects list --tag urgent --tag small")
def list_projects(
    context: Context,
    limit: int | None,
    cursor: int,
    as_json: bool,
    tags: tuple[str, ...] = (),
    archived: bool = False,
) -> None:
    """List the projects that have all of the tags."""
    print_records(
        context.workspace().projects.list(tags=tags, archived=archived),
        as_json,
        ["title", "status", "datasets", "tags", "description"],
        lambda p: (p.title, p.status, ", ".join(p.datasets), ", ".join(p.tags), p.description),
        "There is no such project: heron projects create TITLE --dataset TITLE",
        limit,
        cursor,
    )


def _parts(function: Any) -> Any:
    """Add --dataset and --tag."""
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
    tags: tuple[str, ...],
    description: str,
    as_json: bool,
) -> None:
    """Make a project of datasets."""
    made = context.workspace().projects.create(title, datasets=datasets, tags=tags, description=description)
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
    context: Context, title: str, datasets: tuple[str, ...], tags: tuple[str, ...], as_json: bool
) -> None:
    """Add datasets to a project, and put tags on it."""
    changed = context.workspace().projects.add(title, datasets=datasets, tags=tags)
    tell(as_json, changed, f"Project {title} has {counted(len(changed.datasets), 'dataset')} now")


@command.command("remove")
@click.argument("title", shell_complete=completing.projects)
@_parts
@json_option
@click.pass_obj
@example("heron projects remove Survey --tag urgent")
def remove(
    context: Context, title: str, datasets: tuple[str, ...], tags: tuple[str, ...], as_json: bool
) -> None:
    """Take datasets and tags off a project."""
    removed = context.workspace().projects.remove(title, datasets=datasets, tags=tags)
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
    confirm(f"Delete project {project.title} with the roles on it? Its datasets stay.", yes)
    projects.delete(project)
    tell(as_json, project, f"Deleted project {project.title}")
