"""Checks by header and last bytes whether an image file is complete, without decoding it."""

from __future__ import annotations

import io
from typing import BinaryIO

from heron.hooks import MediaFile
from heron.media.headers import ImageHeader

_TAIL = 64
_MOST_BOXES = 10_000


def is_complete(file: MediaFile, stream: BinaryIO, header: ImageHeader) -> bool:
    """Whether a file is complete; False may also mean not certain. Stored objects are not checked, since that
    costs a request.
    """
    if file.path is None and not isinstance(stream, io.BytesIO):
        return True
    match file.media_type:
        case "image/bmp":
            return int.from_bytes(file.head[2:6], "little") == file.size
        case "image/webp":
            return int.from_bytes(file.head[4:8], "little") + 8 <= file.size
        case "image/avif" | "image/heic" | "image/heif":
            return _boxes_fill(stream, file.size)
        case "image/jpeg":
            return _tail(file, stream).rstrip(b"\0\r\n ").endswith(b"\xff\xd9")
        case "image/png":
            return b"IEND\xaeB`\x82" in _tail(file, stream)
        case "image/gif":
            return _tail(file, stream).rstrip(b"\0").endswith(b";")
        case "image/jp2" | "image/x-jp2-codestream":  # the end of the codestream (ISO/IEC 15444-1, A.4.4)
            return _tail(file, stream).rstrip(b"\0").endswith(b"\xff\xd9")
        case "image/qoi":
            return _tail(file, stream).endswith(bytes(7) + b"\1")
    return header.end is not None and header.end <= file.size


def _tail(file: MediaFile, stream: BinaryIO) -> bytes:
    stream.seek(max(0, file.size - _TAIL))
    return stream.read(_TAIL)


def _boxes_fill(stream: BinaryIO, size: int) -> bool:
    """Whether the boxes of an AVIF fill its `size` bytes (ISO/IEC 14496-12, 4.2)."""
    position = 0
    for _ in range(_MOST_BOXES):
        stream.seek(position)
        head = stream.read(16)
        if len(head) < 8:
            return False
        length = int.from_bytes(head[:4])
        if length == 1:  # a long length follows
            length = int.from_bytes(head[8:16])
        if length < 8:  # among them 0, a box that extends to the end of the file
            return False
        position += length
        if position >= size:
            return position == size
    return False
