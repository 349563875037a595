"""Writes the logbook of the trip: a PDF of three pages with text and a photograph, without any library for PDF."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

_PAGES: tuple[tuple[str, ...], ...] = (
    (
        "Logbook of the Lake",
        "Three cities, thirty-six photographs, one winter and one summer.",
        "Kept on board of the ferry Heron.",
    ),
    (
        "From Algiers to Lisbon",
        "14 November. Rain on the bay. The red buses stand in the wet road twice,",
        "once on their wheels and once upside down.",
        "22 December. Left the harbour at night, the lighthouse astern. Wind 4 m/s.",
        "3 May. Lisbon in the sun. The yellow trams climb where nobody walks.",
        "4 May. Under the red bridge with the tide; sailing boats all around us.",
    ),
    (
        "Oslo, and home",
        "11 February. Minus six degrees, snow on the spruce trees. The town hall",
        "has two towers, and from here they look like one.",
        "12 February. Fog. Sounded the horn twice; a bell answered three times.",
        "13 February. The surgeon had the ship's dummy scanned: its head is in order.",
        "End of the log.",
    ),
)
"""A title and the lines below it, page by page."""

_WIDTH, _HEIGHT = 595, 842
_TITLE, _LINE = 24, 12


def logbook(jpeg: bytes, size: tuple[int, int]) -> bytes:
    """A PDF 1.4 file (ISO 32000-1, 7.5) with an RGB photograph of `size` pixels on its first page."""
    first = 7
    pages = [first + 2 * number for number in range(len(_PAGES))]
    kids = " ".join(f"{page} 0 R" for page in pages)
    resources = "<< /Font << /Text 3 0 R /Title 4 0 R >> /XObject << /Photo 5 0 R >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} /MediaBox [0 0 {_WIDTH} {_HEIGHT}] "
        f"/Resources {resources} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        _stream(
            f"/Type /XObject /Subtype /Image /Width {size[0]} /Height {size[1]} /ColorSpace /DeviceRGB "
            "/BitsPerComponent 8 /Filter /DCTDecode",
            jpeg,
        ),
        b"<< /Title (Logbook of the Lake) /Author (The crew of the Heron) /CreationDate (D:20240213180000Z) >>",
    ]
    for page, lines in zip(pages, _PAGES, strict=True):
        objects.append(f"<< /Type /Page /Parent 2 0 R /Contents {page + 1} 0 R >>".encode())
        objects.append(_stream("", _drawn(lines, size if page == first else None)))
    return _file(objects)


def _drawn(lines: Sequence[str], photo: tuple[int, int] | None) -> bytes:
    """The operators that write a title and lines, and show the photograph below them."""
    title, *text = lines
    written = " ".join(f"T* ({_escaped(line)}) Tj" for line in text)
    words = (
        f"BT /Title {_TITLE} Tf 60 740 Td ({_escaped(title)}) Tj /Text {_LINE} Tf 22 TL 0 -18 Td {written} ET"
    )
    if photo is None:
        return words.encode("cp1252")
    wide = _WIDTH - 120
    high = round(wide * photo[1] / photo[0])
    return f"{words}\nq {wide} 0 0 {high} 60 {640 - high} cm /Photo Do Q".encode("cp1252")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _stream(entries: str, content: bytes) -> bytes:
    return f"<< {entries} /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"


def _file(objects: Sequence[bytes]) -> bytes:
    """Header, numbered objects, and the table of their offsets; the first is the catalogue, the sixth the facts."""
    header = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    bodies = [b"%d 0 obj\n%b\nendobj\n" % numbered for numbered in enumerate(objects, start=1)]
    *places, end = accumulate(map(len, bodies), initial=len(header))
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R /Info 6 0 R >>\n"
    )
    return header + b"".join(bodies) + f"{trailer}startxref\n{end}\n%%EOF\n".encode()
