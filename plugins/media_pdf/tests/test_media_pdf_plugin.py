"""What the plugin media_pdf promises, and that its signatures know PDF and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import heron
import heron_media_pdf
from heron_media_pdf.testing import HELLO, document

CHECK = """
import sys, heron_media_pdf
list(heron_media_pdf.register_decoders())
heavy = "s3fs gcsfs adlfs pydicom nibabel av onnxruntime numpy PIL pypdfium2 pypdfium2_raw".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def is_recognised(head: bytes, name: str = "") -> bool:
    """Whether a format of the plugin takes a file."""
    (record,) = heron_media_pdf.register_decoders()
    return any(
        (pattern := known.pattern()) is not None
        and pattern.match(head[:1024]) is not None
        and (not known.needs_suffix or name.endswith(tuple(known.suffixes)))
        for known in record.formats
    )


def test_one_decoder_with_what_it_needs() -> None:
    (record,) = heron_media_pdf.register_decoders()
    assert isinstance(record, heron.MediaDecoder)
    assert (record.name, record.extra, list(record.requires)) == ("pdf", "pdf", ["pypdfium2"])
    assert not record.planned
    assert {(known.kind, known.media_type) for known in record.formats} == {("pdf", "application/pdf")}


def test_the_hooks_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "before",
    [b"", b"\n", b"\xef\xbb\xbf", b" \r\n\0\0", b"\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=PDF\r\n"],
)
def test_pdf_is_known_behind_blanks_marks_and_printer_jobs(before: bytes) -> None:
    assert is_recognised(before + document(HELLO))


def test_pdf_behind_something_else_is_known_by_its_name() -> None:
    for before in (b"junk\n", b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000):
        assert is_recognised(before + document(HELLO), "a.pdf")
        assert not is_recognised(before + document(HELLO), "a.txt")
    assert not is_recognised(b"x" * 1100 + document(HELLO), "a.pdf")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"%PDF",
        b"%PDF-x",
        b"%!PS-Adobe-3.0",
        b"a text that speaks of %PDF-1.7",
        b"<html><body>%PDF-1.4</body></html>",
        b"\x89PNG\r\n\x1a\n%PDF-1.4",
        b" " * 1024,
        b"\x1b%-12345X@PJL ENTER LANGUAGE=PCL",
    ],
)
def test_others_are_not_taken(head: bytes) -> None:
    assert not is_recognised(head)
    assert not is_recognised(head.replace(b"%PDF-1", b""), "a.pdf")
