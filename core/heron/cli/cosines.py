"""A cosine on the command line, or the word `auto` for the one that Heron finds itself."""

from __future__ import annotations

from typing import Any

import click

AUTO = "auto"


class Cosine(click.ParamType[float | str]):
    """A number, or `auto`."""

    name = "cosine"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """The number, or the word."""
        if value == AUTO:
            return AUTO
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor {AUTO}", param, ctx)
