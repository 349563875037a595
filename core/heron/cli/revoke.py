"""`heron revoke`: take a role from a user, or a group."""

from __future__ import annotations

from typing import Any

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, tell
from heron.cli.sharing import holder_options, resource_options, whom


@click.command("revoke")
@holder_options
@resource_options
@json_option
@click.pass_obj
@example("heron revoke --user ada@example.org --folder Driving/2026")
def command(context: Context, as_json: bool, **given: Any) -> None:
    """Take the role that a user, or a group, was given on one resource.

    Roles that they have by way of a group, or on a folder above, stay; heron org roles lists them.
    """
    taken = context.workspace().roles.revoke(**given)
    tell(as_json, taken, f"{whom(taken)} is no longer {taken.role} on {taken.noun} {taken.resource}")
