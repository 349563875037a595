"""Finds what an export and the catalogue have in common, and where the two clash; in the caller's transaction."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import Any

from heron.catalog.access import Access
from heron.catalog.database import Database, Row
from heron.catalog.folders import MAX_DEPTH
from heron.catalog.limits import BUNDLE
from heron.catalog.portable.parts import FRAME_COLUMNS, ITEM_COLUMNS
from heron.convert import is_same, loads
from heron.errors import InvalidInput
from heron.metadata.keys import printable
from heron.portable import KINDS, Choice, Clash
from heron.wording import counted

MOST = 100
"""The clashes of each kind that a report names."""

_UNCOMPARED = ("uuid", "created_at", "updated_at", "modified_at", "etag", "deleted_at")
_ITEM = [name for name in ITEM_COLUMNS if name not in _UNCOMPARED]
_FRAME = [name for name in FRAME_COLUMNS if name != "number"]
_JSON = ("facts", "metadata", "metrics")
_URL = "url"


def _unequal(name: str, here: str, there: str) -> str:
    if name in _JSON:
        return f"NOT same_json({here}.{name}, {there}.{name})"
    return f"{here}.{name} IS NOT {there}.{name}"


_DIFFERENT = {
    **{name: _unequal(name, "here", "there") for name in _ITEM},
    "deleted_at": "(here.deleted_at IS NULL) <> (there.deleted_at IS NULL)",
    "folder": "here.folder_id IS NOT there.folder_target",
    "members": (
        "EXISTS (SELECT position, url, size, frame_count FROM members WHERE item_id = here.id EXCEPT "
        "SELECT position, url, size, frame_count FROM staged.members WHERE item = there.seq) OR "
        "(SELECT count(*) FROM members WHERE item_id = here.id) <> (SELECT count(*) FROM staged.members WHERE item = there.seq)"
    ),
    "frames": (
        "(SELECT count(*) FROM frames WHERE item_id = here.id) <> (SELECT count(*) FROM staged.frames WHERE item = there.seq) OR "
        "EXISTS (SELECT 1 FROM staged.frames AS t LEFT JOIN frames AS h ON h.item_id = here.id AND h.number = t.number "
        f"WHERE t.item = there.seq AND (h.id IS NULL OR {' OR '.join(_unequal(name, 'h', 't') for name in _FRAME)}))"
    ),
}
"""For each part of an item, the SQL condition that it differs here and in the export."""

_SAME_STORE = (
    "(SELECT scheme || ' ' || ifnull(name, '') FROM stores WHERE id = i.store_id) "
    "IS iif(s.scheme IS NULL, NULL, s.scheme || ' ' || ifnull(s.store, ''))"
)


def same_json(here: str | None, there: str | None) -> bool:
    """Whether two texts of JSON mean the same."""
    return here == there or is_same(loads(here or "{}"), loads(there or "{}"))


class Clashes:
    """The clashes that were found: all are counted, and the first of each kind are kept."""

    def __init__(self, choices: Mapping[str, Choice]) -> None:
        self.choices = choices
        self.counts: dict[str, int] = {}
        self.named: list[Clash] = []

    def add(self, kind: str, name: str, reason: str, number: int = 1) -> Choice:
        """Add a clash; returns what is to be done with it."""
        known = self.counts.get(kind, 0)
        self.counts[kind] = known + number
        if known < MOST:
            self.named.append(Clash(kind, name, reason, self.choices[kind]))
        return self.choices[kind]

    def require_chosen(self) -> None:
        """Raise InvalidInput if there are clashes for which nothing was chosen."""
        open_ = [kind for kind in KINDS if self.counts.get(kind) and self.choices[kind] == "refuse"]
        if open_:
            what = " and ".join(counted(self.counts[kind], kind[:-1]) for kind in open_)
            first = next(clash for clash in self.named if clash.kind == open_[0])
            raise InvalidInput(
                f"the export clashes with this workspace in {what}, and nothing was changed: {first.name}: {first.reason}",
                hint=f"--dry-run lists them; then choose --clashes {open_[0]}=keep, which keeps what is here, or =take",
            )


class Matching:
    """Finds the counterparts of what is staged. Everything that it finds stands in the staged tables afterwards."""

    def __init__(self, database: Database, access: Access, clashes: Clashes) -> None:
        self._database = database
        self._access = access
        self._clashes = clashes
        database.define("same_json", 2, same_json)

    def find(self) -> None:
        """Find the counterparts of folders, items, collections, datasets and presets."""
        self._folders()
        self._items()
        self._titled("collections", "collection")
        self._titled("datasets", "dataset")
        self._dataset_rows()
        self._presets()

    def _run(self, sql: str, *given: Any) -> int:
        return self._database.connection.execute(sql, given).rowcount

    def _folders(self) -> None:
        """A folder is the one here with its UUID, else the one at its place below its parent.

        One at its place may have a description and metadata that the folder of the export lacks. If a folder was renamed or moved
        here, two folders of the export can come to the same place: the second one is then the first one's `twin`.
        """
        self._run("UPDATE staged.folders SET place = NULL, twin = NULL")
        self._run("CREATE INDEX IF NOT EXISTS staged.folders_place ON folders(place)")
        for row in self._staged("folders", "path"):
            above, _, last = row["path"].rpartition("/")
            place = row["path"]
            if above:
                place = f"{self._database.value('SELECT place FROM staged.folders WHERE path = ?', [above])}/{last}"
            found = self._database.row("SELECT * FROM folders WHERE uuid = ?", [row["uuid"]])
            if found is None:
                found = self._database.row("SELECT * FROM folders WHERE path = ?", [place])
            twin = None
            if found is not None:
                place = found["path"]
            else:
                twin = self._database.row(
                    "SELECT * FROM staged.folders WHERE place = ? AND seq <> ?", [place, row["seq"]]
                )
            if place.count("/") >= MAX_DEPTH:
                raise InvalidInput(f"folder {printable(place)} would lie deeper than {MAX_DEPTH} folders")
            clash = self._clash_of_folder(place, found or twin, row)
            if twin is not None and clash == "take":
                self._run(
                    "UPDATE staged.folders SET description = ?, metadata = ? WHERE seq = ?",
                    row["description"], row["metadata"], twin["seq"],
                )  # fmt: skip
            self._run(
                "UPDATE staged.folders SET target = ?, twin = ?, place = ?, clash = ? WHERE seq = ?",
                found["id"] if found is not None else None, twin["seq"] if twin is not None else None, place, clash, row["seq"],
            )  # fmt: skip
        self._access.require_where("read", "folder", "folders.id IN (SELECT target FROM staged.folders)")

    def _clash_of_folder(self, place: str, found: Row | None, row: Row) -> Choice | None:
        """What is to be done if a folder of the export and the one that it is have other values; None if it is the same."""
        if found is None or row["uuid"] is None:
            return None
        is_itself = found["uuid"] == row["uuid"]
        differ = []
        if (is_itself or row["description"]) and (found["description"] or "") != (row["description"] or ""):
            differ.append("description")
        if (is_itself or row["metadata"] != "{}") and not same_json(found["metadata"], row["metadata"]):
            differ.append("metadata")
        return self._clashes.add("folders", place, f"other {' and '.join(differ)}") if differ else None

    def _items(self) -> None:
        """An item is the one here with its UUID, else one in the same folder with its URL in its store."""
        self._run(
            "UPDATE staged.items SET target = NULL, state = 'new', "
            "folder_target = (SELECT target FROM staged.folders WHERE path = folder)"
        )
        self._run(
            "UPDATE staged.items SET target = (SELECT id FROM main.items AS i WHERE i.uuid = items.uuid)"
        )
        self._run(
            "UPDATE staged.items AS s SET target = (SELECT min(i.id) FROM main.items AS i WHERE i.url = s.url "
            f"AND i.folder_id = s.folder_target AND {_SAME_STORE} "
            "AND NOT EXISTS (SELECT 1 FROM staged.items AS o WHERE o.uuid = i.uuid)) "
            "WHERE target IS NULL AND folder_target IS NOT NULL"
        )
        self._run("CREATE INDEX IF NOT EXISTS staged.items_target ON items(target)")
        self._run(
            "UPDATE staged.items AS s SET target = NULL WHERE target IS NOT NULL AND EXISTS "
            "(SELECT 1 FROM staged.items AS o WHERE o.target = s.target AND o.seq < s.seq)"
        )
        self._access.require_where("read", "item", "items.id IN (SELECT target FROM staged.items)")
        unequal = " OR ".join(f"({condition})" for condition in _DIFFERENT.values())
        self._run("UPDATE staged.items SET state = 'same' WHERE target IS NOT NULL")
        count = self._run(
            "UPDATE staged.items SET state = ? WHERE seq IN (SELECT there.seq FROM staged.items AS there "
            f"JOIN main.items AS here ON here.id = there.target WHERE {unequal})",
            self._clashes.choices["items"],
        )
        self._run(
            "UPDATE staged.frames AS f SET target = (SELECT h.id FROM frames AS h JOIN staged.items AS i ON i.target = h.item_id "
            "WHERE i.seq = f.item AND h.number = f.number) WHERE item IN (SELECT seq FROM staged.items WHERE state = 'same')"
        )
        columns = ", ".join(f"({condition}) AS {name}" for name, condition in _DIFFERENT.items())
        for row in self._database.rows(
            f"SELECT here.name AS named, {columns} FROM staged.items AS there JOIN main.items AS here ON here.id = there.target "
            "WHERE there.state NOT IN ('new', 'same') ORDER BY there.seq LIMIT ?",
            [MOST],
        ):
            differ = [name for name in _DIFFERENT if row[name]]
            self._clashes.add("items", row["named"], f"other {', '.join(differ)}")
        self._clashes.counts |= {"items": count} if count else {}

    def _titled(self, table: str, noun: Any) -> None:
        """A collection or dataset is the one here with its UUID, else the one with its title, which is a clash."""
        for row in self._staged(table):
            found = self._database.row(f"SELECT * FROM {table} WHERE uuid = ?", [row["uuid"]])
            by_title = self._database.row(f"SELECT * FROM {table} WHERE title = ?", [row["title"]])
            state = "new"
            if found is not None:
                self._access.require_where("read", noun, f"{table}.id = ?", [found["id"]])
                differ = [name for name in ("title", "description") if found[name] != (row[name] or "")]
                state = (
                    self._clashes.add(table, row["title"], f"other {' and '.join(differ)}")
                    if differ
                    else "same"
                )
                if state == "take" and by_title is not None and by_title["id"] != found["id"]:
                    raise InvalidInput(
                        f"{noun} {found['title']!r} cannot take the title {row['title']!r}: another one has it",
                        hint=f"rename that one, or choose --clashes {table}=keep",
                    )
            elif by_title is not None:
                found = by_title
                state = self._clashes.add(table, row["title"], f"another {noun} here has this title")
            self._run(
                f"UPDATE staged.{table} SET target = ?, state = ? WHERE seq = ?",
                found["id"] if found is not None else None, state, row["seq"],
            )  # fmt: skip

    def _dataset_rows(self) -> None:
        """The rows of a dataset that is here and in the export have to be the same, in the same order."""
        for row in self._staged("datasets"):
            if row["target"] is None:
                continue
            here = self._stream(
                "SELECT item_id FROM dataset_rows WHERE dataset_id = ? ORDER BY id", row["target"]
            )
            there = self._stream(
                "SELECT ifnull(target, -1) FROM staged.dataset_rows AS r JOIN staged.items AS i ON i.seq = r.item "
                "WHERE dataset = ? ORDER BY r.seq",
                row["seq"],
            )
            with closing(here), closing(there):
                is_equal = _equal(here, there)
            if is_equal:
                continue
            if self._database.value("SELECT backing_folder_id FROM datasets WHERE id = ?", [row["target"]]):
                continue  # its rows follow the folder
            state = row["state"]
            if state == "same":
                state = self._clashes.add("datasets", row["title"], "other rows")
            self._run("UPDATE staged.datasets SET state = ? WHERE seq = ?", state, row["seq"])

    def _presets(self) -> None:
        for row in self._staged("presets"):
            found = self._database.row("SELECT * FROM presets WHERE name = ?", [row["name"]])
            if found is None:
                continue
            self._access.require_where("read", "preset", "presets.name = ?", [row["name"]])
            differ = []
            if found["description"] != (row["description"] or ""):
                differ.append("description")
            if not same_json(found["query"], row["query"]):
                differ.append("query")
            state = (
                self._clashes.add("presets", row["name"], f"other {' and '.join(differ)}")
                if differ
                else "same"
            )
            self._run("UPDATE staged.presets SET state = ? WHERE seq = ?", state, row["seq"])

    def _staged(self, table: str, order: str = "seq") -> Iterator[Row]:
        """The staged rows of a table, a bundle at a time."""
        after: Any = "" if order == "path" else 0
        while rows := self._database.rows(
            f"SELECT * FROM staged.{table} WHERE {order} > ? ORDER BY {order} LIMIT ?", [after, BUNDLE]
        ):
            after = rows[-1][order]
            yield from rows

    def _stream(self, sql: str, *given: Any) -> Generator[Any]:
        with closing(self._database.connection.execute(sql, given)) as cursor:
            while rows := cursor.fetchmany(BUNDLE):
                yield from (row[0] for row in rows)


def _equal(here: Iterator[Any], there: Iterator[Any]) -> bool:
    """Whether two streams have the same values."""
    while True:
        ours, theirs = list(islice(here, BUNDLE)), list(islice(there, BUNDLE))
        if ours != theirs:
            return False
        if not ours:
            return True
