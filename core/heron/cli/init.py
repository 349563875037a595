"""`heron init`: make a workspace."""

from __future__ import annotations

import click

from heron.cli.context import Context
from heron.cli.output import example


@click.command("init")
@click.argument("directory", default=".", type=click.Path(file_okay=False))
@click.pass_obj
@example("heron init\nheron init ~/lake")
def command(context: Context, directory: str) -> None:
    """Make a workspace in a folder.

    The catalogue goes to DIRECTORY/.heron; nothing else is touched, and no file is copied.
    """
    from heron.workspace import init

    with init(directory, discover=context.discover) as workspace:
        click.echo(f"Made a workspace in {workspace.root}")
        click.echo("Next: heron import PATH --folder NAME")
