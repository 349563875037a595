"""What the plugin media_dicom promises, and that its signatures know real headers and nothing else."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import heron
import heron.testing
import heron_media_dicom
from heron_media_dicom.dicom.testing import ct_slice

CHECK = """
import sys, heron_media_dicom
list(heron_media_dicom.register_decoders())
heavy = "s3fs gcsfs adlfs pydicom nibabel av onnxruntime numpy PIL".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def nifti(version: int, order: str, magic: bytes) -> bytes:
    """A header of 348 or 540 bytes; `order` is `<` or `>`."""
    if version == 1:
        return struct.pack(order + "i340x4s", 348, magic) + bytes(4)
    return struct.pack(order + "i8s528x", 540, magic) + bytes(4)


DICOM_FILE = bytes(128) + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, 190)
NIFTI_FILES = [
    nifti(version, order, magic)
    for order in "<>"
    for version, magic in [
        (1, b"n+1\0"),
        (1, b"ni1\0"),
        (2, b"n+2\0\r\n\x1a\n"),
        (2, b"ni2\0\r\n\x1a\n"),
    ]
]


def recognised(head: bytes, name: str = "a") -> tuple[str, str] | None:
    """Decoder and media type, as Heron recognises a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(head)
        found = [
            (decoder.name, known.media_type)
            for decoder in heron_media_dicom.register_decoders()
            if (known := heron.testing.format_of(decoder, path)) is not None
        ]
    assert len(found) < 2
    return found[0] if found else None


def test_two_decoders_with_what_they_need() -> None:
    dicom, nifti = heron_media_dicom.register_decoders()
    assert (dicom.name, dicom.extra, dicom.requires) == ("dicom", "dicom", ("pydicom",))
    assert (nifti.name, nifti.extra) == ("nifti", "dicom")
    assert {known.kind for known in dicom.formats} == {"dicom"}
    assert {known.kind for known in nifti.formats} == {"nifti"}


def test_the_usual_suffixes_are_claimed() -> None:
    suffixes = {
        s for d in heron_media_dicom.register_decoders() for known in d.formats for s in known.suffixes
    }
    assert suffixes == {".dcm", ".dicom", ".ima", ".nii", ".nii.gz"}


def test_decoders_are_what_the_core_asks_for() -> None:
    dicom, nifti = (record.load() for record in heron_media_dicom.register_decoders())
    assert isinstance(dicom, heron.FrameDecoder) and isinstance(dicom, heron.SeriesDecoder)
    assert isinstance(nifti, heron.FrameDecoder)


def test_the_hooks_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_dicom_is_known_without_a_suffix() -> None:
    assert recognised(DICOM_FILE) == ("dicom", "application/dicom")


def test_dicom_is_known_with_a_preamble_of_another_format() -> None:
    tiff = b"II*\0\x08\0\0\0".ljust(128, b"\n")
    assert recognised(tiff + DICOM_FILE[128:]) == ("dicom", "application/dicom")


@pytest.mark.parametrize(
    "syntax", ["ImplicitVRLittleEndian", "ExplicitVRLittleEndian", "ExplicitVRBigEndian"]
)
@pytest.mark.parametrize("name", ["a.dcm", "a.DCM", "1.2.840.7", "IM0001"])
def test_dicom_without_preamble_is_known_by_any_name_and_read(tmp_path: Path, syntax: str, name: str) -> None:
    """`dcmconv -F` and older programs write the data set alone."""
    pydicom = pytest.importorskip("pydicom")
    given = getattr(pydicom.uid, syntax)
    dataset = pydicom.Dataset()
    dataset.update({element.tag: element for element in ct_slice(PatientName="Doe^Jane")})
    stream = io.BytesIO()
    dataset.save_as(
        stream,
        implicit_vr=given.is_implicit_VR,
        little_endian=given.is_little_endian,
        enforce_file_format=False,
    )
    assert recognised(stream.getvalue(), name) == ("dicom", "application/dicom")
    (tmp_path / name).write_bytes(stream.getvalue())
    decoder = next(iter(heron_media_dicom.register_decoders())).load()
    file = heron.testing.LocalMediaFile(tmp_path / name, "application/dicom")
    assert decoder.probe(file).extra["dicom"]["PatientName"] == "Doe^Jane"
    assert decoder.picture(file, 64).size == (16, 16)


def test_dicom_without_preamble_but_with_meta_is_known() -> None:
    assert recognised(DICOM_FILE[132:] + bytes(100), "a") == ("dicom", "application/dicom")
    assert recognised(b"\x08\0\0\0\4\0\0\0" + bytes(4), "a.dcm") == ("dicom", "application/dicom")
    assert recognised(b"\x08\0\0\0\4\0\0\0" + bytes(4), "a.bin") is None


@pytest.mark.parametrize("head", NIFTI_FILES)
def test_nifti_is_known_in_both_versions_and_byte_orders(head: bytes) -> None:
    assert recognised(head) == ("nifti", "application/x-nifti")


def test_gzip_is_nifti_only_by_its_name() -> None:
    packed = gzip.compress(NIFTI_FILES[0])
    assert recognised(packed, "brain.nii.gz") == ("nifti", "application/x-nifti+gzip")
    assert recognised(packed, "brain.gz") is None
    assert recognised(packed, "logs.tar.gz") is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"DICM" + bytes(200),
        bytes(127) + b"DICM" + bytes(100),
        DICOM_FILE[:130],
        bytes(1024),
        nifti(1, "<", b"n+2\0"),
        nifti(1, "<", b"abcd"),
        nifti(2, "<", b"n+2\0\n\n\x1a\n"),
        struct.pack("<i", 540) + nifti(1, "<", b"n+1\0")[4:],
        struct.pack("<i", 349) + nifti(1, "<", b"n+1\0")[4:],
        b"\\\x01\0\0",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        b"\x89PNG\r\n\x1a\n",
        b"a text that speaks of DICM and n+1",
    ],
)
def test_others_are_not_taken(head: bytes) -> None:
    assert recognised(head, "a.nii.gz") is None


def test_a_file_that_pydicom_writes_is_known() -> None:
    pydicom = pytest.importorskip("pydicom")
    dataset = pydicom.Dataset()
    dataset.SOPClassUID = pydicom.uid.CTImageStorage
    dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    assert recognised(stream.getvalue()) == ("dicom", "application/dicom")


def test_volumes_that_nibabel_writes_are_known() -> None:
    nibabel = pytest.importorskip("nibabel")
    numpy = pytest.importorskip("numpy")
    voxels = numpy.zeros((4, 4, 4), dtype="int16")
    for sort in (nibabel.Nifti1Image, nibabel.Nifti2Image):
        volume = sort(voxels, numpy.eye(4)).to_bytes()
        assert recognised(volume) == ("nifti", "application/x-nifti")
        assert recognised(gzip.compress(volume), "v.nii.gz") == ("nifti", "application/x-nifti+gzip")
