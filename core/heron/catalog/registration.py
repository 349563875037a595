"""Registration: new items go in by the thousand, each checked, each batch one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.folders import FolderRef, FolderService
from heron.catalog.identifiers import new_uuids
from heron.catalog.items import bundles
from heron.catalog.schema import SchemaService
from heron.convert import dumps
from heron.errors import InvalidInput
from heron.metadata.keys import check_name, is_unicode, printable
from heron.metadata.validation import Validator
from heron.models import KINDS, Added, Folder, NewItem, now

_COLUMNS = [
    "uuid",
    "folder_id",
    "name",
    "url",
    "kind",
    "media_type",
    "size",
    "width",
    "height",
    "frame_count",
    "fps",
    "duration",
    "codec",
    "sample_rate",
    "channels",
    "pages",
    "captured_at",
    "facts",
    "metadata",
    "content_hash",
    "etag",
    "modified_at",
    "note",
    "created_at",
    "updated_at",
    "created_by",
]
_INSERT = f"INSERT INTO items ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_BATCH = 5000
_KINDS = frozenset(KINDS)
_PLAIN = re.compile(r"[!-~]+").fullmatch


class Registration:
    """Puts new items into the catalogue."""

    def __init__(
        self, database: Database, access: Access, folders: FolderService, schema: SchemaService
    ) -> None:
        self._database = database
        self._access = access
        self._folders = folders
        self._schema = schema

    def register(
        self,
        items: Iterable[NewItem],
        folder: FolderRef,
        *,
        skip_duplicates: bool = False,
        batch: int = _BATCH,
    ) -> Added:
        """Register a stream of items in a folder, a transaction a batch.

        With `skip_duplicates`, an item whose URL is in the folder already is passed over. A faulty item raises
        InvalidInput or MetadataError; the batches before its own stay, nothing of its own does.
        """
        target = self._folders.ensure(folder)
        added = skipped = 0
        for bundle in bundles(items, batch):
            with self._database.write():
                count = len(self.insert(bundle, target, skip_duplicates=skip_duplicates))
            added += count
            skipped += len(bundle) - count
        return Added(added, skipped)

    def insert(self, items: Sequence[NewItem], folder: Folder, *, skip_duplicates: bool = False) -> range:
        """Insert one batch into a folder within the caller's transaction; returns the ids of the new rows."""
        self._access.require("create", "item", folder.path)
        if skip_duplicates:
            known = self.known_urls([item.url for item in items], folder)
            first: dict[str, NewItem] = {}
            for item in items:
                if item.url not in known:
                    first.setdefault(item.url, item)
            items = list(first.values())
        validator = Validator(self._schema.current())
        newest = self._database.value("SELECT max(id) FROM items") or 0
        self._database.execute_many(_INSERT, self._rows(items, folder.id, validator))
        self._follow(folder, newest)
        if validator.unknown:
            self._schema.remember_unknown(validator.unknown)
        return range(newest + 1, newest + 1 + len(items))

    def _follow(self, folder: Folder, newest: int) -> None:
        """Let the dataset that the folder backs, if any, follow: a trigger would make every insert 5x slower."""
        self._database.execute(
            "INSERT INTO dataset_rows (dataset_id, item_id) SELECT datasets.id, items.id FROM datasets "
            "JOIN items ON items.folder_id = datasets.backing_folder_id "
            "WHERE datasets.backing_folder_id = ? AND items.id > ? ORDER BY items.id",
            [folder.id, newest],
        )

    def known_urls(self, urls: Sequence[str], folder: Folder) -> set[str]:
        """Which of these URLs are in the folder already."""
        self._access.require("read", "item", folder.path)
        known: set[str] = set()
        for bundle in bundles(urls, 500):
            marks = ",".join("?" * len(bundle))
            rows = self._database.rows(
                f"SELECT url FROM items WHERE url IN ({marks}) AND folder_id = ?", [*bundle, folder.id]
            )
            known.update(row["url"] for row in rows)
        return known

    def _rows(
        self, items: Sequence[NewItem], folder_id: int, validator: Validator
    ) -> Iterable[tuple[Any, ...]]:
        moment, user = now(), self._access.user.email
        for item, uuid in zip(items, new_uuids(len(items)), strict=True):
            url, facts = item.url, item.facts
            if not _PLAIN(url):
                check_url(url)
            if facts.kind not in _KINDS:
                raise InvalidInput(
                    f"{url}: {facts.kind!r} is no kind of item", hint=f"one of {', '.join(KINDS)}"
                )
            name = item.name if item.name is not None else name_of(url)
            if len(name) > 300 or not name.isprintable() or not name.strip():
                check_name(name, f"{url}: item name")
            yield (
                uuid, folder_id, name, url, facts.kind, facts.media_type, item.size,
                facts.width, facts.height, facts.frame_count, facts.fps, facts.duration, facts.codec,
                facts.sample_rate, facts.channels, facts.pages, facts.captured_at,
                dumps(facts.extra) if facts.extra else "{}",
                validator.dumps(item.metadata, url) if item.metadata else "{}",
                item.content_hash, item.etag, item.modified_at, facts.note, moment, moment, user,
            )  # fmt: skip


def check_url(url: str) -> str:
    """Return a URL that can be kept: not empty, no blanks (written %20), valid Unicode; raises InvalidInput."""
    if not url or any(character.isspace() for character in url):
        raise InvalidInput(f"URL {printable(url)} is empty or holds a blank", hint="write a blank as %20")
    if not is_unicode(url):
        raise InvalidInput(f"URL {printable(url)} is no valid Unicode")
    return url


def name_of(url: str) -> str:
    """The file name at the end of a URL."""
    path = url if "?" not in url and "#" not in url else urlsplit(url).path
    name = path.rstrip("/").rpartition("/")[2]
    return (unquote(name) if "%" in name else name) or url
