"""The decoder of SVG: size, title and texts as facts, and the drawing as a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from heron.errors import MediaError, PluginError
from heron.hooks import MediaFile
from heron.isolation.pool import Pool
from heron.isolation.process import Ended, Limits
from heron.media.svg.markup import read
from heron.models import MediaFacts

_LARGEST = 8192
"""The longest side of a picture in pixels."""


LIMITS = Limits(seconds=20, wait=120, memory=1024**3)
"""What one drawing may take."""

_WORKER = ("heron.media.svg.worker",)
_FONTS = str(Path(__file__).parent.parent / "fonts")
"""The font that comes with Heron, for texts whose font is not installed."""


class SvgDecoder:
    """Reads SVG and SVGZ with resvg, in processes of its own. Nothing outside of the file is read, and nothing in it is run."""

    def __init__(self) -> None:
        self._pool = Pool(LIMITS)

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
        request = {"width": width, "height": height, "fonts": _FONTS if "text" in drawing.texts else None}
        try:
            _, png = self._pool.call(_WORKER, request, drawing.markup.encode(), file)
        except Ended as ended:
            if ended.exited:
                hint = "check that Python can import resvg_py"
                raise PluginError(f"the process that draws SVG: {ended}", hint=hint) from ended
            raise MediaError(f"{file.name} cannot be drawn: {ended}") from ended
        with Image.open(io.BytesIO(png)) as picture:
            return picture.convert("RGBA")
