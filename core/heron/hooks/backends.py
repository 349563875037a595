"""The record of storage backends, and of their options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from attrs import field, frozen

from heron.hooks.contributions import Contribution, texts
from heron.hooks.interfaces import Storage


def _options(given: Sequence[StorageOption]) -> tuple[StorageOption, ...]:
    return tuple(given)


@frozen
class StorageOption:
    """One option of a storage backend, as an integration sets it.

    The value of a `secret` one is never stored: the catalogue stores a reference to it (`env:NAME`,
    `file:PATH`, `keyring:SERVICE/NAME`), and `load` gets the secret itself.
    """

    name: str
    summary: str
    type: Literal["text", "number", "boolean"] = "text"
    secret: bool = False
    choices: Sequence[str] = field(default=(), converter=texts)


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

    schemes: Sequence[str] = field(converter=texts)
    load: Callable[[Mapping[str, Any]], Storage]
    hosts: Sequence[str] = field(default=(), converter=texts)
    options: Sequence[StorageOption] = field(default=(), converter=_options)
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
