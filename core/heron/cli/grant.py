"""`heron grant`: give a user, or a group, a role."""

from __future__ import annotations

from typing import Any

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, tell
from heron.cli.sharing import holder_options, resource_options, whom


@click.command("grant")
@click.argument("role")
@holder_options
@resource_options
@json_option
@click.pass_obj
@example(
    "heron grant user --user ada@example.org --folder Driving/2026\nheron grant annotator --group Reviewers --project Survey"
)
def command(context: Context, role: str, as_json: bool, **given: Any) -> None:
    """Give a user, or a group, a role on a folder, a dataset, an integration or a project.

    Folders, datasets and integrations have the roles admin and user; projects have admin, team_manager, reviewer, annotator,
    annotator_reviewer and viewer. The role replaces the one that they have there, and holds at once.
    """
    made = context.workspace().roles.grant(role, **given)
    tell(as_json, made, f"{whom(made)} is {made.role} on {made.noun} {made.resource}")
