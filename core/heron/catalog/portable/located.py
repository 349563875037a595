"""The places of files of a staged export: where they are put here, and the URLs that items and members get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from heron.catalog.database import Database
from heron.catalog.limits import BUNDLE
from heron.catalog.portable.parts import MEDIA

_BASE = "substr(url, 1, instr(url || '#', '#') - 1)"
_REST = "substr(url, instr(url || '#', '#'))"


class StagedFiles:
    """The files of a staged export."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def media(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """The files that come with the export, by number, each as the row of the part `media`."""
        after = 0
        while rows := self._database.rows(
            f"SELECT seq, {', '.join(MEDIA.fields)} FROM staged.media WHERE seq > ? ORDER BY seq LIMIT ?",
            [after, BUNDLE],
        ):
            after = rows[-1]["seq"]
            yield from ((row["seq"], tuple(row)[1:]) for row in rows)

    def locate(self, lake: str | None, url_of: Callable[[Sequence[Any]], str]) -> None:
        """Give items and members the URLs that their files have here, in stored form.

        `url_of` returns the URL of a file that comes with the export; `lake` is the URL of the folder where the others are.
        """
        database = self._database
        with database._lock, database._explained():
            run = database.connection.execute
            for seq, row in self.media():
                run("UPDATE staged.media SET place = ? WHERE seq = ?", [url_of(row), seq])
            for table in ("items", "members"):
                base = _BASE.replace("url", f"{table}.url")
                copied = f"(SELECT m.place FROM staged.media AS m WHERE m.url = {base})"
                if lake is not None:
                    run(
                        f"UPDATE staged.{table} SET url = kept(? || substr(url, 8)) "
                        f"WHERE substr(url, 1, 7) = 'file:./' AND {copied} IS NULL",
                        [lake],
                    )
                run(
                    f"UPDATE staged.{table} SET url = kept(url) WHERE substr(url, 1, 8) = 'file:///' AND {copied} IS NULL"
                )
                run(f"UPDATE staged.{table} SET url = {copied} || {_REST} WHERE {copied} <> {_BASE}")
            if database.connection.in_transaction:
                run("COMMIT")

    def local(self) -> Iterator[str]:
        """The URLs of local files of items, without those that come with the export, archives and groups."""
        for table in ("items", "members"):
            after = 0
            while rows := self._database.rows(
                f"SELECT seq, located(url) AS url FROM staged.{table} AS s WHERE seq > ? AND substr(url, 1, 5) = 'file:' "
                "AND instr(url, '#') = 0 AND NOT EXISTS (SELECT 1 FROM staged.media AS m WHERE m.place = s.url) "
                "ORDER BY seq LIMIT ?",
                [after, BUNDLE],
            ):
                after = rows[-1]["seq"]
                yield from (row["url"] for row in rows)
