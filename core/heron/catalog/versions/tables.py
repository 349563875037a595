"""The tables of versions: what they consist of, and storing a new one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import fields

from heron.catalog.database import Database, Row
from heron.catalog.versions.blocks import Block, digest_of
from heron.convert import dumps, loads
from heron.models import Json, Query, now
from heron.uuids import new_uuid

Source = Query | Mapping[str, Json]
"""By what rows were chosen: a query, or any JSON object."""

_PLAIN = Query()


class VersionTables:
    """The versions of all datasets, whoever may see them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def blocks(self, version: int) -> Iterator[Block]:
        """The blocks of a version, in order; their rows are read when they are asked for."""
        for row in self._database.rows(
            "SELECT b.id, b.digest, b.row_count, b.uuids FROM version_blocks JOIN frozen_blocks AS b ON b.id = block_id "
            "WHERE version_id = ? ORDER BY position",
            [version],
        ):
            yield Block(row["digest"], row["row_count"], row["uuids"], partial(self._data, row["id"]))

    def _data(self, block: int) -> bytes:
        return bytes(self._database.value("SELECT data FROM frozen_blocks WHERE id = ?", [block]) or b"")

    def add(self, dataset: int, blocks: Sequence[Block], unhashed: int, **told: Any) -> str:
        """Store a version under the next number of its dataset; `told` are further columns. Returns its UUID."""
        uuid = new_uuid()
        with self._database.write():
            self._database.execute(
                "INSERT INTO dataset_numbers VALUES (?, 1) ON CONFLICT (dataset_id) DO UPDATE SET last = last + 1",
                [dataset],
            )
            values = {
                "uuid": uuid,
                "dataset_id": dataset,
                "number": self._database.value(
                    "SELECT last FROM dataset_numbers WHERE dataset_id = ?", [dataset]
                ),
                "sources": dumps(self.sources(dataset)),
                "row_count": sum(block.count for block in blocks),
                "unhashed": unhashed,
                "digest": digest_of(blocks),
                **told,
            }
            self._database.execute(
                f"INSERT INTO dataset_versions ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
                [*values.values()],
            )
            version = self._database.value("SELECT id FROM dataset_versions WHERE uuid = ?", [uuid])
            self._put(version, blocks)
        return uuid

    def _put(self, version: int, blocks: Iterable[Block]) -> None:
        """Store the blocks of a version, of which those that are known are not stored again."""
        find = "SELECT id FROM frozen_blocks WHERE digest = ?"
        for position, block in enumerate(blocks):
            id = self._database.value(find, [block.digest])
            if id is None:
                self._database.execute(
                    "INSERT INTO frozen_blocks (digest, row_count, uuids, data) VALUES (?, ?, ?, ?)",
                    [block.digest, block.count, block.uuids, block.load()],
                )
                id = self._database.value(find, [block.digest])
            self._database.execute("INSERT INTO version_blocks VALUES (?, ?, ?)", [version, position, id])

    def delete(self, version: int) -> None:
        """Delete a version, and the blocks that no other one has."""
        self._database.execute("DELETE FROM version_blocks WHERE version_id = ?", [version])
        self._database.execute("DELETE FROM dataset_versions WHERE id = ?", [version])

    def sources(self, dataset: int) -> list[dict[str, Json]]:
        """By what the rows of a dataset were chosen, in order."""
        rows = self._database.rows(
            "SELECT verb, source, at, by FROM dataset_sources WHERE dataset_id = ? ORDER BY id", [dataset]
        )
        return [_source(row) for row in rows]


def told(source: Source | None) -> dict[str, Json]:
    """By what rows were chosen, as plain data; of a query, the parts that are not the default."""
    if not isinstance(source, Query):
        return dict(source or {})
    given = {part.name: getattr(source, part.name) for part in fields(Query)}
    return {"query": {name: value for name, value in given.items() if value != getattr(_PLAIN, name)}}


def note_source(database: Database, dataset: int, verb: str, source: Json, by: str) -> None:
    """Note by what rows of a dataset were chosen; the same as the time before is not noted again."""
    text = dumps(source)
    last = database.row(
        "SELECT id, verb, source FROM dataset_sources WHERE dataset_id = ? ORDER BY id DESC LIMIT 1",
        [dataset],
    )
    if last is not None and (last["verb"], last["source"]) == (verb, text):
        database.execute("UPDATE dataset_sources SET at = ?, by = ? WHERE id = ?", [now(), by, last["id"]])
        return
    database.execute(
        "INSERT INTO dataset_sources (dataset_id, verb, source, at, by) VALUES (?, ?, ?, ?, ?)",
        [dataset, verb, text, now(), by],
    )


def _source(row: Row) -> dict[str, Json]:
    return {"verb": row["verb"], **loads(row["source"]), "at": row["at"], "by": row["by"]}
