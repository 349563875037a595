"""CSV manifests: a header row defines the kind of the rows below it, and the other columns are metadata."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import IO

from attrs import frozen

from heron.convert import loads_given
from heron.errors import HeronError, InvalidInput
from heron.export.headers import PREFIX, is_of_items, is_safe, plain_text
from heron.ingest.forms import table_of
from heron.ingest.manifest.entries import Entries
from heron.ingest.manifest.gathering import gathered
from heron.ingest.units import Unit
from heron.media.kinds import BUILT_IN, Kinds
from heron.metadata.keys import printable
from heron.metadata.schema import Schema
from heron.metadata.text_values import from_text
from heron.models import MAX_METADATA, Json, Kind

_TITLES: dict[str, Kind | None] = {
    "title": None, "video title": "video", "image title": "image", "audio title": "audio", "nifti title": "nifti",
    "text title": "text", "pdf title": "pdf", "image group title": "image_group", "series title": "dicom",
    "dicom series title": "dicom",
}  # fmt: skip
_URLS = frozenset({"objecturl", "object_url", "object url"})
_CREATE_VIDEO = frozenset({"create video", "create_video", "createvideo"})
_LONGEST = 2 * MAX_METADATA
"""The longest cell that is read. A cell that is shorter, but too long for metadata, fails only its own row."""

_BLOCKS = frozenset({"keyframes", "$encord", "$heron"})
"""The column with metadata of frames: always JSON."""

_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0", ""})


@frozen(eq=False)
class Header:
    """A header row: the kind of its rows, and the number of each column; -1 means that there is no such column."""

    place: str
    kind: Kind | None
    url: int
    title: int
    create_video: int
    metadata: Sequence[tuple[int, str]]
    named: frozenset[int]
    """The columns that have a name."""

    is_grouped: bool
    """Whether rows with one title are one item."""

    of_kind: int = -1
    """The column with the kinds of an exported dataset, whose items of several files cannot be read from CSV."""

    is_safe: bool = False
    """Whether the texts were made safe for spreadsheets."""


@frozen
class _Row:
    """A row below a header."""

    place: str
    header: Header
    url: str
    title: str
    create_video: str
    metadata: dict[str, Json]
    problem: str | None = None


def table_units(stream: IO[bytes], name: str, entries: Entries, schema: Schema) -> Iterator[Unit]:
    """The units of a CSV manifest; raises InvalidInput for a file that is not CSV in UTF-8 with a header.

    The rows of one title below one header are one group, at the place of their first row. If the file cannot be read to its
    end, the groups below its last header are not known to be whole, and none of them is yielded.
    """
    kinds = entries.kinds
    for header, below in groupby(_rows(stream, name, kinds), key=itemgetter(0)):
        if header.is_grouped:
            titled = ((line, _cell(cells, header.title), cells) for _, line, cells in below)
            for group in gathered(titled):
                rows = [_row(cells, header, f"line {line}", schema, kinds) for line, cells in group]
                yield _group(rows, entries)
        else:
            for _, line, cells in below:
                yield _single(_row(cells, header, f"line {line}", schema, kinds), entries)


def _single(row: _Row, entries: Entries) -> Unit:
    if row.problem is not None:
        return Unit(row.place, row.url[:2000], problem=row.problem)
    raw: dict[str, Json] = {"title": row.title or None, "objectUrl": row.url}
    return entries.unit(_with(row.metadata, raw), row.place, row.header.kind)


def _group(rows: list[_Row], entries: Entries) -> Unit:
    first = rows[0]
    problem = next((row.problem for row in rows if row.problem), None) or _group_problem(rows)
    if problem is not None:
        return Unit(first.place, " ".join(row.url for row in rows)[:2000], problem=problem)
    raw: dict[str, Json] = {"title": first.title or None}
    raw.update((f"objectUrl_{number}", row.url) for number, row in enumerate(rows))
    raw["createVideo"] = any(row.create_video.lower() in _YES for row in rows)
    metadata = {key: value for row in reversed(rows) for key, value in row.metadata.items()}
    return entries.unit(_with(metadata, raw), first.place, first.header.kind)


def _with(metadata: dict[str, Json], raw: dict[str, Json]) -> dict[str, Json]:
    return {**raw, "clientMetadata": metadata} if metadata else raw


def _group_problem(rows: list[_Row]) -> str | None:
    """The problem of the rows of a group taken together."""
    if len({row.create_video.lower() in _YES for row in rows if row.create_video}) > 1:
        return (
            f"{rows[0].place}: the rows of {printable(rows[0].title)} have different values of Create video"
        )
    return None


def _rows(stream: IO[bytes], name: str, kinds: Kinds) -> Iterator[tuple[Header, int, list[str]]]:
    """The rows below headers, each with its header and the number of its first line."""
    header: Header | None = None
    try:
        table = table_of(stream, name, _is_header, _LONGEST, strict=True)
        line = table.before + 1
        for cells in table.rows:
            here, line = line, table.line + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None and is_of_items(cells):
                header = _exported_header(cells, f"{name}, line {here}")
            elif _has_url(cells):
                header = _header(cells, f"{name}, line {here}", kinds)
            elif header is None:
                raise _no_header(name, cells)
            else:
                yield header, here, cells
        if header is None:
            raise _no_header(name, [])
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 text") from error
    except csv.Error as error:
        raise InvalidInput(f"{name}, line {table.line}: not valid CSV: {error}") from error


def _has_url(cells: Sequence[str]) -> bool:
    return any(cell.strip().lower() in _URLS for cell in cells)


def _is_header(cells: Sequence[str]) -> bool:
    return _has_url(cells) or is_of_items(cells)


def _no_header(name: str, cells: Sequence[str]) -> InvalidInput:
    """The error for a table that does not begin with a header."""
    what = "the first row is not a header" if cells else "the file is empty"
    return InvalidInput(f"{name}: {what}", hint="begin with a header such as ObjectURL,Image title")


def _header(cells: Sequence[str], place: str, kinds: Kinds) -> Header:
    names = [cell.strip().lower() for cell in cells]
    known = {**_titles_of_plugins(kinds), **_TITLES}
    titles = [number for number, name in enumerate(names) if name in known]
    urls = [number for number, name in enumerate(names) if name in _URLS]
    if len(titles) > 1 or len(urls) > 1:
        twice = " and ".join(cells[number].strip() for number in (titles if len(titles) > 1 else urls))
        raise InvalidInput(f"{place}: the header has {twice}, only one of them is allowed")
    create_video = next((number for number, name in enumerate(names) if name in _CREATE_VIDEO), -1)
    title = titles[0] if titles else -1
    taken = {title, urls[0], create_video}
    metadata = {n: cell.strip() for n, cell in enumerate(cells) if n not in taken and cell.strip()}
    key, count = max(Counter(metadata.values()).items(), key=lambda found: found[1], default=("", 0))
    if count > 1:
        raise InvalidInput(f"{place}: the header has {printable(key)} twice")
    kind = known[names[title]] if titles else None
    of_kind = kinds.get(kind) if kind is not None else None
    return Header(
        place, kind, urls[0], title, create_video,
        list(metadata.items()), frozenset({*taken, *metadata}), of_kind is not None and of_kind.files != "one",
    )  # fmt: skip


def _exported_header(cells: Sequence[str], place: str) -> Header:
    """The header of an exported dataset, whose metadata columns have a prefix."""
    columns = {name: number for number, name in enumerate(cells)}
    metadata = [
        (number, name.removeprefix(PREFIX)) for name, number in columns.items() if name.startswith(PREFIX)
    ]
    return Header(
        place, None, columns["url"], columns["name"], -1, metadata, frozenset(columns.values()), is_grouped=False,
        of_kind=columns.get("kind", -1), is_safe=is_safe(cells),
    )  # fmt: skip


def _titles_of_plugins(kinds: Kinds) -> dict[str, Kind]:
    """The columns with the titles of items of kinds that plugins bring, such as `Point cloud title`."""
    more = (kind.name for kind in kinds.all() if kind.name not in BUILT_IN)
    return {f"{name.replace('_', ' ')} title": name for name in more}


def _row(cells: Sequence[str], header: Header, place: str, schema: Schema, kinds: Kinds) -> _Row:
    if header.is_safe:
        cells = [plain_text(text) for text in cells]

    url, title, create_video = (
        _cell(cells, number) for number in (header.url, header.title, header.create_video)
    )
    problem, metadata = None, {}
    try:
        lost = next((n for n, text in enumerate(cells) if n not in header.named and text.strip()), None)
        if lost is not None:
            raise InvalidInput(
                f"cell {lost + 1}, {printable(cells[lost])}, has no name in the header",
                hint="put a cell that contains a comma in double quotes",
            )
        if header.is_grouped and not title:
            raise InvalidInput("the title is missing, which groups the rows of one item")
        if create_video.lower() not in _YES | _NO:
            raise InvalidInput(f"Create video: expected true or false, got {create_video!r}")
        of_kind = kinds.get(_cell(cells, header.of_kind))
        if of_kind is not None and of_kind.files != "one":
            raise InvalidInput(
                f"{title or url} has several files, which are not in CSV",
                hint="export the dataset as json or jsonl",
            )
        metadata = {
            key: _value(key, text, schema)
            for number, key in header.metadata
            if (text := _cell(cells, number))
        }
    except HeronError as error:
        problem = f"{place}: {error}"
    return _Row(place, header, url, title, create_video, metadata, problem)


def _cell(cells: Sequence[str], number: int) -> str:
    return cells[number].strip() if 0 <= number < len(cells) else ""


def _value(key: str, text: str, schema: Schema) -> Json:
    if key not in _BLOCKS:
        return from_text(key, text, schema)
    try:
        return loads_given(text)
    except InvalidInput as error:
        raise InvalidInput(f"{key}: {error.message}") from error
