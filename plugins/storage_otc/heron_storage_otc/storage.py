"""Objects in OBS as a storage: the S3 protocol with the settings that OBS needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import heron
from heron_storage_otc.urls import OBS_URLS, REGION, endpoint_of
from heron_storage_s3.options import S3Options
from heron_storage_s3.storage import S3Storage
from heron_storage_s3.urls import UrlForms

ENVIRONMENT = (
    ("OTC_ACCESS_KEY_ID", "OTC_SECRET_ACCESS_KEY"),
    ("OBS_ACCESS_KEY_ID", "OBS_SECRET_ACCESS_KEY"),
    ("OS_ACCESS_KEY", "OS_SECRET_KEY"),
)
"""Variables that may contain a key pair, in the order of lookup; the credentials of AWS's tools come last."""

_NAMES = {"access_key_id", "secret_access_key", "session_token", "region", "endpoint", "anonymous"}


class OTCStorage(S3Storage):
    """OBS of one region. It needs the bucket in the host name, and does not know the newer checksums of S3."""

    forms: ClassVar[UrlForms] = OBS_URLS

    def __init__(self, options: S3Options, project: str | None = None) -> None:
        super().__init__(options)
        self.project = project

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> OTCStorage:
        """Create the storage for an integration's options; raises InvalidInput if they contradict each other."""
        unknown = sorted(options.keys() - _NAMES - {"project"})
        if unknown:
            raise heron.InvalidInput(f"OBS has no option {', '.join(unknown)}")
        given = {"region": REGION, **{name: options[name] for name in options if name in _NAMES}}
        given.setdefault("endpoint", endpoint_of(given["region"]))
        if not given.get("anonymous") and "access_key_id" not in given and "secret_access_key" not in given:
            given |= _pair_of_the_environment()
        project = options.get("project") or os.environ.get("OS_PROJECT_NAME")
        return cls(S3Options(**given, addressing="virtual"), project)

    def rights_needed(self) -> tuple[str, str]:
        """The hints for a missing right to read, and for a missing right to list."""
        where = f" in the project {self.project}" if self.project else ""
        return (
            f"the credentials need obs:object:GetObject on it{where}",
            f"the credentials need obs:bucket:ListBucket on the bucket{where}",
        )


def _pair_of_the_environment() -> dict[str, str]:
    for names in ENVIRONMENT:
        pair = [os.environ.get(name) for name in names]
        if all(pair):
            return dict(zip(("access_key_id", "secret_access_key"), map(str, pair), strict=True))
    return {}
