"""`KEY=VALUE` arguments."""

from __future__ import annotations

from collections.abc import Iterable

import click

from heron.cli.tables import say
from heron.metadata.schema import Schema
from heron.metadata.text_values import from_text
from heron.models import Json


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
    import difflib

    for key in keys:
        if schema.get(key) is None:
            close = difflib.get_close_matches(key, schema.keys(), n=1)
            say(
                f"{key} is not in the schema, it is stored as given"
                + (f" (did you mean {close[0]}?)" if close else "")
            )
