"""A gate for tests in front of SeaweedFS, which passes only requests that OBS would accept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from heron_storage_s3.relay import Answer, Asked, Relay, refusal
from heron_storage_s3.testing import S3Server, seaweedfs

HOST = "obs.eu-de.otc.t-systems.com"
REGION = "eu-de"

_NOT_OF_OBS = re.compile(r"x-amz-(checksum|sdk-checksum|trailer|decoded-content-length)")


@dataclass(frozen=True)
class ObsGate:
    """The gate: an HTTP proxy that sends requests for the real host name of OBS to a server of this machine."""

    relay: Relay = field(repr=False)
    server: S3Server

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which programs use the gate."""
        return {"http_proxy": self.relay.url, "no_proxy": ""}

    def options(self, who: str = "admin", **more: Any) -> dict[str, Any]:
        """The options of an integration for OBS behind the gate; with http://, since a proxy cannot read https://."""
        pair = self.server.keys[who]
        return {
            "endpoint": f"http://{HOST}",
            "access_key_id": pair.access_key_id,
            "secret_access_key": pair.secret_access_key,
            **more,
        }


@cache
def obs_gate() -> ObsGate:
    """The gate of this process; started at first use, with the server behind it."""
    server = seaweedfs()
    return ObsGate(Relay(server.endpoint, judge), server)


def judge(asked: Asked) -> Answer | None:
    """The refusal that OBS would give, or None for a request that it would accept."""
    bucket, _, rest = asked.host.partition(f".{HOST}")
    if asked.host == HOST:
        plain = asked.path.partition("?")[0] == "/"
        return None if plain else refusal(403, "VirtualHostDomainRequired", "Virtual host domain is required")
    if rest or not bucket or bucket == asked.host:
        return refusal(400, "BadDomainName", "The domain name is not one of OBS")
    if any(_NOT_OF_OBS.match(name) for name in asked.headers) or _is_streamed(asked):
        return refusal(400, "InvalidRequest", "A header that OBS does not know")
    region = _signed_region(asked)
    if region not in (None, REGION):
        return refusal(403, "SignatureDoesNotMatch", "The signature is for another region")
    return None


def _is_streamed(asked: Asked) -> bool:
    return "aws-chunked" in asked.headers.get("content-encoding", "") or asked.headers.get(
        "x-amz-content-sha256", ""
    ).startswith("STREAMING-")


def _signed_region(asked: Asked) -> str | None:
    """The region for which a request is signed, in its header or its URL; None if it is not signed."""
    found = re.search(
        r"Credential=[^,&]*?/\d{8}/([^/]+)/s3/aws4_request",
        f"{asked.headers.get('authorization', '')} {asked.path.replace('%2F', '/')}",
    )
    return found[1] if found else None
