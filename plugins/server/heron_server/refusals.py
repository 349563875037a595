"""What is refused before any route sees it: foreign hosts and origins, and addresses and headers that are too long."""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import Scope

from heron_server.settings import Settings

_SAFE = ("GET", "HEAD", "OPTIONS")
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")


class Refused(Exception):
    """A request that is not answered; `status` and `kind` are for the answer."""

    def __init__(self, status: int, kind: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.hint = status, kind, message, hint


class Gate:
    """Checks the form of requests, and where they come from."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names = {"localhost", *settings.hosts}
        if not settings.loopback:
            self._names.add(socket.gethostname().lower())
        self._known = lru_cache(maxsize=64)(self._is_own)

    def check(self, scope: Scope, headers: Headers) -> None:
        """Raise Refused for a request that is too long, or comes by a foreign name or from a foreign page."""
        limits = self._settings
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > limits.path_limit:
            raise Refused(414, "TooLong", f"the address is longer than {limits.path_limit} bytes")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > limits.header_limit:
            raise Refused(431, "TooLong", f"the headers are longer than {limits.header_limit} bytes")
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._known(hosts[0]):
            raise Refused(
                421, "WrongHost", "this server does not have the name by which it was asked",
                "heron serve --allow-host NAME adds a name",
            )  # fmt: skip
        if scope["method"] not in _SAFE:
            self._check_origin(scope, headers, hosts[0])

    def _is_own(self, host: str) -> bool:
        """Whether a value of Host is an address, or a name of this server: names of others are how pages reach into networks."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found["name"].strip("[]").lower().rstrip(".")
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self._settings.loopback

    def _check_origin(self, scope: Scope, headers: Headers, host: str) -> None:
        origin = headers.get("origin")
        if origin is not None:
            own = {f"http://{host}".lower(), f"https://{host}".lower()}
            is_own = origin.lower() in own
        else:
            is_own = headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
        if not is_own:
            raise Refused(403, "ForeignOrigin", "a page of another server may not change anything here")


def check_cookie_write(scope: Scope, headers: Headers) -> None:
    """Raise Refused for a change by cookie of which the browser does not say that a page of this server makes it."""
    if scope["method"] in _SAFE or headers.get("origin") is not None:
        return
    if headers.get("sec-fetch-site") != "same-origin":
        raise Refused(
            403, "ForeignOrigin", "with a cookie, a change needs the header Origin", "programs send a token"
        )
