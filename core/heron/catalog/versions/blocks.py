"""Blocks of frozen rows: lines of JSON, compressed, and named by their hash, so that versions share those that are equal.

The first line of a block names the columns; each further line is a row: the values of the columns as the catalogue has them,
then the members and the frames of the item, or null. A block ends behind a row whose UUID says so, and not after a fixed
number of rows. So a row that was added, removed or changed makes one block new, and the blocks after it stay as they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from attrs import frozen

from heron.errors import CatalogueError

_FEWEST, _MOST, _USUAL = 128, 4096, 1024
"""The fewest and the most rows of a block, and how many there are in most blocks, about."""

_LARGEST = 4 * 1024 * 1024
"""A block that has so many bytes, uncompressed, ends."""

_LEVEL = 1
"""Of zlib: a higher level takes three times as long and makes blocks a tenth smaller."""

Values = list[Any]
"""The values of a frozen row, by position: those of the columns, then members and frames."""


@frozen(eq=False)
class Block:
    """Some rows of a version. `uuids` are those of the items, 16 bytes each; `load` reads the compressed rows."""

    digest: bytes
    count: int
    uuids: bytes
    load: Callable[[], bytes]

    def owners(self) -> Iterator[bytes]:
        """The UUIDs of the items, 16 bytes each."""
        return (self.uuids[start : start + 16] for start in range(0, len(self.uuids), 16))

    def lines(self) -> Sequence[bytes]:
        """The line of column names, then a line for each row. Raises CatalogueError if the block is damaged."""
        try:
            text = zlib.decompress(self.load())
        except zlib.error:
            text = b""
        if sha256(text).digest() != self.digest:
            raise CatalogueError(
                "rows of a frozen version are damaged", hint="restore a backup, or delete the version"
            )
        return text.split(b"\n")

    def rows(self) -> tuple[Sequence[str], list[Values]]:
        """The names of the columns, and the rows."""
        head, *lines = self.lines()
        return orjson.loads(head), [orjson.loads(line) for line in lines]


def key_of(uuid: str) -> bytes:
    """The 16 bytes of a UUID."""
    return bytes.fromhex(uuid.replace("-", ""))


def uuid_of(key: bytes) -> str:
    """The UUID of 16 bytes."""
    return str(UUID(bytes=key))


def blocks_of(
    names: Sequence[str], rows: Iterable[tuple[str, Values]], keep: Callable[[bytes], Callable[[], bytes]]
) -> Iterator[Block]:
    """Cut rows, which come with the UUIDs of their items, into blocks; `keep` stores compressed bytes and gives what reads them."""
    head = orjson.dumps(list(names))
    lines, keys, size = [head], bytearray(), 0

    def ended() -> Block:
        text = b"\n".join(lines)
        block = Block(sha256(text).digest(), len(lines) - 1, bytes(keys), keep(zlib.compress(text, _LEVEL)))
        del lines[1:]
        keys.clear()
        return block

    for uuid, values in rows:
        key, line = key_of(uuid), orjson.dumps(values)
        lines.append(line)
        keys += key
        size += len(line)
        count = len(lines) - 1
        if count >= _MOST or size >= _LARGEST or (count >= _FEWEST and not zlib.crc32(key) % _USUAL):
            yield ended()
            size = 0
    if len(lines) > 1:
        yield ended()


def digest_of(blocks: Iterable[Block]) -> str:
    """The hash of all rows of a version."""
    whole = sha256()
    for block in blocks:
        whole.update(block.digest)
    return whole.hexdigest()
