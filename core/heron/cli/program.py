"""The program `heron`: Ctrl-C ends it with one sentence, also while it is starting."""

from __future__ import annotations

import sys

from heron.cli.ctrl_c import never_lost


def run() -> None:
    """Run the command line and exit with one of the statuses of `heron.cli.exits`."""
    try:
        with never_lost():
            from heron.cli import crashes, main

            crashes.is_program()

            main.run()
    except KeyboardInterrupt:  # before or after the command itself, which says more
        sys.stderr.write("Error: interrupted\n")
        sys.exit(1)
