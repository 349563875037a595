"""`KEY=VALUE` arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from heron.cli.tables import say
from heron.metadata.schema import Schema
from heron.metadata.text_values import from_text
from heron.models import Json
from heron.wording import counted

_SHOWN = 20
"""Unknown keys that are named in one sentence."""


def assignments(pairs: Iterable[str], schema: Schema) -> dict[str, Json]:
    """The metadata of `KEY=VALUE` arguments; `KEY=` alone removes the key."""
    metadata: dict[str, Json] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise click.UsageError(f"{pair!r} is not KEY=VALUE")
        metadata[key] = from_text(key, text, schema)
    return metadata


def note_unknown(keys: Iterable[str], schema: Schema) -> None:
    """Print the keys that the schema does not know, each with the most similar known key."""
    for key in keys:
        if schema.get(key) is None:
            say(_hinted(key, schema, f"{key} is not in the schema, it is stored as given"))


def say_unknown(keys: Sequence[str], schema: Schema) -> None:
    """Print in one sentence how many keys the schema does not know, and the first of them."""
    if keys:
        names = ", ".join(_hinted(key, schema, key) for key in keys[:_SHOWN])
        more = f" and {len(keys) - _SHOWN:,} more" if len(keys) > _SHOWN else ""
        verb = "is" if len(keys) == 1 else "are"
        say(f"{counted(len(keys), 'key')} {verb} not in the schema, stored as given: {names}{more}.")


def _hinted(key: str, schema: Schema, text: str) -> str:
    """The text, with the key of the schema that is most similar if there is one."""
    import difflib

    close = difflib.get_close_matches(key, schema.keys(), n=1)
    return f"{text} (did you mean {close[0]}?)" if close else text
