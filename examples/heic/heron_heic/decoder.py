"""Reads HEIC pictures."""

from __future__ import annotations

from typing import Any

import pillow_heif
from PIL import Image

import heron

MOST = 200_000_000
"""The most pixels of a picture that is decoded."""


class HeicDecoder:
    """The first picture of a file stands for it."""

    def _opened(self, file: heron.MediaFile) -> Any:
        with file.open() as stream:
            try:
                found = pillow_heif.open_heif(stream.read(), convert_hdr_to_8bit=True)
                width, height = found.size
            except Exception as error:
                reason = " ".join(str(error).split())[:200] or type(error).__name__
                raise heron.MediaError(
                    f"{file.name} is no HEIC picture that libheif reads: {reason}"
                ) from error
        if not 0 < width * height <= MOST:
            raise heron.MediaError(f"{file.name} has {width} x {height} pixels, {MOST:,} are read at most")
        return found

    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        """The size as it is shown, the number of pictures in the file, and whether there is an alpha channel."""
        found = self._opened(file)
        width, height = found.size
        extra = {"heif": {"pictures": len(found), "has_alpha": bool(found.has_alpha)}}
        return heron.MediaFacts(
            kind="image", media_type=file.media_type, width=width, height=height, frame_count=1, extra=extra
        )

    def picture(self, file: heron.MediaFile, size: int) -> Image.Image | None:
        """The first picture in RGB or RGBA, at most `size` pixels wide and high."""
        found = self._opened(file)
        try:
            picture: Image.Image = found.to_pillow()
        except Exception as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise heron.MediaError(f"{file.name} cannot be decoded: {reason}") from error
        picture = picture.convert("RGBA" if found.has_alpha else "RGB")
        picture.thumbnail((size, size))
        return picture
