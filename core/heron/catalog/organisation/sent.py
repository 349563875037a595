"""What was sent to annotation: which items of which project, with which frames, when, by whom and in what format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.contents import HAS
from heron.catalog.database import Database, Row
from heron.catalog.items import BUNDLE, ItemService, item_columns
from heron.catalog.limits import at_most
from heron.convert import dumps, loads
from heron.errors import NotFound
from heron.metadata.keys import printable
from heron.models import Collection, DatasetRow, FrameChoice, now
from heron.organisation import Project
from heron.sendings import SentItem, SentTasks
from heron.uuids import is_uuid, new_uuid


@frozen
class Offer:
    """The items of a collection that are to be sent: those in the datasets of a project, unless they were sent in this format."""

    project: Project
    datasets: Sequence[int]
    collection: Collection
    format: str
    again: bool


class SentStore:
    """Reads what can be sent, and keeps what was sent."""

    def __init__(self, database: Database, access: Access, items: ItemService) -> None:
        self._database = database
        self._access = access
        self._items = items

    def counts(self, offer: Offer) -> tuple[int, int]:
        """How many items of the collection are in no dataset of the project, and how many of the others were sent before."""
        inside, given = self._inside(offer)
        before, also = self._before(offer)
        source, id = self._source(), offer.collection.id
        outside = self._database.value(f"SELECT count(*) FROM {source} AND NOT {inside}", [id, *given])
        sent = self._database.value(
            f"SELECT count(*) FROM {source} AND {inside} AND {before}", [id, *given, *also]
        )
        return int(outside), int(sent)

    def rows(self, offer: Offer, frames: FrameChoice) -> Iterator[DatasetRow]:
        """What is to be sent, as the rows of a dataset, in the order in which the items were added to the catalogue."""
        inside, given = self._inside(offer)
        before, also = ("0", ()) if offer.again else self._before(offer)
        positions, after = count(), 0
        while True:
            rows = self._database.rows(
                f"SELECT {item_columns(self._access)}, {HAS} FROM {self._source()} AND {inside} AND NOT {before} "
                "AND items.id > ? ORDER BY items.id LIMIT ?",
                [offer.collection.id, *given, *also, after, BUNDLE],
            )
            for row, item in zip(rows, self._items._of_rows(rows), strict=True):
                yield DatasetRow(next(positions), item, *self._items._contents.of(row, item, frames))
            if len(rows) < BUNDLE:
                return
            after = rows[-1]["id"]

    def _source(self) -> str:
        return (
            "collection_items AS m JOIN items ON items.id = m.item_id "
            f"WHERE m.collection_id = ? AND items.deleted_at IS NULL AND {self._access.scope('item', 'items')}"
        )

    def _inside(self, offer: Offer) -> tuple[str, Sequence[str]]:
        rows = "SELECT item_id FROM dataset_rows WHERE dataset_id IN (SELECT value FROM json_each(?))"
        return f"items.id IN ({rows})", [dumps(list(offer.datasets))]

    def _before(self, offer: Offer) -> tuple[str, Sequence[int | str]]:
        sent = "SELECT id FROM sent_tasks WHERE project_id = ? AND format = ?"
        return (
            f"EXISTS (SELECT 1 FROM sent_items AS s WHERE s.item_id = items.id AND s.sent_id IN ({sent}))",
            [offer.project.id, offer.format],
        )

    def keep(self, offer: Offer, file: str, items: Sequence[tuple[int, Sequence[int]]]) -> SentTasks:
        """Remember that items, by their inner ids, were sent with the frames of these numbers."""
        uuid = new_uuid()
        self._database.execute(
            "INSERT INTO sent_tasks (uuid, project_id, collection, format, file, sent_at, sent_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                uuid,
                offer.project.id,
                offer.collection.title,
                offer.format,
                file,
                now(),
                self._access.user.email,
            ],
        )
        id = self._database.value("SELECT id FROM sent_tasks WHERE uuid = ?", [uuid])
        self._database.execute_many(
            "INSERT INTO sent_items VALUES (?, ?, ?)",
            ((id, item, dumps(list(numbers))) for item, numbers in items),
        )
        return self.get(uuid)

    def get(self, uuid: str) -> SentTasks:
        """What was sent at one time, by its UUID; raises NotFound."""
        wanted = uuid.lower() if is_uuid(uuid) else uuid
        row = self._database.row(f"{self._select()} AND sent_tasks.uuid = ?", [wanted])
        if row is None:
            raise NotFound(
                f"nothing that was sent is called {printable(uuid)}",
                hint="heron projects sent lists what was sent, with its UUID",
            )
        return _sent(row)

    def list(self, project: Project | None, limit: int | None) -> Sequence[SentTasks]:
        """All, or the last `limit`, that was sent, of a project or of all that the user sees, the newest first."""
        where, given = (" AND project_id = ?", [project.id]) if project is not None else ("", [])
        rows = self._database.rows(
            f"{self._select()}{where} ORDER BY sent_tasks.id DESC LIMIT ?", [*given, at_most(limit)]
        )
        return [_sent(row) for row in rows]

    def items(self, sent: SentTasks) -> Iterator[SentItem]:
        """The items that were sent, without those that are gone, or that the user does not see."""
        after = 0
        while True:
            rows = self._database.rows(
                "SELECT items.id, items.uuid, items.name, s.frames FROM sent_items AS s JOIN items ON items.id = s.item_id "
                f"WHERE s.sent_id = ? AND {self._access.scope('item', 'items')} AND items.id > ? ORDER BY items.id LIMIT ?",
                [sent.id, after, BUNDLE],
            )
            for row in rows:
                yield SentItem(row["uuid"], row["name"], tuple(loads(row["frames"])))
            if len(rows) < BUNDLE:
                return
            after = rows[-1]["id"]

    def _select(self) -> str:
        """The SELECT for `_sent`; items that the user may not see do not count."""
        seen = (
            "FROM sent_items AS s JOIN items ON items.id = s.item_id WHERE s.sent_id = sent_tasks.id "
            f"AND {self._access.scope('item', 'items')}"
        )
        return (
            f"SELECT sent_tasks.*, projects.title AS project, (SELECT count(*) {seen}) AS items, "
            f"(SELECT coalesce(sum(json_array_length(s.frames)), 0) {seen}) AS frames FROM sent_tasks "
            f"JOIN projects ON projects.id = project_id WHERE {self._access.scope('project', 'projects')}"
        )


def _sent(row: Row) -> SentTasks:
    return SentTasks(
        row["id"], row["uuid"], row["project"], row["collection"], row["format"], row["file"], row["items"], row["frames"],
        row["sent_by"], row["sent_at"],
    )  # fmt: skip
