"""Checks URLs that a client names: only places that a storage plugin reads, never files of the server."""

from __future__ import annotations

import re
from typing import Any

from heron import InvalidInput, PermissionDenied, User

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def as_remote(url: Any) -> str:
    """A URL that does not mean a file of the server; raises InvalidInput."""
    if not isinstance(url, str) or not _REMOTE.match(url) or url[:5].lower() == "file:":
        raise InvalidInput(
            f"{url if isinstance(url, str) else type(url).__name__!s:.200} is not the URL of an object in a store",
            hint="files of the server cannot be named; upload the file, or import it with heron import",
        )
    return url


def check_urls(value: Any, *, is_url: bool = False) -> None:
    """Check every URL of a manifest, however it is nested; raises InvalidInput."""
    if isinstance(value, dict):
        for name, part in value.items():
            plain = name.replace("_", "").lower()
            if not plain.endswith("metadata") and plain not in ("title", "name", "kind", "type"):
                check_urls(part, is_url="url" in plain)
    elif isinstance(value, list):
        for part in value:
            check_urls(part, is_url=True)
    elif isinstance(value, str) and is_url:
        as_remote(value)


def check_credentials(user: User, has_integration: bool) -> None:
    """Refuse that a member lets the server read a store with its own credentials."""
    if user.role == "member" and not has_integration:
        raise PermissionDenied(
            f"{user.email} has to name an integration: without one, the server's own credentials would read the store"
        )
