"""Public keys of ed25519, as OpenSSH writes them: one line of a file such as `id_ed25519.pub`."""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256

from attrs import frozen

from heron.errors import InvalidInput
from heron.metadata.keys import printable

_TYPE = b"ssh-ed25519"
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_HINT = "give the text of a file such as ~/.ssh/id_ed25519.pub; ssh-keygen -t ed25519 makes one"


@frozen
class PublicKey:
    """The 32 bytes of a public key, and the comment behind it."""

    raw: bytes
    comment: str

    @property
    def line(self) -> str:
        """The key as OpenSSH writes it, without the comment."""
        return f"{_TYPE.decode()} {base64.b64encode(_blob(self.raw)).decode()}"

    @property
    def fingerprint(self) -> str:
        """The fingerprint that `ssh-keygen -l` shows: SHA256 and 43 characters."""
        return f"SHA256:{base64.b64encode(sha256(_blob(self.raw)).digest()).decode().rstrip('=')}"


def parse_public_key(text: object) -> PublicKey:
    """The key in one line of OpenSSH's form. Raises InvalidInput for anything else, and for bytes that are no point of the curve."""
    if not isinstance(text, str):
        raise InvalidInput(f"a public key is text, not {type(text).__name__}", hint=_HINT)
    if "PRIVATE KEY" in text:
        raise InvalidInput(
            "this is a private key: keep it to yourself", hint="give the file beside it that ends in .pub"
        )
    lines = text.strip().splitlines()
    parts = lines[0].split(None, 2) if len(lines) == 1 else []
    if len(parts) < 2:
        raise InvalidInput("this is not one public key in one line", hint=_HINT)
    if parts[0] != _TYPE.decode():
        raise InvalidInput(f"{printable(parts[0][:40])} keys are not known, only ssh-ed25519", hint=_HINT)
    try:
        blob = base64.b64decode(parts[1].encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        blob = b""
    raw = blob[-32:]
    if blob != _blob(raw) or base64.b64encode(blob).decode() != parts[1]:
        raise InvalidInput("the public key is damaged: its text is not that of an ed25519 key", hint=_HINT)
    if not _is_usable(raw):
        raise InvalidInput("the public key is not usable: no private key belongs to it", hint=_HINT)
    comment = parts[2].strip() if len(parts) > 2 else ""
    return PublicKey(raw, comment if comment.isprintable() else "")


def _blob(raw: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in (_TYPE, raw))


def _is_usable(raw: bytes) -> bool:
    """Whether the bytes are a point of the curve that is not of small order, for which signatures can be made without a key."""
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        return False
    x2 = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = _root(x2)
    if x is None or (x == 0 and sign):
        return False
    point = (x, y)
    for _ in range(3):
        point = _doubled(*point)
    return point != (0, 1)


def _root(square: int) -> int | None:
    """A square root modulo p, or None; RFC 8032, 5.1.3."""
    root = pow(square, (_P + 3) // 8, _P)
    if root * root % _P != square:
        root = root * pow(2, (_P - 1) // 4, _P) % _P
    return root if root * root % _P == square else None


def _doubled(x: int, y: int) -> tuple[int, int]:
    """A point added to itself; RFC 8032, 5.1.4, in affine coordinates."""
    product = _D * x * x * y * y % _P
    return (
        2 * x * y * pow(1 + product, -1, _P) % _P,
        (y * y + x * x) * pow(1 - product, -1, _P) % _P,
    )
