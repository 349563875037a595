"""The parts of a portable export: for each, its file, its fields in order, and the check of a value that comes from outside.

`docs/portable-exports.md` is generated from this.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from attrs import frozen

from heron.catalog.folders import split_path
from heron.convert import dumps
from heron.errors import InvalidInput
from heron.fields import RecordField
from heron.metadata.keys import check_name, is_unicode, printable
from heron.models import FRAME_FIELDS, ITEM_FIELDS, MAX_NAME, Json
from heron.times import moment
from heron.uuids import canonical_uuid

Check = Callable[[Any], Any]
"""Returns the value as it is staged; raises ValueError with what was expected."""

MAX_LINE = 64 << 20
"""The longest line of a part, in bytes."""

MAX_FOLDERS = 1_000_000
"""The most folders of an export."""

_LONGEST = 1 << 20
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z").fullmatch


@frozen
class Value:
    """One field of a part: the word for its type in the docs, its check, whether it must be there, and what it means."""

    type: str
    check: Check
    about: str
    required: bool = False
    column: str = "TEXT"


@frozen
class Part:
    """One table of an export: what a row is, and its fields by name."""

    name: str
    what: str
    fields: Mapping[str, Value]

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.name}.jsonl"

    @cached_property
    def _checks(self) -> Mapping[str, tuple[int, Check]]:
        return {name: (place, value.check) for place, (name, value) in enumerate(self.fields.items())}

    @cached_property
    def _required(self) -> frozenset[str]:
        return frozenset(name for name, value in self.fields.items() if value.required)

    def values(self, row: Json, place: str) -> list[Any]:
        """The values of a row in the order of the fields; raises InvalidInput that names the place and the field."""
        if type(row) is not dict:
            raise InvalidInput(f"{place}: expected an object, got {printable(row)}")
        checks = self._checks
        found: list[Any] = [None] * len(checks)
        name = ""
        try:
            for name, given in row.items():
                position, check = checks[name]
                if given is not None:
                    found[position] = check(given)
        except KeyError:
            raise InvalidInput(
                f"{place}: unknown field {printable(name)}", hint="it was written by another version of Heron"
            ) from None
        except ValueError as error:
            raise InvalidInput(f"{place}: {name}: {error}") from error
        if not self._required <= row.keys() or any(row[name] is None for name in self._required):
            missing = min(name for name in self._required if row.get(name) is None)
            raise InvalidInput(f"{place}: {missing} is missing")
        return found


def _expected(what: str, given: Any) -> ValueError:
    return ValueError(f"expected {what}, got {printable(given)}")


def text(given: Any) -> str:
    """Text without null characters, valid Unicode."""
    if (
        type(given) is not str
        or "\0" in given
        or len(given) > _LONGEST
        or not (given.isascii() or is_unicode(given))
    ):
        raise _expected("text", given)
    return given


def uuid(given: Any) -> str:
    """A UUID in lower case with hyphens."""
    if type(given) is not str or canonical_uuid(given) != given:
        raise _expected("a UUID", given)
    return given


def integer(given: Any) -> int:
    """A whole number of at most 63 bits that is not negative."""
    if type(given) is not int or not 0 <= given < 1 << 63:
        raise _expected("a whole number from 0", given)
    return given


def fingerprint(given: Any) -> int:
    """A whole number of 64 bits, with its sign."""
    if type(given) is not int or not -(1 << 63) <= given < 1 << 63:
        raise _expected("a whole number of 64 bits", given)
    return given


def number(given: Any) -> float:
    """A finite number."""
    if type(given) not in (int, float) or not math.isfinite(given):
        raise _expected("a number", given)
    return given  # type: ignore[no-any-return]


def boolean(given: Any) -> int:
    """True or false."""
    if type(given) is not bool:
        raise _expected("true or false", given)
    return int(given)


def time(given: Any) -> str:
    """A time as Heron writes it."""
    if type(given) is not str or not _TIME(given):
        raise _expected("a time such as 2026-01-31T12:00:00.000000Z", given)
    moment(given)
    return given


def anything(given: Any) -> str:
    """An object of JSON, as text."""
    if type(given) is not dict:
        raise _expected("an object", given)
    return dumps(given)


def mapping(given: Any) -> Any:
    """An object of JSON, which is checked later."""
    if type(given) is not dict:
        raise _expected("an object", given)
    return given


def name(given: Any) -> str:
    """A name of a thing."""
    if (
        type(given) is str
        and given.isprintable()
        and given.isascii()
        and 0 < len(given.strip()) <= len(given) <= MAX_NAME
    ):
        return given
    return check_name(text(given), "a name")


@lru_cache(4096)
def folder_path(given: Any) -> str:
    """The path of a folder."""
    if "/".join(split_path(text(given))) != given:
        raise _expected("the path of a folder", given)
    return given  # type: ignore[no-any-return]


def digest(given: Any) -> str:
    """A SHA-256 in hexadecimal digits."""
    if type(given) is not str or not re.fullmatch("[0-9a-f]{64}", given):
        raise _expected("a SHA-256", given)
    return given


def jpeg(given: Any) -> bytes:
    """A JPEG in base64."""
    try:
        found = base64.b64decode(text(given), validate=True)
    except binascii.Error:
        raise ValueError("expected base64") from None
    if not found.startswith(b"\xff\xd8\xff"):
        raise ValueError("expected a JPEG")
    return found


_DOUBTFUL = re.compile(r"\.\.|%2|%5|\\|//", re.IGNORECASE).search
_WORDS = re.compile(r"\.\.|%2e%2e|%2e\.|\.%2e", re.IGNORECASE)


def url(given: Any) -> str:
    """A URL; one of a file below the workspace, which begins with `file:./`, leads nowhere else."""
    from heron.catalog.registration import check_url

    check_url(text(given))
    if given.startswith("file:./") and not _DOUBTFUL(given, 6):
        return given  # type: ignore[no-any-return]
    if given.startswith("file:") and not given.startswith("file:///"):
        if not given.startswith("file:./"):
            raise _expected("file:./ or file:///", given)
        body = given[len("file:./") :].partition("#")[0]
        if body.startswith(("/", "%2f", "%2F")) or any(
            _WORDS.fullmatch(segment) for segment in re.split(r"/|%2f|\\|%5c", body, flags=re.IGNORECASE)
        ):
            raise ValueError(f"{printable(given)} leads out of the folder of the files")
    return given  # type: ignore[no-any-return]


_BY_FORM: Mapping[str, Value] = {
    "json": Value("object", anything, ""),
    "time": Value("time", time, ""),
    "boolean": Value("boolean", boolean, "", column="INTEGER"),
    "url": Value("URL", url, ""),
}
_BY_SQL: Mapping[str, Value] = {
    "INTEGER": Value("integer", integer, "", column="INTEGER"),
    "REAL": Value("number", number, "", column="REAL"),
    "TEXT": Value("text", text, ""),
}
_BY_NAME = {"uuid": Value("UUID", uuid, ""), "name": Value("text", name, "")}


def _of_field(declared: RecordField) -> Value:
    assert declared.sql is not None
    words = declared.sql.split()
    base = _BY_NAME.get(declared.name) or _BY_FORM.get(declared.form) or _BY_SQL[words[0]]
    check = mapping if declared.name == "metadata" else base.check
    about = declared.about + (f", in {declared.unit}" if declared.unit else "")
    required = "NOT NULL" in declared.sql and "DEFAULT" not in declared.sql
    return Value(base.type, check, about, required, base.column)


ITEM_COLUMNS = {name: _of_field(field) for name, field in ITEM_FIELDS.items() if field.sql}
"""The fields of an item that are columns of the catalogue."""

FRAME_COLUMNS = {name: _of_field(field) for name, field in FRAME_FIELDS.items() if field.sql}
"""The fields of a frame that are columns of the catalogue."""

_UUID = Value("UUID", uuid, "identifies it", required=True)
_OF_ITEM = Value("UUID", uuid, "of the item", required=True)
_TITLE = Value("text", name, "its title, which no other has", required=True)
_ABOUT = Value("text", text, "what it is for")
_MADE = Value("time", time, "when it was made", required=True)
_JPEG = Value("base64", jpeg, "a JPEG", required=True, column="BLOB")

FOLDERS = Part(
    "folders",
    "a folder; those above come first",
    {
        "uuid": _UUID,
        "path": Value("text", folder_path, "the names from the root, joined by `/`", required=True),
        "description": _ABOUT,
        "metadata": Value("object", mapping, "by the keys of the schema"),
        "created_at": _MADE,
    },
)
ITEMS = Part(
    "items",
    "an item, in the order in which they were added",
    {
        **ITEM_COLUMNS,
        "folder": Value("text", folder_path, "path of its folder", required=True),
        "integration": Value("text", name, "name of the integration that reads it"),
        "scheme": Value("text", text, "scheme of its store, such as `s3`"),
        "store": Value("text", text, "endpoint or account of the file, where its URL does not say it"),
    },
)
MEMBERS = Part(
    "members",
    "a file of an item of several files, in order",
    {
        "item": _OF_ITEM,
        "position": Value("integer", integer, "from 0", required=True, column="INTEGER"),
        "url": Value("URL", url, "location of the file", required=True),
        "size": Value("integer", integer, "in bytes", column="INTEGER"),
        "etag": Value("text", text, "version of the file, as the storage names it"),
        "frame_count": Value("integer", integer, "pictures in the file", required=True, column="INTEGER"),
    },
)
FRAMES = Part(
    "frames", "a frame of an item, in the order in which they were added", {"item": _OF_ITEM, **FRAME_COLUMNS}
)
THUMBNAILS = Part("thumbnails", "the small picture of an item", {"item": _OF_ITEM, "jpeg": _JPEG})
FRAME_THUMBNAILS = Part(
    "frame_thumbnails",
    "the small picture of a frame",
    {
        "item": _OF_ITEM,
        "number": Value("integer", integer, "of the frame", required=True, column="INTEGER"),
        "jpeg": _JPEG,
    },
)
COLLECTIONS = Part(
    "collections",
    "a collection",
    {"uuid": _UUID, "title": _TITLE, "description": _ABOUT, "created_at": _MADE},
)
COLLECTION_ITEMS = Part(
    "collection_items",
    "an item of a collection",
    {"collection": Value("UUID", uuid, "of the collection", required=True), "item": _OF_ITEM},
)
DATASETS = Part(
    "datasets",
    "a dataset",
    {
        "uuid": _UUID,
        "title": _TITLE,
        "description": _ABOUT,
        "backing_folder": Value("text", folder_path, "path of the folder that gives its rows"),
        "created_at": _MADE,
    },
)
DATASET_ROWS = Part(
    "dataset_rows",
    "a row of a dataset, in order",
    {"dataset": Value("UUID", uuid, "of the dataset", required=True), "item": _OF_ITEM},
)
PRESETS = Part(
    "presets",
    "a saved query",
    {
        "name": _TITLE,
        "description": _ABOUT,
        "query": Value("object", mapping, "its parts", required=True),
        "created_at": _MADE,
    },
)
KEYS = Part(
    "schema",
    "a key of the schema, in order",
    {
        "name": Value("text", text, "its name", required=True),
        "type": Value("text", text, "its type", required=True),
        "parameters": Value("object", mapping, "of the type, such as the options of an enum"),
        "state": Value(
            "text",
            text,
            "`active`, `deleted` (can be restored) or `spent` (its name is used up)",
            required=True,
        ),
        "indexed": Value("boolean", boolean, "whether the database has an index over its values"),
    },
)
OWNERS = Part(
    "owners",
    "whose vector a row of the matrix is, row by row",
    {
        "item": _OF_ITEM,
        "number": Value("integer", integer, "of the frame, if it is the vector of one", column="INTEGER"),
        "fingerprint": Value(
            "integer", fingerprint, "of the content and model it was computed from", column="INTEGER"
        ),
    },
)
MEDIA = Part(
    "media",
    "a copied file",
    {
        "url": Value("URL", url, "that items and members have for it", required=True),
        "file": Value("text", text, "its name in the export", required=True),
        "bytes": Value("integer", integer, "its size", required=True, column="INTEGER"),
        "sha256": Value("text", digest, "of its content", required=True),
        "modified_at": Value("time", time, "when the file was changed, for a local one"),
    },
)

TABLES = (
    KEYS, FOLDERS, ITEMS, MEMBERS, FRAMES, COLLECTIONS, COLLECTION_ITEMS, DATASETS, DATASET_ROWS, PRESETS, THUMBNAILS,
    FRAME_THUMBNAILS, MEDIA,
)  # fmt: skip
"""The parts that each have one file."""

OPTIONAL = frozenset({"thumbnails", "frame_thumbnails", "media"})
"""The parts that an export has only if they were asked for."""
