"""PDF files for the tests, written object by object (ISO 32000-1, 7.5)."""

from __future__ import annotations

import hashlib
import zlib

PASSWORD_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
"""ISO 32000-1, 7.6.3.3."""

HELLO = b"BT /F 24 Tf 72 700 Td (Hello harbour) Tj ET 1 0 0 rg 100 100 200 300 re f"
"""A line of text, and a red rectangle."""


def pdf(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A file of these objects, numbered from 1; the first is the catalogue."""
    content = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, each in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    start = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R%s>>\n" % (
        size,
        table,
        size,
        trailer,
    )
    return bytes(content) + b"startxref\n%d\n%%%%EOF\n" % start


def stream(content: bytes, *, packed: bool = False) -> bytes:
    """A stream object."""
    if packed:
        content = zlib.compress(content, 9)
    filters = b"/Filter/FlateDecode" if packed else b""
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), filters, content)


def document(
    *contents: bytes,
    box: bytes = b"0 0 612 792",
    about: bytes = b"",
    count: int | None = None,
    packed: bool = False,
    beside: bytes = b"",
    trailer: bytes = b"",
) -> bytes:
    """A document with a page for each content; `beside` is added to the dictionary of each page."""
    first = 5
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(contents)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents) if count is None else count),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<<%s>>" % about,
    ]
    for number, content in enumerate(contents):
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>%s>>"
            % (box, first + 2 * number + 1, beside)
        )
        objects.append(stream(content, packed=packed))
    return pdf(objects, b"/Info 4 0 R" + trailer)


def encrypted(user_password: bytes) -> bytes:
    """A document with the standard security handler, revision 2, RC4 of 40 bits (ISO 32000-1, 7.6.3)."""
    identifier, permissions = bytes(range(16)), (-4).to_bytes(4, "little", signed=True)
    padded = (user_password + PASSWORD_PADDING)[:32]
    owner = rc4(hashlib.md5((b"owner" + PASSWORD_PADDING)[:32], usedforsecurity=False).digest()[:5], padded)
    key = hashlib.md5(padded + owner + permissions + identifier, usedforsecurity=False).digest()[:5]
    content_key = hashlib.md5(key + (6).to_bytes(3, "little") + bytes(2), usedforsecurity=False).digest()[:10]
    handler = b"/Encrypt<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P -4>>/ID[<%s><%s>]" % (
        owner.hex().encode(),
        rc4(key, PASSWORD_PADDING).hex().encode(),
        identifier.hex().encode(),
        identifier.hex().encode(),
    )
    return document(rc4(content_key, HELLO), trailer=handler)


def rc4(key: bytes, content: bytes) -> bytes:
    """The cipher of early PDF."""
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    found = bytearray()
    for byte in content:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        found.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(found)
