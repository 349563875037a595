"""The storage service: finds the backend and the integration for a URL, and checks whether it can be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database
from heron.catalog.integrations import IntegrationService
from heron.catalog.items import ItemService
from heron.catalog.limits import at_most
from heron.catalog.referring import IntegrationRef, ItemRef
from heron.catalog.spelling import absolute_path
from heron.catalog.stores import OriginOf, StoreTable
from heron.errors import HeronError, InvalidInput, NotFound, PluginError
from heron.jobs import CheckResult, Integration
from heron.metadata.keys import printable
from heron.models import Item
from heron.storage.answers import CheckedStorage
from heron.storage.checking import checked, failure
from heron.storage.finding import StoreFinder
from heron.storage.openers import Opener
from heron.storage.retries import PatientStorage, configured_retries
from heron.storage.waiting import patiently
from heron.wording import counted

if TYPE_CHECKING:
    from heron.catalog.relocation import Relocated
    from heron.hooks import PluginManager, StoredObject

SIGNED_SECONDS = 3600
"""How long a signed URL is valid by default."""


class StorageService:
    """The storage backends of a workspace, opened with the credentials of an integration or with their own defaults."""

    def __init__(
        self,
        database: Database,
        access: Access,
        plugins: Callable[[], PluginManager],
        items: ItemService,
        integrations: IntegrationService,
    ) -> None:
        self._access = access
        self._plugins = plugins
        self._items = items
        self._integrations = integrations
        self._opener = Opener(plugins, integrations._require_trusted)
        self._stores = StoreFinder(StoreTable(database), integrations, self._opener)

    def _find_plugins(self) -> None:
        """Find the plugins in this thread, before others need them: here, one that hangs when it is imported is ended."""
        self._plugins()

    def normalise(
        self, url: str, integration: IntegrationRef | None = None, *, looks_up: bool = False
    ) -> str:
        """The canonical form of a URL, computed without credentials if the backend can do that.

        Raises PluginError if no plugin reads such URLs, and InvalidInput, as for a URL that names another store than
        that of the integration.
        """
        return self._normalised(url, self._integration(integration), looks_up=looks_up)

    def _normaliser(self, integration: IntegrationRef | None) -> Callable[[str], str]:
        """A function that does the same for many URLs; the right to read is asked for once."""
        return partial(self._normalised, by=self._integration(integration))

    def _normalised(self, url: str, by: Integration | None, *, looks_up: bool = False) -> str:
        if by is not None and self._opener.belongs(url, by):
            record, canonical = self._plugins().storage(by.backend), self._opener.open(url, by).normalise(url)
        else:
            by, record = None, self._opener.backend(url)
            if record.normalise is None:
                canonical = self._opener.open(url, None).normalise(url)
            else:
                canonical = CheckedStorage(record, self._plugins().named(record)).normalise(url)
        if url != canonical:
            self._stores.check(url, record, by, binds=not looks_up)
        return canonical

    def _normalised_prefix(self, url: str, integration: IntegrationRef | None = None) -> str:
        """The canonical form of a URL prefix; a local path becomes a URL too."""
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/(?!/)", url) and not url.lower().startswith("file:"):
            raise InvalidInput(
                f"{printable(url)} is not a URL", hint="write scheme://bucket/key, with two slashes"
            )
        if "://" not in url:
            url = absolute_path(url).as_uri()
        found = self._integrations.get(integration) if integration is not None else None
        prefix = self.normalise(url, found)
        return prefix if prefix.endswith("/") else prefix + "/"

    def open(self, url: str, integration: IntegrationRef | None = None) -> PatientStorage:
        """The storage for a URL, with retries; one for each integration.

        Raises PluginError if no plugin reads such URLs, BadCredentials if a secret is not where its reference
        says.
        """
        return self._opener.storage(url, self._integration(integration))

    def _reader(self, integration: IntegrationRef | None) -> Callable[[str], PatientStorage]:
        """A function that opens the storages of many URLs, in other threads too: the right to read is asked for once, and
        the catalogue, which a transaction may keep from other threads, is not asked again.
        """
        return partial(self._opener.storage, integration=self._integration(integration))

    def _integration(self, ref: IntegrationRef | None) -> Integration | None:
        """The integration that is meant, which the user may read; a record is not read again, for URLs are many."""
        self._access.require("read", WORKSPACE)
        if isinstance(ref, Integration):
            self._access.require("read", ref)
            return ref
        return None if ref is None else self._integrations.get(ref)

    def _origins(self, integration: Integration | None) -> OriginOf:
        """A function that returns the store of a canonical URL, and the integration if it reads the URL."""
        self._access.require("read", integration or WORKSPACE)
        return self._stores.origins(integration)

    def sign(self, ref: ItemRef, expires: int = SIGNED_SECONDS, *, member: str | None = None) -> str:
        """A URL with which anybody can read an item's file for `expires` seconds.

        `member` is the URL of one of the files of an item that is made of several. Raises InvalidInput where the
        storage cannot make one, such as for local files, and for an item of several files without one of them.
        """
        item = self._items.get(ref)
        if member is not None and member not in {file.url for file in self._items.members(item)}:
            raise NotFound(f"item {printable(item.name)} has no file {printable(member)}")
        url = item.url if member is None else member
        if "#" in url:  # only the URL of a group has a fragment; in the URL of an object # is escaped
            raise InvalidInput(
                f"item {printable(item.name)} is made of several files",
                hint=f"heron items sign {item.uuid} gives a URL for each",
            )
        return self._opener.open(url, self.of(item)).sign(url, expires)

    def of(self, ref: ItemRef) -> Integration | None:
        """The integration that reads an item: the one that it came by, or if that is deleted, another one for its store.

        None for the default credentials of a backend. Raises NotFound if nothing reads the store any more.
        """
        item = ref if isinstance(ref, Item) else self._items.get(ref)
        by = self._integrations._by_id(item.integration_id) if item.integration_id is not None else None
        return self._stores.reader(item, by)

    def list(
        self,
        prefix: str,
        integration: IntegrationRef | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[StoredObject]:
        """The objects at or below a URL, or the first `limit`, by URL, from the one behind the URL `after`."""
        found = self.stream(prefix, integration, after=after)
        return [*islice(found, None if limit is None else at_most(limit))]

    def stream(
        self, prefix: str, integration: IntegrationRef | None = None, *, after: str | None = None
    ) -> Iterator[StoredObject]:
        """The objects at or below a URL, as a stream."""
        found = self._integrations.get(integration) if integration is not None else None
        storage = self.open(prefix, found)
        return storage.list(storage.normalise(prefix), after)

    def relocate(
        self,
        old: str | Path,
        new: str | Path,
        *,
        integration: IntegrationRef | None = None,
        dry_run: bool = False,
        verify: bool = False,
    ) -> Relocated:
        """Tell the catalogue that all files below the path or URL `old` lie below `new` now; no file is touched.

        Metadata, vectors, collections and datasets stay, and synced folders follow. `integration` reads the files at the new
        place, and says in which store that is; without one, files keep their store and integration, unless `new` belongs
        to another storage. `dry_run` only counts. `verify`
        looks first whether a file lies at each new place. Raises NotFound where nothing is known below `old`, or a
        file is missing, and AlreadyExists where an item of the new place is in the same folder; then nothing changes.
        """
        by = self._integration(integration)
        before, after = self._normalised_prefix(str(old)), self._normalised_prefix(str(new), by)
        if by is not None and not self._opener.belongs(after, by):
            raise InvalidInput(
                f"integration {by.name!r} does not read {after}", hint="give another one, or none"
            )
        is_elsewhere = by is not None or before.partition(":")[0] != after.partition(":")[0]
        move = self._items._relocation(before, after, self._origins(by)(after) if is_elsewhere else None)
        if verify:
            move.check()  # who may not change the files is not told which are missing
            self._verify(move.urls())
        return move.check() if dry_run else move.apply()

    @patiently()
    def _verify(self, urls: Iterable[tuple[int | None, str]]) -> None:
        missing: list[str] = []
        count = 0
        for integration, url in urls:
            by = self._integrations._by_id(integration) if integration is not None else None
            try:
                self._opener.open(url, by).stat(url)
            except NotFound:
                count += 1
                missing = [*missing, url][:3]
        if count:
            raise NotFound(
                f"{counted(count, 'file')} not found at the new place, such as {', '.join(missing)}",
                hint="nothing was changed: copy the files first, or leave out --verify",
            )

    def check(self, ref: IntegrationRef, url: str) -> Sequence[CheckResult]:
        """Try to list and to read below a URL, and report each result in one sentence; nothing is written.

        The checks are `list` and `read`. A failure that prevents both is the only result: `plugin`,
        `options`, `url`, `credentials`, `bucket` or `endpoint`. It takes 20 seconds at most.
        """
        integration = self._integrations.get(ref)
        retries = min(1, configured_retries())
        try:
            record = self._plugins().storage(integration.backend)
            storage = PatientStorage(self._opener.load(record, integration), retries=retries)
        except HeronError as error:
            return [failure("plugin" if isinstance(error, PluginError) else "options", error)]
        try:
            prefix = storage.normalise(url)
        except HeronError as error:
            return [failure("url", error)]
        return checked(storage, prefix)
