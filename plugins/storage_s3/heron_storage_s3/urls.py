"""The forms of URLs of S3, and the canonical one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import heron

_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d+"
HOST = (
    r"(?:(?P<bucket>.+)\.)?s3(?:-accelerate|-external-1|-fips)?(?:\.dualstack)?"
    rf"(?:[.-]{_REGION})?\.amazonaws\.com(?:\.cn)?"
)
"""Host names of S3, with or without the bucket in front."""

ACCESS_POINT = (
    rf"(?P<point>[a-z0-9][a-z0-9-]*?)-(?P<account>\d{{12}})\.s3-accesspoint(?:-fips)?(?:\.dualstack)?"
    rf"\.(?P<region>{_REGION})\.amazonaws\.com(?:\.cn)?"
)
"""Host names of access points, which stand for a bucket."""

_POINT_ARN = re.compile(
    rf"(arn:aws[a-z-]*:s3:{_REGION}:\d{{12}}:accesspoint)[:/]([a-z0-9][a-z0-9-]*)(?:/(.*))?", re.DOTALL
)
_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True)
class Host:
    """Hosts of a store: a regular expression with the group `bucket`, which is empty in path style, or with the groups
    `point`, `account` and `region` of an access point. `schemes` are those of its URLs, which name the same object.
    `plus_is_blank`: a `+` in the path means a space, as S3 reads it and its console writes it.
    """

    pattern: str
    schemes: Sequence[str] = ("https", "http")
    plus_is_blank: bool = False


@dataclass(frozen=True)
class UrlForms:
    """The URLs of one store: its schemes, the canonical one first, and its hosts."""

    schemes: Sequence[str]
    hosts: Sequence[Host]

    def normalise(self, url: str) -> str:
        """The canonical form of a URL; raises InvalidInput, without any part that may be a secret."""
        if heron.is_canonical(url, self.schemes[0]) and ":accesspoint/" not in url:
            return url
        scheme, mark, rest = url.partition("://")
        scheme = scheme.lower()
        if scheme in self.schemes and (point := _POINT_ARN.fullmatch(rest)):
            url = f"{self.schemes[0]}://{point[1]}:{point[2]}/{point[3] or ''}"
        if not mark or scheme not in (*self.schemes, "http", "https"):
            raise self._refusal(url)
        if "@" in re.split("[/?#]", rest, maxsplit=1)[0]:
            raise heron.InvalidInput(
                f"{scheme}:// URLs with a user name or password are not accepted",
                hint="give credentials as options of an integration",
            )
        address = heron.address_of(url) if scheme in self.schemes else self._of_host(url, scheme, rest)
        return heron.object_url(self.schemes[0], address.bucket, address.key)

    def at(self, endpoint: str) -> UrlForms:
        """These forms, and those with the host of an endpoint."""
        parts = urlsplit(endpoint)
        host = parts.netloc.lower().removesuffix(_PORTS[parts.scheme])
        return replace(
            self, hosts=(*self.hosts, Host(rf"(?:(?P<bucket>.+)\.)?{re.escape(host)}", (parts.scheme,)))
        )

    def _of_host(self, url: str, scheme: str, rest: str) -> heron.ObjectAddress:
        location, odd, _ = rest.partition("?") if "?" in rest else rest.partition("#")
        if odd:
            raise heron.InvalidInput(
                f"{_shown(url)} has a query or a fragment",
                hint=f"give the URL without it, or as {self.schemes[0]}://bucket/key",
            )
        name, _, path = location.partition("/")
        name = name.lower().removesuffix(_PORTS[scheme])
        for host in self.hosts:
            found = re.fullmatch(host.pattern, name) if scheme in host.schemes else None
            if found:
                path = path.replace("+", "%20") if host.plus_is_blank else path
                bucket = _bucket_of(found.groupdict(), name)
                place = f"{bucket}/{path}" if bucket else path
                return heron.address_of(f"{self.schemes[0]}://{place}")
        raise self._refusal(url)

    def _refusal(self, url: str) -> heron.InvalidInput:
        forms = f"{self.schemes[0]}://bucket/key"
        return heron.InvalidInput(
            f"{_shown(url)} is not a valid {self.schemes[0]}:// URL", hint=f"write {forms}"
        )


def _bucket_of(found: dict[str, str | None], host: str) -> str | None:
    """The bucket in a host name, or the ARN of an access point, which requests take in place of a bucket; None in path style."""
    if "point" not in found:
        return found["bucket"]
    region = str(found["region"])
    partition = "aws-cn" if host.endswith(".cn") else "aws-us-gov" if "us-gov-" in region else "aws"
    return f"arn:{partition}:s3:{region}:{found['account']}:accesspoint:{found['point']}"


S3_URLS = UrlForms(
    ("s3", "s3a", "s3n"), (Host(ACCESS_POINT, plus_is_blank=True), Host(HOST, plus_is_blank=True))
)


def normalise(url: str) -> str:
    """The canonical form of a URL of S3: `s3://bucket/key`; raises InvalidInput."""
    return S3_URLS.normalise(url)


def _shown(url: str) -> str:
    """A URL for a message: without name, password and query, on one line, not too long."""
    text = repr(re.split("[?#]", url, maxsplit=1)[0].rpartition("@")[2])
    return text if len(text) <= 80 else f"{text[:79]}…"
