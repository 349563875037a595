"""The names of stores: `google`, or the host of another endpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import heron

GOOGLE = "google"


def store_of(options: Mapping[str, Any]) -> str:
    """The store that options mean: that of their endpoint, of an emulator in the environment, or Google's."""
    endpoint = options.get("endpoint") or os.environ.get("STORAGE_EMULATOR_HOST")
    return GOOGLE if not endpoint or endpoint == "default" else _at(endpoint)


def store_of_url(url: str) -> str | None:
    """Google's store for a URL with one of its hosts; None for `gs://bucket/key` and other hosts."""
    is_web = url.lower().startswith(("https://", "http://"))
    return GOOGLE if is_web and _at(url) == GOOGLE else None


def _at(endpoint: str) -> str:
    """The store at an endpoint; Google's private endpoints lead to the same buckets."""
    host = heron.store_at(endpoint if "://" in endpoint else f"http://{endpoint}")
    is_google = host.endswith((".googleapis.com", ".cloud.google.com"))
    return GOOGLE if is_google else host
