"""The search service: a query becomes pages of items, a count, or a stream of all."""

from __future__ import annotations

import base64
import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from attrs import evolve, frozen

from heron.catalog.access import Access
from heron.catalog.collections import CollectionService
from heron.catalog.database import Database, Row
from heron.catalog.folders import FolderService, subtree
from heron.catalog.frame_rows import frame_of
from heron.catalog.items import BUNDLE, COLUMNS, PAGE, bundles, item_of
from heron.catalog.schema import SchemaService
from heron.convert import dumps, loads, unstructure
from heron.errors import CatalogueError, HeronError, InvalidInput, QueryError
from heron.models import Frame, Item, Json, Page, Query
from heron.search.fields import Fields
from heron.search.sqlite import SqliteWriter

_TERM = re.compile(r'\s*(-?)((?:"[^"]*"|[^,"])+)\s*(?:,|$)')
_FRAMES = "frames JOIN items ON items.id = frames.item_id"
_MAX_INTEGER = 2**63 - 1
_PART = re.compile(r'"([^"]*)"|([^."]+)')


@frozen
class Plan:
    """The SQL of a query: its condition with parameters, and its sort terms as (expression, descending)."""

    condition: str
    parameters: tuple[Json, ...]
    sort: tuple[tuple[str, bool], ...]


class SearchService:
    """Answers queries; call it for a page."""

    def __init__(
        self,
        database: Database,
        access: Access,
        folders: FolderService,
        schema: SchemaService,
        collections: CollectionService,
    ) -> None:
        self._database = database
        self._access = access
        self._folders = folders
        self._schema = schema
        self._collections = collections

    def __call__(self, query: Query | None = None, **parts: Any) -> Page[Item]:
        """One page of items (100 unless `limit` says otherwise); `parts` are the fields of `Query`.

        Raises QueryError for a condition, sort or cursor that cannot be understood.
        """
        ids, cursor = self._page(_query(query, parts), "items")
        return Page(self._fetch(ids), cursor)

    def frames(self, query: Query | None = None, **parts: Any) -> Page[Frame]:
        """One page of frames, in the order in which they came unless `sort` says otherwise; each leads to its item.

        A condition may use `frame.number`, `frame.seconds`, `frame.is_key`, a frame's metadata as `frame.KEY` and its
        metrics as `metric.NAME`; all other names are about the item. Raises QueryError.
        """
        ids, cursor = self._page(_query(query, parts), "frames")
        return Page(self._fetch_frames(ids), cursor)

    def count_frames(self, query: Query | None = None, **parts: Any) -> int:
        """Number of frames that a query finds."""
        plan = self._plan(_query(query, parts), frames=True)
        rows = self._answer(f"SELECT count(*) FROM {_FRAMES} WHERE {plan.condition}", plan.parameters)
        return int(rows[0][0])

    def _page(self, query: Query, table: Literal["items", "frames"]) -> tuple[list[int], str | None]:
        """The inner ids of one page, and the cursor of the next."""
        plan = self._plan(query, frames=table == "frames")
        limit = PAGE if query.limit is None else query.limit
        if limit < 1:
            raise InvalidInput(f"limit is {limit}, at least 1 is needed")
        fingerprint = _fingerprint(query, table)
        resume, values = _resume(plan, _open_cursor(query.cursor, fingerprint, len(plan.sort)), table)
        order = "".join(f"{sql} {'DESC' if down else 'ASC'} NULLS LAST, " for sql, down in plan.sort)
        chosen = "".join(f", {sql}" for sql, _ in plan.sort)
        source = "items" if table == "items" else _FRAMES
        keys = self._answer(
            f"SELECT {table}.id{chosen} FROM {source} WHERE {plan.condition}{resume} ORDER BY {order}{table}.id LIMIT ?",
            [*plan.parameters, *values, min(limit, _MAX_INTEGER - 1) + 1],
        )
        cursor = None
        if len(keys) > limit:
            last = keys[limit - 1]
            cursor = base64.urlsafe_b64encode(dumps([fingerprint, *last[1:], last[0]]).encode()).decode()
        return [key[0] for key in keys[:limit]], cursor

    def all(self, query: Query | None = None, **parts: Any) -> Iterator[Item]:
        """Every item of a query as a stream, a page in memory at a time; `limit` ends it."""
        query = _query(query, parts)
        left = query.limit
        while True:
            size = BUNDLE if left is None else min(left, BUNDLE)
            page = self(evolve(query, limit=size))
            yield from page
            left = None if left is None else left - len(page)
            if page.cursor is None or left == 0:
                return
            query = evolve(query, cursor=page.cursor)

    def count(self, query: Query | None = None, **parts: Any) -> int:
        """Number of items that a query finds; limit, sort and cursor do not matter."""
        plan = self.plan(_query(query, parts))
        rows = self._answer(f"SELECT count(*) FROM items WHERE {plan.condition}", plan.parameters)
        return int(rows[0][0])

    def plan(self, query: Query) -> Plan:
        """The SQL of a query, to run or to explain."""
        return self._plan(query, frames=False)

    def _plan(self, query: Query, *, frames: bool) -> Plan:
        self._access.require("read", "item")
        conditions = [self._access.scope("item"), "items.deleted_at IS NULL"]
        parameters: list[Json] = []
        if query.folder is not None:
            inside, given = subtree(
                "items.folder_id", self._folders.get(query.folder), recursive=query.recursive
            )
            conditions.append(inside)
            parameters += given
        writer = SqliteWriter(self._database, self._schema, self._folders, self._collections)
        fields = Fields(self._schema.current(), self._schema.remembered_keys(), frames=frames)
        if query.where is not None:
            from heron.search.parse import parse

            conditions.append(writer.condition(parse(query.where, fields)))
        return Plan(
            " AND ".join(conditions),
            (*parameters, *writer.parameters),
            tuple(_sort_terms(query.sort, fields, writer)),
        )

    def _answer(self, sql: str, parameters: Sequence[Json]) -> list[Row]:
        """The rows of a query; raises QueryError where SQLite cannot evaluate it, for instance an overflow."""
        try:
            return self._database.rows(sql, parameters)
        except CatalogueError as error:
            cause = error.__cause__
            if getattr(cause, "sqlite_errorcode", None) not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG):
                raise
            if "stack overflow" in str(cause) or "maximum depth" in str(cause):
                raise QueryError("the condition is nested too deeply") from error
            raise QueryError(f"the query cannot be evaluated: {cause}") from error

    def _fetch(self, ids: list[int]) -> list[Item]:
        found: dict[int, Item] = {}
        for start in range(0, len(ids), BUNDLE):
            part = ids[start : start + BUNDLE]
            marks = ",".join("?" * len(part))
            rows = self._database.rows(f"SELECT {COLUMNS} FROM items WHERE items.id IN ({marks})", part)
            found.update((row["id"], item_of(row)) for row in rows)
        return [found[id] for id in ids if id in found]

    def _fetch_frames(self, ids: list[int]) -> list[Frame]:
        self._access.require("read", "frame")
        found: dict[int, Frame] = {}
        for part in bundles(ids):
            marks = ",".join("?" * len(part))
            rows = self._answer(
                f"SELECT frames.*, items.uuid AS item_uuid FROM {_FRAMES} WHERE frames.id IN ({marks})", part
            )
            found.update((row["id"], frame_of(row, row["item_uuid"])) for row in rows)
        return [found[id] for id in ids if id in found]


def _query(query: Query | None, parts: dict[str, Any]) -> Query:
    return evolve(query or Query(), **parts)


def _sort_terms(sort: str | None, fields: Fields, writer: SqliteWriter) -> Iterator[tuple[str, bool]]:
    position, text = 0, (sort or "").strip()
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise QueryError(
                f"the sort {sort!r} cannot be read", hint="names with commas between: -captured_at,name"
            )
        parts = [quoted or plain for quoted, plain in _PART.findall(match[2].strip())]
        if not parts:
            raise QueryError(f"the sort {sort!r} names no field")
        field = fields.resolve(parts, "sort")
        if field.type == "json":
            raise QueryError(f"{field.name} ({field.type_name}) cannot be sorted by")
        yield writer.field(field), match[1] == "-"
        position = match.end()


def _fingerprint(query: Query, table: str) -> str:
    bare = evolve(query, limit=None, cursor=None)
    mark = "" if table == "items" else table
    return hashlib.sha256((dumps(unstructure(bare)) + mark).encode()).hexdigest()[:12]


def _open_cursor(cursor: str | None, fingerprint: str, terms: int) -> list[Json] | None:
    if cursor is None:
        return None
    try:
        mark, *values = loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, HeronError):
        mark, values = None, []
    if isinstance(mark, str) and mark != fingerprint:
        raise QueryError(
            "the cursor belongs to another query", hint="repeat the condition and the sort of the page before"
        )
    is_whole = mark == fingerprint and len(values) == terms + 1 and all(map(_is_stored, values))
    if not is_whole or type(values[-1]) is not int:
        raise QueryError("the cursor is damaged", hint="take it from the page before, unchanged")
    return list(values)


def _is_stored(value: Json) -> bool:
    """Whether SQLite can have given this value."""
    return value is None or type(value) in (str, float) or (type(value) is int and abs(value) <= _MAX_INTEGER)


def _resume(plan: Plan, values: list[Json] | None, table: str) -> tuple[str, list[Json]]:
    """The condition that a row comes after the one with these values, nulls last, then by id."""
    if values is None:
        return "", []
    cases: list[str] = []
    parameters: list[Json] = []
    equal: list[str] = []
    equal_values: list[Json] = []
    for (sql, down), value in zip(plan.sort, values[:-1], strict=True):
        if value is not None:
            after = f"({sql} {'<' if down else '>'} ? OR {sql} IS NULL)"
            cases.append(" AND ".join([*equal, after]))
            parameters += [*equal_values, value]
        equal.append(f"{sql} IS ?")
        equal_values.append(value)
    cases.append(" AND ".join([*equal, f"{table}.id > ?"]))
    return f" AND ({' OR '.join(f'({case})' for case in cases)})", [*parameters, *equal_values, values[-1]]
