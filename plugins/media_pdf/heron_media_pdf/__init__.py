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
"""The header of ISO 32000-1, 7.5.2, which may follow other bytes within the first 1,024.
White space, a byte order mark or the job header of a printer before it are recognised; with other bytes before it, the
suffix of the file has to be right.
"""


def load_pdf() -> heron.Decoder:
    """Create the decoder of PDF documents."""
    from heron_media_pdf.decoder import PdfDecoder

    return PdfDecoder()


@heron.hookimpl
def register_decoders() -> Iterable[heron.MediaDecoder]:
    """Contribute a decoder for PDF that uses PDFium."""
    yield heron.MediaDecoder(
        name="pdf",
        summary="PDF documents (PDFium)",
        formats=PDF,
        requires=["pypdfium2"],
        extra="pdf",
        namespaces=["pdf"],
        personal=["pdf.author", "pdf.title", "pdf.subject", "pdf.keywords", "pdf.text"],
        load=load_pdf,
        gives=["picture", "frames", "text"],
    )
