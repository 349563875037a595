"""From a query to its plan: names become fields, and the text of a condition a tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from heron.catalog.folders import FolderService
from heron.catalog.schema import SchemaService
from heron.errors import QueryError
from heron.models import Query
from heron.search import tree
from heron.search.fields import Fields
from heron.search.literals import check_order
from heron.search.plan import Plan, SortTerm

if TYPE_CHECKING:
    from heron.hooks import PluginManager

_TERM = re.compile(r'\s*(-?)((?:"[^"]*"|[^,"])+)\s*(?:,|$)')
_PART = re.compile(r'"([^"]*)"|([^."]+)')


class Planner:
    """Makes the plans of queries on one catalogue."""

    def __init__(
        self, folders: FolderService, schema: SchemaService, plugins: Callable[[], PluginManager]
    ) -> None:
        self._folders = folders
        self._schema = schema
        self._plugins = plugins

    def plan(self, query: Query, *, frames: bool = False) -> Plan:
        """The plan of a query; raises QueryError for a condition or sort that cannot be understood."""
        fields = self._fields(frames)
        parts: list[tree.Condition] = []
        if query.folder is not None:
            parts.append(tree.InFolder(self._folders.get(query.folder).path, query.recursive))
        if query.where is not None:
            from heron.search.functions import Functions
            from heron.search.parse import parse

            parts.append(parse(query.where, fields, Functions(self._plugins)))
        if query.words is not None:
            texts = [tree.Match(field, query.words) for field in fields.full_text()]
            if not texts:
                raise QueryError(
                    "there is no key of type text to look for words in",
                    hint="heron schema add description text; what pictures show is found by a sentence alone",
                )
            parts.append(tree.Any(tuple(texts)))
        condition = None if not parts else parts[0] if len(parts) == 1 else tree.All(tuple(parts))
        return Plan("frames" if frames else "items", condition, tuple(_sort_terms(query.sort, fields)))

    def field(self, name: str, *, frames: bool = False) -> tree.Field:
        """A field by its name, of items or of `frames`; raises QueryError."""
        return self._fields(frames).resolve(name.replace('"', "").split("."), "sort")

    def _fields(self, frames: bool) -> Fields:
        return Fields(self._schema.current(), self._schema._remembered_keys(), frames=frames)


def _sort_terms(sort: str | None, fields: Fields) -> Iterator[SortTerm]:
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
        if field.affinity == "json":
            raise QueryError(f"{field.name} ({field.type_name}) cannot be sorted by")
        check_order(field)
        yield SortTerm(field, match[1] == "-")
        position = match.end()
