"""Finds the store of a URL: what the options of an integration mean to its plugin, or without one, what the environment means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from heron.catalog.integrations import IntegrationService
from heron.catalog.stores import HERE, Origin, OriginOf, StoreTable
from heron.errors import HeronError, InvalidInput, NotFound, PluginError
from heron.hooks.door import guarded
from heron.jobs import Integration
from heron.metadata.keys import printable
from heron.models import Item
from heron.storage.openers import Opener

if TYPE_CHECKING:
    from heron.hooks import StorageBackend


class StoreFinder:
    """Finds the stores of URLs. A name is found once, as a storage is opened once."""

    def __init__(
        self,
        table: StoreTable,
        integrations: IntegrationService,
        opener: Opener,
    ) -> None:
        self._table = table
        self._integrations = integrations
        self._backend = opener.backend
        self._belongs = opener.belongs
        self._name_by = opener.store_name
        self._configured = opener.configured
        self._names: dict[str, str | None] = {}

    def origins(self, by: Integration | None) -> OriginOf:
        """A function that returns the origin of a canonical URL, which is read with an integration where it belongs to it."""
        self.settle()
        found: dict[str, Origin] = {}

        def origin_of(url: str) -> Origin:
            scheme, colon, _ = url.partition(":")
            if not colon:
                return HERE
            origin = found.get(scheme)
            if origin is None:
                origin = self._origin(url, by)
                if scheme not in ("http", "https"):  # their hosts have backends of their own
                    found[scheme] = origin
            return origin

        return origin_of

    def _origin(self, url: str, by: Integration | None) -> Origin:
        by = by if by is not None and self._belongs(url, by) else None
        id, is_given = (None, False) if by is None else (by.id, True)
        try:
            record = self._backend(f"{by.backend}://" if by is not None else url)
        except (InvalidInput, PluginError):
            return evolve(
                HERE, integration_id=id, is_given=is_given
            )  # nothing reads it, its URL is all that is known
        if record.store is None:
            return evolve(HERE, integration_id=id, is_given=is_given)
        return Origin(id, url.partition(":")[0], self.name(record, by), is_given)

    def name(self, record: StorageBackend, by: Integration | None) -> str | None:
        """The name of the store that an integration, or the environment, means; None where it is not known.

        Raises BadCredentials if an option that says it is a reference to a secret, which cannot be read.
        """
        if record.store is None or by is not None:
            return None if by is None else self._name_by(record, by)
        if self._names.get(record.name) is None:
            with guarded(f"storage {record.name}", "store", "the environment", PluginError):
                self._names[record.name] = record.store(self._configured(record))
        return self._names[record.name]

    def check(self, url: str, record: StorageBackend, by: Integration | None, *, binds: bool = True) -> None:
        """Raise InvalidInput for a URL that names another store than the one that it would be read from.

        If nothing else says which store is meant, it is the one that the URL names, from now on if it `binds`.
        """
        if record.store is None or record.store_of_url is None:
            return
        with guarded(f"storage {record.name}", "store_of_url", url, PluginError):
            named = record.store_of_url(url)
        if named is None:
            return
        meant = self.name(record, by)
        if meant is None and by is None:
            if binds:
                self._names[record.name] = named  # the environment names none, and so this is the only one
        elif meant != named:
            whose = "without an integration, URLs mean" if by is None else f"integration {by.name!r} means"
            raise InvalidInput(
                f"the URL names the store {printable(named)}, but {whose} {printable(meant)}",
                hint=f"use an --integration for {named}",
            )

    def reader(self, item: Item, by: Integration | None) -> Integration | None:
        """The integration that reads an item which came by an integration, or by none, and still leads to its store.

        If that is deleted, it is another integration for the store. Raises NotFound if there is none.
        """
        if item.store is None:
            return by
        if self.name(self._backend(f"{by.backend}://" if by else item.url), by) == item.store:
            return by
        if by is not None:
            raise NotFound(
                f"{printable(item.name)} lies in the store {item.store}, but its integration {by.name!r} means another one now",
                hint="set back what its options refer to, or heron relocate with --integration",
            )
        scheme = item.url.partition(":")[0]
        for other in self._integrations.list():
            origin = self._safely(f"{scheme}://", other)
            if origin is not None and origin.is_given and origin.store == item.store:
                return other
        raise NotFound(
            f"{printable(item.name)} lies in the store {item.store}, which no integration reads",
            hint=f"add one for it: heron integrations add NAME {scheme}",
        )

    def settle(self) -> None:
        """Name the stores of an older catalogue, as far as the plugins can tell them now."""
        for id, scheme, integration, is_default in self._table.pending() if self._table.can_write else ():
            try:
                by = self._integrations._by_id(integration) if integration is not None else None
            except NotFound:
                continue
            origin = self._safely(f"{scheme}://", by)
            if origin is None or (by is not None and not origin.is_given and not is_default):
                continue
            if origin.store is not None or not origin.scheme:
                self._table.settle(id, origin)

    def _safely(self, url: str, by: Integration | None) -> Origin | None:
        """The origin of a URL, or None if it cannot be found now."""
        try:
            return self._origin(url, by)
        except HeronError:
            return None
