"""The rows of a dataset as a stream: as records, or as plain data, which is several times as fast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any

from attrs import evolve

from heron.catalog.access import Access
from heron.catalog.contents import HAS, Again
from heron.catalog.database import Database, Row
from heron.catalog.items import ItemService, item_columns, item_expressions, item_of
from heron.catalog.json_rows import NUMBER, TIMES, are_times, json_sql, number
from heron.catalog.limits import bundles
from heron.catalog.vectors.owned import OwnedVectors
from heron.convert import item_to_dict, loads, loads_all
from heron.errors import HeronError, InvalidInput
from heron.metadata.schema import Schema
from heron.models import ITEM_FIELDS, DatasetRow, Frame, FrameChoice, Item, Json, Member

_BUNDLE = 1000
_NAMES = tuple(ITEM_FIELDS)
_OF_FORM = {name: field.form for name, field in ITEM_FIELDS.items()}
_ALWAYS = frozenset(name for name, field in ITEM_FIELDS.items() if field.nullable or field.form == "lines")
"""The fields that plain data has even where their value is not known."""

Columns = dict[str, Sequence[Any]]
"""Rows as plain data, by name."""

Plain = tuple[dict[str, Any], Iterable[Member], Iterable[Frame]]
"""A row as plain data: its position and all that is known of its item by name, then its members and its frames as streams."""


class DatasetRows(Iterator[DatasetRow]):
    """The rows of a dataset that the acting user may see, in order, with members, chosen frames and vectors."""

    def __init__(
        self,
        database: Database,
        access: Access,
        items: ItemService,
        owned: OwnedVectors,
        schema: Callable[[], Schema],
        dataset: int,
        frames: FrameChoice,
    ) -> None:
        self._database = database
        self._access = access
        self._contents = items._contents
        self._shown = items._shown
        self._owned = owned
        self._schema = schema
        self._dataset = dataset
        self._choice = frames
        self.vectors = owned.sizes
        """How many numbers a vector has, by the embedding keys that were asked for."""
        self.progress: Callable[[int], None] = lambda done: None
        """Is called with the number of rows that are done."""
        self._records: Iterator[DatasetRow] | None = None

    @property
    def identity(self) -> str:
        """What tells these rows from those of other datasets, catalogues and choices."""
        return f"{self._database.path} {self._access.user.email} {self._dataset} {self._choice} {sorted(self.vectors)}"

    def schema(self) -> Schema:
        """The keys of metadata, with their types."""
        return self._schema()

    def __next__(self) -> DatasetRow:
        if self._records is None:
            self._records = self._as_records()
        return next(self._records)

    def _as_records(self) -> Iterator[DatasetRow]:
        positions = count()
        for rows in self._selected(self._whole):
            items = self._shown.of(map(item_of, rows))
            vectors = self._owned.of_items([item.id for item in items])
            for row, item in zip(rows, items, strict=True):
                position = next(positions)
                yield DatasetRow(position, item, *self._parts(row, item), vectors=vectors.get(item.id, {}))
                self.progress(position + 1)

    def texts(self) -> Iterator[Sequence[str | Plain]]:
        """The rows, some at a time: texts of JSON objects, or plain data where they have members, frames or vectors."""
        if self.vectors or self._shown.has_decoders():
            yield from ([row] for row in self.plain())
            return
        self._database.define(NUMBER, 1, number)
        done = 0
        for rows in self._selected(self._text):
            texts, has_members, has_frames, *times, ids = zip(*rows, strict=True)
            others = [*map(bool, has_members)] if any(has_members) else [False] * len(rows)
            if any(has_frames) and self._choice != "none":
                others = [is_other or bool(has) for is_other, has in zip(others, has_frames, strict=True)]
            for values in times:
                if not are_times(values):
                    others = [
                        is_other or not are_times([value])
                        for is_other, value in zip(others, values, strict=True)
                    ]
            if None in texts or True in others:
                yield [
                    self._plain_row(id, place)
                    if text is None or is_other
                    else f'{{"position":{place}{text}}}'
                    for place, text, is_other, id in zip(count(done), texts, others, ids)
                ]
            else:
                yield [f'{{"position":{place}{text}}}' for place, text in enumerate(texts, done)]
            done += len(rows)
            self.progress(done)

    def _text(self) -> str:
        """The columns of `texts`."""
        sql = item_expressions(self._access)
        return ", ".join([f"{json_sql(sql)} AS text", HAS, *(sql[name] for name in TIMES)])

    def _plain_row(self, id: int, position: int) -> Plain:
        """One row by its inner id; raises HeronError if it is gone meanwhile."""
        row = self._database.row(
            f"SELECT {self._whole()} FROM dataset_rows AS r JOIN items ON items.id = r.item_id WHERE r.id = ?",
            [id],
        )
        if row is None:
            raise HeronError("the dataset was changed while it was read", hint="read it again")
        item = item_of(row)
        return {"position": position, **item_to_dict(item)}, *self._parts(row, item)

    def columns(self, names: Iterable[str] = _NAMES) -> Iterator[Columns]:
        """The rows as plain data, some at a time, by name: `position`, the fields of items as `item_to_dict` gives them, `members`
        and `frames`, which are streams, and `vectors` if any were asked for.

        A field that no row has may be missing; None stands for a value that is not known.
        """
        wanted = [name for name in names if name in ITEM_FIELDS]
        done = 0
        for rows in self._selected(lambda: self._fields_of(wanted)):
            by_name: Columns = dict(zip(rows[0].keys(), zip(*rows, strict=True), strict=True))
            fields = _fields(wanted, by_name)
            if fields is None:  # a value of an unusual form: records know it, or say what is wrong with it
                records = [self._plain_row(row["row_id"], 0)[0] for row in rows]
                fields = {name: [record.get(name) for record in records] for name in wanted}
            if "metadata" in fields:
                fields["metadata"] = self._shown.metadata(fields["metadata"])
            members: list[Iterable[Member]] = [()] * len(rows)
            frames: list[Iterable[Frame]] = [()] * len(rows)
            if any(by_name["has_members"]) or any(by_name["has_frames"]):
                for place, row in enumerate(rows):
                    if row["has_members"] or (row["has_frames"] and self._choice != "none"):
                        _, members[place], frames[place] = self._plain_row(row["row_id"], 0)
            more: Columns = {"members": members, "frames": frames}
            if self.vectors:
                vectors = self._owned.of_items(by_name["item_id"])
                more["vectors"] = [vectors.get(id, {}) for id in by_name["item_id"]]
            yield {"position": range(done, done + len(rows)), **fields, **more}
            done += len(rows)
            self.progress(done)

    def plain(self) -> Iterator[Plain]:
        """The rows as plain data, as `item_to_dict` gives it, with `position`, and with `vectors` if any were asked for."""
        for columns in self.columns():
            members, frames = columns.pop("members"), columns.pop("frames")
            gaps = [name for name in columns if name not in _ALWAYS and None in columns[name]]
            names = tuple(columns)
            values = zip(*columns.values(), strict=True)
            for row, parts, pictures in zip(values, members, frames, strict=True):
                record = dict(zip(names, row, strict=True))
                for name in gaps:
                    if record[name] is None:
                        del record[name]
                yield record, parts, pictures

    def facts(self) -> Iterator[Sequence[dict[str, Json]]]:
        """The further facts of all rows that have some; they can be read before the rows."""
        for rows in self._selected(lambda: "items.facts", "items.facts <> '{}'"):
            yield [loads(row[0]) for row in rows]

    def in_one_state(self, work: Callable[[], int]) -> int:
        """What `work` returns; all that it reads is of one state of the catalogue."""
        return self._database.in_one_state(work)

    def _whole(self) -> str:
        """The columns for `item_of` and `_parts`."""
        return f"{item_columns(self._access)}, {HAS}"

    def _fields_of(self, names: Sequence[str]) -> str:
        """The columns of some fields, and those that say what else an item has."""
        sql = item_expressions(self._access)
        return ", ".join([*(f"{sql[name]} AS {name}" for name in names), "items.id AS item_id", HAS])

    def _selected(self, columns: Callable[[], str], condition: str = "1") -> Iterator[Sequence[Row]]:
        """These columns of all rows, some rows at a time, with the inner id of the row as the last one, `row_id`."""
        after = 0
        while True:  # what the user may see is asked each time, for it may change meanwhile
            scope = self._access.scope("item", "items")
            rows = self._database.rows(
                f"SELECT {columns()}, r.id AS row_id FROM dataset_rows AS r JOIN items ON items.id = r.item_id "
                f"WHERE r.dataset_id = ? AND r.id > ? AND {scope} AND {condition} ORDER BY r.id LIMIT ?",
                [self._dataset, after, _BUNDLE],
            )
            if rows:
                yield rows
            if len(rows) < _BUNDLE:
                return
            after = rows[-1]["row_id"]

    def _parts(self, row: Row, item: Item) -> tuple[Iterable[Member], Iterable[Frame]]:
        """The members and chosen frames of an item as streams."""
        members, frames = self._contents.of(row, item, self._choice)
        if self.vectors and frames:
            given = frames
            frames = Again(lambda: self._with_vectors(item, given))
        return members, frames

    def _with_vectors(self, item: Item, frames: Iterable[Frame]) -> Iterator[Frame]:
        for bundle in bundles(frames, _BUNDLE):
            found = self._owned.of_frames(item.id, [frame.id for frame in bundle])
            for frame in bundle:
                yield evolve(frame, vectors=found[frame.id]) if frame.id in found else frame


def _fields(names: Sequence[str], by_name: Columns) -> Columns | None:
    """Fields of items as plain data, column by column; None if a value has another form than Heron writes."""
    fields: Columns = {}
    try:
        for name in names:
            values, form = by_name[name], _OF_FORM[name]
            if form == "json":
                values = loads_all(values)
            elif form == "lines":
                values = (
                    [text.split("\n") if text else [] for text in values]
                    if any(values)
                    else [[]] * len(values)
                )
            elif name not in _ALWAYS and values.count(None) == len(values):
                continue
            elif form == "time" and not are_times(values):
                return None
            fields[name] = values
    except (InvalidInput, TypeError, AttributeError):
        return None
    return fields
