"""Makes plans from queries: names become fields, and the text of a condition becomes a tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from heron.catalog.folders import FolderService
from heron.catalog.places import Places
from heron.catalog.schema import SchemaService
from heron.errors import InvalidInput, QueryError
from heron.models import Query
from heron.search import tree
from heron.search.fields import ITEM_UUID, Fields
from heron.search.literals import check_order
from heron.search.plan import Plan, SortTerm
from heron.search.tally import MEMBERSHIPS, Membership

if TYPE_CHECKING:
    from heron.answers import QueryName
    from heron.hooks import PluginManager
    from heron.media.kinds import Kinds
    from heron.search.namespaces import Namespaces

_TERM = re.compile(r'\s*(-?)((?:"[^"]*"|[^,"])+)\s*(?:,|$)')
_PART = re.compile(r'"([^"]*)"|([^."]+)')


class Planner:
    """Makes the plans of queries on one catalogue."""

    def __init__(
        self,
        folders: FolderService,
        schema: SchemaService,
        plugins: Callable[[], PluginManager],
        places: Places,
    ) -> None:
        self._folders = folders
        self._places = places
        self._schema = schema
        self._plugins = plugins

    @cached_property
    def _kinds(self) -> Kinds:
        from heron.media.kinds import Kinds

        return Kinds(self._plugins)

    @cached_property
    def _namespaces(self) -> Namespaces:
        from heron.search.namespaces import Namespaces

        return Namespaces(self._plugins)

    def plan(self, query: Query, *, frames: bool = False) -> Plan:
        """The plan of a query; raises QueryError for an invalid condition or sort."""
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
                    "there is no key of type text in which to look for words",
                    hint="heron schema add description text; to find pictures by what they show, give a text without --words",
                )
            parts.append(tree.Any(tuple(texts)))
        condition = None if not parts else parts[0] if len(parts) == 1 else tree.All(tuple(parts))
        sort = tuple(_sort_terms(query.sort, fields))
        return Plan(
            "frames" if frames else "items", condition, sort, tuple(fields.notes), tuple(fields.facts)
        )

    def field(self, name: str, *, frames: bool = False) -> tree.Field:
        """A field by its name, of items or of `frames`; raises QueryError."""
        return self._fields(frames).resolve(name.replace('"', "").split("."), "sort")

    def columns(self, names: str, *, frames: bool = False) -> dict[str, tree.Field]:
        """The fields of comma-separated names, by name; raises QueryError, also for a field of vectors.

        `id` is the UUID, as tables call its short form, where no key has this name.
        """
        fields = self._fields(frames)
        return {
            name: ITEM_UUID if name == "id" and not fields.knows("id") else _plain_field(fields, parts)
            for name, parts in _columns(names)
        }

    def counted(self, names: str) -> dict[str, tree.Field | Membership]:
        """The fields and memberships of comma-separated names, by name; raises QueryError, also for a name that means both."""
        fields = self._fields(frames=False)
        found: dict[str, tree.Field | Membership] = {}
        for name, parts in _columns(names):
            if name in MEMBERSHIPS:
                if fields.knows(name):
                    raise QueryError(
                        f"{name} is a metadata key, and also counts the {name} of items",
                        hint=f"write metadata.{name} for the key",
                    )
                found[name] = MEMBERSHIPS[name]
            else:
                found[name] = _plain_field(fields, parts)
        return found

    def offered(self, facts: Iterable[str], *, frames: bool) -> list[QueryName]:
        """The names that conditions can use, with those of some media facts."""
        from heron.hooks.query_functions import QueryFunction
        from heron.search.offered import offered

        functions = self._plugins().contributions(QueryFunction)
        return offered(
            self._schema.current(), facts, self._schema._remembered_keys(), functions, frames=frames
        )

    def _fields(self, frames: bool) -> Fields:
        return Fields(
            self._schema.current(),
            self._namespaces,
            self._kinds,
            self._schema._remembered_keys(),
            path=self._places.path,
            held=self._schema._holds,
            sees_all=self._schema._sees_all(),
            frames=frames,
        )


def _columns(names: str) -> Iterator[tuple[str, list[str]]]:
    """Comma-separated names of columns, each with its parts."""
    is_empty = True
    for term, descending, parts in _terms(names, "columns"):
        if descending:
            raise QueryError(f"the columns {names!r} have a - in front of a name", hint="--sort takes it")
        is_empty = False
        yield (parts[0] if len(parts) == 1 else term), parts
    if is_empty:
        raise QueryError("no column is named", hint="names separated by commas: name,captured_at")


def _plain_field(fields: Fields, parts: list[str]) -> tree.Field:
    field = fields.resolve(parts, "sort")
    if field.home in ("vector", "frame vector"):
        raise QueryError(f"{field.name} ({field.type_name}) has no plain values")
    return field


def _sort_terms(sort: str | None, fields: Fields) -> Iterator[SortTerm]:
    for _, descending, parts in _terms(sort or "", "sort"):
        field = fields.resolve(parts, "sort")
        if field.affinity == "json":
            raise QueryError(f"{field.name} ({field.type_name}) cannot be sorted by")
        check_order(field)
        yield SortTerm(field, descending)


def _terms(given: str, what: str) -> Iterator[tuple[str, bool, list[str]]]:
    """Comma-separated names: each as it is written, whether it has a leading `-`, and its parts."""
    if not isinstance(given, str):
        raise InvalidInput(
            f"the {what} {given!r:.60} is no text",
            hint="names in one text, separated by commas: 'weather,width'",
        )
    position, text = 0, given.strip()
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise QueryError(
                f"the {what} {given!r} cannot be read", hint="names separated by commas: -captured_at,name"
            )
        term = match[2].strip()
        parts = [quoted or plain for quoted, plain in _PART.findall(term)]
        if not parts:
            raise QueryError(f"the {what} {given!r} names no field")
        yield term, match[1] == "-", parts
        position = match.end()
