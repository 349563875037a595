"""The options of an S3 integration; contradictions are refused before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

import heron


@dataclass(frozen=True)
class S3Options:
    """How a store is reached, and the credentials; the default credentials are those that AWS's tools would find."""

    profile: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    role_arn: str | None = None
    external_id: str | None = None
    anonymous: bool = False
    region: str | None = None
    endpoint: str | None = None
    addressing: str = "auto"
    requester_pays: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> S3Options:
        """Check a mapping of options; raises InvalidInput that names unknown or contradicting options."""
        unknown = sorted(options.keys() - {one.name for one in fields(cls)})
        if unknown:
            raise heron.InvalidInput(f"S3 has no option {', '.join(unknown)}")
        return cls(**options)

    def __post_init__(self) -> None:
        self._need("secret_access_key", "access_key_id")
        self._need("access_key_id", "secret_access_key")
        self._need("session_token", "access_key_id")
        self._need("external_id", "role_arn")
        self._exclude("anonymous", "access_key_id", "profile", "role_arn", "requester_pays")
        self._exclude("profile", "access_key_id")
        if self.addressing not in ("auto", "path", "virtual"):
            raise heron.InvalidInput(f"addressing is auto, path or virtual, not {self.addressing!r}")
        if self.endpoint is not None:
            check_endpoint(self.endpoint)

    def _need(self, name: str, other: str) -> None:
        if getattr(self, name) and not getattr(self, other):
            raise heron.InvalidInput(f"the option {name} needs {other}", hint=f"set {other} too")

    def _exclude(self, name: str, *others: str) -> None:
        for other in others:
            if getattr(self, name) and getattr(self, other):
                raise heron.InvalidInput(f"the options {name} and {other} contradict", hint="set one of them")


def check_endpoint(endpoint: str) -> None:
    """Raise InvalidInput unless it is `http://HOST` or `https://HOST`, with or without a port."""
    try:
        parts = urlsplit(endpoint)
        well = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")
        well = well and not parts.query and not parts.fragment and "@" not in parts.netloc
        well = well and parts.port != 0
    except ValueError:  # a port that is not a number
        well = False
    if not well:
        raise heron.InvalidInput(
            "the option endpoint is not the address of a store",
            hint="write https://HOST or https://HOST:PORT",
        )
