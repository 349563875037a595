"""What PDFium is asked about a document: facts, text and pictures of pages. Runs in the worker process alone."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import pypdfium2.raw as pdfium
from pypdfium2 import PdfBitmap, PdfDocument, PdfiumError, PdfPage

RESOLUTION = 150
"""Dots per inch of a page that is drawn without a size."""

MOST_PIXELS = 40_000_000
"""Pixels of a page, at most: it is drawn smaller rather than larger."""

LARGEST_PAGE = 1_000_000
"""Points of a side (1/72 inch) from which on a page is absurd; ISO 32000-1 names 14,400 as a limit of its time."""

_EXCERPT = 1000
_EXCERPT_PAGES = 3
"""Characters of the excerpt, and pages that are looked at for it: scans have no text at all."""

_MOST_OBJECTS = 200_000
"""Objects of a page up to which its text is gathered, which takes far more time than drawing."""

_KEYS = ("Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate")

_BESIDE_LETTERS = str.maketrans(
    {"\r": "", "\ufffe": "-", **{chr(code): " " for code in range(32) if code not in (9, 10, 13)}}
)
"""What PDFium puts into text beside letters: line ends of two characters, and marks of hyphenation."""


def facts(document: PdfDocument) -> dict[str, Any]:
    """What a document says of itself, the size of its first page in points, and how its text begins."""
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
    """The text of a page, or its first `most` characters; none where it is drawn by too many strokes."""
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
    """A page on white as rows of RGB, which fits into `size` x `size` pixels; stride in bytes."""
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
    """Width and height of a page as it is shown, in points, without reading what is on it."""
    found = pdfium.FS_SIZEF()
    if not pdfium.FPDF_GetPageSizeByIndexF(document, number, ctypes.byref(found)):
        raise PdfiumError(f"page {number} is not there")
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
            break  # a broken page: what is before it is enough
        if len(found) >= _EXCERPT:
            break
    return found[:_EXCERPT]
