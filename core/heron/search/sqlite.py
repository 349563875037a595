"""Writes trees as SQL for the SQLite engine; every literal becomes a bound parameter."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from heron.catalog.collections import CollectionService
from heron.catalog.database import Database
from heron.catalog.file_names import has_file_sql, patterns
from heron.catalog.folders import FolderService, subtree
from heron.catalog.foreign import json_path
from heron.catalog.full_text import spaced
from heron.catalog.paths import path_sql, urls_of
from heron.catalog.places import located
from heron.catalog.schema import SchemaService
from heron.convert import dumps, loads
from heron.errors import HeronError, QueryError
from heron.hooks.query_functions import SQL_PLACE, QueryFunction
from heron.models import Json
from heron.search import tree
from heron.search.functions import Functions
from heron.search.literals import Sort, affinity_of, describe, sort_of, type_of
from heron.search.sqlite_functions import Failures
from heron.search.tree import AFFINITIES

if TYPE_CHECKING:
    from heron.catalog.datasets import DatasetService
    from heron.catalog.projects import ProjectService
    from heron.hooks import PluginManager

_TOKEN = re.compile(r'"([^"]*)"|(\S+)')


class SqliteWriter:
    """Writes conditions and values, and collects the parameters in order."""

    def __init__(
        self,
        database: Database,
        schema: SchemaService,
        folders: FolderService,
        collections: CollectionService,
        datasets: Callable[[], DatasetService],
        projects: Callable[[], ProjectService],
        plugins: Callable[[], PluginManager],
        failures: Failures,
    ) -> None:
        self._database = database
        self._schema = schema
        self._folders = folders
        self._collections = collections
        self._datasets = datasets
        self._projects = projects
        self._plugins = plugins
        self._failures = failures
        self.parameters: list[Json] = []

    def condition(self, node: tree.Condition) -> str:
        """The SQL of a condition."""
        match node:
            case tree.All(parts):
                return _joined([self.condition(part) for part in parts], " AND ")
            case tree.Any(parts):
                return _joined([self.condition(part) for part in parts], " OR ")
            case tree.Not(part):
                return f"(NOT {self.condition(part)})"
            case tree.Comparison("=", tree.FieldRef(field), tree.Value(str(url))) if _is_url(field):
                return f"(items.url = kept({self._bind(url)}))"  # as it is stored, for the index
            case tree.Comparison("=", tree.FieldRef(field), tree.Value(str(path))) if _is_path(field):
                return self._of_paths([path])
            case tree.InList(tree.FieldRef(field), values) if _is_path(field) and _are_texts(values):
                return self._of_paths([value.value for value in values if isinstance(value, tree.Value)])
            case tree.Comparison(operator, left, right):
                return f"({self._comparable(left, right)} {operator} {self._comparable(right, left)})"
            case tree.InList(left, values):
                return self._in_list(left, values)
            case tree.Between(left, low, high):
                if "any" in map(type_of, (left, low, high)):
                    bounds = (tree.Comparison(">=", left, low), tree.Comparison("<=", left, high))
                    return self.condition(tree.All(bounds))
                return f"({self.expression(left)} BETWEEN {self.expression(low)} AND {self.expression(high)})"
            case tree.Like(left, pattern, escape):
                like = f"{self._only(left, 'text')} LIKE {self._bind(pattern)}"
                return f"({like} ESCAPE {self._bind(escape)})" if escape else f"({like})"
            case tree.IsNull(left):
                return f"({self.expression(left)} IS NULL)"
            case tree.Truth(left):
                return f"({self._only(left, 'number')} = 1)"
            case tree.IsTruth(left, wanted):
                return f"({self.expression(left)} IS {int(wanted)})"
            case tree.Match(field, words):
                table = self._schema._full_text_table(field.name)
                found = f"items.id IN (SELECT rowid FROM {table} WHERE {table} MATCH {self._bind(full_text(words))})"
                return (
                    f"({found})" if field.form is None else f"({found} AND {self.field(field)} IS NOT NULL)"
                )
            case tree.InCollection(title):
                collection = self._collections.get(title)
                members = (
                    f"SELECT item_id FROM collection_items WHERE collection_id = {self._bind(collection.id)}"
                )
                return f"(items.id IN ({members}))"
            case tree.InDataset(title):
                dataset = self._datasets().get(title)
                rows = f"SELECT item_id FROM dataset_rows WHERE dataset_id = {self._bind(dataset.id)}"
                return f"(items.id IN ({rows}))"
            case tree.InProject(title):
                datasets = self._bind(dumps(self._projects()._dataset_ids(title)))
                rows = f"SELECT item_id FROM dataset_rows WHERE dataset_id IN (SELECT value FROM json_each({datasets}))"
                return f"(items.id IN ({rows}))"
            case tree.HasFile(name):
                self.parameters += [*patterns(name), *patterns(name)]
                return has_file_sql()
            case tree.InFolder(path, recursive):
                inside, given = subtree("items.folder_id", self._folders.get(path), recursive=recursive)
                self.parameters += given
                return f"({inside})"
            case tree.Among(table, ids):
                given_ids = self._bind(dumps([int(id) for id in ids]))
                return f"({table}.id IN (SELECT value FROM json_each({given_ids})))"

    def _of_paths(self, paths: Sequence[str]) -> str:
        """The SQL that the path of an item is one of several: by the URLs that can have them, for the index."""
        urls = self._bind(dumps([url for path in paths for url in urls_of(path)]))
        same = self._bind(dumps(paths))
        return (
            f"(items.url IN (SELECT value FROM json_each({urls})) "
            f"AND {path_sql('items.url')} IN (SELECT value FROM json_each({same})))"
        )

    def _in_list(self, left: tree.Expression, values: Sequence[tree.Expression]) -> str:
        """The SQL of `IN`."""
        if "any" not in map(type_of, (left, *values)):
            return f"({self.expression(left)} IN ({', '.join(map(self.expression, values))}))"
        by_sort: dict[Sort | None, list[tree.Expression]] = {}
        for value in values:
            by_sort.setdefault(sort_of(value), []).append(value)
        parts = []
        for sort, alike in by_sort.items():
            if sort is None:
                parts += [self.condition(tree.Comparison("=", left, value)) for value in alike]
            else:
                parts.append(f"({self._only(left, sort)} IN ({', '.join(map(self.expression, alike))}))")
        return _joined(parts, " OR ")

    def _comparable(self, node: tree.Expression, other: tree.Expression) -> str:
        """The SQL of a value that is compared with another; a fact that is not of the other's sort becomes NULL.

        SQLite treats every text as greater than every number, and converts texts to compare them with numeric columns.
        """
        sort = sort_of(other)
        if sort is not None:
            return self._only(node, sort)
        if sort_of(node) is not None:
            return self.expression(node)
        here, there = self.expression(node), self.expression(other)
        return f"(CASE WHEN (typeof({here}) = 'text') = (typeof({there}) = 'text') THEN {here} END)"

    def _only(self, node: tree.Expression, sort: Sort) -> str:
        """The SQL of a value; a fact that is not of the given sort becomes NULL."""
        sql = self.expression(node)
        if sort_of(node) is not None:
            return sql
        sorts = "'text'" if sort == "text" else "'integer', 'real'"
        return f"(CASE WHEN typeof({sql}) IN ({sorts}) THEN {sql} END)"

    def expression(self, node: tree.Expression) -> str:
        """The SQL of a value."""
        match node:
            case tree.FieldRef(field):
                return self.field(field)
            case tree.Value(None):
                return "NULL"  # not bound, since the SQL of a value without a sort may be written twice
            case tree.Value(value):
                return self._bind(value)
            case tree.Arithmetic(
                "/", left, right
            ):  # SQLite would drop the fraction of a division of integers
                return f"(CAST({self._only(left, 'number')} AS REAL) / {self._only(right, 'number')})"
            case tree.Arithmetic(operator, left, right):
                return f"({self._only(left, 'number')} {operator} {self._only(right, 'number')})"
            case tree.Call(function, arguments):
                return self._called(function, arguments)

    def _called(self, function: QueryFunction, arguments: Sequence[tree.Expression]) -> str:
        """The SQL of a function call, by the function's SQL or its Python implementation."""
        if function.sql is None:
            return self._called_in_python(function, arguments)
        sql, end = "", 0
        for place in SQL_PLACE.finditer(function.sql):
            sql += function.sql[end : place.start()]
            end = place.end()
            if place[2] is not None:
                sql += self._member(arguments[int(place[1])], place[2])
            else:
                sql += self._argument(function, arguments, int(place[1]))
        return sql + function.sql[end:]

    def _called_in_python(self, function: QueryFunction, arguments: Sequence[tree.Expression]) -> str:
        decoders = [
            argument.field.decode if isinstance(argument, tree.FieldRef) else None for argument in arguments
        ]
        is_json = [affinity_of(argument) == "json" for argument in arguments]
        own = f"_{len(self.parameters)}" if any(decoders) else ""  # since each key has its own decoder
        name = f"heron_{function.name}{own}"
        call = Functions(self._plugins).callable_of(function, map(_from_sqlite, decoders, is_json))
        self._failures.define(self._database, name, len(arguments), call)
        given = ", ".join(self._argument(function, arguments, place) for place in range(len(arguments)))
        return f"{name}({given})"

    def _argument(self, function: QueryFunction, arguments: Sequence[tree.Expression], place: int) -> str:
        """The SQL of an argument; a fact that is not of the sort that the function takes becomes NULL."""
        argument, affinity = arguments[place], AFFINITIES.get(function.arguments[place], "any")
        if affinity == "any":
            return self.expression(argument)
        return self._only(argument, "text" if affinity == "text" else "number")

    def _member(self, argument: tree.Expression, name: str) -> str:
        """The SQL of a member of a JSON object; NULL if an older schema accepted another value."""
        if not isinstance(argument, tree.FieldRef):
            raise QueryError(f"{describe(argument)} has no part {name}", hint="give a key")
        value = json_path(f'{argument.field.path[0]}"."{name}', _table(argument.field))
        return self._of_form(argument.field, value)

    def field(self, field: tree.Field) -> str:
        """The SQL of a field's value."""
        if _is_url(field):
            return located("items.url")
        if field.home == "column":
            return f"items.{field.path[0]}"
        if field.home == "frame":
            return f"frames.{field.path[0]}"
        if field.home == "frame metric":
            name = field.path[0].replace("'", "''")
            return f"""json_extract(frames.metrics, '$."{name}"')"""
        if field.home in ("vector", "frame vector"):
            kept = self._database.value("SELECT id FROM vector_sets WHERE key = ?", [field.path[0]]) or 0
            frame = "0" if field.home == "vector" else "frames.id"
            return f"(SELECT row FROM vectors WHERE item_id = items.id AND frame_id = {frame} AND set_id = {kept})"
        if field.home in ("metadata", "frame metadata"):
            value = json_path(field.path[0], _table(field))
            if field.type == "loose":  # as text, and a boolean as JSON writes it
                kind = value.replace("json_extract", "json_type", 1)
                return f"(CASE {kind} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST({value} AS TEXT) END)"
            return self._of_form(field, value)
        if field.home == "fact":
            path = "$" + "".join(f'."{part}"' for part in field.path)
            return "json_extract(items.facts, '{}')".format(path.replace("'", "''"))
        return _DERIVED[field.path[0]]

    def _of_form(self, field: tree.Field, sql: str) -> str:
        """The SQL of a value; NULL where the key's stored value does not have the form of its type."""
        if field.form is None:
            return sql
        value = json_path(field.path[0], _table(field))
        kind = value.replace("json_extract", "json_type", 1)
        if field.form.types is not None:
            types = ", ".join(f"'{name}'" for name in field.form.types)
            return f"(CASE WHEN {kind} IN ({types}) THEN {sql} END)"
        fits, name = (
            field.form.fits,
            f"heron_fits_{blake2b(field.path[0].encode(), digest_size=16).hexdigest()}",
        )
        self._failures.define(self._database, name, 2, lambda kind, value: fits(_from_json(kind, value)))
        return f"(CASE WHEN {name}({kind}, {value}) THEN {sql} END)"

    def _bind(self, value: Json) -> str:
        self.parameters.append(value)
        return "?"


def _is_url(field: tree.Field) -> bool:
    return field.home == "column" and field.path == ("url",)


def _is_path(field: tree.Field) -> bool:
    return field.home == "derived" and field.path == ("path",)


def _are_texts(values: Sequence[tree.Expression]) -> bool:
    return all(isinstance(value, tree.Value) and isinstance(value.value, str) for value in values)


def _table(field: tree.Field) -> str:
    return "frames" if field.home == "frame metadata" else "items"


_DERIVED = {
    "area": "(items.width * items.height)",
    "aspect_ratio": "(CAST(items.width AS REAL) / items.height)",
    "folder": "(SELECT path FROM folders WHERE folders.id = items.folder_id)",
    "path": path_sql("items.url"),
    "store": "(SELECT name FROM stores WHERE stores.id = items.store_id)",
}


def _joined(parts: list[str], word: str) -> str:
    """Conditions joined as a balanced tree, since SQLite allows only a depth of 1000."""
    while len(parts) > 1:
        parts = [f"({word.join(parts[start : start + 2])})" for start in range(0, len(parts), 2)]
    return parts[0]


def full_text(words: str) -> str:
    """The FTS5 query for words: all words, `"a phrase"` as a phrase, `begin*` as a prefix; there is no other syntax."""
    terms = []
    for phrase, word in _TOKEN.findall(words):
        text = phrase or word
        star = "*" if word.endswith("*") else ""
        cleaned = text.removesuffix("*").replace('"', " ") if word else text
        if not any(character.isalnum() for character in cleaned):
            continue
        forms = {
            cleaned: None,
            spaced(cleaned): None,
        }  # older indexes, which cannot be written, have signs side by side as one word
        terms.append("(" + " OR ".join(f'"{form}"{star}' for form in forms) + ")")
    return " AND ".join(terms)


def _from_json(kind: str | None, value: Json) -> Json:
    """A value of JSON from its type and what json_extract gives for it."""
    if kind in ("true", "false"):
        return kind == "true"
    return loads(value) if kind in ("object", "array") else value


def _from_sqlite(decode: Callable[[Json], Json] | None, is_json: bool) -> Callable[[Json], Json] | None:
    """The function that turns a value from SQLite into its shown form; JSON objects and lists come as text."""
    if not is_json:
        return decode

    def shown(value: Json) -> Json:
        try:
            found = loads(value)
        except (HeronError, TypeError):
            return value  # a text that an older schema accepted
        return decode(found) if decode is not None else found

    return shown
