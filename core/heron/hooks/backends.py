"""The record of storage backends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from attrs import field, frozen

from heron.hooks.contributions import Contribution, texts
from heron.hooks.interfaces import Storage


@frozen(kw_only=True)
class StorageBackend(Contribution):
    """A kind of storage: the URLs it reads, its options, and a factory that takes their values.

    `schemes` are URL schemes; `hosts` are regular expressions for whole host names of `https://` URLs that belong
    here too. `normalise`, if given, is `Storage.normalise` as a function that needs no credentials and imports
    nothing heavy, so that URLs can be compared without loading the backend.

    `store` is for backends of which several stores have the same URLs, such as two endpoints that both have
    `s3://bucket/key`. It gives the name of the store that options mean, or None if they name none; with no options it
    is the store of the environment. Two integrations for one store must give the same name: `heron.store_at(endpoint)`
    is that of an endpoint in any spelling. `store_of_url` gives the store that a URL names itself, such as the account
    in the host, or None. Without `store`, the URL identifies an object.
    """

    sort: ClassVar[str] = "storage"
    set_elsewhere: ClassVar[bool] = True

    schemes: Sequence[str] = field(converter=texts)
    load: Callable[[Mapping[str, Any]], Storage]
    hosts: Sequence[str] = field(default=(), converter=texts)
    normalise: Callable[[str], str] | None = None
    store: Callable[[Mapping[str, Any]], str | None] | None = None
    store_of_url: Callable[[str], str | None] | None = None

    def claims(self) -> list[str]:
        """Its name and schemes, and the patterns of its hosts."""
        return [
            *super().claims(),
            *(f"storage {name}" for name in self.schemes),
            *(f"host {host}" for host in self.hosts),
        ]
