"""The commands: their table, their exit statuses, and the help of each."""

from __future__ import annotations

import click


def commands() -> str:
    """The table of commands."""
    from heron.cli.main import COMMANDS

    rows = [f"| `heron {name}` | {summary} |" for name, summary in COMMANDS.items()]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def exit_statuses() -> str:
    """The table of exit statuses."""
    from heron.cli.exits import STATUSES

    rows = [f"| {status} | {meaning} |" for status, meaning in STATUSES.items()]
    return "\n".join(["| exit status | meaning |", "|---|---|", *rows])


def help_texts() -> str:
    """The help of every command."""
    from heron.cli.main import COMMANDS
    from heron.cli.main import main as root

    parts = []
    with click.Context(root, info_name="heron", help_option_names=["-h", "--help"]) as top:
        for name in COMMANDS:
            command = root.get_command(top, name)
            assert command is not None
            parts += _help(command, top, name)
    return "\n".join(parts)


def _help(command: click.Command, parent: click.Context, name: str) -> list[str]:
    with click.Context(
        command, info_name=name, parent=parent, terminal_width=100, max_content_width=100
    ) as context:
        parts = [f"## `{context.command_path}`\n", "```text", command.get_help(context), "```\n"]
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                found = command.get_command(context, sub)
                assert found is not None
                parts += _help(found, context, sub)
    return parts
