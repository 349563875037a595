"""The forms of URLs of Azure, and the canonical one: `az://container/key`."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn
from urllib.parse import urlsplit

import heron

SCHEMES = ("az", "abfs", "abfss", "wasb", "wasbs")
"""The schemes that Hadoop, Spark, fsspec and Heron use for the same service."""

HOST = r"[a-z0-9-]+\.(blob|dfs)\.core\.windows\.net"
"""Host names of storage accounts, in lower case."""

_CONTAINER = re.compile(r"\$[a-z]+|[a-z0-9](-?[a-z0-9])*")
"""Valid names of containers; `$root`, `$web` and `$logs` are reserved by the service."""


class _Parts(NamedTuple):
    account: str | None
    container: str
    path: str


def normalise(url: str, endpoint: str | None = None) -> str:
    """The canonical form of a URL; raises InvalidInput. URLs that begin with `endpoint` are accepted too."""
    _, container, path = _parts(url, endpoint)
    if not container.isascii() or not container.isprintable():
        _refuse(url, "write az://container/key")
    address = heron.address_of(f"az://{container}/{path}")
    return heron.object_url("az", address.bucket, address.key)


def account_of(url: str, endpoint: str | None = None) -> str | None:
    """The storage account that a URL names, or None, as for URLs of the `endpoint`; raises InvalidInput."""
    return _parts(url, endpoint).account


def account_at(endpoint: str) -> str | None:
    """The account of the URL of a blob service: the first label of its host, or an emulator's path."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if re.fullmatch(r"localhost|[0-9.]+|.*:.*", host):
        return parts.path.strip("/") or None
    name, _, service = host.partition(".")
    return name if re.match(r"([a-z0-9]+\.)?(blob|dfs)\.", service) else None


def _parts(url: str, endpoint: str | None) -> _Parts:
    scheme, mark, rest = url.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in (*SCHEMES, "http", "https"):
        _refuse(url, "write az://container/key")
    if scheme in SCHEMES:
        return _of_scheme(url, rest)
    if "?" in rest or "#" in rest:
        raise heron.InvalidInput(
            f"{_place(url)}: a URL of Azure cannot have a query or a fragment",
            hint="leave out what follows ? or #; a SAS token goes into the option sas_token of an integration",
        )
    below = _below(f"{scheme}://{rest}", endpoint) if endpoint else None
    if below is not None:
        return _of_path(url, None, below)
    host, _, path = rest.partition("/")
    host = host.lower().removesuffix(":443" if scheme == "https" else ":80")
    if not re.fullmatch(HOST, host):
        _refuse(url, "write https://ACCOUNT.blob.core.windows.net/container/key, or give the option endpoint")
    return _of_path(url, host.partition(".")[0], path)


def _of_scheme(url: str, rest: str) -> _Parts:
    """The parts of `az://container/key`, `abfs://container@ACCOUNT.dfs.core.windows.net/key`, or with the
    host first.
    """
    place, _, path = rest.partition("/")
    container, at, host = place.rpartition("@")
    if at:
        if not container or not re.fullmatch(HOST, host.lower()):
            _refuse(url, "write abfs://container@ACCOUNT.dfs.core.windows.net/key")
        return _Parts(host.lower().partition(".")[0], container, path)
    if re.fullmatch(HOST, place.lower()):
        return _of_path(url, place.lower().partition(".")[0], path)
    return _Parts(None, place, path)


def _of_path(url: str, account: str | None, below: str) -> _Parts:
    """Container and key; a single name that no container can have is an object of the container `$root`."""
    container, slash, path = below.partition("/")
    container = container.replace("%24", "$")
    if not container:
        _refuse(url, "name a container: https://ACCOUNT.blob.core.windows.net/container/key")
    if not slash and not _CONTAINER.fullmatch(container):
        _refuse(url, "write az://$root/KEY for an object in the root container")
    return _Parts(account, container, path)


def _below(url: str, endpoint: str) -> str | None:
    """The path of a URL below an endpoint, or None; the case of hosts does not matter."""
    given, base = urlsplit(url), urlsplit(endpoint)
    prefix = base.path.rstrip("/") + "/"
    if (given.scheme, given.netloc.lower()) != (base.scheme, base.netloc.lower()):
        return None
    return given.path.removeprefix(prefix) if given.path.startswith(prefix) else None


def _refuse(url: str, hint: str) -> NoReturn:
    raise heron.InvalidInput(f"{_place(url)} is not the URL of an object or container in Azure", hint=hint)


def _place(url: str) -> str:
    """The part of a URL that may be shown: nothing before an @ or after a ?, since secrets are there."""
    place = re.split("[?#]", url, maxsplit=1)[0]
    return ascii(re.sub("//[^/]*@", "//", place)[:200])
