"""Brings the rows of one title together, wherever they stand below a header; they wait on disk, so memory does not grow."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from operator import itemgetter

from heron.convert import dumps, loads
from heron.errors import CatalogueError

_BY_TITLE = """
    SELECT first, line, cells
    FROM (SELECT line, cells, min(line) OVER (PARTITION BY coalesce(title, line)) AS first FROM rows)
    ORDER BY first, line
"""


def gathered(rows: Iterable[tuple[int, str, Sequence[str]]]) -> Iterator[list[tuple[int, list[str]]]]:
    """The rows of each title as (line, cells), in their order; titles in the order of their first rows.

    `rows` are (line, title, cells) and are read to their end first. A row without a title stays alone. Raises CatalogueError
    if the disk is full.
    """
    with closing(sqlite3.connect("", check_same_thread=False)) as waiting:  # a file without a name
        try:
            waiting.execute("CREATE TABLE rows (line INTEGER PRIMARY KEY, title TEXT, cells TEXT)")
            waiting.executemany(
                "INSERT INTO rows VALUES (?, ?, ?)",
                ((line, title or None, dumps(cells)) for line, title, cells in rows),
            )
            found = waiting.execute(_BY_TITLE)
            for _, group in groupby(found, key=itemgetter(0)):
                yield [(line, loads(cells)) for _, line, cells in group]
        except sqlite3.Error as error:
            raise CatalogueError(
                f"the rows of groups cannot be stored in {tempfile.gettempdir()}: {error}",
                hint="free some space, or set TMPDIR to another folder",
            ) from error
