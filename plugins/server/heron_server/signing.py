"""Signatures with the key of the server: paths that need no token, and the cookies of browsers."""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

import heron

_MARK = "heron-signature"
_USER = "heron-user"
_EXPIRES = "heron-expires"


class Signer:
    """Signs with one key. What is signed for one purpose is not valid for another."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.cookie = f"heron-{sha256(b'cookie name ' + key).hexdigest()[:10]}"
        """The name of the cookie: servers on several ports of one host have different ones."""

    def _signature(self, purpose: str, *parts: str) -> str:
        text = "\n".join([purpose, *(f"{len(part)}:{part}" for part in parts)])
        return hmac.new(self._key, text.encode("utf-8", "surrogateescape"), sha256).hexdigest()

    def path(self, path: str, user: str | None, seconds: int, method: str) -> str:
        """A path, and perhaps query, with user, expiry and signature added to its query."""
        asked = {_USER: user} if user is not None else {}
        added = urlencode({**asked, _EXPIRES: str(int(time.time()) + seconds)})
        whole = f"{path}{'&' if '?' in path else '?'}{added}"
        return f"{whole}&{_MARK}={self._signature('path', _meant(method), whole)}"

    def signed(self, method: str, target: str) -> heron.Signed | None:
        """Who signed the path and query of a request; None if it is not signed. Raises PermissionDenied."""
        whole, mark, signature = target.rpartition(f"&{_MARK}=")
        if not mark:
            return None
        if not hmac.compare_digest(
            self._signature("path", _meant(method), whole).encode(), signature.encode()
        ):
            raise heron.PermissionDenied(
                "the signature of this address is not valid", hint="ask for a new address"
            )
        values = dict(parse_qsl(whole.partition("?")[2]))
        if time.time() >= int(values[_EXPIRES]):
            raise heron.PermissionDenied("this address is no longer valid", hint="ask for a new one")
        return heron.Signed(values.get(_USER))

    def session(self, user: str | None, proof: str, seconds: int) -> str:
        """The value of a cookie; `proof` is what it was made from: a token, in whose place a later request stands."""
        fields = urlencode({_USER: user or "", "proof": proof, _EXPIRES: str(int(time.time()) + seconds)})
        return f"{urlsafe_b64encode(fields.encode()).decode()}.{self._signature('session', fields)}"

    def session_of(self, value: str) -> tuple[str | None, str] | None:
        """User and proof of a cookie; None for one that is wrong or stale."""
        encoded, _, signature = value.partition(".")
        try:
            fields = urlsafe_b64decode(encoded.encode()).decode()
        except ValueError:
            return None
        if not hmac.compare_digest(self._signature("session", fields).encode(), signature.encode()):
            return None
        values = dict(parse_qsl(fields, keep_blank_values=True))
        if time.time() >= int(values[_EXPIRES]):
            return None
        return values[_USER] or None, values["proof"]


def _meant(method: str) -> str:
    return "GET" if method == "HEAD" else method
