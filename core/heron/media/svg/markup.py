"""Reads SVG markup: its size, title and text, and writes it anew without anything that refers to other files.

Declarations of a document type, processing instructions and comments are left out, entities are replaced by their text, and
of references only those within the file and embedded images stay.
"""

from __future__ import annotations

import re
import zlib
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from attrs import define, field

from heron.errors import MediaError
from heron.hooks import MediaFile

MOST_BYTES = 16 << 20
"""The most bytes of markup, and of what is written anew."""

MOST_ELEMENTS = 200_000
MOST_DEPTH = 200

_GZIP = b"\x1f\x8b"
_EXCERPT = 1000
_LENGTH = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(px|pt|pc|mm|cm|in|em|ex)?\s*")
_PIXELS = {
    None: 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0, "em": 16.0, "ex": 8.0,
}  # fmt: skip
"""CSS pixels of each unit; em and ex by the default font size."""

DEFAULT = (300.0, 150.0)
"""Width and height of a drawing that says neither, as in browsers."""

LONGEST = 1e7
"""The longest side in pixels."""

_TEXTS = ("title", "desc", "text")


@define
class Drawing:
    """What is known of a drawing: its size in CSS pixels, texts, and its markup written anew."""

    width: float = DEFAULT[0]
    height: float = DEFAULT[1]
    texts: dict[str, str] = field(factory=dict)
    elements: int = 0
    markup: str = ""


def read(file: MediaFile) -> Drawing:
    """Read a drawing; raises MediaError for one that is damaged, too large, or no SVG."""
    if file.size > MOST_BYTES:
        raise MediaError(f"{file.name} has {file.size:,} bytes, more than the {MOST_BYTES:,} that are read")
    with file.open() as stream:
        content = stream.read(MOST_BYTES + 1)
    if content.startswith(_GZIP):
        content = _unpacked(content, file.name)
    reader = _Reader(file.name)
    reader.parse(content)
    return reader.drawing


def _unpacked(content: bytes, name: str) -> bytes:
    unpack = zlib.decompressobj(31)
    try:
        found = unpack.decompress(content, MOST_BYTES)
    except zlib.error as error:
        raise MediaError(f"{name} is damaged: {error}") from error
    if unpack.unconsumed_tail:
        raise MediaError(f"{name} has more than {MOST_BYTES:,} bytes when it is unpacked")
    if not unpack.eof:
        raise MediaError(f"{name} is cut short")
    return found


class _Reader:
    def __init__(self, name: str) -> None:
        self.drawing = Drawing()
        self._name = name
        self._pieces: list[str] = []
        self._size = 0
        self._path: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._letters

    def parse(self, content: bytes) -> None:
        try:
            self._parser.Parse(content, True)
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise MediaError(f"{self._name} is not well-formed XML: {error}") from error
        self.drawing.markup = "".join(self._pieces)
        self.drawing.texts = {
            name: line
            for name, text in self.drawing.texts.items()
            if (line := " ".join(text.split())[:_EXCERPT])
        }

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not self._path:
            if local != "svg":
                raise MediaError(f"{self._name} is not SVG: its root element is {name[:60]!r}")
            self._root(attributes)
        self.drawing.elements += 1
        self._path.append(local)
        if self.drawing.elements > MOST_ELEMENTS or len(self._path) > MOST_DEPTH:
            raise MediaError(
                f"{self._name} has more than {MOST_ELEMENTS:,} elements, or more than {MOST_DEPTH} within each other"
            )
        kept = (f" {key}={quoteattr(value)}" for key, value in attributes.items() if _is_kept(key, value))
        self._write(f"<{name}{''.join(kept)}>")

    def _end(self, name: str) -> None:
        self._path.pop()
        self._write(f"</{name}>")

    def _letters(self, text: str) -> None:
        self._write(escape(text))
        what = next((each for each in _TEXTS if each in self._path), None)
        if what is not None:
            known = self.drawing.texts.get(what, "")
            if len(known) < 4 * _EXCERPT and (what == "text" or len(self._path) <= 2):
                self.drawing.texts[what] = known + text + ("" if self._path[-1] == "title" else " ")

    def _write(self, piece: str) -> None:
        self._size += len(piece)
        if self._size > MOST_BYTES:
            raise MediaError(
                f"{self._name} has more than {MOST_BYTES:,} letters once its entities are replaced"
            )
        self._pieces.append(piece)

    def _root(self, attributes: dict[str, str]) -> None:
        """Find the size, and write it on the root element, so that it is drawn in that size."""
        box = _box(attributes.get("viewBox", ""))
        width, height = (_pixels(attributes.get(side, "")) for side in ("width", "height"))
        if width is None and height is None:
            width, height = box or DEFAULT
        elif width is None and height is not None:
            width = height * box[0] / box[1] if box else DEFAULT[0]
        elif height is None and width is not None:
            height = width * box[1] / box[0] if box else DEFAULT[1]
        assert width is not None and height is not None
        if not (0 < width <= LONGEST and 0 < height <= LONGEST):
            raise MediaError(f"{self._name} is {width:g} x {height:g} pixels large, and cannot be drawn")
        self.drawing.width, self.drawing.height = width, height
        attributes.update(width=f"{width:.9g}", height=f"{height:.9g}")


def _is_kept(key: str, value: str) -> bool:
    """Whether an attribute stays: of references, those within the file, and images that it contains."""
    if key.rpartition(":")[2].lower() not in ("href", "src", "base"):
        return True
    return value.lstrip().startswith("#") or value.lstrip()[:11].lower() == "data:image/"


def _pixels(text: str) -> float | None:
    """A length in CSS pixels; None for none, and for a share of the window."""
    match = _LENGTH.fullmatch(text)
    return float(match[1]) * _PIXELS[match[2]] if match else None


def _box(text: str) -> tuple[float, float] | None:
    """Width and height of a viewBox; None if it is not valid."""
    numbers = [_pixels(part) for part in re.split(r"[\s,]+", text.strip())]
    match numbers:
        case [_, _, float(width), float(height)] if width > 0 and height > 0:
            return width, height
    return None
