"""Keeps standard output for what commands print: what plugins and libraries print goes to standard error.

`heron plugins --json | jq` must work also where a plugin prints while it is imported, a decoder calls `print`, and a C library or a
subprocess writes to file descriptor 1. Only the command line does this; a program that imports Heron keeps its own output.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

import click

_printing = threading.local()


class GuardedOutput:
    """Standard output of a command. While it is `guarded`, what is not printed by `echo` goes to standard error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.guarded = False

    def write(self, text: str) -> int:
        """Write a text, to standard error if Heron does not print it."""
        if self.guarded and not getattr(_printing, "depth", 0):
            return sys.stderr.write(text)
        with self._written():
            return self._stream.write(text)

    def write_bytes(self, content: bytes) -> None:
        """Write bytes that Heron prints; texts that were written before must be flushed."""
        with self._written():
            self._stream.buffer.write(content)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._written():
            self._stream.flush()

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Say that standard output cannot be written; what is still buffered goes nowhere, so that Python can end."""
        try:
            yield
        except OSError as error:
            with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())
            if isinstance(error, BrokenPipeError):
                raise
            reason = error.strerror or error
            raise click.ClickException(f"standard output cannot be written: {reason}") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def printing() -> Iterator[None]:
    """Let this thread print to standard output."""
    _printing.depth = getattr(_printing, "depth", 0) + 1
    try:
        yield
    finally:
        _printing.depth -= 1


def echo(text: str, *, nl: bool = True, err: bool = False, color: bool | None = None, **style: Any) -> None:
    """Print as click.secho does, to standard output unless `err` is set."""
    with printing():
        click.echo(click.style(text, **style) if style else text, nl=nl, err=err, color=color)


def echo_bytes(content: bytes) -> None:
    """Print bytes to standard output; texts that were printed before must be flushed."""
    if isinstance(sys.stdout, GuardedOutput):
        sys.stdout.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)


@contextmanager
def own_stdout() -> Iterator[None]:
    """Make standard output a `GuardedOutput` within the context; it is guarded from `guard()` on."""
    before = sys.stdout
    if before is None:  # it was closed by whoever started the program
        yield
        return
    sys.stdout = cast("TextIO", GuardedOutput(before))
    try:
        yield
    finally:
        sys.stdout = before


def guard(on: bool = True) -> bool:
    """Send what is not printed by Heron to standard error, or stop doing so; returns whether it was done before."""
    was = getattr(sys.stdout, "guarded", False)
    if isinstance(sys.stdout, GuardedOutput):
        sys.stdout.guarded = on
    return was


def keep_descriptor() -> None:
    """Make file descriptor 1 that of standard error, for C libraries and subprocesses, and `sys.stdout` a copy of the old one."""
    if sys.stdout is None:  # it was closed; no file that is opened later may get its number
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        sys.stdout = os.fdopen(nowhere if nowhere == 1 else os.dup(1), "w")
        return
    try:
        sys.stdout.flush()
        kept = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), 1)
    except (OSError, ValueError, AttributeError):
        return  # one of them is closed
    old = cast("io.TextIOWrapper", sys.stdout)
    sys.stdout = io.TextIOWrapper(
        os.fdopen(kept, "wb"),
        encoding=old.encoding,
        errors=old.errors,
        line_buffering=old.line_buffering,
        write_through=old.write_through,
    )
