"""The names of stores: `aws`, or the host of an endpoint; buckets of different stores can have the same name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import heron

_AMAZON = re.compile(r"(?:.+\.)?amazonaws\.com(\.cn)?")
_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov", "us-iso": "aws-iso", "us-isob": "aws-iso-b"}


def store_of(options: Mapping[str, Any]) -> str:
    """The store that options mean: the host of their endpoint, or the partition of Amazon, in which bucket names are unique.

    What options leave open comes from the environment, `~/.aws/credentials` and `~/.aws/config`, as for the driver; it does not
    read AWS_REGION.
    """
    profile = _profile(options.get("profile"))
    endpoint = options.get("endpoint") or _configured(profile)
    region = options.get("region") or _first("AWS_DEFAULT_REGION") or profile.get("region")
    return at(endpoint) if endpoint else _partition(region or "")


def store_of_url(url: str) -> str | None:
    """The partition of Amazon that a URL names by its host; None for `s3://bucket/key` and other hosts."""
    is_web = url.lower().startswith(("https://", "http://"))
    return at(url) if is_web and _AMAZON.fullmatch(heron.store_at(url)) else None


def at(endpoint: str) -> str:
    """The store at an endpoint, or at the URL of an object in Amazon S3."""
    host = heron.store_at(endpoint)
    amazon = _AMAZON.fullmatch(host)
    if amazon is None:
        return host
    return "aws-cn" if amazon[1] else "aws-us-gov" if "us-gov-" in host else "aws"


def _partition(region: str) -> str:
    return _PARTITIONS.get(re.sub("-[a-z]+-[0-9]+$", "", region), "aws")


def _configured(profile: Mapping[str, str]) -> str | None:
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return _first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") or profile.get("endpoint_url")


def _first(*names: str) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _profile(name: str | None) -> Mapping[str, str]:
    """The settings of a profile in `~/.aws/credentials` and `~/.aws/config`, the former first; those of its section for S3
    take precedence over both.
    """
    name = name or _first("AWS_PROFILE", "AWS_DEFAULT_PROFILE") or "default"
    config = _sections("AWS_CONFIG_FILE", "~/.aws/config")
    of_config = config.get(f"profile {name}") or config.get(name) or {}
    settings = {**of_config, **_sections("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials").get(name, {})}
    for line in config.get(f"services {settings.get('services')}", {}).get("s3", "").splitlines():
        key, mark, value = line.partition("=")
        if mark:
            settings[key.strip()] = value.strip()
    return settings


def _sections(variable: str, default: str) -> dict[str, dict[str, str]]:
    """The sections of a settings file; none if it cannot be read, for then the driver says what is wrong with it."""
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(Path(os.environ.get(variable) or default).expanduser(), encoding="utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError):
        return {}
    return {section: dict(parser.items(section)) for section in parser.sections()}
