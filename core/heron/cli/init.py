"""`heron init`: make a workspace."""

from __future__ import annotations

import os
from pathlib import Path

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json
from heron.cli.tables import say


@click.command("init")
@click.argument("directory", required=False, type=click.Path(file_okay=False))
@json_option
@click.pass_obj
@example("heron init\nheron init ~/lake")
def command(context: Context, directory: str | None, as_json: bool) -> None:
    """Make a workspace in a folder.

    Without DIRECTORY, that is the folder of -w or HERON_WORKSPACE, or else the current one. The catalogue goes to DIRECTORY/.heron; nothing else is touched, and no file is copied.
    """
    from heron.catalog.access import OWNER, unknown_user
    from heron.opening import init

    if context.user is not None and context.user != OWNER.email:
        raise unknown_user(context.user)

    if directory and context.path and Path(directory).resolve() != Path(context.path).resolve():
        raise click.UsageError(f"Which folder? -w says {context.path}, DIRECTORY says {directory}.")
    chosen = directory or context.path or os.environ.get("HERON_WORKSPACE") or "."
    with init(chosen, discover=context.discover) as workspace:
        if as_json:
            print_json({"root": str(workspace.root)})
            return
        say(f"Made a workspace in {workspace.root}")
        say("Next: heron import PATH --folder NAME")
