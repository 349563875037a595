"""Pictures: rescale, windows, palettes and colours by their values, and every file that comes with pydicom."""

from __future__ import annotations

import io
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest
from PIL import Image

import heron
from heron.testing import LocalMediaFile
from heron_media_dicom.dicom import codecs
from heron_media_dicom.dicom.decoder import DicomDecoder
from heron_media_dicom.dicom.testing import bundled_file, bundled_files, ct_slice, written

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
needs_imagecodecs = pytest.mark.skipif(not find_spec("imagecodecs"), reason="needs imagecodecs")


def gray(dataset: Any, tmp_path: Path) -> Any:
    """The only frame of a file as gray levels, after a look that it is gray."""
    path = written(dataset, tmp_path / "a.dcm")
    [(_, picture)] = DicomDecoder().frames(LocalMediaFile(path, "application/dicom"), [0])
    pixels = numpy.asarray(picture)
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0]


def stored(values: Any, dtype: str = "<u2", **elements: Any) -> Any:
    """A file with these pixels, as one row."""
    pixels = numpy.array([values], dtype)
    bits = 8 * pixels.itemsize
    sizes: dict[str, Any] = {
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }
    return ct_slice(rows=1, columns=pixels.shape[1], PixelData=pixels.tobytes(), **{**sizes, **elements})


def test_rescale_and_window_are_applied(tmp_path: Path) -> None:
    dataset = stored(
        [0, 864, 964, 1064, 1164, 1264, 4000],
        RescaleSlope=1,
        RescaleIntercept=-1024,
        WindowCenter=40.5,
        WindowWidth=401,
    )
    assert gray(dataset, tmp_path).tolist() == [[0, 0, 64, 128, 191, 255, 255]]


def test_the_first_of_several_windows_is_taken(tmp_path: Path) -> None:
    dataset = stored([0, 50, 100], WindowCenter=[50.5, 1000], WindowWidth=[101, 2000])
    assert gray(dataset, tmp_path).tolist() == [[0, 128, 255]]


def test_linear_exact_windows_follow_their_own_formula(tmp_path: Path) -> None:
    dataset = stored([0, 25, 50, 100], WindowCenter=50, WindowWidth=100, VOILUTFunction="LINEAR_EXACT")
    assert gray(dataset, tmp_path).tolist() == [[0, 64, 128, 255]]


def test_sigmoid_windows_follow_their_own_formula(tmp_path: Path) -> None:
    dataset = stored([0, 50, 100], WindowCenter=50, WindowWidth=100, VOILUTFunction="SIGMOID")
    expected = [255 / (1 + numpy.exp(-4 * (x - 50) / 100)) for x in (0, 50, 100)]
    assert gray(dataset, tmp_path).tolist() == [[round(level) for level in expected]]


def test_monochrome1_is_shown_inverted(tmp_path: Path) -> None:
    dataset = stored(
        [0, 50, 100], WindowCenter=50.5, WindowWidth=101, PhotometricInterpretation="MONOCHROME1"
    )
    assert gray(dataset, tmp_path).tolist() == [[255, 127, 0]]


def test_signed_values_are_read_as_signed(tmp_path: Path) -> None:
    dataset = stored([-1000, 0, 1000], "<i2", WindowCenter=0.5, WindowWidth=2001)
    assert gray(dataset, tmp_path).tolist() == [[0, 128, 255]]


def test_signed_bytes_without_a_window_are_read(tmp_path: Path) -> None:
    shown = gray(stored(list(range(-100, 100)), "i1"), tmp_path)[0]
    assert (shown[0], shown[-1]) == (0, 255)


def test_pixels_of_floating_point_are_read(tmp_path: Path) -> None:
    pixels = numpy.array([[0.25, numpy.nan, 0.5, 0.75]], "<f4")
    dataset = ct_slice(
        rows=1, columns=4, PixelData=None, FloatPixelData=pixels.tobytes(), BitsAllocated=32, BitsStored=None,
        WindowCenter=0.5, WindowWidth=0.5, VOILUTFunction="LINEAR_EXACT",
    )  # fmt: skip
    assert gray(dataset, tmp_path).tolist() == [[0, 0, 128, 255]]


@pytest.mark.parametrize("dtype", ["<u4", "<i4"])
def test_values_of_32_bits_are_read(dtype: str, tmp_path: Path) -> None:
    dataset = stored([0, 1_000_000, 2_000_000], dtype, WindowCenter=1_000_000.5, WindowWidth=2_000_001)
    assert gray(dataset, tmp_path).tolist() == [[0, 128, 255]]


def test_without_a_window_the_outer_percentiles_are_the_ends(tmp_path: Path) -> None:
    values = list(range(1000, 1200))
    shown = gray(stored(values, RescaleSlope=2, RescaleIntercept=-5), tmp_path)[0]
    low, high = (int(bound) for bound in numpy.percentile(values, (1, 99)))
    assert (shown[0], shown[-1]) == (0, 255)
    assert shown[100] == round(255 * (1100 - low) / (high - low))
    assert list(shown) == sorted(shown)


def test_a_negative_slope_turns_the_picture_round(tmp_path: Path) -> None:
    shown = gray(stored(list(range(200)), RescaleSlope=-1, RescaleIntercept=0), tmp_path)[0]
    assert (shown[0], shown[-1]) == (255, 0)


def test_eight_bits_without_a_window_are_shown_as_they_are(tmp_path: Path) -> None:
    values = [10, 20, 30, 200]
    assert gray(stored(values, "u1"), tmp_path).tolist() == [values]
    assert gray(stored(values, "u1", RescaleSlope=1, RescaleIntercept=0), tmp_path).tolist() == [values]


@pytest.mark.parametrize("window", [{"WindowWidth": 0}, {"WindowWidth": None}, {"WindowWidth": -5}])
def test_a_broken_window_is_passed_over(window: dict[str, Any], tmp_path: Path) -> None:
    values = list(range(200))
    elements = {"WindowCenter": 50, **window}
    assert (gray(stored(values, **elements), tmp_path) == gray(stored(values), tmp_path)).all()


def test_a_voi_lut_goes_before_a_window(tmp_path: Path) -> None:
    table = pydicom.Dataset()
    table.LUTDescriptor = [3, 10, 8]
    table["LUTDescriptor"].VR = "US"
    table.add_new(0x00283006, "US", [255, 128, 0])
    dataset = stored([0, 10, 11, 12, 99], VOILUTSequence=[table], WindowCenter=5, WindowWidth=3)
    assert gray(dataset, tmp_path).tolist() == [[255, 255, 128, 0, 0]]


def test_a_modality_lut_is_applied(tmp_path: Path) -> None:
    table = pydicom.Dataset()
    table.LUTDescriptor = [3, 0, 16]
    table.ModalityLUTType = "US"
    table.add_new(0x00283006, "US", [0, 1000, 500])
    dataset = stored([0, 1, 2], ModalityLUTSequence=[table], WindowCenter=500.5, WindowWidth=1001)
    assert gray(dataset, tmp_path).tolist() == [[0, 255, 128]]


def test_bits_of_a_segmentation_are_black_and_white(tmp_path: Path) -> None:
    dataset = ct_slice(
        rows=4, columns=8, PixelData=bytes([0xFF, 0, 0x0F, 0]), BitsAllocated=1, BitsStored=1, HighBit=0
    )
    shown = gray(dataset, tmp_path)
    assert shown.tolist() == [[255] * 8, [0] * 8, [255] * 4 + [0] * 4, [0] * 8]


@pytest.mark.parametrize("planar", [0, 1])
def test_colours_are_read_by_pixel_and_by_plane(planar: int, tmp_path: Path) -> None:
    pixels = numpy.arange(48, dtype="u1").reshape(4, 4, 3)
    data = pixels if planar == 0 else pixels.transpose(2, 0, 1)
    path = written(
        ct_slice(
            rows=4, columns=4, PixelData=data.tobytes(), BitsAllocated=8, BitsStored=8, HighBit=7,
            SamplesPerPixel=3, PlanarConfiguration=planar, PhotometricInterpretation="RGB",
        ),
        tmp_path / "a.dcm",
    )  # fmt: skip
    [(_, picture)] = DicomDecoder().frames(LocalMediaFile(path, "application/dicom"), [0])
    assert (numpy.asarray(picture) == pixels).all()


def test_frames_of_enhanced_objects_have_their_own_windows(tmp_path: Path) -> None:
    def group(center: float) -> Any:
        window, item = pydicom.Dataset(), pydicom.Dataset()
        window.WindowCenter, window.WindowWidth = center, 101
        item.FrameVOILUTSequence = [window]
        return item

    pixels = numpy.array([[0, 100], [0, 100]], "<u2")
    dataset = ct_slice(
        rows=1, columns=2, NumberOfFrames=2, PixelData=pixels.tobytes(),
        PerFrameFunctionalGroupsSequence=[group(50.5), group(100.5)],
    )  # fmt: skip
    path = written(dataset, tmp_path / "a.dcm")
    frames = DicomDecoder().frames(LocalMediaFile(path, "application/dicom"), [0, 1])
    assert [numpy.asarray(picture)[0, :, 0].tolist() for _, picture in frames] == [[0, 255], [0, 128]]


def test_a_picture_is_the_middle_frame(tmp_path: Path) -> None:
    pixels = numpy.array([[0], [50], [100]], "u1")
    path = written(
        ct_slice(
            rows=1, columns=1, NumberOfFrames=3, PixelData=pixels.tobytes(), BitsAllocated=8, BitsStored=8
        ),
        tmp_path / "a.dcm",
    )
    picture = DicomDecoder().picture(LocalMediaFile(path, "application/dicom"), 8)
    assert picture is not None and picture.getpixel((0, 0)) == (50, 50, 50)


def test_times_of_a_cine(tmp_path: Path) -> None:
    decoder = DicomDecoder()
    base: dict[str, Any] = {"NumberOfFrames": 3, "PixelData": bytes(3 * 512)}
    for elements, expected, rate in (
        ({"FrameTime": 50}, [0, 0.05, 0.1], 20.0),
        ({"FrameTimeVector": [0, 40, 60]}, [0, 0.04, 0.1], 20.0),
        ({"FrameTimeVector": [0, 40, -60]}, [], None),
        ({"CineRate": 15}, [], 15.0),
        ({}, [], None),
    ):
        path = written(ct_slice(**base, **elements), tmp_path / "a.dcm")
        file = LocalMediaFile(path, "application/dicom")
        assert list(decoder.times(file)) == pytest.approx(expected)
        facts = decoder.probe(file)
        assert (facts.fps, facts.frame_count) == (rate, 3)
        assert facts.duration == (pytest.approx(3 / rate) if rate else None)


@pytest.mark.slow
def test_every_bundled_file_is_read_or_refused_in_a_sentence() -> None:
    decoder = DicomDecoder()
    pictures, refused = 0, {}
    for path in bundled_files():
        file = LocalMediaFile(path, "application/dicom")
        try:
            facts = decoder.probe(file)
            picture = decoder.picture(file, 64)
            assert (picture is None) == (facts.frame_count is None)
            pictures += picture is not None
            decoder.part(file)
        except heron.MediaError as refusal:
            assert len(str(refusal).splitlines()) == 1
            refused[path.name] = str(refusal)
        assert not file.left_open()
    assert pictures > 100
    if find_spec("imagecodecs"):
        assert len(refused) < 8, refused


@needs_imagecodecs
@pytest.mark.parametrize(
    "name",
    [
        "MR_small.dcm",
        "JPEG-LL.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "J2K_pixelrep_mismatch.dcm",
        "emri_small_jpeg_ls_lossless.dcm",
        "SC_rgb_rle_16bit_2frame.dcm",
    ],
)
def test_stored_values_of_lossless_files_are_those_of_pydicom(name: str) -> None:
    path = bundled_file(name)
    dataset = pydicom.dcmread(path)
    expected = dataset.pixel_array
    decoder = codecs.decoder_of(dataset.file_meta.TransferSyntaxUID)
    found, _ = decoder.as_array(dataset)
    assert (found == expected).all()


@needs_imagecodecs
@pytest.mark.parametrize(
    ("plain", "packed"),
    [
        ("emri_small.dcm", "emri_small_jpeg_2k_lossless.dcm"),
        ("emri_small.dcm", "emri_small_jpeg_ls_lossless.dcm"),
        ("emri_small.dcm", "emri_small_RLE.dcm"),
        ("emri_small.dcm", "emri_small_big_endian.dcm"),
        ("SC_rgb.dcm", "SC_rgb_jpeg_gdcm.dcm"),
        ("SC_rgb.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_16bit.dcm", "SC_rgb_rle_16bit.dcm"),
        ("US1_UNCR.dcm", "US1_J2KR.dcm"),
    ],
)
def test_packed_files_look_like_plain_ones(plain: str, packed: str) -> None:
    decoder = DicomDecoder()
    pictures = []
    for name in (plain, packed):
        file = LocalMediaFile(bundled_file(name), "application/dicom")
        count = decoder.probe(file).frame_count or 0
        pictures.append([picture.tobytes() for _, picture in decoder.frames(file, range(count))])
    assert pictures[0] == pictures[1]


@needs_imagecodecs
@pytest.mark.parametrize("syntax", ["HTJ2KLossless", "HTJ2KLosslessRPCL", "HTJ2K"])
def test_high_throughput_jpeg_2000_is_read(syntax: str, tmp_path: Path) -> None:
    import imagecodecs

    pixels = numpy.arange(64 * 64, dtype="<u2").reshape(64, 64)
    dataset = ct_slice(rows=64, columns=64, WindowCenter=2048, WindowWidth=4096, PixelData=pixels.tobytes())
    plain = gray(dataset, tmp_path)
    dataset.PixelData = pydicom.encaps.encapsulate([bytes(imagecodecs.htj2k_encode(pixels, reversible=True))])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)
    assert (gray(dataset, tmp_path) == plain).all()


def test_what_nothing_reads_is_said_by_its_name(tmp_path: Path) -> None:
    dataset = ct_slice(PixelData=pydicom.encaps.encapsulate([bytes(64)]))
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML
    file = LocalMediaFile(written(dataset, tmp_path / "a.dcm"), "application/dicom")
    assert DicomDecoder().probe(file).codec == "MPEG-2 Main Level"
    with pytest.raises(heron.MediaError, match="transfer syntax MPEG-2 Main Level are not read"):
        DicomDecoder().picture(file, 64)


def test_what_is_to_be_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    file = LocalMediaFile(bundled_file("JPEG-LL.dcm"), "application/dicom")
    monkeypatch.setattr(codecs, "find_spec", lambda name: None)
    codecs.decoder_of.cache_clear()
    with pytest.raises(heron.MediaError, match="JPEG Lossless SV1 need imagecodecs") as caught:
        DicomDecoder().picture(file, 64)
    assert caught.value.hint == "pip install imagecodecs"
    codecs.decoder_of.cache_clear()


def test_unknown_colours_are_refused_by_name(tmp_path: Path) -> None:
    path = written(ct_slice(PhotometricInterpretation="HSV"), tmp_path / "a.dcm")
    with pytest.raises(heron.MediaError, match="HSV"):
        DicomDecoder().picture(LocalMediaFile(path, "application/dicom"), 64)


def test_a_jpeg_of_pillow_is_read(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 30)).save(content, "JPEG", quality=95)
    dataset = ct_slice(
        PixelData=pydicom.encaps.encapsulate([content.getvalue()]), BitsAllocated=8, BitsStored=8, HighBit=7,
        SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", PlanarConfiguration=0,
    )  # fmt: skip
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    path = written(dataset, tmp_path / "a.dcm")
    picture = DicomDecoder().picture(LocalMediaFile(path, "application/dicom"), 16)
    assert picture is not None
    assert picture.getpixel((8, 8)) == pytest.approx((200, 30, 30), abs=4)


@pytest.mark.parametrize("table", [True, False])
def test_frames_in_several_fragments_are_put_together(table: bool, tmp_path: Path) -> None:
    frames = []
    for level in (40, 200):
        content = io.BytesIO()
        Image.effect_noise((16, 16), level).save(content, "JPEG", quality=95)
        frames.append(content.getvalue())
    packed = pydicom.encaps.encapsulate(frames, fragments_per_frame=3, has_bot=table)
    dataset = ct_slice(NumberOfFrames=2, PixelData=packed, BitsAllocated=8, BitsStored=8, HighBit=7)
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    path = written(dataset, tmp_path / "a.dcm")
    found = list(DicomDecoder().frames(LocalMediaFile(path, "application/dicom"), [0, 1]))
    for (_, picture), frame in zip(found, frames, strict=True):
        assert (
            numpy.asarray(picture)[:, :, 0].tolist() == numpy.asarray(Image.open(io.BytesIO(frame))).tolist()
        )


@pytest.mark.slow
def test_nothing_is_said_on_standard_error() -> None:
    names = ["SC_rgb_jpeg.dcm", "badVR.dcm", "JPEG2000-embedded-sequence-delimiter.dcm", "MR_truncated.dcm"]
    paths = [str(bundled_file(name)) for name in names]
    script = """
import sys, heron, heron_media_dicom
from heron.testing import LocalMediaFile
decoder = next(iter(heron_media_dicom.register_decoders())).load()
for path in sys.argv[1:]:
    try:
        decoder.picture(LocalMediaFile(path, "application/dicom"), 32)
    except heron.MediaError:
        pass
"""
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True, check=True)
    assert done.stderr == ""
