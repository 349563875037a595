"""CSV manifests: a header row decides the kind of the rows below it, and further columns are metadata."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import IO

from attrs import frozen

from heron.errors import HeronError, InvalidInput
from heron.ingest.manifest.entries import Entries
from heron.ingest.units import Unit
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
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0", ""})


@frozen
class Header:
    """A header row: which kind its rows are, and where what stands. -1 is a column that is not there."""

    kind: Kind | None
    url: int
    title: int
    create_video: int
    metadata: Sequence[tuple[int, str]]

    @property
    def is_grouped(self) -> bool:
        """Whether rows with one title are one item."""
        return self.kind in ("image_group", "dicom")


@frozen
class _Row:
    """A row below a header. `key` is what rows of one item have in common."""

    place: str
    header: Header
    url: str
    title: str
    create_video: str
    metadata: dict[str, Json]
    problem: str | None = None

    @property
    def key(self) -> tuple[int, str]:
        return id(self.header), self.title if self.header.is_grouped else self.place


def table_units(stream: IO[bytes], name: str, entries: Entries, schema: Schema) -> Iterator[Unit]:
    """The units of a CSV manifest; raises InvalidInput for a file that is no CSV in UTF-8 with a header."""
    done: set[tuple[int, str]] = set()
    for key, rows in groupby(_rows(stream, name, schema), key=lambda row: row.key):
        group = list(rows)
        problem = next((row.problem for row in group if row.problem), None)
        if group[0].header.is_grouped:
            if key in done and problem is None:
                problem = f"{group[0].place}: {group[0].title!r} had rows further up, put the rows of one item together"
            done.add(key)
        if problem is not None:
            yield Unit(group[0].place, " ".join(row.url for row in group)[:2000], problem=problem)
        else:
            yield _unit(group, entries)


def _unit(rows: list[_Row], entries: Entries) -> Unit:
    first = rows[0]
    raw: dict[str, Json] = {"title": first.title or None}
    if first.header.is_grouped:
        raw.update((f"objectUrl_{number}", row.url) for number, row in enumerate(rows))
        raw["createVideo"] = first.create_video.lower() in _YES
    else:
        raw["objectUrl"] = first.url
    metadata = {key: value for row in reversed(rows) for key, value in row.metadata.items()}
    if metadata:
        raw["clientMetadata"] = metadata
    return entries.unit(raw, first.place, first.header.kind)


def _rows(stream: IO[bytes], name: str, schema: Schema) -> Iterator[_Row]:
    csv.field_size_limit(max(csv.field_size_limit(), MAX_METADATA))
    header: Header | None = None
    reader = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
    try:
        for cells in reader:
            place = f"line {reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if any(cell.strip().lower() in _URLS for cell in cells):
                header = _header(cells, f"{name}, {place}")
            elif header is None:
                raise InvalidInput(
                    f"{name}: the first row is no header",
                    hint="begin with ObjectURL and, for instance, Image title",
                )
            else:
                yield _row(cells, header, place, schema)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is no UTF-8 text") from error
    except csv.Error as error:
        raise InvalidInput(f"{name}, line {reader.line_num}: no CSV: {error}") from error


def _header(cells: Sequence[str], place: str) -> Header:
    names = [cell.strip().lower() for cell in cells]
    titles = [number for number, name in enumerate(names) if name in _TITLES]
    urls = [number for number, name in enumerate(names) if name in _URLS]
    if len(titles) > 1 or len(urls) > 1:
        twice = " and ".join(cells[number].strip() for number in (titles if len(titles) > 1 else urls))
        raise InvalidInput(f"{place}: the header has {twice}, only one of them can be")
    create_video = next((number for number, name in enumerate(names) if name in _CREATE_VIDEO), -1)
    title = titles[0] if titles else -1
    taken = {title, urls[0], create_video}
    return Header(
        _TITLES[names[title]] if titles else None, urls[0], title, create_video,
        [(number, cell.strip()) for number, cell in enumerate(cells) if number not in taken and cell.strip()],
    )  # fmt: skip


def _row(cells: Sequence[str], header: Header, place: str, schema: Schema) -> _Row:
    def cell(number: int) -> str:
        return cells[number].strip() if 0 <= number < len(cells) else ""

    url, title, create_video = cell(header.url), cell(header.title), cell(header.create_video)
    problem, metadata = None, {}
    try:
        if header.is_grouped and not title:
            raise InvalidInput("a title is missing, which says what belongs together")
        if create_video.lower() not in _YES | _NO:
            raise InvalidInput(f"Create video: expected true or false, got {create_video!r}")
        metadata = {
            key: from_text(key, text, schema) for number, key in header.metadata if (text := cell(number))
        }
    except HeronError as error:
        problem = f"{place}: {error}"
    return _Row(place, header, url, title, create_video, metadata, problem)
