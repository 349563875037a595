"""Verbs that a client makes of several requests, or that read and write files where the client runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve

from heron.errors import NotFound
from heron.models import Item, Query
from heron.remote import wire
from heron.remote.asking import as_parts, asked, teller
from heron.remote.connection import Connection, filled, waited
from heron.remote.table import route_of
from heron.remote.transfers import file_of
from heron.remote.verbs import verb_of

if TYPE_CHECKING:
    from heron.jobs import ImportReport

BUNDLE = 1000
"""The rows of a page of a stream."""

MOST_ROWS = 10_000
"""The most rows of one page."""


def _search(workspace: Any, **given: Any) -> Any:
    """One page; of more rows than a page of the server has, several pages are asked for."""
    from heron.pages import Page

    parts = as_parts(given.get("query"), given.get("parts", {}))
    name = given["verb"]
    rows: list[Any] = []
    matches: list[Any] = []
    left = parts.get("limit")
    while True:
        if left is not None and left > MOST_ROWS:
            parts["limit"] = MOST_ROWS
        page = asked(workspace._connection, verb_of(name), {"parts": dict(parts)}, route_of(name))
        if left is None or (left <= MOST_ROWS and not rows):
            return page
        rows += page.rows
        matches += page.matches
        left -= len(page)
        if page.cursor is None or left <= 0:
            return Page(rows, page.cursor, matches, page.key, page.notes)
        parts |= {"cursor": page.cursor, "limit": min(left, MOST_ROWS)}


def _all(
    workspace: Any, query: Query | str | None = None, parts: Mapping[str, Any] | None = None
) -> Iterator[Item]:
    """Every item of a query, with one page in memory at a time."""
    asked = evolve(Query(text=query) if isinstance(query, str) else query or Query(), **(parts or {}))
    left = asked.limit
    while True:
        page = workspace.search(evolve(asked, limit=BUNDLE if left is None else min(left, BUNDLE)))
        yield from page
        left = None if left is None else left - len(page)
        if page.cursor is None or left == 0:
            return
        asked = evolve(asked, cursor=page.cursor)


def _stream(workspace: Any, **given: Any) -> Iterator[Item]:
    cursor = None
    while True:
        page = workspace.items.page(**given, limit=BUNDLE, cursor=cursor)
        yield from page
        if (cursor := page.cursor) is None:
            return


def _current(workspace: Any) -> Any:
    from heron.builtin import PluginSource
    from heron.metadata.schema import Schema

    return Schema(PluginSource(), workspace.schema.show(), workspace.schema.not_fitting())


def _frames(
    workspace: Any, item: Any, numbers: Iterable[int] | int, size: int | None = None
) -> Iterator[tuple[int, Any]]:
    from heron.catalog.referring import frame_numbers

    for number in sorted(set(frame_numbers(numbers))):
        yield number, workspace.pictures.picture(item, frame=number, size=size)


def _write_frames(
    workspace: Any, item: Any, folder: Any, numbers: Iterable[int] | int, size: int | None = None
) -> Iterator[Path]:
    from heron.pictures.service import PictureService

    class Here:
        _items, frames = workspace.items, workspace.pictures.frames

    return PictureService.write_frames(Here(), item, folder, numbers, size=size)  # type: ignore[arg-type]


def _import(workspace: Any, sources: Any, **given: Any) -> ImportReport:
    """Import files: those of this machine are sent first, and URLs are named."""
    connection: Connection = workspace._connection
    progress = given.pop("progress", None)
    named = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    sender = _Sender(connection)
    body = {"sources": [sender.source(source) for source in named]}
    body |= {name: wire.sent(value) for name, value in given.items() if name != "executor"}
    job = connection.json("POST", "/imports", None, body)
    verb = verb_of("ingest.files")
    report: ImportReport = wire.received(waited(connection, job, teller(verb, progress)), verb.result)
    return report


class _Sender:
    """Sends files of this machine to an upload of the server, which begins with the first of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._upload: str | None = None
        self._count = 0

    def source(self, given: str | os.PathLike[str]) -> str:
        """A source for the server: a URL as it is, or the place to which a file or a folder was sent."""
        text = os.fspath(given)
        if "://" in text or text.startswith("upload:"):
            return text
        path = Path(text).absolute()
        if not path.exists():
            raise NotFound(f"{path} is not there", hint="check the spelling")
        self._count += 1
        top = f"{self._count}/{path.name}"
        if path.is_file():
            self.send(path, top)
        else:
            for file in sorted(path.rglob("*")):
                below = file.relative_to(path)
                if file.is_file() and not any(part.startswith(".") for part in below.parts):
                    self.send(file, f"{top}/{below.as_posix()}")
        return f"upload:{self._begun()}/{top}"

    def _begun(self) -> str:
        if self._upload is None:
            self._upload = self._connection.json("POST", "/uploads")["id"]
        return self._upload

    def send(self, path: Path, name: str) -> str:
        """Send one file; returns its place."""
        upload = self._begun()
        _, stream = file_of(path)
        with stream:
            self._connection.put(filled("/uploads/{upload}/{name}", {"upload": upload, "name": name}), stream)
        return f"upload:{upload}/{name}"


def _import_vectors(workspace: Any, key: str, file: Any, **given: Any) -> Any:
    connection: Connection = workspace._connection
    given.pop("progress", None)
    sender = _Sender(connection)
    path = Path(file)
    body: dict[str, Any] = {name: wire.sent(value) for name, value in given.items() if name != "ids"}
    body["file"] = sender.send(path, path.name)
    ids = given.get("ids")
    beside = Path(ids) if ids is not None else path.with_suffix(".ids.txt")
    if ids is not None or beside.is_file():
        sent = sender.send(beside, beside.name)
        body |= {"ids": sent} if ids is not None else {}
    data = connection.json("POST", filled("/vectors/{key}/file", {"key": key}), None, body)
    return wire.received(data, verb_of("vector_files.import_file").result)


VERBS: Mapping[str, Callable[..., Any]] = {
    "search.__call__": lambda workspace, **given: _search(workspace, verb="search.__call__", **given),
    "search.frames": lambda workspace, **given: _search(workspace, verb="search.frames", **given),
    "search.all": _all,
    "items.stream": _stream,
    "schema.current": _current,
    "pictures.frames": _frames,
    "pictures.write_frames": _write_frames,
    "ingest.files": _import,
    "vector_files.import_file": _import_vectors,
}
"""The verbs that are more than one request."""
