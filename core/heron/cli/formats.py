"""The options that name the format of a dataset, the folder of its files, and the keys of its annotations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from heron.cli import completing


def format_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--format`, `--root` and `--key`."""
    options = (
        click.option(
            "--format",
            shell_complete=completing.importers,
            metavar="NAME",
            help="Format of a dataset of another tool: heron manifest formats lists them.",
        ),
        click.option(
            "--root",
            type=click.Path(file_okay=False, path_type=Path),
            help="With --format: folder of the files of the dataset (default: that of the dataset).",
        ),
        click.option(
            "--key",
            "keys",
            multiple=True,
            metavar="NAME=KEY",
            help="With --format: keep these annotations under another key than that of their name.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def keys_of(given: tuple[str, ...]) -> dict[str, str]:
    """The keys of annotations; raises UsageError for what is not NAME=KEY."""
    found = {}
    for text in given:
        name, mark, key = text.partition("=")
        if not (name and mark and key):
            raise click.UsageError(f"--key {text}: write NAME=KEY, such as labels=classes.")
        found[name] = key
    return found
