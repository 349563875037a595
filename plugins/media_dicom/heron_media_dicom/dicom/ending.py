"""Whether the fragments of compressed pixels go on to their end (PS3.5, A.4), by their lengths alone."""

from __future__ import annotations

import struct
from typing import BinaryIO

import heron
from heron_media_dicom.dicom.elements import Elements

_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD


def check_end(stream: BinaryIO, elements: Elements, size: int, name: str) -> None:
    """Raise MediaError if the file of `size` bytes ends before its pixels do. A file that ends with a whole fragment, without
    the delimiter that should follow, is taken for complete, since some programs leave that out.
    """
    assert elements.pixels is not None
    at, fragments = elements.pixels.offset, 0
    while at < size:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            break
        group, element, length = struct.unpack(elements.order + "HHI", head)
        tag = group << 16 | element
        if tag == _END:
            return
        if tag != _ITEM:
            return  # broken otherwise: reading the frames says how
        at += 8 + length
        fragments += 1
    if at != size or fragments < 2:
        raise heron.MediaError(
            f"{name} is cut off: its compressed pixels need {max(at - size, 1):,} bytes more"
        )
