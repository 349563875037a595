"""The options of an integration, checked: the account, its endpoint, and how to log in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from azure.core.utils import parse_connection_string

import heron
from heron_storage_azure.stores import ACCOUNT_VARIABLES
from heron_storage_azure.urls import account_at

_PRINCIPAL = ("tenant_id", "client_id", "client_secret")

_WAYS = (("connection_string",), ("account_key",), ("sas_token",), _PRINCIPAL, ("anonymous",))
"""The ways to log in, each with its options; the default is azure-identity's default chain."""


class Principal(NamedTuple):
    """A service principal."""

    tenant_id: str
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class Access:
    """A blob service and the one way to log in there; the default is azure-identity's default chain."""

    endpoint: str
    """Without a final `/`."""

    account: str | None
    key: str | None = field(default=None, repr=False)
    sas: str | None = field(default=None, repr=False)
    principal: Principal | None = field(default=None, repr=False)
    anonymous: bool = False

    @property
    def by_token(self) -> bool:
        """Whether the login uses a token of Microsoft Entra ID."""
        return self.key is None and self.sas is None and not self.anonymous

    def sas_expired_at(self) -> str | None:
        """The expiry time of the SAS token, as it is written in it, if it has expired."""
        (ends,) = parse_qs(self.sas or "").get("se", [""])[:1]
        try:
            moment = datetime.fromisoformat(ends)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return ends if moment < datetime.now(UTC) else None


def access_of(options: Mapping[str, Any]) -> Access:
    """The access that the options describe; raises InvalidInput if they contradict each other or are incomplete."""
    given = {name: value for name, value in options.items() if value is not False}
    for name, value in given.items():
        if value == "":
            raise heron.InvalidInput(f"the option {name} is empty", hint="set it, or leave it out")
    _refuse_contradictions(given)
    if "connection_string" in given:
        return _from_connection_string(given["connection_string"])
    endpoint = _endpoint(given["endpoint"]) if "endpoint" in given else None
    account = _account(given.get("account"), endpoint)
    access = Access(
        endpoint=endpoint or f"https://{account}.blob.core.windows.net",
        account=account,
        key=given.get("account_key"),
        sas=_sas(given["sas_token"]) if "sas_token" in given else None,
        principal=Principal(*(given[name] for name in _PRINCIPAL)) if "client_secret" in given else None,
        anonymous="anonymous" in given,
    )
    if access.key is not None and account is None:
        raise heron.InvalidInput("account_key needs the name of its account", hint="set the option account")
    if access.by_token and access.endpoint.startswith("http://"):
        raise heron.InvalidInput(
            "the option endpoint begins with http://, but Microsoft Entra ID works only with https://",
            hint="use https://, or log in by account_key, sas_token or anonymous",
        )
    return access


def _refuse_contradictions(given: Mapping[str, Any]) -> None:
    ways = [next(name for name in way if name in given) for way in _WAYS if not given.keys().isdisjoint(way)]
    if len(ways) > 1:
        raise heron.InvalidInput(
            f"the options {ways[0]} and {ways[1]} exclude each other", hint="give one way to log in"
        )
    for name in ("account", "endpoint"):
        if name in given and "connection_string" in given:
            raise heron.InvalidInput(
                f"the options connection_string and {name} exclude each other",
                hint=f"a connection string says the {name} itself",
            )
    missing = [name for name in _PRINCIPAL if name not in given]
    if 0 < len(missing) < len(_PRINCIPAL):
        raise heron.InvalidInput(
            f"a service principal needs the option {missing[0]} too", hint=f"set {', '.join(_PRINCIPAL)}"
        )


def _account(option: str | None, endpoint: str | None) -> str | None:
    at_endpoint = account_at(endpoint) if endpoint else None
    if option and at_endpoint and option != at_endpoint:
        raise heron.InvalidInput(
            f"the option account is {option!r}, but the endpoint belongs to {at_endpoint!r}",
            hint="leave account out, or correct the endpoint",
        )
    account = option or at_endpoint
    if account is None and endpoint is None:
        account = next((os.environ[name] for name in ACCOUNT_VARIABLES if os.environ.get(name)), None)
        if account is None:
            raise heron.InvalidInput(
                "no storage account is named",
                hint=f"set the option account, or the environment variable {ACCOUNT_VARIABLES[0]}",
            )
    if account is not None and not re.fullmatch("[a-z0-9-]+", account):
        raise heron.InvalidInput(
            f"{account!r} cannot be the name of a storage account",
            hint="use lower-case letters and digits only",
        )
    return account


def _endpoint(url: str) -> str:
    """The URL of a blob service without a final `/`; the URL of Data Lake is changed to that of its blob service."""
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in url
    ):
        raise heron.InvalidInput(
            "the option endpoint is not the URL of a blob service",
            hint="write https://HOST, or http://HOST:PORT/ACCOUNT for an emulator",
        )
    return url.rstrip("/").replace(".dfs.core.", ".blob.core.")


def _sas(text: str) -> str:
    """The token from a value of the portal: the token itself, with `?` before it, or a whole URL."""
    token = text.rpartition("?")[2].strip()
    if "sig=" not in token:
        raise heron.InvalidInput(
            "the option sas_token is not a SAS token", hint="copy all of it: sv=…&se=…&sp=rl&sig=…"
        )
    return token


def _from_connection_string(text: str) -> Access:
    try:
        parts = parse_connection_string(text)
    except ValueError:
        parts = {}
    account, key, sas = (parts.get(name) for name in ("accountname", "accountkey", "sharedaccesssignature"))
    endpoint = parts.get("blobendpoint")
    if endpoint is None and account:
        protocol, suffix = (
            parts.get("defaultendpointsprotocol", "https"),
            parts.get("endpointsuffix", "core.windows.net"),
        )
        endpoint = f"{protocol}://{account}.blob.{suffix}"
    if endpoint is None or not (sas or (key and account)):
        raise heron.InvalidInput(
            "the option connection_string is not complete",
            hint="copy all of it from the access keys of the account: AccountName=…;AccountKey=…",
        )
    endpoint = _endpoint(endpoint)
    account = account or account_at(endpoint)
    return Access(endpoint, account, key=key) if key else Access(endpoint, account, sas=_sas(sas or ""))
