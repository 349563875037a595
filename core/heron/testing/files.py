"""Media files for tests of decoders: a local file that records what was opened, and damaged copies of it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from heron.media.sniff import Sniffer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heron.hooks import MediaDecoder, MediaFormat

HEAD = 1024
"""Bytes in the `head` of a media file."""


class LocalMediaFile:
    """A file of this machine that satisfies the `MediaFile` protocol and keeps the streams it has opened.

    With `remote=True` it has no `path`, like a file in a bucket.
    """

    def __init__(self, path: Path | str, media_type: str, *, remote: bool = False) -> None:
        self._place = Path(path)
        self.url = self._place.absolute().as_uri()
        self.name = self._place.name
        self.size = self._place.stat().st_size
        with self._place.open("rb") as stream:
            self.head = stream.read(HEAD)
        self.path = None if remote else self._place
        self.media_type = media_type
        self.opened: list[BinaryIO] = []
        """Every stream that `open` has returned."""

    def open(self) -> BinaryIO:
        """A new seekable binary file."""
        stream = self._place.open("rb")
        self.opened.append(stream)
        return stream

    def left_open(self) -> int:
        """How many of its streams are still open; closes them."""
        forgotten = [stream for stream in self.opened if not stream.closed]
        for stream in forgotten:
            stream.close()
        return len(forgotten)


def format_of(decoder: MediaDecoder, path: Path) -> MediaFormat | None:
    """The format of a file among those of a decoder: as Heron recognises it, or else by the suffix."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    found = Sniffer([decoder]).sniff(head, path.name)
    unsigned = (format for format in decoder.formats if format.signature is None)
    return (
        found.format
        if found
        else next((f for f in unsigned if path.name.lower().endswith(tuple(f.suffixes))), None)
    )


def damaged_copies(path: Path, folder: Path, seed: int = 0) -> Iterator[Path]:
    """Write damaged copies of a file, one at a time: empty, cut off, with noise after the header, with
    flipped bits.

    The same file and seed give the same copies.
    """
    source = random.Random(seed)  # noqa: S311 - test data
    whole = path.read_bytes()
    end = len(whole)
    cuts = {0, 1, 2, 4, 8, 16, 32, 64, 128, 512, HEAD, end - 1, end - 4, *(end * n // 12 for n in range(12))}
    for cut in sorted(cut for cut in cuts if 0 <= cut < end):
        yield _written(folder / f"cut-{cut}{path.suffix}", whole[:cut])
    for kept in sorted({min(kept, end) for kept in (4, 16, 64, 256)}):
        yield _written(folder / f"noise-after-{kept}{path.suffix}", whole[:kept] + source.randbytes(4096))
        yield _written(folder / f"zeros-after-{kept}{path.suffix}", whole[:kept] + bytes(4096))
    for number in range(24 if whole else 0):
        spoilt = bytearray(whole)
        for _ in range(1 + number):
            spoilt[source.randrange(end if number % 2 else min(end, HEAD))] ^= 1 << source.randrange(8)
        yield _written(folder / f"flipped-{number}{path.suffix}", bytes(spoilt))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
