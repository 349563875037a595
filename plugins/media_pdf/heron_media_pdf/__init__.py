"""PDF documents for Heron: the decoder `pdf`."""

from __future__ import annotations

from collections.abc import Iterable

import heron

_MEDIA_TYPE = "application/pdf"

PDF = [
    heron.MediaFormat(
        media_type=_MEDIA_TYPE,
        kind="pdf",
        suffixes=[".pdf"],
        signature=rb".{1,1016}?%PDF-\d",
        needs_suffix=True,
    ),
    heron.MediaFormat(
        media_type=_MEDIA_TYPE,
        kind="pdf",
        suffixes=[".pdf"],
        signature=rb"(?:(?:\xef\xbb\xbf)?[\s\0]*|\x1b%-12345X.{0,1000}?)%PDF-\d",
    ),
]
"""The header of ISO 32000-1, 7.5.2, which readers also find behind anything within the first 1,024 bytes.

Blanks, a byte order mark and the job header of a printer are known by themselves, other things by the name of the file.
"""


def load_pdf() -> heron.Decoder:
    """Make the reader of PDF documents."""
    from heron_media_pdf.decoder import PdfDecoder

    return PdfDecoder()


@heron.hookimpl
def register_decoders() -> Iterable[heron.MediaDecoder]:
    """Bring one reader for PDF, on PDFium."""
    yield heron.MediaDecoder(
        name="pdf",
        summary="PDF documents (PDFium)",
        formats=PDF,
        requires=["pypdfium2"],
        extra="pdf",
        personal=["pdf.author", "pdf.title", "pdf.subject", "pdf.keywords", "pdf.text"],
        load=load_pdf,
    )
