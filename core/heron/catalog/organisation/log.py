"""Reads the log: who did what to which resource when. Verbs write it in the transaction of what they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from heron.catalog.access import Access
from heron.catalog.database import Database, Row
from heron.catalog.limits import at_most
from heron.catalog.organisation.emails import canonical_email
from heron.convert import loads
from heron.errors import InvalidInput
from heron.organisation import LogEntry
from heron.times import moment, utc_iso

_BATCH = 1000


class LogService:
    """The log of a workspace. Admins read all of it, members what they did themselves."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def list(
        self,
        *,
        user: str | None = None,
        verb: str | None = None,
        noun: str | None = None,
        resource: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        limit: int | None = None,
    ) -> list[LogEntry]:
        """All, or the newest `limit`, entries, the newest first; the arguments are those of `stream`."""
        count = at_most(limit)
        found = self.stream(user=user, verb=verb, noun=noun, resource=resource, since=since, until=until)
        return [*islice(found, None if limit is None else count)]

    def stream(
        self,
        *,
        user: str | None = None,
        verb: str | None = None,
        noun: str | None = None,
        resource: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
    ) -> Iterator[LogEntry]:
        """The entries as a stream, the newest first.

        `user` is an e-mail address, `verb` a verb such as `collections.add` or the noun before the dot, `resource` a UUID or a
        path, title or name; `since` and `until` are aware datetimes or ISO 8601 texts with an offset.
        """
        conditions, parameters = self._conditions(user, verb, noun, resource, since, until)
        return self._entries(conditions, parameters)

    def _entries(self, conditions: str, parameters: Sequence[Any]) -> Iterator[LogEntry]:
        before: int | None = None
        while True:
            rows = self._database.rows(
                f"SELECT * FROM log WHERE {conditions} AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
                [*parameters, before, before, _BATCH],
            )
            yield from map(_entry, rows)
            if len(rows) < _BATCH:
                return
            before = rows[-1]["id"]

    def _conditions(
        self,
        user: str | None,
        verb: str | None,
        noun: str | None,
        resource: str | None,
        since: datetime | str | None,
        until: datetime | str | None,
    ) -> tuple[str, Sequence[Any]]:
        given: list[tuple[str, Sequence[Any]]] = [(self._access.scope("log", "log"), ())]
        if user is not None:
            address = user.strip().casefold()
            with suppress(InvalidInput):  # the owner of a new workspace has no address
                address = canonical_email(user)
            given.append(("user = ?", [address]))
        if verb is not None:
            given.append(("(verb = ? OR substr(verb, 1, ?) = ?)", [verb, len(verb) + 1, f"{verb}."]))
        if noun is not None:
            given.append(("noun = ?", [noun]))
        if resource is not None:
            given.append(("(resource = ? OR uuid = ?)", [resource, resource.lower()]))
        if since is not None:
            given.append(("at >= ?", [utc_iso(moment(since))]))
        if until is not None:
            given.append(("at < ?", [utc_iso(moment(until))]))
        return " AND ".join(part for part, _ in given), [value for _, values in given for value in values]


def _entry(row: Row) -> LogEntry:
    return LogEntry(
        row["id"], row["at"], row["user"], row["verb"], row["noun"], row["resource"], row["uuid"], row["count"],
        loads(row["details"]),
    )  # fmt: skip
