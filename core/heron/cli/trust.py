"""`heron trust`: the workspaces of other users that you trust."""

from __future__ import annotations

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json
from heron.cli.tables import say


@click.command("trust")
@click.argument("path", required=False, type=click.Path())
@click.option("--list", "listing", is_flag=True, help="List the workspaces that you trust.")
@click.option("--remove", is_flag=True, help="Stop trusting the workspace.")
@json_option
@click.pass_obj
@example("heron trust /data/lake\nheron trust --list\nheron trust /data/lake --remove")
def command(context: Context, path: str | None, listing: bool, remove: bool, as_json: bool) -> None:
    """Trust a workspace that another user made.

    The list of what you trust is in your own config folder. Integrations of a workspace that read secrets are trusted one by one: heron integrations trust.
    """
    from heron.consent import distrust, trust, trusted

    if listing == (path is not None):
        raise click.UsageError("Give the PATH of a workspace, or --list.")
    if path is not None and remove:
        was = distrust(path)
        said = f"{path} is no longer trusted" if was else f"{path} was not trusted"
    elif path is not None:
        said = f"You trust the workspace in {trust(path)}"
    paths = list(trusted())
    if as_json:
        print_json({"items": paths, "cursor": None})
    elif listing:
        for one in paths or ["You trust no workspace of another user."]:
            say(one)
    else:
        say(said)
