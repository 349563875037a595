"""The record of importers: what reads datasets and manifests of other tools as a stream of entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar, Protocol

from attrs import field, frozen

from heron.hooks.contributions import Contribution
from heron.models import Json, Kind


@frozen
class ImportEntry:
    """One item of a dataset."""

    place: str
    """where in the dataset it stands, such as `images[3]` or `train.csv, line 7`"""
    file: str = ""
    """the URL of its file, or a path as the dataset writes it, which is read from the folder of the files and must lie below it"""
    files: Sequence[str] = ()
    """those of an item of several files, in place of `file`"""
    name: str | None = None
    """its name in the catalogue; without it, that of the file"""
    kind: Kind | None = None
    """only needed where the name of the file does not show it"""
    metadata: Mapping[str, Json] = field(factory=dict, hash=False)
    """stored as given, by the keys of the schema"""
    annotations: Mapping[str, Json] = field(factory=dict, hash=False)
    """by what they are called: those are stored that have a key of that name in the schema; Heron says which are left out"""
    problem: str | None = None
    """why the entry cannot be imported; it fails with this sentence, and the others land"""
    notes: Sequence[str] = ()
    """warnings, as sentences"""


class ImportSource(Protocol):
    """A dataset that is read: one file, or a folder. Names are relative to its folder, with `/`.

    What lies outside of the folder is refused: absolute paths, `..`, links that lead out of it. All methods raise InvalidInput for
    what cannot be read, with the name of the file and the line or the place.
    """

    path: Path
    """The file or folder that the user named."""

    folder: Path
    """The folder of the dataset: `path`, or the one that contains it."""

    files: Path
    """The folder in which the files of the dataset lie: the one that the user named by `--root`, or `folder`."""

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name below the folder."""

    def has_file(self, file: str) -> bool:
        """Whether there is a file at this path below the folder of the files."""

    def open(self, name: str) -> IO[bytes]:
        """A file below the folder, for reading; one that ends with `.gz` is unpacked."""

    def names(self, folder: str = "", suffixes: Sequence[str] = ()) -> Iterator[str]:
        """The names of the files at or below a folder, in a stable order as a stream; with `suffixes` in lower case, those alone."""

    def elements(self, name: str) -> Iterator[tuple[str, Json]]:
        """The elements of the arrays of a JSON file, and its other members, as (path, value): `("$.images[3]", {…})`."""

    def lines(self, name: str) -> Iterator[tuple[str, Json]]:
        """The values of a JSONL file, each with its place."""

    def rows(self, name: str) -> Iterator[tuple[str, dict[str, str]]]:
        """The rows of a CSV file with a header, each with its place."""


class Importer(Protocol):
    """What an importer loads."""

    def entries(self, source: ImportSource, /) -> Iterator[ImportEntry]:
        """The entries of a dataset as a stream, in the same order each time: an import that was interrupted goes on at its position.

        One that cannot be read is yielded with its `problem`. Raises InvalidInput if the dataset as a whole is not of this format.
        """


def _suffixes(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f"expected a list of texts, got the text {given!r}")
    for suffix in given:
        if not re.fullmatch(r"\.[^A-Z/\s]+", suffix):
            raise ValueError(f"a suffix is in lower case with its dot, not {suffix!r}")
    return tuple(given)


def _checked(importer: DatasetImporter, attribute: Any, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name):
        raise ValueError(
            f"{name!r} cannot be the name of an importer: it starts with a-z and has a-z, 0-9, - and _"
        )


@frozen(kw_only=True)
class DatasetImporter(Contribution):
    """A format of datasets or manifests that can be imported: `heron import --manifest FILE --format NAME`.

    `suffixes` are those of its files; with `reads_folder`, a folder can be named. `annotations` are what its entries can have besides
    metadata, by name, each with what it is, for people.
    """

    sort: ClassVar[str] = "importer"

    name: str = field(validator=_checked)
    load: Callable[[], Importer]
    suffixes: Sequence[str] = field(default=(), converter=_suffixes)
    reads_folder: bool = False
    annotations: Mapping[str, str] = field(factory=dict, hash=False)
