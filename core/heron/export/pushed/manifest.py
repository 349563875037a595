"""The manifest of pushed columns: which catalogue and state they show, and the files of each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from heron.convert import dumps, loads, structure, unstructure
from heron.errors import HeronError, InvalidInput

NAME = "_heron.json"
"""The name of the manifest. Engines pass over files whose names begin with an underscore."""

FORMAT = 1


@frozen
class PushedFile:
    """A file of a table: its path below the place, its rows and bytes, and the value of each column that its path gives."""

    path: str
    rows: int
    bytes: int
    partition: Mapping[str, str] = field(factory=dict, hash=False)


@frozen
class PushedTable:
    """A table: the types of its columns by name, and its files. Columns of `partitioned_by` are in the paths of files only.

    A table of vectors has the key of the schema and the numbers of a vector, `size`.
    `left_out` counts values that are not of the type of their column, by column; they are missing there.
    """

    path: str
    rows: int
    columns: Mapping[str, str] = field(hash=False)
    files: Sequence[PushedFile] = field(hash=False)
    partitioned_by: Sequence[str] = field(default=(), hash=False)
    left_out: Mapping[str, int] = field(factory=dict, hash=False)
    key: str | None = None
    size: int | None = None


@frozen
class Manifest:
    """What a place contains. `shown_at` is the time in UTC at which the catalogue had the state that the tables show.

    It is None before the first push is complete. `replaced` are files that the state before had and this one has not; the
    next push deletes them.
    """

    workspace: str
    user: str
    user_uuid: str
    shown_at: str | None = None
    tables: Mapping[str, PushedTable] = field(factory=dict, hash=False)
    replaced: Sequence[str] = field(default=(), hash=False)
    delta: bool = False
    format: int = FORMAT

    def files(self) -> dict[str, PushedFile]:
        """All files by path."""
        return {file.path: file for table in self.tables.values() for file in table.files}

    def text(self) -> bytes:
        """The manifest as JSON."""
        return (dumps(unstructure(self)) + "\n").encode()


def parsed(text: bytes, place: str) -> Manifest:
    """The manifest in a file; raises HeronError for a file that this Heron did not write."""
    try:
        data: Any = loads(text)
        if not isinstance(data, dict):
            raise InvalidInput("it is no JSON object")
        if type(data.get("format")) is int and data["format"] > FORMAT:
            raise HeronError(
                f"{place}{NAME} was written by a newer Heron", hint="upgrade with pip install --upgrade heron"
            )
        return structure(data, Manifest, f"{place}{NAME}")
    except InvalidInput as error:
        raise HeronError(
            f"{place}{NAME} is damaged, or no manifest of Heron: {error.message}",
            hint="name another place, or delete what is there",
        ) from error
