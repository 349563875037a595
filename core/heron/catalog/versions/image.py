"""Makes the image of a dataset: its rows with all that is known of their items, in one state of the catalogue."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import IO, Any

from heron.catalog.database import Database, Row
from heron.catalog.items import ITEM_COLUMNS
from heron.catalog.limits import BUNDLE
from heron.catalog.shown import ShownMetadata
from heron.catalog.versions.blocks import Block, Values, blocks_of
from heron.catalog.versions.frozen_rows import is_unhashed
from heron.convert import dumps, loads
from heron.errors import HeronError

MemberHashes = Mapping[tuple[int, int], str]
"""The SHA-256 of files of items of several files, by the inner id of the item and the position of the file."""

NAMES = ITEM_COLUMNS.names
_PLACE = {name: place for place, name in enumerate(NAMES)}
_COMPUTED = {
    "id": "NULL",
    "path": "NULL",
    "folder": "NULL",
    "store": "(SELECT name FROM stores WHERE stores.id = items.store_id)",
    "tags": (
        "(SELECT group_concat(title, char(10)) FROM (SELECT c.title FROM collection_items AS m JOIN collections AS c "
        "ON c.id = m.collection_id WHERE m.item_id = items.id ORDER BY c.id))"
    ),
}
"""What is no column. The id is the catalogue's own, the path follows from the URL, and paths of folders are read once."""

_COLUMNS = ", ".join(f"{_COMPUTED.get(name, f'items.{name}')} AS {name}" for name in NAMES)
_SELECT = (
    f"SELECT {_COLUMNS}, "
    "r.id AS row_id, items.id AS item_id, "
    "EXISTS (SELECT 1 FROM members WHERE members.item_id = items.id) AS has_members, "
    "EXISTS (SELECT 1 FROM frames WHERE frames.item_id = items.id) AS has_frames "
    "FROM dataset_rows AS r JOIN items ON items.id = r.item_id WHERE r.dataset_id = ? AND r.id > ? ORDER BY r.id LIMIT ?"
)


@contextmanager
def scratch() -> Iterator[Callable[[bytes], Callable[[], bytes]]]:
    """Yields a function that keeps bytes in a temporary file and gives what reads them again; raises HeronError if it is full."""
    with tempfile.TemporaryFile() as file:
        yield partial(_keep, file)


def _keep(file: IO[bytes], data: bytes) -> Callable[[], bytes]:
    try:
        start = file.seek(0, 2)
        file.write(data)
        file.flush()
    except OSError as error:
        raise HeronError(
            f"the temporary folder {tempfile.gettempdir()} cannot be written: {error.strerror or error}",
            hint="free some space there, or let TMPDIR name another folder",
        ) from error

    def load() -> bytes:
        file.seek(start)
        return file.read(len(data))

    return load


class Imager:
    """Reads the rows of datasets as they are now, whoever may see them."""

    def __init__(self, database: Database, shown: ShownMetadata) -> None:
        self._database = database
        self._shown = shown

    def blocks(
        self,
        dataset: int,
        keep: Callable[[bytes], Callable[[], bytes]],
        hashes: MemberHashes,
        progress: Callable[[int], None],
    ) -> tuple[list[Block], int]:
        """The rows of a dataset, by its inner id, in blocks, and how many have a file without a known hash.

        To be called within one state of the catalogue.
        """
        folders = self._by_id("SELECT id, uuid, path FROM folders")
        integrations = self._by_id("SELECT id, uuid FROM integrations")
        unhashed = 0

        def counted() -> Iterator[tuple[str, Values]]:
            nonlocal unhashed
            for uuid, values in self._rows(dataset, folders, integrations, hashes, progress):
                unhashed += is_unhashed(NAMES, values)
                yield uuid, values

        blocks = [*blocks_of(NAMES, counted(), keep)]
        return blocks, unhashed

    def _by_id(self, select: str) -> dict[int | None, Sequence[Any]]:
        return {row[0]: tuple(row[1:]) for row in self._database.rows(select)}

    def _rows(
        self,
        dataset: int,
        folders: Mapping[int | None, Sequence[Any]],
        integrations: Mapping[int | None, Sequence[Any]],
        hashes: MemberHashes,
        progress: Callable[[int], None],
    ) -> Iterator[tuple[str, Values]]:
        width, after, done = len(NAMES), 0, 0
        while rows := self._database.rows(_SELECT, [dataset, after, BUNDLE]):
            members = self._members([row["item_id"] for row in rows if row["has_members"]], hashes)
            frames = self._frames([row["item_id"] for row in rows if row["has_frames"]])
            shown = self._shown_texts(rows)
            for row in rows:
                values = [*row][:width]
                uuid, path = folders[row["folder_id"]]
                values[_PLACE["folder_id"]], values[_PLACE["folder"]] = uuid, path
                values[_PLACE["integration_id"]] = integrations.get(row["integration_id"], (None,))[0]
                if row["item_id"] in shown:
                    values[_PLACE["metadata"]] = shown[row["item_id"]]
                id = row["item_id"]
                yield row["uuid"], [*values, members.get(id), frames.get(id)]
            done += len(rows)
            progress(done)
            after = rows[-1]["row_id"]

    def _shown_texts(self, rows: Sequence[Row]) -> dict[int, str]:
        """The metadata of items in its shown form, where that is not the stored one."""
        if not self._shown.differs():
            return {}
        found = self._shown.metadata([loads(row["metadata"]) for row in rows])
        return {row["item_id"]: dumps(values) for row, values in zip(rows, found, strict=True)}

    def _members(self, items: Sequence[int], hashes: MemberHashes) -> dict[int, list[Values]]:
        found: dict[int, list[Values]] = {}
        for item, position, *values in self._of_items(
            "SELECT item_id, position, url, size, etag, frame_count FROM members", items, "position"
        ):
            found.setdefault(item, []).append([*values, hashes.get((item, position))])
        return found

    def _frames(self, items: Sequence[int]) -> dict[int, list[Values]]:
        found: dict[int, list[Values]] = {}
        differs = self._shown.differs()
        for item, number, seconds, is_key, metadata, metrics in self._of_items(
            "SELECT item_id, number, seconds, is_key, metadata, metrics FROM frames", items, "number"
        ):
            if differs:
                metadata = dumps(self._shown.metadata([loads(metadata)])[0])
            found.setdefault(item, []).append([number, seconds, is_key, metadata, metrics])
        return found

    def _of_items(self, select: str, items: Sequence[int], order: str) -> list[Row]:
        if not items:
            return []
        chosen = "WHERE item_id IN (SELECT value FROM json_each(?))"
        return self._database.rows(f"{select} {chosen} ORDER BY item_id, {order}", [dumps([*items])])
