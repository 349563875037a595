"""Calls PDFium for facts, text and pictures of pages. Runs only in the worker process."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import pypdfium2.raw as pdfium
from pypdfium2 import PdfBitmap, PdfDocument, PdfiumError, PdfPage

RESOLUTION = 150
"""Dots per inch of a page that is drawn without a size."""

MOST_PIXELS = 40_000_000
"""The most pixels of a page; a page that would have more is drawn smaller."""

LARGEST_PAGE = 1_000_000
"""The longest side of a page in points (1/72 inch); ISO 32000-1 gives 14,400 as the limit of its time."""

_EXCERPT = 1000
_EXCERPT_PAGES = 3
"""The most characters of the excerpt, and the most pages read for it, since scans have no text."""

_MOST_OBJECTS = 200_000
"""The most objects of a page whose text is extracted, which takes far more time than drawing."""

_KEYS = ("Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate")

_BESIDE_LETTERS = str.maketrans(
    {"\r": "", "\ufffe": "-", **{chr(code): " " for code in range(32) if code not in (9, 10, 13)}}
)
"""What PDFium adds to a text: line ends of two characters, and hyphenation characters."""


def facts(document: PdfDocument) -> dict[str, Any]:
    """What a document says of itself, the size of its first page in points, and the start of its text."""
    width, height = _page_size(document, 0)
    return {
        "pages": len(document),
        "width": width,
        "height": height,
        "version": document.get_version(),
        "is_encrypted": pdfium.FPDF_GetSecurityHandlerRevision(document) != -1,
        "is_whole": bool(pdfium.FPDF_DocumentHasValidCrossReferenceTable(document)),
        "about": {key: _about(document, key) for key in _KEYS},
        "text": _excerpt(document),
    }


def text(document: PdfDocument, number: int, most: int | None = None) -> str:
    """The text of a page, or its first `most` characters; empty if the page has too many objects."""
    page = document[number]
    try:
        if pdfium.FPDFPage_CountObjects(page) > _MOST_OBJECTS:
            return ""
        letters = page.get_textpage()
        try:
            count = letters.count_chars()
            found: str = letters.get_text_range(0, count if most is None else min(count, most))
        finally:
            letters.close()
        return _clean(found)
    finally:
        page.close()


def draw(document: PdfDocument, number: int, size: int | None) -> tuple[dict[str, Any], bytes]:
    """A page on white as rows of RGB that fits into `size` x `size` pixels; the stride is in bytes."""
    width, height = _pixels(*_page_size(document, number), size)
    page = document[number]
    try:
        bitmap = PdfBitmap.new_native(width, height, pdfium.FPDFBitmap_BGR, rev_byteorder=True)
        try:
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
            _render(page, bitmap)
            return {"width": width, "height": height, "stride": bitmap.stride}, bytes(bitmap.buffer)
        finally:
            bitmap.close()
    finally:
        page.close()


def _render(page: PdfPage, bitmap: PdfBitmap) -> None:
    flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER | pdfium.FPDF_RENDER_LIMITEDIMAGECACHE
    pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, bitmap.width, bitmap.height, 0, flags)


def _page_size(document: PdfDocument, number: int) -> tuple[float, float]:
    """Width and height of a page as it is shown, in points, without reading its content."""
    found = pdfium.FS_SIZEF()
    if not pdfium.FPDF_GetPageSizeByIndexF(document, number, ctypes.byref(found)):
        raise PdfiumError(f"page {number} does not exist")
    width, height = float(found.width), float(found.height)
    if not (0 < width <= LARGEST_PAGE and 0 < height <= LARGEST_PAGE):
        raise PdfiumError(f"page {number} is {width:g} x {height:g} points large")
    return width, height


def _pixels(width: float, height: float, size: int | None) -> tuple[int, int]:
    scale = RESOLUTION / 72 if size is None else size / max(width, height)
    scale = min(scale, math.sqrt(MOST_PIXELS / (width * height)))
    limit = size or MOST_PIXELS
    return (min(limit, max(1, round(width * scale))), min(limit, max(1, round(height * scale))))


def _about(document: PdfDocument, key: str) -> str:
    """A value of the information dictionary (ISO 32000-1, 14.3.3) on one line."""
    try:
        return " ".join(_clean(document.get_metadata_value(key)).split())[:_EXCERPT]
    except UnicodeDecodeError:
        return ""


def _clean(found: str) -> str:
    return found.translate(_BESIDE_LETTERS)


def _excerpt(document: PdfDocument) -> str:
    found = ""
    for number in range(min(_EXCERPT_PAGES, len(document))):
        try:
            found = " ".join(f"{found} {text(document, number, 4 * _EXCERPT)}".split())
        except PdfiumError:
            break  # a broken page: the text before it is enough
        if len(found) >= _EXCERPT:
            break
    return found[:_EXCERPT]
