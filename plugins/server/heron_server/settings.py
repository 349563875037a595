"""The settings of a server, which its worker processes share."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

MEBIBYTE = 1024 * 1024


def _path(given: str | Path) -> Path:
    return Path(given).absolute()


def _names(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f"expected a list of texts, got the text {given!r}")
    return tuple(name.lower() for name in given)


@frozen(kw_only=True)
class Settings:
    """How a server serves a workspace.

    `key` is the secret of 32 bytes with which paths and cookies are signed, and `owner_token` the token with which the owner
    enters, or None; workers that serve together have the same. `folder` is where they keep what they share: a folder of
    mode 0700. `frame_in` are origins whose pages may show pages of this server in a frame, such as that of a notebook. `hosts` are further names of this server in `Host`, beside its addresses and `localhost`; with `loopback`, only
    addresses of the loopback interface are. Limits are in bytes and seconds.
    """

    path: Path = field(converter=_path)
    key: bytes = field(factory=lambda: secrets.token_bytes(32), repr=False)
    owner_token: str | None = field(default=None, repr=False)
    folder: Path | None = None
    read_only: bool = False
    loopback: bool = True
    hosts: Sequence[str] = field(default=(), converter=_names)
    frame_in: Sequence[str] = field(default=(), converter=_names)
    discover: bool = True
    threads: int = 8
    body_limit: int = 16 * MEBIBYTE
    path_limit: int = 8192
    header_limit: int = 32 * 1024
    idle_seconds: float = 30.0
    rate: float = 1000.0
    jobs: int = 4
    workers: int = 1
