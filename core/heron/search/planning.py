"""From a query to the SQL of its condition and its sort."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.collections import CollectionService
from heron.catalog.database import Database, Row
from heron.catalog.folders import FolderService, subtree
from heron.catalog.schema import SchemaService
from heron.errors import CatalogueError, QueryError
from heron.models import Json, Query
from heron.search import tree
from heron.search.fields import Fields
from heron.search.sqlite import SqliteWriter

_TERM = re.compile(r'\s*(-?)((?:"[^"]*"|[^,"])+)\s*(?:,|$)')
_PART = re.compile(r'"([^"]*)"|([^."]+)')

FRAMES = "frames JOIN items ON items.id = frames.item_id"
"""Where frames come from; conditions name the item that each is of."""


@frozen
class Plan:
    """The SQL of a query: its condition with parameters, and its sort terms as (expression, descending)."""

    condition: str
    parameters: tuple[Json, ...]
    sort: tuple[tuple[str, bool], ...]


class Planner:
    """Writes the SQL of queries for one catalogue, and runs it."""

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

    def plan(self, query: Query, *, frames: bool = False) -> Plan:
        """The SQL of a query; raises QueryError for a condition or sort that cannot be understood."""
        conditions = [self._access.scope("item", "items"), "items.deleted_at IS NULL"]
        parameters: list[Json] = []
        if query.folder is not None:
            inside, given = subtree(
                "items.folder_id", self._folders.get(query.folder), recursive=query.recursive
            )
            conditions.append(inside)
            parameters += given
        writer, fields = self._writer(), self._fields(frames)
        if query.where is not None:
            from heron.search.parse import parse

            conditions.append(writer.condition(parse(query.where, fields)))
        if query.words is not None:
            texts = [tree.Match(field, query.words) for field in fields.full_text()]
            if not texts:
                raise QueryError(
                    "there is no key of type text to look for words in",
                    hint="heron schema add description text; what pictures show is found by a sentence alone",
                )
            conditions.append(writer.condition(tree.Any(tuple(texts))))
        return Plan(
            " AND ".join(conditions),
            (*parameters, *writer.parameters),
            tuple(_sort_terms(query.sort, fields, writer)),
        )

    def field(self, name: str, *, frames: bool = False) -> tuple[tree.Field, str]:
        """A field by its name, of items or of `frames`, and the SQL of its value; raises QueryError."""
        field = self._fields(frames).resolve(name.replace('"', "").split("."), "sort")
        return field, self._writer().field(field)

    def _writer(self) -> SqliteWriter:
        return SqliteWriter(self._database, self._schema, self._folders, self._collections)

    def _fields(self, frames: bool) -> Fields:
        return Fields(self._schema.current(), self._schema.remembered_keys(), frames=frames)

    def answer(self, sql: str, parameters: Sequence[Json]) -> list[Row]:
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
