"""New items that wait, checked and in the form of their rows, in temporary tables until one short transaction moves all into the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from heron.catalog.folders import within
from heron.catalog.frame_rows import COLUMNS_OF_FRAMES, first_rows, has_twice
from heron.catalog.member_rows import COLUMNS_OF_MEMBERS, rows_of_members
from heron.catalog.mirrors import mirror
from heron.catalog.places import KEPT
from heron.catalog.registration import COLUMNS_OF_ITEMS, Registration, Reject
from heron.catalog.scratch import drop, fresh, scratching
from heron.catalog.stores import Origin
from heron.catalog.trees import Names
from heron.metadata.validation import Validator, Vectors
from heron.models import Folder, NewItem, now

Place = tuple[Names, Origin]
"""Where an item will be: the names of the folders below the target, and where its object lies."""

_TABLES: Mapping[str, Sequence[str]] = {
    "items": COLUMNS_OF_ITEMS,
    "members": COLUMNS_OF_MEMBERS,
    "frames": COLUMNS_OF_FRAMES,
    "thumbnails": ("item_id", "jpeg"),
}


@frozen
class Staged:
    """Items that wait: the numbers of the first and the last, their places, and what belongs to them beside their rows."""

    first: int
    last: int
    places: Sequence[int]
    schema: str
    """The schema by which they were checked."""

    unknown: frozenset[str]
    of_items: Sequence[tuple[int, Vectors]]
    """Vectors given as metadata, by the number of the item."""

    of_frames: Sequence[tuple[int, int, Vectors]]
    """The same of frames, by the number of the item and that of the frame."""


class StagedItems:
    """The items of one import that wait. Use it in a `with` statement, which deletes the tables."""

    def __init__(self, registration: Registration) -> None:
        self._registration = registration
        self._database = registration._database
        self._name = fresh("staged")
        self._places: list[Place] = []
        self._numbers: dict[Place, int] = {}
        self._last = 0

    def __enter__(self) -> StagedItems:
        with scratching(self._database) as connection:
            for table, columns in _TABLES.items():
                key = "number INTEGER PRIMARY KEY, " if table == "items" else ""
                connection.execute(f"CREATE TABLE {self._name}_{table} ({key}{', '.join(columns)})")
                if "item_id" in columns:
                    connection.execute(
                        f"CREATE INDEX {self._name}_{table}_item ON {self._name.removeprefix('temp.')}_{table}(item_id)"
                    )
            connection.execute(
                f"CREATE TABLE {self._name}_places (number INTEGER PRIMARY KEY, folder, integration, store)"
            )
        return self

    def __exit__(self, *error: object) -> None:
        drop(self._database, *(f"{self._name}_{table}" for table in (*_TABLES, "places")))

    def stage(
        self,
        items: Sequence[NewItem],
        places: Sequence[Place],
        thumbnails: Mapping[int, bytes],
        reject: Reject,
    ) -> Staged | None:
        """Let items wait, with their thumbnails by position; None if one is invalid, which `reject` is told, or has odd frames.

        The catalogue is not locked meanwhile.
        """
        registration, first = self._registration, self._last + 1
        schema = self._schema()
        validator = Validator(registration._schema.current())
        rejected: list[int] = []

        def note(position: int, error: Any) -> None:
            rejected.append(position)
            reject(position, error)

        numbers = [self._number(place) for place in places]
        kept: list[NewItem] = []
        vectors: list[tuple[tuple[int, int], Vectors]] = []
        rows = [*registration._rows(items, (numbers, _nowhere), validator, (first, kept, vectors), note)]
        if rejected:
            return None
        numbered = [*enumerate(kept, start=first)]
        owners = [(number, item.name or item.url, item.frames) for number, item in numbered if item.frames]
        if has_twice(owners):
            return None
        of_frames: list[tuple[tuple[int, int], Vectors]] = []
        frames = [*first_rows(validator, owners, of_frames)]
        with scratching(self._database):
            self._insert("items", rows)
            self._insert("members", rows_of_members(numbered), KEPT)
            self._insert("frames", frames)
            self._insert("thumbnails", ((first + place, jpeg) for place, jpeg in thumbnails.items()))
        self._last += len(rows)
        return Staged(
            first,
            self._last,
            sorted({*numbers}),
            schema,
            frozenset(validator.unknown),
            [(number, of) for (number, _), of in vectors],
            [(*owner, of) for owner, of in of_frames],
        )

    def _number(self, place: Place) -> int:
        number = self._numbers.setdefault(place, len(self._places))
        if number == len(self._places):
            self._places.append(place)
        return number

    def thumbnails(self, staged: Staged) -> Mapping[int, bytes]:
        """The thumbnails of staged items, by position."""
        rows = self._database.rows(
            f"SELECT item_id, jpeg FROM {self._name}_thumbnails WHERE item_id BETWEEN ? AND ?",
            [staged.first, staged.last],
        )
        return {row[0] - staged.first: row[1] for row in rows}

    def names(self, staged: Staged) -> frozenset[Names]:
        """The names of the folders, below the target, that staged items will be in."""
        return frozenset(self._places[number][0] for number in staged.places)

    def is_free(self, staged: Staged, folder: Folder, *, look_up: bool) -> bool:
        """Whether staged items can be moved as they are, in the caller's transaction: the schema is the same, and the catalogue has
        nothing of equal content. With `look_up`, the folder and those below it have none of their URLs either.
        """
        if staged.schema != self._schema():
            return False
        chosen, span = f"{self._name}_items AS new", [staged.first, staged.last]
        if look_up:
            inside, parameters = within(folder)
            found = self._database.row(
                f"SELECT 1 FROM {chosen} CROSS JOIN items ON items.url = new.url CROSS JOIN folders "
                f"ON folders.id = items.folder_id WHERE new.number BETWEEN ? AND ? AND {inside} LIMIT 1",
                [*span, *parameters],
            )
            if found is not None:
                return False
        same = self._database.row(
            f"SELECT 1 FROM {chosen} CROSS JOIN items ON items.content_hash = new.content_hash "
            "WHERE new.number BETWEEN ? AND ? AND new.content_hash IS NOT NULL AND items.content_hash IS NOT NULL LIMIT 1",
            span,
        )
        return same is None

    def move(self, staged: Staged, folders: Mapping[Names, Folder]) -> range:
        """Move staged items into the catalogue in the caller's transaction; returns their inner ids. `folders` are theirs by name."""
        registration, database = self._registration, self._database
        rows = []
        for number in staged.places:
            names, origin = self._places[number]
            registration._access.require("create", folders[names], "item")
            rows.append(
                (number, folders[names].id, origin.integration_id, registration._stores.id_of(origin))
            )
        newest: int = database.value("SELECT max(id) FROM items") or 0
        by = newest + 1 - staged.first
        with database.write():
            database.execute_many(f"INSERT OR REPLACE INTO {self._name}_places VALUES (?, ?, ?, ?)", rows)
            database.execute(
                f"INSERT INTO main.items (id, {', '.join(COLUMNS_OF_ITEMS)}) SELECT new.number + ?, "
                f"{', '.join(_SELECTED.get(column, f'new.{column}') for column in COLUMNS_OF_ITEMS)} "
                f"FROM {self._name}_items AS new CROSS JOIN {self._name}_places AS place ON place.number = new.folder_id "
                "WHERE new.number BETWEEN ? AND ? ORDER BY new.number",
                [by, moment := now(), moment, staged.first, staged.last],
            )
            for table in ("members", "frames", "thumbnails"):
                self._move_parts(table, staged, by)
            vectors = registration._vectors
            vectors._keep_encoded(
                ((item + by, self._frame_id(item + by, number)), of) for item, number, of in staged.of_frames
            )
            vectors._keep_encoded(((item + by, 0), of) for item, of in staged.of_items)
            mirror(database, "items.id > ?", [newest])
        if staged.unknown:
            registration._schema._remember_unknown({*staged.unknown})
        return range(newest + 1, staged.last + by + 1)

    def _move_parts(self, table: str, staged: Staged, by: int) -> None:
        """Move rows that belong to staged items."""
        columns = ", ".join(_TABLES[table][1:])
        self._database.execute(
            f"INSERT INTO main.{table} (item_id, {columns}) SELECT item_id + ?, {columns} FROM {self._name}_{table} "
            "WHERE item_id BETWEEN ? AND ? ORDER BY item_id, rowid",
            [by, staged.first, staged.last],
        )

    def _frame_id(self, item: int, number: int) -> int:
        return int(
            self._database.value("SELECT id FROM frames WHERE item_id = ? AND number = ?", [item, number])
        )

    def _schema(self) -> str:
        """What the schema is, as text."""
        rows = self._database.rows("SELECT name, type, parameters, state FROM schema_keys ORDER BY id")
        return repr([tuple(row) for row in rows])

    def _insert(self, table: str, rows: Iterable[Sequence[Any]], url: str = "?") -> None:
        columns = _TABLES[table]
        marks = ", ".join(url if column == "url" else "?" for column in columns)
        self._database.connection.executemany(
            f"INSERT INTO {self._name}_{table} ({', '.join(columns)}) VALUES ({marks})", rows
        )


_SELECTED = {
    "folder_id": "place.folder",
    "integration_id": "place.integration",
    "store_id": "place.store",
    "created_at": "?",
    "updated_at": "?",
}
"""The columns of items that are known only when they are moved."""


def _nowhere(url: str) -> tuple[None, None]:
    return None, None
