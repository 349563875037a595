"""`KEY=VALUE` arguments."""

from __future__ import annotations

from collections.abc import Iterable

import click

from heron.metadata.schema import Schema
from heron.metadata.text_values import from_text
from heron.models import Json


def assignments(pairs: Iterable[str], schema: Schema) -> dict[str, Json]:
    """The metadata of `KEY=VALUE` arguments; `KEY=` alone takes the key away."""
    metadata: dict[str, Json] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise click.UsageError(f"{pair!r} is no KEY=VALUE")
        metadata[key] = from_text(key, text, schema)
    return metadata
