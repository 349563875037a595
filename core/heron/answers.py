"""The records of what verbs found out or did: how a query is answered, what lies in a folder, how names were met."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from heron.models import Json
from heron.records import Record


@frozen(repr=False)
class Explanation(Record):
    """How a query is answered: its SQL, and where it asks for similarity, by which embedding and in which way.

    `milliseconds` are those of the parts: `embed` for making the vector of the query, `search` for finding the nearest
    rows, conditions included, `fetch` for reading them.
    """

    sql: str
    parameters: tuple[Json, ...]
    key: str | None = None
    way: str | None = None
    reason: str | None = None
    vectors: int | None = None
    candidates: int | None = None
    milliseconds: Mapping[str, float] = field(factory=dict, hash=False)


@frozen(repr=False)
class FolderContents(Record):
    """What lies in a folder and below it: the things that deleting it would remove."""

    folders: int
    items: int
    dataset_rows: int
    collection_members: int


@frozen(repr=False)
class NameMatches(Record):
    """How a list of names met the catalogue: one item each, several items each, none."""

    matched: dict[str, str] = field(hash=False)
    ambiguous: dict[str, tuple[str, ...]] = field(hash=False)
    unmatched: tuple[str, ...]


@frozen(repr=False)
class Verification(Record):
    """A place where stored metadata and schema disagree."""

    item: str
    key: str
    value: Json = field(hash=False)
    reason: str
