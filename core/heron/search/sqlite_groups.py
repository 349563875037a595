"""Counts the collections, datasets, projects and words of given items, which have several of them each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.full_text import OPTIONS
from heron.catalog.schema import SchemaService
from heron.convert import dumps, loads
from heron.search.tally import Counts, Membership
from heron.search.tree import Field

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_FEW = 20_000
"""So many items are looked up one by one; for more, the members of each collection and the items of each word are read."""

_TABLES = {"collection": "collections", "dataset": "datasets", "project": "projects"}


class Groups:
    """Counts in the catalogue file. Items are given by their inner ids, int64 and ascending."""

    def __init__(self, database: Database, access: Access, schema: SchemaService) -> None:
        self._database = database
        self._access = access
        self._schema = schema

    def members(self, noun: Membership, ids: Array) -> tuple[Counts, int]:
        """The titles with the number of these items in each, the largest first, and how many items are in at least one."""
        import numpy as np

        wanted = np.zeros(int(ids[-1]) + 1 if len(ids) else 0, dtype=bool)
        wanted[ids] = True
        inside = np.zeros_like(wanted)
        found = []
        for title, members in self._members(noun, ids):
            hits = members[members < len(wanted)]
            hits = hits[wanted[hits]]
            inside[hits] = True
            if len(hits):
                found.append((title, len(hits)))
        return sorted(found, key=lambda group: (-group[1], group[0].encode())), int(inside.sum())

    def _members(self, noun: Membership, ids: Array) -> Iterator[tuple[str, Array]]:
        """The title of each collection, dataset, or project, with its members: at least those of the items."""
        import numpy as np

        table, members = _TABLES[noun], self._source(noun)
        scope = self._access.scope(noun, table)
        titles = {
            row[0]: row[1] for row in self._database.rows(f"SELECT id, title FROM {table} WHERE {scope}")
        }
        if len(ids) <= _FEW:
            rows = self._database.rows(
                f"SELECT {noun}_id, json_group_array(DISTINCT item_id) FROM {members} "
                f"WHERE item_id IN (SELECT value FROM json_each(?)) GROUP BY {noun}_id",
                [dumps(ids.tolist())],
            )
            texts: Iterable[tuple[int, str]] = ((row[0], row[1]) for row in rows)
        else:
            sql = f"SELECT json_group_array(DISTINCT item_id) FROM {members} WHERE {noun}_id = ?"
            texts = ((id, self._database.value(sql, [id])) for id in titles)
        for id, text in texts:
            if id in titles:
                yield titles[id], np.array(loads(text), np.int64)

    def _source(self, noun: Membership) -> str:
        """The table of the members: those of a project are the rows of its datasets, as far as the user sees these."""
        if noun != "project":
            return {"collection": "collection_items", "dataset": "dataset_rows"}[noun]
        return (
            "(SELECT held.project_id, rows.item_id FROM project_datasets AS held JOIN dataset_rows AS rows USING (dataset_id) "
            f"JOIN datasets ON datasets.id = held.dataset_id WHERE {self._access.scope('dataset', 'datasets')})"
        )

    def words(self, field: Field, ids: Array, most: int) -> tuple[Counts, int | None]:
        """The most frequent words of a text key, as its index contains them, with the number of these items that have each.

        Also returns how many different words these items have; None for many items, of which only frequent words are read.
        """
        table = self._schema._full_text_table(field.name)
        if len(ids) <= _FEW:
            return self._words_of_few(table, ids, most)
        return self._words_of_many(table, ids, most), None

    def _words_of_few(self, table: str, ids: Array, most: int) -> tuple[Counts, int]:
        """All words of the items, counted by an index that is made of them alone."""
        with (
            self._temporary("few", f"fts5({OPTIONS})"),
            self._temporary("few_words", "fts5vocab(temp, few, row)"),
        ):
            self._database.connection.execute(
                f"INSERT INTO temp.few(rowid, body) SELECT id, body FROM {table}_source "
                "WHERE id IN (SELECT value FROM json_each(?)) AND body IS NOT NULL",
                [dumps(ids.tolist())],
            )
            rows = self._database.rows(
                "SELECT term, doc FROM temp.few_words ORDER BY doc DESC, term LIMIT ?", [most]
            )
            distinct = self._database.value("SELECT count(*) FROM temp.few_words")
        return [(row[0], row[1]) for row in rows], distinct

    def _words_of_many(self, table: str, ids: Array, most: int) -> Counts:
        """Words from the most frequent in the whole index on, until no other one can be more frequent in the items."""
        import numpy as np

        found: list[tuple[str, int]] = []
        least = 0
        with (
            self._temporary("all_words", f"fts5vocab(main, {table}, row)"),
            self._temporary("all_places", f"fts5vocab(main, {table}, instance)"),
        ):
            for word, in_all in self._database.rows(
                "SELECT term, doc FROM temp.all_words ORDER BY doc DESC, term"
            ):
                if len(found) >= most and in_all < least:
                    break
                text = self._database.value(
                    "SELECT json_group_array(DISTINCT doc) FROM temp.all_places WHERE term = ?", [word]
                )
                count = int(np.isin(np.array(loads(text), np.int64), ids).sum())
                if count:
                    found.append((word, count))
                    found.sort(key=lambda group: (-group[1], group[0].encode()))
                    del found[most:]
                    least = found[-1][1]
        return found

    @contextmanager
    def _temporary(self, name: str, module: str) -> Iterator[None]:
        """A virtual table in the connection's own temporary database, which another program never sees."""
        connection = self._database.connection
        connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
        connection.execute(f"CREATE VIRTUAL TABLE temp.{name} USING {module}")
        try:
            yield
        finally:
            connection.execute(f"DROP TABLE temp.{name}")
