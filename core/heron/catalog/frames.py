"""Frames: the pictures of an item that has several, each a row with its own metadata, metrics and thumbnail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from attrs import evolve

from heron.catalog.access import Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.frame_rows import BARE, FRAME_COLUMNS, Owned, frame_of, insert_frames
from heron.catalog.items import ItemService, bundles
from heron.catalog.limits import at_most
from heron.catalog.referring import ItemRef, frame_numbers
from heron.catalog.sampling import Times, chosen_frames
from heron.catalog.schema import SchemaService
from heron.catalog.vectors.store import VectorStore
from heron.convert import dumps, loads
from heron.errors import InvalidInput, NotFound
from heron.metadata.keyframes import FrameWish, Mode, frame_number, frame_time, sampling_rate
from heron.metadata.keys import printable
from heron.metadata.validation import Validator
from heron.models import Frame, FrameChoice, Json, NewFrame


class FrameService:
    """The frames of items. Frames are numbered from 0 in the order in which they are shown."""

    def __init__(
        self,
        database: Database,
        access: Access,
        items: ItemService,
        schema: SchemaService,
        vectors: VectorStore,
        times: Times = lambda item: None,
    ) -> None:
        self._database = database
        self._access = access
        self._items = items
        self._schema = schema
        self._vectors = vectors
        self._times = times

    def set(
        self,
        item: ItemRef,
        keys: Iterable[float] | Mapping[float, Mapping[str, Json] | None] | float = (),
        *,
        mode: Mode = "frame",
        rate: float | None = None,
        replace: bool = False,
        only_these: bool = False,
    ) -> int:
        """Add key frames by number or by seconds, as `mode` says, and frames sampled at a `rate` per second.

        `keys` can map each key frame to its metadata. New metadata is merged into that of an existing frame. With `only_these`, the
        other frames stay, and none of them is a key frame. With `replace`, they are deleted, except frames with metadata, which
        stay as sampled frames. Returns the number of frames that the item then has. Raises InvalidInput for a frame outside the
        item.
        """
        owner = self._items.get(item)
        self._access.require("update", owner)
        if rate is not None:
            rate = sampling_rate(rate, owner.name)
        several = keys if isinstance(keys, Iterable) and not isinstance(keys, str) else (keys,)
        given = several if isinstance(several, Mapping) else dict.fromkeys(several)
        wish = FrameWish(rate, mode, {_key(key, mode, owner.name): value for key, value in given.items()})
        frames = chosen_frames(wish, owner.facts, self._times(owner), owner.name)
        with self._database.doing(self, "set"):  # not before: reading times can mean reading a whole file
            self._access.note(owner, frames=len(frames))
            if only_these or replace:
                self._database.execute(
                    "UPDATE frames SET is_key = 0 WHERE item_id = ? AND is_key", [owner.id]
                )
            if replace:
                self._leave_only(owner.id, frames)
            self._insert([(owner.id, owner.name, frames)])
            return int(self._database.value("SELECT count(*) FROM frames WHERE item_id = ?", [owner.id]))

    def _leave_only(self, id: int, frames: Iterable[NewFrame]) -> None:
        """Delete an item's other frames, except those with metadata."""
        self._database.execute(
            f"DELETE FROM frames WHERE item_id = ? AND {BARE} "
            "AND number NOT IN (SELECT value FROM json_each(?))",
            [id, dumps([frame.number for frame in frames])],
        )

    def add(self, item: ItemRef, frames: Iterable[tuple[int, float | None, bool]]) -> int:
        """Add frames as (number from 0, presentation time in seconds or None, whether a key frame).

        An existing frame keeps its metadata, and becomes a key frame if it is given as one.
        Raises InvalidInput for a number outside the item.
        """
        owner = self._items.get(item)
        self._access.require("update", owner)
        rows = []
        for number, seconds, is_key in frames:
            count = owner.facts.frame_count
            if number < 0 or (count is not None and number >= count):
                raise InvalidInput(f"{owner.name}: there is no frame {number}, the item has {count} frames")
            rows.append(NewFrame(number, seconds, is_key))
        with self._database.doing(self, "add"):
            self._access.note(owner, frames=len(rows))
            return self._insert([(owner.id, owner.name, rows)])

    def list(self, item: ItemRef, *, only: FrameChoice = "all", limit: int | None = None) -> list[Frame]:
        """The frames of an item, or the first `limit`, by number; `stream` needs no memory for all of them."""
        return [*islice(self.stream(item, only=only), None if limit is None else at_most(limit))]

    def stream(self, item: ItemRef, *, only: FrameChoice = "all") -> Iterator[Frame]:
        """The frames of an item by number, as a stream: `all`, those with `metadata`, `key` frames, or both of these (`marked`)."""
        yield from self._items._contents.frames(self._items.get(item), only)

    def _records(self, ids: Iterable[int]) -> dict[int, Frame]:
        """Frames by inner ids; ids that do not exist are skipped."""
        found: dict[int, Frame] = {}
        for bundle in bundles(ids):
            marks = ",".join("?" * len(bundle))
            rows = self._database.rows(
                f"SELECT {FRAME_COLUMNS}, items.uuid AS item_uuid FROM frames JOIN items ON items.id = frames.item_id "
                f"WHERE frames.id IN ({marks}) AND {self._access.scope('frame', 'frames')}",
                bundle,
            )
            frames = self._schema._shown.of(frame_of(row, row["item_uuid"]) for row in rows)
            found.update((frame.id, frame) for frame in frames)
        return found

    def _numbered(self, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """The inner ids of frames by inner id of the item and number, those that are there."""
        if not wanted:
            return {}
        rows = self._database.rows(
            "SELECT frames.item_id, frames.number, frames.id FROM json_each(?) AS wanted JOIN frames "
            "ON frames.item_id = json_extract(wanted.value, '$[0]') "
            f"AND frames.number = json_extract(wanted.value, '$[1]') AND {self._access.scope('frame', 'frames')}",
            [dumps(wanted)],
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def get(self, item: ItemRef, number: int) -> Frame:
        """One frame of an item; raises NotFound."""
        owner = self._items.get(item)
        frame = self.find(owner, number)
        if frame is None:
            raise NotFound(
                f"{owner.name}: frame {number} is not in the catalogue",
                hint=f"heron keyframes set {owner.uuid} {number}",
            )
        return frame

    def find(self, item: ItemRef, number: int) -> Frame | None:
        """One frame of an item, or None; raises NotFound for an item that does not exist."""
        owner = self._items.get(item)
        row = self._database.row(
            f"SELECT {FRAME_COLUMNS} FROM frames WHERE item_id = ? AND number = ?", [owner.id, number]
        )
        return self._of_rows([row], owner.uuid)[0] if row is not None else None

    @one_transaction
    def set_metadata(
        self, item: ItemRef, number: int, metadata: Mapping[str, Json], *, merge: bool = False
    ) -> Frame:
        """Replace a frame's metadata, or merge into it; when merged, a key given as None is removed.

        Vectors go to the vector store; vectors under other keys stay in both cases.
        """
        with self._database.write():
            owner = self._items.get(item)
            frame, place = self.get(owner, number), f"{owner.name}, frame {number}"
            self._access.require("update", owner)
            validator = Validator(self._schema.current())
            stored = loads(self._database.value("SELECT metadata FROM frames WHERE id = ?", [frame.id]))
            kept = {key: value for key, value in stored.items() if merge and key not in metadata}
            given, vectors = validator.without_vectors(validator.encode(metadata, place))
            text = validator.write({**kept, **given}, place)
            self._database.execute("UPDATE frames SET metadata = ? WHERE id = ?", [text, frame.id])
            self._vectors._keep_encoded([((owner.id, frame.id), {**validator.removed(metadata), **vectors})])
            if validator.unknown:
                self._schema._remember_unknown(validator.unknown)
        return self._schema._shown.of([evolve(frame, metadata=loads(text))])[0]

    def _merge(self, values: Mapping[int, Mapping[str, Json]]) -> None:
        """Merge values into the metadata of frames by inner id, in the caller's transaction; None removes one. They are no vectors."""
        self._access.require_all("update", "frame", values)
        validator = Validator(self._schema.current())
        rows = self._database.rows(
            "SELECT frames.id, frames.metadata, frames.number, items.name FROM frames JOIN items ON items.id = frames.item_id "
            "WHERE frames.id IN (SELECT value FROM json_each(?))",
            [dumps(list(values))],
        )
        written = []
        for row in rows:
            given, place = values[row["id"]], f"{row['name']}, frame {row['number']}"
            kept = {key: value for key, value in loads(row["metadata"]).items() if key not in given}
            written.append((validator.write({**kept, **validator.encode(given, place)}, place), row["id"]))
        self._database.execute_many("UPDATE frames SET metadata = ? WHERE id = ?", written)

    @one_transaction
    def delete(self, item: ItemRef, numbers: Iterable[int] | int) -> int:
        """Remove a frame, or many, from the catalogue; returns the number removed."""
        owner = self._items.get(item)
        self._access.require("update", owner)
        return self._database.execute_many(
            "DELETE FROM frames WHERE item_id = ? AND number = ?",
            [(owner.id, number) for number in frame_numbers(numbers)],
        )

    def _keep_pictures(self, pictures: Iterable[tuple[Frame, bytes, Mapping[str, float]]]) -> int:
        """Store thumbnails of frames as JPEG, and their metrics; returns their number."""
        given = [(frame, jpeg, dumps(metrics)) for frame, jpeg, metrics in pictures]
        self._access.require_all("update", "frame", (frame.id for frame, _, _ in given))
        with self._database.write():
            ids = ",".join(str(frame.id) for frame, _, _ in given)
            found = self._database.rows(
                "SELECT frames.id, number, uuid FROM frames JOIN items ON items.id = frames.item_id "
                f"WHERE frames.id IN ({ids})"
            )
            there = {row["id"]: (row["uuid"], row["number"]) for row in found}
            rows = [  # other frames were deleted meanwhile, and new ones may have their ids
                (frame.id, jpeg, metrics)
                for frame, jpeg, metrics in given
                if there.get(frame.id) == (frame.item, frame.number)
            ]
            self._database.execute_many(
                "INSERT OR REPLACE INTO frame_thumbnails (frame_id, jpeg) VALUES (?, ?)",
                [(id, jpeg) for id, jpeg, _ in rows],
            )
            self._database.execute_many(
                "UPDATE frames SET metrics = ? WHERE id = ?", [(metrics, id) for id, _, metrics in rows]
            )
        return len(rows)

    def thumbnail(self, frame: Frame) -> bytes | None:
        """The JPEG of a frame, or None if none was made; raises InvalidInput for anything else than a `Frame`."""
        if not isinstance(frame, Frame):
            raise InvalidInput(
                f"{printable(frame)} is not a frame", hint="give the record: ws.frames.get(item, number)"
            )
        jpeg: bytes | None = self._database.value(
            "SELECT jpeg FROM frame_thumbnails JOIN frames ON frames.id = frame_id "
            f"WHERE frame_id = ? AND {self._access.scope('frame', 'frames')}",
            [frame.id],
        )
        return jpeg

    def _without_picture(self, item: ItemRef) -> Sequence[Frame]:
        """The frames of an item that have no thumbnail yet, by number."""
        owner = self._items.get(item)
        rows = self._database.rows(
            f"SELECT {FRAME_COLUMNS} FROM frames WHERE item_id = ? AND NOT EXISTS "
            "(SELECT 1 FROM frame_thumbnails WHERE frame_id = frames.id) ORDER BY number",
            [owner.id],
        )
        return self._of_rows(rows, owner.uuid)

    def _of_rows(self, rows: Iterable[Row], item: str) -> Sequence[Frame]:
        """The records of rows of `frames`, all of the item with this UUID."""
        return self._schema._shown.of(frame_of(row, item) for row in rows)

    def _insert(self, owners: Iterable[Owned]) -> int:
        validator = Validator(self._schema.current())
        count = insert_frames(self._database, validator, owners, self._vectors._keep_encoded)
        if validator.unknown:
            self._schema._remember_unknown(validator.unknown)
        return count


def _key(given: float, mode: Mode, name: str) -> float:
    """The number, or the time, of a key frame; raises InvalidInput."""
    if mode not in ("frame", "seconds"):
        raise InvalidInput(f"{name}: mode is {mode!r}, expected frame or seconds")
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise InvalidInput(f"{name}: {given!r} is not a frame, expected a number")
    if mode == "seconds":
        return frame_time(given, name)
    return frame_number(given, name, "seconds go with --seconds")
