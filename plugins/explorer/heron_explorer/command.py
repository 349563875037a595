"""`heron explore`: starts the server and opens the Explorer in the browser."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from typing import Any

import click

import heron
from heron_explorer.built import pages
from heron_server.command import serving, start


@click.command("explore")
@click.option("--no-browser", is_flag=True, help="Print the address alone.")
@serving(log="none")
@click.pass_obj
def explore(context: heron.CommandContext, /, no_browser: bool, **given: Any) -> None:
    """Open the Explorer in the browser: see, search, select and curate.
    Starts the server as heron serve does, with the same rules for who may enter, and opens the address that it prints. That address
    works once; the browser is known from then on. Ctrl-C stops the server.

    \b
    Example:
      heron explore
      heron explore --no-browser --port 0
      heron explore --read-only
    """
    pages()
    start(context, **given, then=None if no_browser else open_browser)


def open_browser(address: str) -> None:
    """Open an address in the browser of the desktop, if there is one: a browser in the terminal would take the server's place."""
    if sys.platform.startswith("linux") and not any(
        map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    ):
        return
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
