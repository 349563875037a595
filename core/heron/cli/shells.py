"""Answers a shell's requests for completions: prints no errors, and quotes values for bash."""

from __future__ import annotations

import os
from contextlib import redirect_stderr, suppress
from pathlib import Path

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
)

VARIABLE = "_HERON_COMPLETE"
"""The environment variable in which a shell sends its request."""


class _Descending(ShellComplete):
    """A shell in which the value of --sort can begin with `-`, which click would take for an option."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """The completions of a word after other words."""
        if args[-1:] == ["--sort"] and incomplete.startswith("-"):
            return [
                CompletionItem(f"-{item.value}") for item in super().get_completions(args, incomplete[1:])
            ]
        return super().get_completions(args, incomplete)


@add_completion_class
class Fish(_Descending, FishComplete):
    """Fish, which quotes values itself."""


@add_completion_class
class Zsh(_Descending, ZshComplete):
    """Zsh, which quotes values itself."""


@add_completion_class
class Bash(_Descending, BashComplete):
    """Bash, which would split names at spaces, commas and other characters unless they are quoted."""

    source_template = BashComplete.source_template.replace(
        "IFS=',' read type value", "IFS=',' read -r type value"
    ).replace("COMPREPLY+=($value)", 'COMPREPLY+=("$value")')

    def format_completion(self, item: CompletionItem) -> str:
        """Type and value; the value is quoted unless the typed word begins with a quote."""
        words, place = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
        is_quoted = place < len(words) and words[place].startswith(("'", '"'))
        return f"{item.type},{item.value if is_quoted else _quoted(item.value)}"


def _quoted(value: str) -> str:
    return "".join(c if c.isalnum() or c in "_@%+=:,./-" else f"\\{c}" for c in value)


def answer(program: click.Command) -> int:
    """Print the completions that the environment variable requests; the exit status is 0 even after an error."""
    with Path(os.devnull).open("w") as nothing, redirect_stderr(nothing), suppress(Exception):
        shell_complete(program, {}, "heron", VARIABLE, os.environ[VARIABLE])
    return 0
