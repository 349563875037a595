"""The forms of URLs of OBS, and the canonical one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import heron
from heron_storage_s3.urls import Host, UrlForms

REGION = "eu-de"
"""The region of buckets if no option names another one."""

HOST = r"(?:(?P<bucket>.+)\.)?obs(?P<region>\.[a-z]{2}-[a-z0-9]+)?(?:\.sc)?\.otc\.t-systems\.com"
"""Host names of OBS, including the Swiss ones, with or without the bucket in front, and with or without the region."""

OBS_URLS = UrlForms(("obs",), (Host(HOST),))


def endpoint_of(region: str) -> str:
    """The address of OBS in a region: `https://obs.eu-de.otc.t-systems.com`; the Swiss cloud has its own."""
    cloud = "sc.otc" if region.startswith("eu-ch") else "otc"
    return f"https://obs.{region}.{cloud}.t-systems.com"


def store_of(options: Mapping[str, Any]) -> str:
    """The store that options mean: the host of OBS in their region, or of their endpoint."""
    return heron.store_at(options.get("endpoint") or endpoint_of(options.get("region") or REGION))


def store_of_url(url: str) -> str | None:
    """The store that a URL names by its host; None for `obs://bucket/key` and for a host without a region."""
    is_web = url.lower().startswith(("https://", "http://"))
    found = re.fullmatch(HOST, heron.store_at(url)) if is_web else None
    if found is None or not found["region"]:
        return None
    return heron.store_at(url).removeprefix(f"{found['bucket']}.")


def normalise(url: str) -> str:
    """The canonical form of a URL of OBS: `obs://bucket/key`; raises InvalidInput."""
    return OBS_URLS.normalise(url)
