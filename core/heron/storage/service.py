"""From a URL to bytes: which backend it belongs to, by which integration, and whether that can be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from heron.catalog.access import Access
from heron.catalog.integrations import IntegrationRef, IntegrationService, resolved_options
from heron.errors import (
    BadCredentials,
    HeronError,
    InvalidInput,
    NoSuchBucket,
    NotFound,
    PermissionDenied,
    PluginError,
    Throttled,
    Unreachable,
)
from heron.metadata.keys import printable
from heron.models import CheckResult, Integration, Item
from heron.storage.local_files import path_of_url
from heron.storage.retries import PatientStorage, configured_retries

if TYPE_CHECKING:
    from heron.hooks import PluginManager, Storage, StorageBackend, StoredObject

SIGNED_SECONDS = 3600
"""How long a signed URL is valid unless asked for otherwise."""


class StorageService:
    """The storage backends of a workspace, opened with the credentials of an integration or with their own defaults."""

    def __init__(
        self, access: Access, plugins: Callable[[], PluginManager], integrations: IntegrationService
    ) -> None:
        self._access = access
        self._plugins = plugins
        self._integrations = integrations
        self._opened: dict[tuple[str, str | None], Storage] = {}
        self._backends: dict[str, StorageBackend] = {}

    def backend(self, url: str) -> StorageBackend:
        """The backend that a URL belongs to, by its scheme or its host; raises PluginError or InvalidInput."""
        scheme, mark, rest = url.partition("://")
        if scheme in self._backends:
            return self._backends[scheme]
        scheme = scheme.lower()
        if not mark:
            raise InvalidInput(f"{printable(url)} is no URL", hint="write scheme://bucket/key")
        place = scheme
        if scheme in ("http", "https"):
            place = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].partition(":")[0].lower()
        if place not in self._backends:
            self._backends[place] = (
                self._by_host(place) if place != scheme else self._plugins().storage(scheme)
            )
        return self._backends[place]

    def normalise(self, url: str, integration: Integration | None = None) -> str:
        """The canonical form of a URL, without credentials where the backend can do that."""
        if integration is not None:
            return self.open(url, integration).normalise(url)
        record = self.backend(url)
        return record.normalise(url) if record.normalise else self.open(url).normalise(url)

    def normalised_prefix(self, url: str, integration: IntegrationRef | None = None) -> str:
        """The canonical form of a URL that stands for all below it: a path of this machine becomes one too."""
        if "://" not in url:
            url = path_of_url(url).as_uri()
        found = self._integrations.get(integration) if integration is not None else None
        return self.normalise(url, found).rstrip("/") + "/"

    def open(self, url: str, integration: Integration | None = None) -> Storage:
        """The storage for a URL, tried again when it is unreachable; one for each integration.

        Raises PluginError when nothing reads such URLs, BadCredentials when a secret is not where it should be.
        """
        record = self._plugins().storage(integration.backend) if integration else self.backend(url)
        key = (record.name, integration.uuid if integration else None)
        if key not in self._opened:
            self._opened[key] = PatientStorage(self._load(record, integration))
        return self._opened[key]

    def sign(self, item: Item, expires: int = SIGNED_SECONDS) -> str:
        """A URL by which anybody can read an item's file for `expires` seconds.

        Raises InvalidInput where the storage cannot make one, such as for local files.
        """
        self._access.require("read", "item", item.name)
        return self.open(item.url, self.of(item)).sign(item.url, expires)

    def of(self, item: Item) -> Integration | None:
        """The integration that an item came by."""
        return self._integrations.by_id(item.integration_id) if item.integration_id is not None else None

    def list(
        self, prefix: str, integration: IntegrationRef | None = None, *, after: str | None = None
    ) -> Iterator[StoredObject]:
        """The objects at or below a URL, as a stream."""
        found = self._integrations.get(integration) if integration is not None else None
        storage = self.open(prefix, found)
        return storage.list(storage.normalise(prefix), after)

    def check(self, ref: IntegrationRef, url: str) -> Sequence[CheckResult]:
        """Try to list and to read below a URL, and say in one sentence each how that went; nothing is written.

        The checks are `credentials`, `list` and `read`; those that could not be tried for what failed before are
        left out.
        """
        integration = self._integrations.get(ref)
        record = self._plugins().storage(integration.backend)
        try:
            storage = PatientStorage(self._load(record, integration), retries=min(1, configured_retries()))
            prefix = storage.normalise(url)
        except HeronError as error:
            kind = "bad credentials: " if isinstance(error, BadCredentials) else ""
            return [CheckResult("credentials", False, f"{kind}{error}")]
        return list(_checks(storage, prefix))

    def _load(self, record: StorageBackend, integration: Integration | None) -> Storage:
        options = resolved_options(record, integration) if integration else {}
        storage: Storage = self._plugins().load(record, options)
        return storage

    def _by_host(self, host: str) -> StorageBackend:
        from heron.hooks import StorageBackend

        for record in self._plugins().contributions(StorageBackend):
            if any(re.fullmatch(pattern, host) for pattern in record.hosts):
                return record
        raise PluginError(
            f"no storage plugin reads https://{printable(host)[1:-1]}/",
            hint="give the facts in the manifest, or an --integration whose endpoint that is",
        )


def _checks(storage: Storage, prefix: str) -> Iterator[CheckResult]:
    """List, then read the first object that was listed, or the one that the URL names."""
    first: StoredObject | None = None
    listed: HeronError | None = None
    try:
        first = next(iter(islice(storage.list(prefix), 1)), None)
    except HeronError as error:
        listed = error
    if isinstance(listed, BadCredentials | Unreachable | NoSuchBucket):
        name = {BadCredentials: "credentials", NoSuchBucket: "bucket"}.get(type(listed), "endpoint")
        yield CheckResult(name, False, f"{_KINDS[name]}: {listed}")
        return
    if listed is None:
        found = f"{prefix} can be listed" if first else f"{prefix} can be listed, there is nothing below it"
        yield CheckResult("list", True, found)
    else:
        yield CheckResult("list", False, f"no right to list: {listed}")
    target = first.url if first else prefix
    if listed is None and first is None:
        yield CheckResult("read", False, "reading was not tried: there is no object, give the URL of one")
        return
    yield _read_check(storage, target, was_listed=first is not None)


_KINDS = {"credentials": "bad credentials", "bucket": "no such bucket", "endpoint": "unreachable"}


def _read_check(storage: Storage, url: str, *, was_listed: bool) -> CheckResult:
    try:
        storage.peek(url, 1)
    except BadCredentials as error:
        return CheckResult("credentials", False, f"bad credentials: {error}")
    except NoSuchBucket as error:
        return CheckResult("bucket", False, f"no such bucket: {error}")
    except PermissionDenied as error:
        return CheckResult("read", False, f"no right to read: {error}")
    except NotFound as error:
        if was_listed:
            return CheckResult("read", False, str(error))
        return CheckResult("read", False, "reading was not tried: give the URL of an object that is there")
    except Throttled as error:
        return CheckResult("endpoint", False, f"throttled: {error}")
    except HeronError as error:
        return CheckResult("endpoint", False, f"unreachable: {error}")
    return CheckResult("read", True, f"{url} can be read")
