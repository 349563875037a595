"""Bad files: lengths that lie, bombs, absurd sizes, endless nesting, and storages that fail in the middle."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
import pytest

import heron
from heron.testing import LocalMediaFile
from heron_media_dicom.dicom import elements, fragments, stream
from heron_media_dicom.dicom.decoder import DicomDecoder
from heron_media_dicom.dicom.testing import bundled_file, ct_slice, written

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

EXPLICIT = "1.2.840.10008.1.2.1"


def with_header(body: bytes, syntax: str = EXPLICIT) -> bytes:
    """A file of this body, behind preamble, magic and transfer syntax."""
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", len(value)) + value + body


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def file_of(content: bytes, folder: Path) -> LocalMediaFile:
    path = folder / "bad.dcm"
    path.write_bytes(content)
    return LocalMediaFile(path, "application/dicom")


def refusal(file: Any) -> str:
    """Why a file is refused, in little time and memory, by whatever is asked of it."""
    decoder = DicomDecoder()
    reasons = []
    tracemalloc.start()
    start = time.process_time()
    for ask in (decoder.probe, decoder.part, decoder.times, lambda file: decoder.picture(file, 64)):
        with pytest.raises(heron.MediaError) as caught:
            ask(file)
        reasons.append(str(caught.value))
        assert reasons[-1].isprintable() and len(reasons[-1]) < 1000
    taken, (_, most) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 20 and most < 100_000_000, (taken, most)
    assert not file.left_open()
    return reasons[0]


MODALITY = element(0x00080060, b"CS", b"CT")


def test_an_element_longer_than_the_file(tmp_path: Path) -> None:
    content = with_header(MODALITY + struct.pack("<HH2sHI", 9, 1, b"OB", 0, 5_000_000))
    assert "bad.dcm is cut off, or an element has a wrong length" in refusal(file_of(content, tmp_path))


def test_pixels_longer_than_the_file(tmp_path: Path) -> None:
    content = written(ct_slice(), tmp_path / "a.dcm").read_bytes()
    assert refusal(file_of(content[:-100], tmp_path)) == (
        "bad.dcm is cut off: its pixels claim 512 bytes, 412 are left"
    )


@pytest.mark.parametrize("cut", [140, 400, 500])
def test_headers_that_are_cut_off(cut: int, tmp_path: Path) -> None:
    content = written(ct_slice(), tmp_path / "a.dcm").read_bytes()
    assert refusal(file_of(content[:cut], tmp_path))


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ({"Rows": 65_535, "Columns": 65_535}, "decompression bomb"),
        ({"Rows": 4096, "Columns": 4096}, "has only 512 bytes of pixels"),
        ({"Rows": 0}, "no valid number of rows"),
        ({"Columns": None}, "no valid number of rows"),
        ({"NumberOfFrames": 2}, "claims 2 frames"),
        ({"NumberOfFrames": 2_000_000_000}, "claims 2,000,000,000 frames"),
    ],
)
def test_absurd_sizes(sizes: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = written(ct_slice(**sizes), tmp_path / "bad.dcm")
    assert reason in refusal(LocalMediaFile(path, "application/dicom"))


@pytest.mark.parametrize("undefined", [True, False])
def test_sequences_nested_without_end(undefined: bool, tmp_path: Path) -> None:
    depth = 20_000
    length = 0xFFFFFFFF
    opening = struct.pack("<HH2sHI", 8, 0x1110, b"SQ", 0, length) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, length
    )
    body = MODALITY + opening * depth
    if undefined:
        assert "nests sequences more than 64 deep" in refusal(file_of(with_header(body), tmp_path))
    else:
        body = MODALITY + struct.pack("<HH2sHI", 8, 0x1110, b"SQ", 0, len(opening) * depth) + opening * depth
        assert DicomDecoder().probe(file_of(with_header(body), tmp_path)).frame_count is None


@pytest.mark.slow
def test_nesting_that_only_pydicom_would_follow(tmp_path: Path) -> None:
    opening = struct.pack(">HH2sHI", 8, 0x1110, b"SQ", 0, 0xFFFFFFFF)
    opening += struct.pack(">HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    content = with_header(opening * 20_000, "1.2.840.10008.1.2.2")
    assert "bad.dcm" in refusal(file_of(content, tmp_path))


@pytest.mark.slow
def test_functional_groups_nested_without_end(tmp_path: Path) -> None:
    opening = struct.pack("<HH2sHI", 0x5200, 0x9229, b"SQ", 0, 0xFFFFFFFF)
    opening += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    inner = opening * 5000
    head = struct.pack("<HH2sHI", 0x5200, 0x9229, b"SQ", 0, len(inner) + 8)
    content = with_header(MODALITY + head + struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner)
    assert refusal(file_of(content, tmp_path)) == (
        "bad.dcm cannot be read as DICOM: its sequences are nested too deeply"
    )


def test_a_header_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MOST_WINDOWS", 4)
    body = MODALITY + element(0x00090001, b"LO", b"") * 20_000
    assert "has a header of more than" in refusal(file_of(with_header(body), tmp_path))


def test_a_deflated_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_INFLATED", 4_000_000)
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(MODALITY + bytes(50_000_000)) + packer.flush()
    content = with_header(packed, "1.2.840.10008.1.2.1.99")
    assert len(content) < 100_000
    assert "unpacks to more than 4,000,000 bytes" in refusal(file_of(content, tmp_path))


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_deflated_files_that_are_cut_off(keep: int, tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(MODALITY * 3 + bytes(range(256)) * 20) + packer.flush()
    content = with_header(packed[:keep], "1.2.840.10008.1.2.1.99")
    assert "deflated, but cut off" in refusal(file_of(content, tmp_path))


def test_a_deflated_file_behind_odd_meta_information(tmp_path: Path) -> None:
    odd = element(0x00020010, b"ZZ", b"1.2.840.10008.1.2.1.99")
    content = bytes(128) + b"DICM" + odd + zlib.compress(bytes(1_000_000))
    assert refusal(file_of(content, tmp_path))


def test_no_dicom_behind_the_magic(tmp_path: Path) -> None:
    for content in (bytes(128) + b"DICM", bytes(128) + b"DICM" + b"\xff" * 4000, with_header(b"")):
        assert refusal(file_of(content, tmp_path))


def test_text_without_the_magic(tmp_path: Path) -> None:
    assert refusal(file_of(b"\x08\0\x05\0 is what this begins like. " * 100, tmp_path))


def compressed(items: bytes, folder: Path, syntax: Any = pydicom.uid.JPEG2000Lossless, **given: Any) -> Any:
    dataset = ct_slice(PixelData=items, **given)
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    return LocalMediaFile(written(dataset, folder / "bad.dcm"), "application/dicom")


def item(content: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content) if length is None else length) + content


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        (item(b"") + item(b"abcd", 4_000_000_000), "broken fragment|cut off"),
        (item(b"") + b"garbage!", "broken fragment|cut off"),
        (item(b""), "has 0 bytes"),
        (item(b"") + item(bytes(400_000)), "expected 1 to"),
        (item(b"") + item(b"no stream at all"), "no readable size"),
    ],
)
def test_fragments_that_lie(items: bytes, reason: str, tmp_path: Path) -> None:
    file = compressed(items, tmp_path)
    with pytest.raises(heron.MediaError, match=reason):
        DicomDecoder().picture(file, 64)
    assert not file.left_open()


def test_fragments_without_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MOST_FRAGMENTS", 1000)
    file = compressed(item(b"") * 2000, tmp_path)
    with pytest.raises(heron.MediaError, match="more than 1,000 fragments"):
        DicomDecoder().picture(file, 64)


def test_a_stream_that_claims_more_than_the_header(tmp_path: Path) -> None:
    whole = bytearray(bundled_file("JPEG2000.dcm").read_bytes())
    start = whole.index(b"\xff\x4f\xff\x51")
    whole[start + 8 : start + 16] = struct.pack(">II", 60_000, 60_000)
    with pytest.raises(heron.MediaError, match="its stream has 60000 x 60000 pixels"):
        DicomDecoder().picture(file_of(bytes(whole), tmp_path), 64)


def test_a_cut_off_jpeg_ls_takes_no_time(tmp_path: Path) -> None:
    path = bundled_file("MR_small_jpeg_ls_lossless.dcm")
    dataset = pydicom.dcmread(path)
    frame = pydicom.encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)
    dataset.PixelData = pydicom.encaps.encapsulate([frame[:1000]])
    file = LocalMediaFile(written(dataset, tmp_path / "bad.dcm"), "application/dicom")
    start = time.process_time()
    with pytest.raises(heron.MediaError, match=r"frame 0 of bad\.dcm is broken"):
        DicomDecoder().picture(file, 64)
    assert time.process_time() - start < 20, "it takes a hundredth of a second"


def test_a_broken_frame_is_left_out_and_the_others_come(tmp_path: Path) -> None:
    whole = bytearray(bundled_file("emri_small_RLE.dcm").read_bytes())
    dataset = pydicom.dcmread(bundled_file("emri_small_RLE.dcm"))
    second = pydicom.encaps.get_frame(dataset.PixelData, 1, number_of_frames=10)
    start = whole.index(second)
    whole[start : start + 4] = b"\xff\xff\xff\xff"
    file = file_of(bytes(whole), tmp_path)
    assert [number for number, _ in DicomDecoder().frames(file, [0, 1, 2], 32)] == [0, 2]
    with pytest.raises(heron.MediaError):
        list(DicomDecoder().frames(file, [1], 32))


def test_what_stands_in_a_file_does_not_break_a_sentence(tmp_path: Path) -> None:
    content = written(ct_slice(), tmp_path / "a.dcm").read_bytes()
    good, odd = b"1.2.840.10008.1.2.1\0", b"1.2.840\n\x1b[31m8.1.22\0"
    assert len(good) == len(odd)
    file = file_of(content.replace(good, odd), tmp_path)
    assert (DicomDecoder().probe(file).codec or "").startswith("1.2.840??[31m8")
    with pytest.raises(heron.MediaError) as caught:
        DicomDecoder().picture(file, 64)
    assert str(caught.value).isprintable()


def test_private_and_broken_elements_are_survived(tmp_path: Path) -> None:
    body = MODALITY + element(0x00090010, b"LO", b"HERON") + element(0x00091001, b"SH", b"\xff" * 30)
    body += element(0x00100010, b"PN", b"\x1b$B\xff\xff\xff") + element(0x00100020, b"LO", b"P1")
    body += element(0x00280010, b"US", b"\1\2\3") + element(0x00180050, b"DS", b"abc ")
    found = DicomDecoder().probe(file_of(with_header(body), tmp_path)).extra["dicom"]
    assert (found["Modality"], found["PatientID"]) == ("CT", "P1")
    assert not {"Rows", "SliceThickness"} & found.keys()


class FailingStream(io.BytesIO):
    """A stream over a bucket that stops to answer behind some bytes."""

    def __init__(self, content: bytes, good: int) -> None:
        super().__init__(content)
        self.good = good

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = len(self.getvalue()) if size is None or size < 0 else size
        if self.tell() + wanted > self.good and self.tell() < len(self.getvalue()):
            raise heron.Unreachable("the bucket does not answer")
        return super().read(size)


class FailingFile(LocalMediaFile):
    """A stored object that can be read up to a byte."""

    good = 0

    def open(self) -> BinaryIO:
        found = FailingStream(Path(self.url.removeprefix("file://")).read_bytes(), self.good)
        self.opened.append(found)
        return found


NAMES = [
    "CT_small.dcm", "emri_small_big_endian.dcm", "SC_rgb_rle_2frame.dcm", "examples_ybr_color.dcm",
    "eCT_Supplemental.dcm", "JPEG-LL.dcm", "reportsi.dcm",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_outage_is_told_as_such(name: str) -> None:
    file = FailingFile(bundled_file(name), "application/dicom", remote=True)
    decoder = DicomDecoder()
    for good in [0, 100, 1000, *(file.size * part // 10 for part in range(1, 10)), file.size - 1]:
        file.good = good
        for ask in (decoder.probe, decoder.part, lambda file: decoder.picture(file, 32)):
            try:
                ask(file)
            except heron.Unreachable as outage:
                assert outage.message == "the bucket does not answer"
            assert not file.left_open()
    file.good = 0
    with pytest.raises(heron.Unreachable):
        decoder.probe(file)


@pytest.mark.parametrize("name", ["MR2_J2KR.dcm", "SC_rgb_rle_2frame.dcm", "examples_ybr_color.dcm"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_half_of_a_compressed_file_is_refused(tmp_path: Path, name: str, share: float) -> None:
    content = bundled_file(name).read_bytes()
    (tmp_path / "a.dcm").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(heron.MediaError, match="cut off"):
        DicomDecoder().probe(LocalMediaFile(tmp_path / "a.dcm", "application/dicom"))


def test_a_compressed_file_without_the_last_delimiter_is_read(tmp_path: Path) -> None:
    content = bundled_file("SC_rgb_rle_2frame.dcm").read_bytes()
    end = content.rindex(b"\xfe\xff\xdd\xe0")
    (tmp_path / "a.dcm").write_bytes(content[:end])
    assert DicomDecoder().probe(LocalMediaFile(tmp_path / "a.dcm", "application/dicom")).frame_count == 2


@pytest.mark.parametrize("start", [b"", b"\x08\0\5\0\x0a\0\0\0ISO_IR 192"])
def test_zeros_for_a_header_are_refused_soon(tmp_path: Path, start: bytes) -> None:
    magic = bytes(128) + b"DICM" if not start else b""
    (tmp_path / "a.dcm").write_bytes(magic + start + bytes(20_000_000))
    with pytest.raises(heron.MediaError, match="zeros"):
        DicomDecoder().probe(LocalMediaFile(tmp_path / "a.dcm", "application/dicom"))


def test_the_limit_of_pixels_is_that_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(ct_slice(), tmp_path / "a.dcm")
    monkeypatch.setenv("HERON_MAX_PIXELS", "255")
    with pytest.raises(heron.MediaError, match="decompression bomb") as caught:
        DicomDecoder().probe(LocalMediaFile(path, "application/dicom"))
    assert "HERON_MAX_PIXELS" in str(caught.value.hint)
