"""Picture files made from a seed: distinct JPEGs with EXIF, cheaply."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any


def camera_exif(number: int) -> Any:
    """What a camera writes, with a number."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112], exif[0x010E] = "Heron", "Finch 2", 1, f"picture {number}"
    detail = exif.get_ifd(0x8769)
    detail[0x9003] = f"2026:01:{number % 28 + 1:02} 12:00:00"
    detail[0x829A], detail[0x8827] = 0.008, 100
    return exif


def noise(cells: tuple[int, int], size: tuple[int, int], seed: int = 1) -> Any:
    """A picture of coloured noise; the fewer cells, the smoother and the smaller its file."""
    from PIL import Image

    source = random.Random(seed)
    image = Image.frombytes("RGB", cells, source.randbytes(cells[0] * cells[1] * 3))
    return image.resize(size, Image.Resampling.BICUBIC)


HEIGHTS = tuple(range(768, 688, -8))


def write_jpegs(directory: Path, count: int) -> None:
    """Distinct JPEGs 1024 wide, of ten heights up to 768, and some 250 kB: one picture, and another number in the EXIF of each."""
    bodies = []
    for height in HEIGHTS:
        buffer = io.BytesIO()
        noise((256, 192), (1024, height)).save(buffer, "JPEG", quality=80)
        content = buffer.getvalue()
        bodies.append(content[content.index(b"\xff\xdb") :])
    for number in range(count):
        block = b"Exif\0\0" + camera_exif(number).tobytes().removeprefix(b"Exif\0\0")
        header = b"\xff\xd8\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
        (directory / f"{number:06}.jpg").write_bytes(header + bodies[number % len(bodies)])
