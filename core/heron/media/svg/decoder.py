"""The decoder of SVG: size, title and texts as facts, and the drawing as a picture."""

from __future__ import annotations

from typing import Any

from PIL import Image

from heron.hooks import MediaFile
from heron.media.svg.markup import read
from heron.media.svg.process import Workers
from heron.models import MediaFacts

_LARGEST = 8192
"""The longest side of a picture in pixels."""


class SvgDecoder:
    """Reads SVG and SVGZ with resvg. Nothing outside of the file is read, and nothing in it is run."""

    def __init__(self) -> None:
        self._workers = Workers()

    def probe(self, file: MediaFile) -> MediaFacts:
        """Width and height in CSS pixels, the number of elements, title, description and text."""
        drawing = read(file)
        own: dict[str, Any] = {"elements": drawing.elements}
        for name, element in (("title", "title"), ("description", "desc"), ("text", "text")):
            if element in drawing.texts:
                own[name] = drawing.texts[element]
        return MediaFacts(
            kind="image",
            media_type=file.media_type,
            width=max(1, round(drawing.width)),
            height=max(1, round(drawing.height)),
            frame_count=1,
            extra={"svg": own},
        )

    def picture(self, file: MediaFile, size: int) -> Image.Image:
        """The drawing, in RGBA, so large that it just fits into `size` x `size` pixels (at most 8,192)."""
        drawing = read(file)
        scale = min(size, _LARGEST) / max(drawing.width, drawing.height)
        width, height = (max(1, round(side * scale)) for side in (drawing.width, drawing.height))
        return self._workers.draw(
            file.name, drawing.markup, width, height, with_fonts="text" in drawing.texts
        )
