"""The decoder `dicom` keeps the contract of decoders, with files of many transfer syntaxes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pydicom
import pytest

import heron_media_dicom
from heron.testing import DecoderContract
from heron_media_dicom.dicom.testing import bundled_file, ct_slice, written

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.slow]

DICOM, _ = heron_media_dicom.register_decoders()

COMPRESSED: dict[str, dict[str, Any]] = {
    "examples_ybr_color.dcm": {"codec": "JPEG Baseline", "frame_count": 30, "width": 320, "height": 240},
    "JPGExtended.dcm": {"codec": "JPEG Extended", "width": 256, "height": 1024},
    "JPEG-LL.dcm": {"codec": "JPEG Lossless SV1", "width": 256, "height": 1024},
    "emri_small_jpeg_ls_lossless.dcm": {"codec": "JPEG-LS Lossless", "frame_count": 10},
    "JPEGLSNearLossless_08.dcm": {"codec": "JPEG-LS Near-Lossless"},
    "emri_small_jpeg_2k_lossless.dcm": {"codec": "JPEG 2000 Lossless", "frame_count": 10, "width": 64},
    "GDCMJ2K_TextGBR.dcm": {"codec": "JPEG 2000 Lossless"},
    "JPEG2000.dcm": {"codec": "JPEG 2000"},
    "SC_rgb_rle_2frame.dcm": {"codec": "RLE Lossless", "frame_count": 2},
}


class TestPlainFiles(DecoderContract):
    decoder = DICOM
    module = "heron_media_dicom"

    @pytest.fixture
    def good_files(self, tmp_path: Path) -> dict[Path, dict[str, Any]]:
        files: dict[Path, dict[str, Any]] = {
            written(ct_slice(3), tmp_path / "slice.dcm"): {
                "kind": "dicom",
                "width": 16,
                "height": 16,
                "frame_count": 1,
                "codec": None,
                "extra": {"dicom": {"Modality": "CT", "InstanceNumber": 3, "PixelSpacing": [0.5, 0.5]}},
            },
            written(
                ct_slice(NumberOfFrames=4, FrameTime=40, PixelData=bytes(4 * 512)), tmp_path / "cine.dcm"
            ): {"frame_count": 4, "fps": 25.0, "duration": 0.16},
            written(ct_slice(PixelData=None), tmp_path / "no-pixels"): {"frame_count": None},
        }
        for syntax in (pydicom.uid.ImplicitVRLittleEndian, pydicom.uid.DeflatedExplicitVRLittleEndian):
            dataset = ct_slice()
            dataset.file_meta.TransferSyntaxUID = syntax
            files[written(dataset, tmp_path / f"{syntax}.dcm")] = {"frame_count": 1, "codec": None}
        return files


class TestBundledFiles(DecoderContract):
    decoder = DICOM
    module = "heron_media_dicom"
    sizes = (1, 64)

    @pytest.fixture
    def good_files(self) -> dict[Path, dict[str, Any]]:
        return {
            bundled_file("emri_small_big_endian.dcm"): {"frame_count": 10, "codec": None},
            bundled_file("liver_1frame.dcm"): {"frame_count": 1},
            bundled_file("examples_palette.dcm"): {"codec": None},
            bundled_file("rtplan.dcm"): {"frame_count": None, "extra": {"dicom": {"Modality": "RTPLAN"}}},
            bundled_file("test-SR.dcm"): {"frame_count": None},
            bundled_file("DICOMDIR"): {"frame_count": None},
        }


@pytest.mark.skipif(not find_spec("imagecodecs"), reason="needs imagecodecs")
class TestCompressedFiles(DecoderContract):
    decoder = DICOM
    module = "heron_media_dicom"
    sizes = (1, 64)

    @pytest.fixture(params=COMPRESSED)
    def good_files(self, request: pytest.FixtureRequest) -> dict[Path, dict[str, Any]]:
        return {bundled_file(request.param): COMPRESSED[request.param]}
