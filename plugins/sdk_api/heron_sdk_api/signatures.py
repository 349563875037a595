"""Who signed a request: the signature of v2 (a draft of RFC 9421), the signature of v1, and bearer tokens."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import unquote

from attrs import frozen

OLDEST, NEWEST = 300, 60
"""How many seconds a signature may lie in the past and in the future.

The client sets its clock back by 30 seconds in some versions, and sends a signature again when it repeats a request.
"""

_INPUT = re.compile(
    r'encord-sig=(\((?:"[a-z@-]+" ?)+\)(?:;[a-z]+=(?:\d{1,15}|"[A-Za-z0-9-]{1,128}"))+)', re.ASCII
)
_PARAMETER = re.compile(r';([a-z]+)=(?:(\d+)|"([^"]*)")', re.ASCII)
_SIGNATURE = re.compile(r"encord-sig=:([A-Za-z0-9+/]{86}==):", re.ASCII)
_COMPONENTS = '("@method" "@request-target" "content-digest")'
_V1 = re.compile(r"([0-9a-fA-F]{64}):([0-9a-fA-F]{128})", re.ASCII)


class Unauthenticated(Exception):
    """A request whose sender is not known; the message says why, and reveals nothing about keys."""


@frozen
class Head:
    """What of a request is signed before its body: method, raw target (path and query as received), headers by lower-case name."""

    method: str
    target: str
    headers: Mapping[str, str]


UserOf = Callable[[bytes], str | None]
"""The user of a public key of 32 bytes, or None."""


def user_of_head(
    head: Head,
    user_of_key: UserOf,
    user_of_token: Callable[[str], str | None],
    *,
    moment: float | None = None,
) -> str:
    """The user who sent a request of v2, before its body is read; raises Unauthenticated.

    `check_body` has to follow, for the signature covers the digest that the head promises.
    """
    token = _token(head.headers)
    if token is not None:
        return _of_token(token, user_of_token)
    given = _INPUT.fullmatch(head.headers.get("signature-input", "").strip())
    signature = _SIGNATURE.fullmatch(head.headers.get("signature", "").strip())
    if given is None or signature is None:
        raise Unauthenticated("the request has no signature of the form that is known here")
    parameters = given[1]
    if not parameters.startswith(_COMPONENTS + ";"):
        raise Unauthenticated(
            "the signature has to cover the method, the request target and the digest of the body"
        )
    pairs = [(name, number or text) for name, number, text in _PARAMETER.findall(parameters)]
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Unauthenticated("a parameter of the signature is given twice")
    if values.get("alg") != "ed25519":
        raise Unauthenticated("the signature is not one of ed25519")
    _check_moment(values.get("created", ""), time.time() if moment is None else moment)
    key = _key(values.get("keyid", ""))
    user = user_of_key(key)
    if user is None:
        raise Unauthenticated("no user has this public key")
    raw, digest = base64.b64decode(signature[1]), head.headers.get("content-digest", "")
    for target in dict.fromkeys((head.target, unquote(head.target))):  # version 0.1.127 signs it unquoted
        text = (
            f'"@method": {head.method}\n"@request-target": {target}\n'
            f'"content-digest": {digest}\n"@signature-params": {parameters}'
        )
        if _is_signed(key, raw, text.encode("utf-8", "surrogateescape")):
            return user
    raise Unauthenticated("the signature is not that of this request")


def check_body(headers: Mapping[str, str], body: bytes) -> None:
    """Compare a body with the digest that was signed; raises Unauthenticated."""
    if _token(headers) is not None:
        return
    if (
        headers.get("content-digest", "")
        != f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    ):
        raise Unauthenticated("the digest is not that of the body")


def key_of_query(headers: Mapping[str, str]) -> bytes | None:
    """The public key that a query of v1 names; None with a bearer token. Raises Unauthenticated."""
    return None if _token(headers) is not None else _of_v1(headers)[0]


def user_of_query(
    headers: Mapping[str, str], body: bytes, user_of_key: UserOf, user_of_token: Callable[[str], str | None]
) -> str:
    """The user who sent a query of v1; raises Unauthenticated. Its signature covers nothing but the body."""
    token = _token(headers)
    if token is not None:
        return _of_token(token, user_of_token)
    key, signature = _of_v1(headers)
    user = user_of_key(key)
    if user is None:
        raise Unauthenticated("no user has this public key")
    if not _is_signed(key, signature, hashlib.sha256(body).digest()):
        raise Unauthenticated("the signature is not that of this request")
    return user


def _of_v1(headers: Mapping[str, str]) -> tuple[bytes, bytes]:
    """The public key and the signature of v1."""
    given = _V1.fullmatch(headers.get("authorization", "").strip())
    if given is None:
        raise Unauthenticated("the request has no signature of the form that is known here")
    return bytes.fromhex(given[1]), bytes.fromhex(given[2])


def _token(headers: Mapping[str, str]) -> str | None:
    """The bearer token of a request."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _of_token(token: str, user_of_token: Callable[[str], str | None]) -> str:
    user = user_of_token(token)
    if user is None:
        raise Unauthenticated("the token is unknown, revoked, or has expired")
    return user


def _check_moment(created: str, moment: float) -> None:
    if not created.isdecimal():
        raise Unauthenticated("the signature does not say when it was made")
    age = moment - int(created)
    if not -NEWEST <= age <= OLDEST:
        raise Unauthenticated(
            f"the signature was made {abs(age):,.0f} seconds {'ago' if age > 0 else 'in the future'}: "
            "are the clocks of both machines right?"
        )


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Unauthenticated("the id of the key is not a public key in hexadecimal digits")
    return key


@lru_cache(maxsize=1024)
def _public_key(key: bytes) -> object:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(key)


def _is_signed(key: bytes, signature: bytes, text: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        _public_key(key).verify(signature, text)  # type: ignore[attr-defined]
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
