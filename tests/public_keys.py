"""Public keys for tests: points of the curve, made from private keys of one repeated byte."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def private_key(number: int) -> Ed25519PrivateKey:
    """A private key that is the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def raw_key(number: int) -> bytes:
    """The 32 bytes of its public key."""
    return private_key(number).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def public_key(number: int, comment: str = "") -> str:
    """Its public key as OpenSSH writes it."""
    line = private_key(number).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{line} {comment}".strip()


def line_of(raw: bytes, kind: bytes = b"ssh-ed25519") -> str:
    """Bytes in the form of OpenSSH, whether they are a key or not."""
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (kind, raw))
    return f"{kind.decode()} {base64.b64encode(blob).decode()}"
