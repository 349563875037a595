"""`heron completion`: the shell's completion script."""

from __future__ import annotations

import click

from heron.cli.output import example


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
@example('eval "$(heron completion bash)"')
def command(context: click.Context, shell: str) -> None:
    """Print the shell's completion script.

    Evaluate it in the shell's start-up file. Values are completed too: folders, items, keys, fields, presets, collections,
    datasets, integrations, formats and embedders.
    """
    from click.shell_completion import get_completion_class

    from heron.cli.shells import VARIABLE

    kind = get_completion_class(shell)
    assert kind is not None
    root = context.find_root().command
    click.echo(kind(root, {}, "heron", VARIABLE).source())
