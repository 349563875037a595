"""Units that wait: those of imports whose store did not answer, kept until they are asked again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.items import bundles
from heron.convert import dumps, loads
from heron.jobs import ImportJob
from heron.models import Json

_PAGE = 500


@frozen
class WaitingUnit:
    """A unit that waits: where it is in the source, why it waits, and what else is needed to import it, as JSON.

    `id` is the row in which it waits already, 0 for none.
    """

    place: str
    url: str
    reason: str
    unit: Mapping[str, Json]
    id: int = 0


class WaitingUnits:
    """The waiting units of the imports of a workspace, each job's in the order of its source."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def keep(self, job: ImportJob, units: Sequence[WaitingUnit]) -> None:
        """Let units wait, or wait on for another reason."""
        if not units:
            return
        self._access.require("update", job)
        self._database.execute_many(
            "INSERT INTO import_waiting (import_id, place, url, reason, unit) VALUES (?, ?, ?, ?, ?)",
            ((job.id, u.place, u.url, u.reason, dumps(u.unit)) for u in units if not u.id),
        )
        self._database.execute_many(
            "UPDATE import_waiting SET reason = ? WHERE id = ?", ((u.reason, u.id) for u in units if u.id)
        )

    def settle(self, job: ImportJob, ids: Sequence[int]) -> None:
        """Units that have landed, or have failed for good, wait no longer."""
        if ids:
            self._access.require("update", job)
            self._database.execute_many(
                "DELETE FROM import_waiting WHERE id = ? AND import_id = ?", ((id, job.id) for id in ids)
            )

    def any(self, job: ImportJob) -> bool:
        """Whether units of a job wait."""
        return self.newest(job) > 0

    def newest(self, job: ImportJob) -> int:
        """The row of the last unit of a job that waits, 0 if none does."""
        self._access.require("read", job)
        return int(
            self._database.value("SELECT max(id) FROM import_waiting WHERE import_id = ?", [job.id]) or 0
        )

    def rows_of(self, job: ImportJob, urls: Iterable[str]) -> dict[str, set[int]]:
        """The rows in which units with these URLs wait, by URL."""
        self._access.require("read", job)
        found: dict[str, set[int]] = {}
        for bundle in bundles(urls, _PAGE):
            rows = self._database.rows(
                f"SELECT url, id FROM import_waiting WHERE import_id = ? AND url IN ({','.join('?' * len(bundle))})",
                [job.id, *bundle],
            )
            for url, id in rows:
                found.setdefault(url, set()).add(id)
        return found

    def stream(self, job: ImportJob, up_to: int) -> Iterator[WaitingUnit]:
        """The waiting units of a job up to a row, in order."""
        self._access.require("read", job)
        after = 0
        while rows := self._database.rows(
            "SELECT id, place, url, reason, unit FROM import_waiting WHERE import_id = ? AND id > ? AND id <= ? "
            "ORDER BY id LIMIT ?",
            [job.id, after, up_to, _PAGE],
        ):
            for id, place, url, reason, unit in rows:
                yield WaitingUnit(place, url, reason, loads(unit), id)
            after = rows[-1]["id"]
