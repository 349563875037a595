"""Turns frozen rows into the rows of a dataset: items, members and frames as they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, count
from typing import Literal

from heron.catalog.access import Access
from heron.catalog.contents import choice_sql
from heron.catalog.database import Database
from heron.catalog.frame_rows import frame_of
from heron.catalog.items import ITEM_COLUMNS, item_of
from heron.catalog.paths import path_of
from heron.catalog.versions.blocks import Block, Values
from heron.catalog.versions.seen import Known, Sight
from heron.models import DatasetRow, Frame, FrameChoice, Member

_PLACES = {name: place for place, name in enumerate(ITEM_COLUMNS.names)}
_UUID, _FOLDER, _URL = _PLACES["uuid"], _PLACES["folder_id"], _PLACES["url"]


class FrozenRows:
    """Reads the rows of versions. What the user may not see is left out, and the positions count without it."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def rows(self, blocks: Iterable[Block], frames: FrameChoice) -> Iterator[DatasetRow]:
        """The rows of blocks, in order, with the frames that are chosen."""
        choice_sql(frames)
        sight, positions = Sight(self._database, self._access), count()
        for block in blocks:
            yield from self._of_block(block, sight, positions, frames)

    def count(self, blocks: Iterable[Block]) -> tuple[int, int]:
        """The number of rows that the user sees, and how many of them have no known hash."""
        total = unhashed = 0
        sight = Sight(self._database, self._access)
        for block in blocks:
            names, rows = block.rows()
            mask = sight.mask(block)
            for values in rows if mask is None else compress(rows, mask):
                total += 1
                unhashed += is_unhashed(names, values)
        return total, unhashed

    def _of_block(
        self, block: Block, sight: Sight, positions: Iterator[int], frames: FrameChoice
    ) -> Iterator[DatasetRow]:
        names, given = block.rows()
        rows = [as_now(names, values) for values in given]
        mask = sight.mask_of([values[_UUID] for values in rows], rows, _FOLDER)
        rows = [*compress(rows, mask)]
        known = sight.known([values[_UUID] for values in rows])
        folders = sight.folders([values[_FOLDER] for values in rows])
        integrations = dict(self._pairs("SELECT uuid, id FROM integrations"))
        titles = self._titles()
        for values in rows:
            values, own, own_frames = values[:-2], values[-2], values[-1]
            uuid = values[_UUID]
            there = known.get(uuid)
            since = _since(values, there)
            values[_PLACES["id"]] = there.id if there is not None else 0
            values[_FOLDER] = folders.get(values[_FOLDER], 0)
            values[_PLACES["integration_id"]] = integrations.get(values[_PLACES["integration_id"]])
            values[_PLACES["path"]] = path_of(values[_URL])
            values[_URL] = self._database.places.located(values[_URL])
            tags = (values[_PLACES["tags"]] or "").split("\n")
            if titles is not None:
                values[_PLACES["tags"]] = "\n".join(tag for tag in tags if tag in titles)
            yield DatasetRow(
                next(positions),
                item_of(values),
                tuple(self._members(own or ())),
                tuple(_frames(uuid, own_frames or (), frames)),
                since,
            )

    def _members(self, given: Sequence[Values]) -> Iterator[Member]:
        for url, size, etag, frame_count, content_hash in given:
            place = self._database.places.located(url) or url
            yield Member(place, size, etag, frame_count, path_of(url), content_hash)

    def _titles(self) -> set[str] | None:
        """The titles of the collections that the user sees; None if that is each."""
        if self._access.sees_all("collection"):
            return None
        scope = self._access.scope("collection", "collections")
        return {row[0] for row in self._database.rows(f"SELECT title FROM collections WHERE {scope}")}

    def _pairs(self, select: str) -> Iterator[tuple[str, int]]:
        return ((row[0], row[1]) for row in self._database.rows(select))


def as_now(names: Sequence[str], values: Values) -> Values:
    """The values of a row in the order of the columns of today; one that was frozen before a column was made has no value there."""
    if names == ITEM_COLUMNS.names:
        return values
    known = dict(zip(names, values, strict=False))
    return [*(known.get(name) for name in ITEM_COLUMNS.names), *values[-2:]]


def is_unhashed(names: Sequence[str], values: Values) -> bool:
    """Whether the file of a row, or one of its files, has no known hash."""
    members = values[-2]
    if members:
        return not all(member[4] for member in members)
    return values[names.index("content_hash")] is None


def _since(values: Values, known: Known | None) -> Literal["same", "changed", "deleted"]:
    if known is None or (known.is_deleted and values[_PLACES["deleted_at"]] is None):
        return "deleted"
    return "same" if known.updated_at == values[_PLACES["updated_at"]] else "changed"


def _frames(item: str, given: Sequence[Values], choice: FrameChoice) -> Iterator[Frame]:
    """The chosen ones of the frozen frames of an item."""
    for number, seconds, is_key, metadata, metrics in given if choice != "none" else ():
        has_metadata = metadata != "{}"
        if (
            choice == "all"
            or (choice in ("key", "marked") and is_key)
            or (choice in ("metadata", "marked") and has_metadata)
        ):
            yield frame_of([0, number, seconds, is_key, metadata, metrics], item)
