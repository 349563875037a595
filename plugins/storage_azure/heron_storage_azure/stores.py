"""The names of stores: accounts of Azure, and the hosts of other endpoints; containers of different accounts can have the same name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import heron
from heron_storage_azure.urls import HOST, account_of

ACCOUNT_VARIABLES = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
"""Environment variables that name the account if neither an option nor the endpoint does."""


def store_of(options: Mapping[str, Any]) -> str | None:
    """The store that options mean: the account in Azure's public cloud, or host and path of another endpoint.

    None if neither the options nor the environment name an account.
    """
    text = options.get("connection_string")
    if text is not None:
        pairs = (part.partition("=") for part in text.split(";"))
        parts = {name.strip().lower(): value.strip() for name, _, value in pairs}
        endpoint, account = parts.get("blobendpoint"), parts.get("accountname")
        suffix = parts.get("endpointsuffix", "core.windows.net")
        endpoint = endpoint or (f"https://{account}.blob.{suffix}" if account else None)
    else:
        endpoint = options.get("endpoint")
        account = options.get("account") or next(
            (os.environ[name] for name in ACCOUNT_VARIABLES if os.environ.get(name)), None
        )
    if endpoint is None:
        return account.lower() if account else None
    host = heron.store_at(endpoint).replace(".dfs.core.", ".blob.core.")
    if re.fullmatch(HOST, host):
        return host.partition(".")[0].removesuffix("-secondary")
    return host + urlsplit(endpoint).path.rstrip("/")


def store_of_url(url: str) -> str | None:
    """The account that a URL names, as `https://ACCOUNT.blob.core.windows.net/container/key`, or None."""
    try:
        return account_of(url)
    except heron.InvalidInput:
        return None
