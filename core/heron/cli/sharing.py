"""The options of commands that give and take roles: to whom, and on what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from heron.cli import completing

if TYPE_CHECKING:
    from heron.organisation import Grant


def holder_options(function: Any) -> Any:
    """Add --user and --group."""
    function = click.option(
        "--group", metavar="NAME", help="The group of users.", shell_complete=completing.user_groups
    )(function)
    return click.option("--user", metavar="EMAIL", help="The user.", shell_complete=completing.users)(
        function
    )


def resource_options(function: Any) -> Any:
    """Add --folder, --dataset, --integration and --project."""
    function = click.option(
        "--project", metavar="TITLE", help="On a project.", shell_complete=completing.projects
    )(function)
    function = click.option(
        "--integration", metavar="NAME", help="On an integration.", shell_complete=completing.integrations
    )(function)
    function = click.option(
        "--dataset", metavar="TITLE", help="On a dataset, with its items.", shell_complete=completing.datasets
    )(function)
    return click.option(
        "--folder", metavar="PATH", help="On a folder and all below it.", shell_complete=completing.folders
    )(function)


def grant_cells(grant: Grant) -> Sequence[str]:
    """The cells of a role that was given."""
    return grant.role, grant.noun, grant.resource, whom(grant), grant.granted_by


def whom(grant: Grant) -> str:
    """Who has the role."""
    return grant.user if grant.user is not None else f"group {grant.group}"
