"""`heron diary`."""

from __future__ import annotations

import json

import click

import heron
from heron_diary.book import entries


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def diary(context: heron.CommandContext, as_json: bool) -> None:
    """Print what happened in this workspace, the oldest first."""
    found = list(entries(context.workspace()))
    if as_json:
        click.echo(json.dumps(found))
        return
    for entry in found:
        click.echo(f"{entry['at']}  {entry['text']}")
