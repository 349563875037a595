"""The forms of URLs of OBS, and the canonical one."""

from __future__ import annotations

from heron_storage_s3.urls import Host, UrlForms

HOST = r"(?:(?P<bucket>.+)\.)?obs\.[a-z]{2}-[a-z0-9]+(?:\.sc)?\.otc\.t-systems\.com"
"""Host names of OBS, including the Swiss ones, with or without the bucket in front."""

OBS_URLS = UrlForms(("obs",), (Host(HOST),))


def endpoint_of(region: str) -> str:
    """The address of OBS in a region: `https://obs.eu-de.otc.t-systems.com`; the Swiss cloud has its own."""
    cloud = "sc.otc" if region.startswith("eu-ch") else "otc"
    return f"https://obs.{region}.{cloud}.t-systems.com"


def normalise(url: str) -> str:
    """The canonical form of a URL of OBS: `obs://bucket/key`; raises InvalidInput."""
    return OBS_URLS.normalise(url)
