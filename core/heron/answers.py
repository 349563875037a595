"""Records of the results of verbs: how a query is answered, what a folder contains, which items names match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from heron.models import Json
from heron.records import Record


@frozen(repr=False)
class Added(Record):
    """The result of adding to a collection or dataset."""

    added: int
    skipped: int


@frozen(repr=False)
class Explanation(Record):
    """How a query is answered: its SQL, and for similarity the embedding and the method.

    `milliseconds` gives the time of each part: `embed` for computing the query vector, `search` for finding
    the nearest rows including conditions, `fetch` for reading them.
    """

    sql: str
    parameters: tuple[Json, ...]
    engine: str = "SQLite"
    key: str | None = None
    way: str | None = None
    reason: str | None = None
    vectors: int | None = None
    candidates: int | None = None
    milliseconds: Mapping[str, float] = field(factory=dict, hash=False)


@frozen(repr=False)
class QueryName(Record):
    """A name that a condition can use: `kind` is `key`, `field`, `fact`, `loose` or `function`; `options` are those of an enum.

    `type` is the type of its values: that of the schema, `text`, `number`, `datetime`, `boolean`, `any` for media facts, and
    `condition` for a function that is true or false. `arguments` are the types of the arguments of a function. `operator` is the
    word that means this function between two values, if it has one.
    """

    name: str
    kind: str
    type: str
    about: str
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    operator: str = ""


@frozen(repr=False)
class FolderContents(Record):
    """What a folder and its subfolders contain, and deleting the folder would remove."""

    folders: int
    items: int
    dataset_rows: int
    collection_members: int


UseKind = Literal["collection", "dataset", "version", "project", "sent", "group"]
"""What uses items: a frozen `version` of a dataset, a `project` by its datasets, what was `sent` to annotation, an item that is a `group`."""


@frozen(repr=False)
class Use(Record):
    """Something that uses items: its kind, its title or name, its UUID, and how many of the items it uses, in how many rows.

    A dataset can have an item in several rows. A `version` keeps its rows when an item is deleted, and a `group`, an item of
    several files, its files; from all others the item is removed. What was `sent` is called `PROJECT as FORMAT`.
    """

    kind: UseKind
    name: str
    uuid: str
    items: int
    rows: int


@frozen(repr=False)
class NameMatches(Record):
    """Which names of a list match one item, several items, or none."""

    matched: dict[str, str] = field(hash=False)
    ambiguous: dict[str, tuple[str, ...]] = field(hash=False)
    unmatched: tuple[str, ...]


@frozen(repr=False)
class Verification(Record):
    """A stored value that does not agree with the schema."""

    item: str
    key: str
    value: Json = field(hash=False)
    reason: str


@frozen(repr=False)
class Conversion(Record):
    """What a change of the schema did to the stored values of a key, or would do if `written` is False.

    `converted` values of items, folders and frames got the form of the type, `left` could not get it without loss;
    `examples` are the first of these. After an undo, `converted` values are as they were before, and `left` were changed since.
    """

    key: str
    converted: int
    left: int
    examples: tuple[Verification, ...] = ()
    written: bool = True


@frozen(repr=False)
class Conflict(Record):
    """A key of which two copies have different values. `item` is the UUID of the kept copy; nothing is copied to it.

    `name` and `other_name` are the copies that differ; `name` is the kept one if it has the key.
    """

    item: str
    key: str
    name: str
    value: Json = field(hash=False)
    other_name: str
    other_value: Json = field(hash=False)


@frozen(repr=False)
class CarriedOver(Record):
    """What was copied from redundant items to the kept ones, or would be if `written` is False.

    `items` is the number of kept items that get something, `values` of metadata values, `collections` of memberships,
    `datasets` of dataset rows. `notes` are sentences about what is not copied.
    """

    items: int
    values: int
    collections: int
    datasets: int
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()
    written: bool = False


@frozen(repr=False)
class Pushed(Record):
    """The result of a push: the place, the state that it shows, the rows of each table, and its files and bytes.

    `written` of the files, of `written_bytes`, were not there before; `removed` files were deleted. `left_out` counts values
    that are not of the type of their column, by table and column. `problem` says why old files could not be deleted.
    """

    destination: str
    shown_at: str
    tables: Mapping[str, int] = field(hash=False)
    files: int
    bytes: int
    written: int
    written_bytes: int
    removed: int
    left_out: Mapping[str, int] = field(hash=False)
    problem: str = ""
