"""`heron mcp`: answers over standard input and output until the client goes."""

from __future__ import annotations

import click

import heron


@click.command("mcp")
@click.option(
    "--write", is_flag=True, help="Let it make collections and set metadata; else nothing can be changed."
)
@click.pass_obj
def mcp(context: heron.CommandContext, write: bool) -> None:
    """Answer a language model over standard input and output, by the Model Context Protocol.
    It describes the workspace and its schema, finds and counts items, counts values, shows pictures and finds similar ones.
    A client of the protocol starts it: give it this command. With --as, it sees what that user may see.

    \b
    Example:
      heron mcp
      heron -w ~/lake --as ada@example.org mcp --write
    """
    from heron_mcp.tools import server_of

    workspace = context.workspace()
    workspace.asks_often = True
    server_of(workspace, writes=write).run("stdio")
