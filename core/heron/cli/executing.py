"""The option `--executor` of commands that can run on many cores or machines."""

from __future__ import annotations

import click

from heron.cli import completing

executor_option = click.option(
    "--executor",
    shell_complete=completing.executors,
    metavar="NAME[:ADDRESS]",
    help="Where the work runs: threads:N, processes:N, dask://HOST:PORT, or another plugin's.",
)
