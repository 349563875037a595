"""Registration: inserts new items in batches. Each item is validated, and each batch is one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import evolve, fields_dict, frozen

from heron.answers import Added
from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.folders import FolderService, within
from heron.catalog.frame_rows import BARE, InsertFrames, insert_first_frames, insert_frames, renumber
from heron.catalog.items import bundles
from heron.catalog.member_rows import insert_members
from heron.catalog.mirrors import mirror
from heron.catalog.places import located
from heron.catalog.referring import FolderRef
from heron.catalog.sampling import prepared
from heron.catalog.schema import SchemaService
from heron.catalog.stored import dumper
from heron.catalog.stores import HERE, Matching, Origin, OriginOf, StoreTable
from heron.catalog.vectors.rows import Owner
from heron.catalog.vectors.store import VectorStore
from heron.convert import dumps, without_secrets
from heron.errors import InvalidInput
from heron.hooks import PluginManager
from heron.media.kinds import Kinds
from heron.metadata.keyframes import has_blocks
from heron.metadata.keys import check_name, is_unicode, not_unicode, printable, unescaped
from heron.metadata.validation import Validator, Vectors
from heron.models import FACT_FIELDS, ITEM_FIELDS, Folder, NewItem, now
from heron.uuids import new_uuids

_OF_REGISTRATION = (
    "uuid", "folder_id", "name", "url", "metadata", "created_at", "updated_at", "created_by", "integration_id",
    "store_id",
)  # fmt: skip
_OF_FILE = [
    field
    for name, field in ITEM_FIELDS.items()
    if name not in (*FACT_FIELDS, *_OF_REGISTRATION) and field.attribute in fields_dict(NewItem)
]
_file, _facts = dumper(_OF_FILE), dumper(FACT_FIELDS.values())
_KNOWN = [*(field.name for field in _OF_FILE), *FACT_FIELDS]
_REFRESH = f"UPDATE items SET {', '.join(f'{name} = ?' for name in _KNOWN)}, updated_at = ?, deleted_at = NULL WHERE id = ?"
COLUMNS_OF_ITEMS = (*_OF_REGISTRATION, *_KNOWN)
"""The columns of a new item, in the order of `Registration._rows`."""

_INSERT = (
    f"INSERT INTO items ({', '.join(COLUMNS_OF_ITEMS)}) VALUES ({', '.join('?' * len(COLUMNS_OF_ITEMS))})"
)
_OUTDATED = (
    "DELETE FROM thumbnails WHERE item_id = ?",
    "DELETE FROM members WHERE item_id = ?",
    f"DELETE FROM frames WHERE item_id = ? AND {BARE} AND NOT is_key",
    "DELETE FROM frame_thumbnails WHERE frame_id IN (SELECT id FROM frames WHERE item_id = ?)",
    "UPDATE frames SET metrics = '{}' WHERE item_id = ?",
)
_BATCH, MOST_OF_BATCH = 5000, 100_000
_PLAIN = re.compile(r"[!-~]{1,2000}").fullmatch

NONE: Vectors = {}

MAX_URL = 16 * 1024
"""The longest URL, in bytes."""

Reject = Callable[[int, InvalidInput], None]
"""Called for an item that cannot be registered, with its position in the batch and the error."""


@frozen
class Known:
    """An item, or a sidecar, whose URL is in the catalogue already. `id` is the inner id of the item."""

    id: int
    uuid: str
    size: int | None
    etag: str | None
    modified_at: str | None
    is_deleted: bool
    others: tuple[int, ...] = ()
    """The inner ids of further items with this URL, in other folders of the same tree."""


class Registration:
    """Adds new items to the catalogue."""

    def __init__(
        self,
        database: Database,
        access: Access,
        folders: FolderService,
        schema: SchemaService,
        vectors: VectorStore,
        plugins: Callable[[], PluginManager],
        origins: Callable[[], OriginOf] = lambda: lambda url: HERE,
        landed: Callable[[], None] = lambda: None,
    ) -> None:
        """`origins` returns what tells the store of a URL without integration; `landed` is called after each batch."""
        self._database = database
        self._access = access
        self._folders = folders
        self._schema = schema
        self._vectors = vectors
        self._kinds = Kinds(plugins)
        self._stores = StoreTable(database)
        self._origins, self._landed = origins, landed

    def register(
        self,
        items: Iterable[NewItem],
        folder: FolderRef,
        *,
        skip_duplicates: bool = False,
        batch: int = _BATCH,
    ) -> Added:
        """Register a stream of items in a folder, with one transaction for each batch.

        With `skip_duplicates`, an item whose URL is in the folder or below it already is skipped. URLs mean the stores of
        the defaults. An invalid item raises InvalidInput or MetadataError, and so does one whose URL is there in another
        store; its batch is not written, the batches before it stay.
        """
        target = self._folders.ensure(folder)
        added = skipped = 0
        if not 1 <= batch <= MOST_OF_BATCH:
            raise InvalidInput(f"batch is {batch:,}", hint=f"give 1 to {MOST_OF_BATCH:,}")
        for bundle in bundles(items, batch):
            with self._database.doing(self, "register"):
                count = len(self._insert(bundle, target, skip_duplicates=skip_duplicates))
            self._landed()
            added, skipped = added + count, skipped + len(bundle) - count
        return Added(added, skipped)

    def _insert(
        self,
        items: Sequence[NewItem],
        folder: Folder,
        *,
        skip_duplicates: bool = False,
        origin_of: OriginOf | None = None,
        reject: Reject | None = None,
        places: Sequence[Folder] = (),
    ) -> range:
        """Insert one batch into a folder in the caller's transaction; returns the ids of the new rows.

        `places` are the folders of the items, if not all of them go into `folder`. `origin_of` returns the store and the
        integration of a URL; it is that of the defaults. An invalid item raises InvalidInput or MetadataError; with
        `reject`, that function is called instead, and the others are inserted.
        """
        folders = {place.id: place for place in places or [folder]}
        for place in folders.values():
            self._access.require("create", place, "item")
        if skip_duplicates:
            known = self._known([item.url for item in items], folder, origin_of)
            first: dict[str, NewItem] = {}
            for item in items:
                if item.url not in known:
                    first.setdefault(item.url, item)
            items = list(first.values())
        validator = Validator(self._schema.current())
        newest = self._database.value("SELECT max(id) FROM items") or 0
        kept: list[NewItem] = []
        vectors: list[tuple[Owner, Vectors]] = []
        where = [place.id for place in places] or [folder.id] * len(items)
        rows = self._rows(
            items, (where, self._places(origin_of)), validator, (newest + 1, kept, vectors), reject
        )
        with self._database.write():
            self._database.execute_many(_INSERT, rows)
            insert_members(self._database, enumerate(kept, start=newest + 1))
            self._insert_frames(enumerate(kept, start=newest + 1), validator, insert=insert_first_frames)
            self._vectors._keep_encoded(vectors)
            mirror(
                self._database, "items.id > ?", [newest]
            )  # a trigger would make every insert five times slower
        if validator.unknown:
            self._schema._remember_unknown(validator.unknown)
        return range(newest + 1, newest + 1 + len(kept))

    def _refresh(self, changed: Iterable[tuple[int, NewItem]]) -> int:
        """Update the facts, members and frames of items, by inner id, whose files have changed.

        Their thumbnails and hashes are deleted. Key frames and frames with metadata stay. The caller merges
        metadata, including that of new frames.
        """
        pairs, moment = list(changed), now()
        self._access.require_all("update", "item", (id for id, _ in pairs))
        for _, item in pairs:
            self._check_kind(item)
        self._database.execute_many(
            _REFRESH,
            ((*_file(item), *_facts(item.facts), moment, id) for id, item in pairs),
        )
        for id, item in pairs:
            if item.members:
                renumber(self._database, id, item.members)
        for statement in _OUTDATED:
            self._database.execute_many(statement, [(id,) for id, _ in pairs])
        insert_members(self._database, pairs)
        bare = [
            (id, evolve(item, frames=[evolve(f, metadata=None) for f in item.frames])) for id, item in pairs
        ]
        self._insert_frames(bare, Validator(self._schema.current()))
        return len(pairs)

    def _return_to_datasets(self, ids: Iterable[int]) -> None:
        """Add restored items to the datasets that mirror their folder, or one above it, unless they have a row there."""
        back = list(ids)
        self._access.require_all("update", "item", back)
        mirror(self._database, "items.id IN (SELECT value FROM json_each(?))", [dumps(back)])

    def _restore(self, ids: Iterable[int]) -> int:
        """Restore items that are marked as deleted."""
        back = list(ids)
        self._access.require_all("update", "item", back)
        return self._database.execute_many(
            "UPDATE items SET deleted_at = NULL, updated_at = ? WHERE id = ?", [(now(), id) for id in back]
        )

    def _insert_frames(
        self, items: Iterable[tuple[int, NewItem]], validator: Validator, insert: InsertFrames = insert_frames
    ) -> None:
        owners = [(id, item.name or item.url, item.frames) for id, item in items if item.frames]
        if owners:
            insert(self._database, validator, owners, self._vectors._keep_encoded)

    def _places(self, origin_of: OriginOf | None) -> Callable[[str], tuple[int | None, int | None]]:
        """A function that returns the inner ids of the integration and the store of a URL, within one transaction."""
        of, ids = origin_of or self._origins(), dict[Origin, tuple[int | None, int | None]]()
        last, ids_of_last = HERE, ids.get(HERE, (None, None))

        def place(url: str) -> tuple[int | None, int | None]:
            nonlocal last, ids_of_last
            origin = of(url)
            if origin is not last:  # that of most is the one before
                if origin is not HERE and origin not in ids:
                    ids[origin] = (origin.integration_id, self._stores.id_of(origin))
                last, ids_of_last = origin, ids.get(origin, (None, None))
            return ids_of_last

        return place

    def _known(
        self, urls: Sequence[str], folder: Folder, origin_of: OriginOf | None = None
    ) -> dict[str, Known]:
        """The items in a folder and below it with these URLs in their stores, by URL, including deleted ones.

        Of several items one in the folder itself comes first, then the newest; all others are its `others`. Raises
        InvalidInput for a URL that is there in another store, if it is not said which one is meant.
        """
        self._access.require("read", folder)
        known: dict[str, Known] = {}
        inside, parameters = within(folder)
        is_meant = Matching(self._stores, origin_of or self._origins())
        for bundle in bundles(urls, 500):
            given = self._database.places.by_stored_form(bundle)
            rows = self._database.rows(
                "SELECT url, items.id, items.uuid, size, etag, modified_at, deleted_at, store_id FROM items CROSS JOIN folders "
                f"ON folders.id = items.folder_id WHERE url IN ({','.join('?' * len(given))}) AND {inside} "
                f"AND {self._access.scope('folder', 'folders')} "
                "ORDER BY deleted_at IS NULL, folders.id = ?, items.id",
                [*given, *parameters, folder.id],
            )
            for url, id, uuid, size, etag, modified_at, deleted_at, store in rows:
                if not is_meant(given[url], store):
                    continue
                before = known.get(given[url])
                others = (*before.others, before.id) if before is not None else ()
                known[given[url]] = Known(id, uuid, size, etag, modified_at, deleted_at is not None, others)
        is_meant.require_unambiguous()
        return known

    def _first_of_content(self, hashes: Iterable[str]) -> dict[str, str]:
        """For each of these content hashes that an item has: the URL of the first such item that the user sees."""
        found: dict[str, str] = {}
        for bundle in bundles(sorted(hashes), 500):
            marks = ",".join("?" * len(bundle))
            rows = self._database.rows(
                f"SELECT content_hash, min({located('url')}) AS url FROM items WHERE content_hash IN ({marks}) "
                f"AND deleted_at IS NULL AND {self._access.scope('item', 'items')} GROUP BY content_hash",
                bundle,
            )
            found.update((row["content_hash"], row["url"]) for row in rows)
        return found

    def _parts_of_series(
        self, urls: Sequence[str], folder: Folder, origin_of: OriginOf | None = None
    ) -> set[str]:
        """Those of the URLs that are members of a series in the folder or below it."""
        self._access.require("read", folder)
        found: set[str] = set()
        is_meant = Matching(self._stores, origin_of or self._origins())
        series = [kind.name for kind in self._kinds.all() if kind.files == "series"]
        inside, parameters = within(folder)
        for bundle in bundles(urls, 500):
            given = self._database.places.by_stored_form(bundle)
            rows = self._database.rows(
                "SELECT members.url, store_id FROM members CROSS JOIN items ON items.id = members.item_id CROSS JOIN folders "
                f"ON folders.id = items.folder_id WHERE members.url IN ({','.join('?' * len(given))}) AND {inside} "
                f"AND {self._access.scope('folder', 'folders')} "
                f"AND items.kind IN ({','.join('?' * len(series))}) AND items.deleted_at IS NULL",
                [*given, *parameters, *series],
            )
            found.update(given[url] for url, store in rows if is_meant(given[url], store))
        return found

    def _check_kind(self, item: NewItem) -> None:
        """Raise InvalidInput for an item of an unknown kind."""
        kind = item.facts.kind
        if self._kinds.get(kind) is None:
            raise InvalidInput(
                f"{item.url}: {kind!r} is not a kind of item", hint=self._kinds.hint(str(kind))
            )

    def _rows(
        self,
        items: Sequence[NewItem],
        of: tuple[Sequence[int], Callable[[str], tuple[int | None, int | None]]],
        validator: Validator,
        into: tuple[int, list[NewItem], list[tuple[Owner, Vectors]]],
        reject: Reject | None,
    ) -> Iterable[tuple[Any, ...]]:
        """The rows of valid items, and their vectors by the id that each item will have."""
        moment, user = now(), self._access.user.email
        folder_ids, place_of = of
        first, kept, vectors = into
        stored = self._database.places.kept
        for position, (item, uuid) in enumerate(zip(items, new_uuids(len(items)), strict=True)):
            url, facts, name = item.url, item.facts, item.name
            try:
                check_url(url)
                self._check_kind(item)
                if name is None:
                    name = name_of(url)
                if len(name) > 300 or not name.isprintable() or not name.strip():
                    check_name(name, f"{url}: item name")
                if item.metadata and has_blocks(item.metadata):
                    item = prepared(item)
                metadata, of_item = "{}", NONE
                if item.metadata:
                    plain, of_item = validator.without_vectors(validator.encode(item.metadata, url))
                    metadata = validator.write(plain, url)
                for frame in item.frames:
                    if frame.metadata:
                        validator.dumps(frame.metadata, f"{name}, frame {frame.number}")
            except InvalidInput as error:
                if reject is None:
                    raise
                reject(position, error)
                continue
            if of_item:
                vectors.append(((first + len(kept), 0), of_item))
            kept.append(item)
            yield (
                uuid, folder_ids[position], name, stored(url), metadata, moment, moment, user, *place_of(url),
                *_file(item), *_facts(facts),
            )  # fmt: skip


def check_url(url: str) -> str:
    """Return a URL that can be stored: not empty, no spaces (written %20), valid Unicode, at most 16 KB; or raise."""
    if _PLAIN(url) and "%" not in url:
        return url
    if not url or any(character.isspace() for character in url):
        raise InvalidInput(f"URL {printable(url)} is empty or contains a space", hint="write a space as %20")
    if not is_unicode(url):
        raise InvalidInput(f"URL {printable(url)} is not valid Unicode")
    if not is_unicode(unquote(url, errors="surrogateescape")):
        raise not_unicode(without_secrets(url))
    if len(url.encode()) > MAX_URL:
        size = len(url.encode())
        raise InvalidInput(f"URL {printable(url)} has {size:,} bytes, at most {MAX_URL:,} are allowed")
    return url


def name_of(url: str) -> str:
    """The file name at the end of a URL."""
    path = url if "?" not in url and "#" not in url else urlsplit(url).path
    name = path.rstrip("/").rpartition("/")[2]
    return unescaped(name) or url
