"""The records of portable exports: what one contains, what writing it did, and what merging it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import field, frozen

from heron.records import Record

FORMAT = "heron-portable"
VERSION = 1
MANIFEST = "heron.json"
"""The file that makes a folder, or a zip archive, a portable export."""

Choice = Literal["refuse", "keep", "take"]
"""What to do with clashes: merge nothing, keep what is here, or take what the export has."""

CHOICES: Sequence[Choice] = ("refuse", "keep", "take")

KINDS = ("keys", "folders", "items", "vectors", "collections", "datasets", "presets")
"""What can clash, in the order in which it is merged."""


@frozen(repr=False)
class PortablePart(Record):
    """One file of an export: its name, its number of rows, its bytes, and their SHA-256."""

    name: str
    rows: int
    bytes: int
    sha256: str


@frozen(repr=False)
class PortableVectors(Record):
    """The vectors of a key in an export: their size and type, what made them, and the files of numbers and of owners."""

    key: str
    size: int
    dtype: str
    embedder: str | None
    model: str | None
    revision: str | None
    takes_text: bool
    file: str
    owners: str


@frozen(repr=False)
class NeededIntegration(Record):
    """An integration by which items of an export were read; without options, so without secrets."""

    name: str
    backend: str


@frozen(repr=False)
class PortableManifest(Record):
    """What `heron.json` says of an export. `lake` is the URL of the folder below which its local files were."""

    format: str
    version: int
    written_by: str
    written_at: str
    workspace: str
    lake: str
    is_whole: bool
    has_media: bool
    has_thumbnails: bool
    integrations: tuple[NeededIntegration, ...]
    left_out: Mapping[str, int] = field(hash=False)
    vectors: tuple[PortableVectors, ...]
    parts: tuple[PortablePart, ...]

    @property
    def rows(self) -> dict[str, int]:
        """The number of rows of each part, by its name without suffix."""
        return {part.name.partition(".")[0]: part.rows for part in self.parts}


@frozen(repr=False)
class PortableExport(Record):
    """What an export has written: rows of each part, bytes without media, and files of items copied.

    `left_out` are numbers of what the part of a workspace does not hold whole, such as datasets with other rows.
    """

    file: str
    rows: Mapping[str, int] = field(hash=False)
    bytes: int
    media: int
    left_out: Mapping[str, int] = field(hash=False)

    @property
    def items(self) -> int:
        """The number of items."""
        return self.rows["items"]


@frozen(repr=False)
class Clash(Record):
    """Something that is here and in the export, but not the same: its kind, its name, and how the two differ."""

    kind: str
    name: str
    reason: str
    choice: Choice


@frozen(repr=False)
class Merged(Record):
    """What merging an export did, or with a dry run would do; the numbers are by kind.

    `new` was not here before, `same` was here and is equal, `clashing` was here and is not; `clashes` has the first 100 of those.
    `needed` are integrations that are not here, `missing` the local files that are not where the items say; `notes` are sentences
    for people.
    """

    written: bool
    new: Mapping[str, int] = field(hash=False)
    same: Mapping[str, int] = field(hash=False)
    clashing: Mapping[str, int] = field(hash=False)
    clashes: tuple[Clash, ...]
    needed: tuple[NeededIntegration, ...]
    media: int
    missing: int
    notes: tuple[str, ...]
