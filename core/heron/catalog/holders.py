"""What has metadata: items, folders and frames, with the SQL to read them and to name them in messages."""

from __future__ import annotations

from attrs import frozen

from heron.catalog.access import Noun


@frozen
class Holder:
    """One sort of rows with metadata. `name` is a SQL expression for the name in messages, `source` has the tables for it."""

    noun: Noun
    table: str
    source: str
    name: str


HOLDERS = (
    Holder("item", "items", "items", "items.uuid"),
    Holder("folder", "folders", "folders", "'folder ' || folders.path"),
    Holder(
        "frame",
        "frames",
        "frames JOIN items ON items.id = frames.item_id",
        "items.uuid || ', frame ' || frames.number",
    ),
)
"""All of them."""


def path_of(key: str) -> str:
    """A metadata key as a path of SQLite's JSON functions; the key has no double quote and no backslash."""
    return f'$."{key}"'
