"""Opens the storage backend of a URL, once for each integration, here or in a worker."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from attrs import evolve

from heron.catalog.integrations import resolved_options
from heron.errors import InvalidInput, PluginError
from heron.hooks.door import guarded
from heron.jobs import Integration
from heron.metadata.keys import printable
from heron.references import is_reference
from heron.storage.answers import CheckedStorage
from heron.storage.buckets import store_at
from heron.storage.retries import PatientStorage

if TYPE_CHECKING:
    from heron.hooks import PluginManager, Storage, StorageBackend
    from heron.models import Json


def _trusted(integration: Integration) -> None:
    """A worker reads for a process that has asked already."""


class Opener:
    """The storages of some plugins, each opened when it is first needed, with the credentials that this process finds."""

    def __init__(
        self,
        plugins: Callable[[], PluginManager],
        require_trusted: Callable[[Integration], None] = _trusted,
    ) -> None:
        self._plugins = plugins
        self._require_trusted = require_trusted
        self._opened: dict[str, PatientStorage] = {}
        self._backends: dict[str, StorageBackend] = {}
        self._schemes: dict[str, frozenset[str]] = {}
        self._store_names: dict[str, str | None] = {}
        self._opening = Lock()

    def storage(self, url: str, integration: Integration | None) -> PatientStorage:
        """The storage of a URL, with retries: that of the integration if the URL belongs to it, or of its own backend.

        Raises PluginError if no plugin reads such URLs, BadCredentials if a secret is not where its reference says.
        """
        belongs = integration is not None and self.belongs(url, integration)
        return self.open(url, integration if belongs else None)

    def open(self, url: str, integration: Integration | None) -> PatientStorage:
        """The storage of an integration; without one, that of the backend of a URL."""
        key = integration.uuid if integration else self.backend(url).name
        if key not in self._opened:
            with self._opening:  # an import calls this from many threads
                if key not in self._opened:
                    record = (
                        self._plugins().storage(integration.backend) if integration else self.backend(url)
                    )
                    whose = f" of integration {integration.name}" if integration else ""
                    self._opened[key] = PatientStorage(
                        self.load(record, integration), name=f"the {record.name} store{whose}"
                    )
        return self._opened[key]

    def load(self, record: StorageBackend, integration: Integration | None) -> Storage:
        """A backend with the options of an integration, whose secrets are looked up now."""
        if integration:
            self._require_trusted(integration)
        plugins = self._plugins()
        options = resolved_options(record, integration) if integration else self.configured(record)
        return CheckedStorage(plugins.load(record, options), plugins.named(record))

    def configured(self, record: StorageBackend) -> dict[str, Json]:
        """The options of a backend where no integration gives any: those that are set by `heron plugins configure`."""
        plugins = self._plugins()
        return plugins.options.configured(plugins.plugin_of(record), record)

    def belongs(self, url: str, integration: Integration) -> bool:
        """Whether a URL is read with this integration: by its scheme, or by its host, which its backend claims or
        which is that of its endpoint.
        """
        scheme = url.partition(":")[0].lower()
        if scheme in ("http", "https"):
            try:
                record = self.backend(url)
            except PluginError:
                return self._is_at_endpoint(url, integration)
            if record.name == integration.backend:
                return True
            return not self._claims_host(record, url) and self._is_at_endpoint(url, integration)
        if integration.backend not in self._schemes:
            record = self._plugins().storage(integration.backend)
            self._schemes[integration.backend] = frozenset((record.name, *record.schemes))
        return scheme in self._schemes[integration.backend]

    def _is_at_endpoint(self, url: str, integration: Integration) -> bool:
        """Whether the host of a URL is that of the store which an integration means, or a bucket of it."""
        name = self.store_name(self._plugins().storage(integration.backend), integration)
        host = store_at(url)
        return name is None or host == name or host.endswith(f".{name}")

    def store_name(self, record: StorageBackend, integration: Integration) -> str | None:
        """The name of the store that the options of an integration mean to its plugin; None if it cannot tell.

        A reference to a secret is read only if the plugin asks for its option; raises BadCredentials if it cannot be.
        """
        if record.store is None:
            return None
        if integration.uuid not in self._store_names:
            options = _Options(record, integration, self._require_trusted)
            with guarded(f"storage {record.name}", "store", integration.name, PluginError):
                self._store_names[integration.uuid] = record.store(options)
        return self._store_names[integration.uuid]

    def backend(self, url: str) -> StorageBackend:
        """The backend that a URL belongs to, by its scheme or its host."""
        scheme, mark, rest = url.partition("://")
        if scheme in self._backends:
            return self._backends[scheme]
        if not mark:
            raise InvalidInput(f"{printable(url)} is not a URL", hint="write scheme://bucket/key")
        scheme = scheme.lower()
        if scheme not in ("http", "https"):
            self._backends[scheme] = self._plugins().storage(scheme)
            return self._backends[scheme]
        host = _host(rest)
        place = f"{scheme}://{host}"  # so that a host is never mistaken for a scheme
        if place not in self._backends:
            self._backends[place] = self._by_host(scheme, host)
        return self._backends[place]

    def _claims_host(self, record: StorageBackend, url: str) -> bool:
        """Whether a backend has the host of a URL among its own, and does not only read every URL of its scheme."""
        host = _host(url.partition("://")[2])
        return any(re.fullmatch(pattern, host) for pattern in record.hosts)

    def _by_host(self, scheme: str, host: str) -> StorageBackend:
        """The backend whose hosts a host is one of, else the one that reads every URL of the scheme."""
        from heron.hooks import StorageBackend

        plugins = self._plugins()
        backends = list(plugins.contributions(StorageBackend))
        claims, found = [f"host {host}"], []
        for record in backends:
            if patterns := [pattern for pattern in record.hosts if re.fullmatch(pattern, host)]:
                found.append(record)
                claims += [f"host {pattern}" for pattern in patterns]
        if found:
            return plugins.settle(found, *claims)
        if any(scheme in record.schemes for record in backends):
            return plugins.storage(scheme)
        raise PluginError(
            f"no storage plugin reads https://{printable(host)[1:-1]}/",
            hint="only object stores are read: use an --integration with that endpoint, or a manifest with the facts",
        )


class _Options(Mapping[str, Any]):
    """The options of an integration; a reference is read only if a plugin asks for its option."""

    def __init__(
        self,
        record: StorageBackend,
        integration: Integration,
        require_trusted: Callable[[Integration], None],
    ) -> None:
        self._record = record
        self._integration = integration
        self._require_trusted = require_trusted

    def __getitem__(self, name: str) -> Any:
        value = self._integration.options[name]
        if is_reference(value):
            self._require_trusted(self._integration)
        return resolved_options(self._record, evolve(self._integration, options={name: value}))[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._integration.options)

    def __len__(self) -> int:
        return len(self._integration.options)


def _host(rest: str) -> str:
    """The host of a URL from which the scheme was taken away, in lower case, without its port."""
    authority = re.split("[/?#]", rest, maxsplit=1)[0].lower()
    return re.sub(r":\d*$", "", authority.rpartition("@")[2])
