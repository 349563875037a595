"""NIfTI files that are broken, cut off, something else, or meant to do harm: one sentence, soon, in little memory."""

from __future__ import annotations

import gzip
import math
import struct
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

import heron
import heron_media_dicom
from heron.testing import LocalMediaFile, damaged_copies

_, NIFTI = heron_media_dicom.register_decoders()
VOXELS = np.arange(10 * 9 * 8, dtype="i2").reshape(10, 9, 8)
WHOLE = nibabel.Nifti1Image(VOXELS, np.eye(4)).to_bytes()
WHOLE_2 = nibabel.Nifti2Image(VOXELS, np.eye(4)).to_bytes()
PLAIN, GZIP = "application/x-nifti", "application/x-nifti+gzip"


def changed(fields: dict[str, Any], sort: Any = nibabel.Nifti1Header, whole: bytes = WHOLE) -> bytes:
    """A volume with fields of its header set, unchecked."""
    header = sort(whole[: sort.sizeof_hdr], check=False)
    for name, value in fields.items():
        header[name] = value
    return header.binaryblock + whole[sort.sizeof_hdr :]


def written(folder: Path, content: bytes, name: str = "a.nii") -> LocalMediaFile:
    (folder / name).write_bytes(content)
    return LocalMediaFile(folder / name, GZIP if name.endswith(".gz") else PLAIN)


def refusal(file: LocalMediaFile, longest: float = 20.0) -> str:
    """The sentence with which everything is refused, which takes neither time nor memory."""
    decoder: Any = NIFTI.load()
    sentences = set()
    tracemalloc.start()
    began = time.process_time()
    for read in (decoder.probe, lambda f: decoder.picture(f, 64), lambda f: list(decoder.frames(f, [0]))):
        with pytest.raises(heron.MediaError) as caught:
            read(file)
        sentences.add(str(caught.value))
    assert time.process_time() - began < longest
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert not file.left_open()
    (sentence,) = sentences
    assert file.name in sentence
    assert "\n" not in sentence
    return sentence


DIMS = {
    "eight axes": ([8, 2, 2, 2, 2, 2, 2, 2], "it has 8 axes"),
    "no axis": ([0, 2, 2, 2, 1, 1, 1, 1], "it has 0 axes"),
    "fewer than none": ([-3, 2, 2, 2, 1, 1, 1, 1], "it has -3 axes"),
    "an empty axis": ([3, 10, 0, 8, 1, 1, 1, 1], "axis 1 has 0 voxels"),
    "a negative axis": ([3, 10, 9, -8, 1, 1, 1, 1], "axis 2 has -8 voxels"),
    "all that fits": ([7] + [32_767] * 7, "claims slices"),
    "many volumes": ([4, 10, 9, 8, 32_767, 1, 1, 1], "cannot be in a file"),
    "many axes": ([7, 2, 2, 32_767, 32_767, 32_767, 32_767, 32_767], "cannot be in a file"),
    "a larger slice": ([3, 300, 300, 1, 1, 1, 1, 1], "its first slice is incomplete"),
}


@pytest.mark.parametrize("case", DIMS)
@pytest.mark.parametrize("version", [1, 2])
def test_absurd_axes_are_refused(tmp_path: Path, case: str, version: int) -> None:
    dim, reason = DIMS[case]
    sort, whole = (nibabel.Nifti1Header, WHOLE) if version == 1 else (nibabel.Nifti2Header, WHOLE_2)
    content = changed({"dim": dim}, sort, whole)
    assert reason in refusal(written(tmp_path, content))
    if "first slice" not in reason:
        assert reason in refusal(written(tmp_path, gzip.compress(content), "a.nii.gz"))


def test_lengths_of_64_bits_are_refused(tmp_path: Path) -> None:
    for dim in ([3, 2**62, 2**62, 2**62, 1, 1, 1, 1], [7, 1, 1, *[2**62] * 5]):
        content = changed({"dim": dim}, nibabel.Nifti2Header, WHOLE_2)
        assert "claims" in refusal(written(tmp_path, content))


@pytest.mark.parametrize("offset", [-1, 0, 100, 351, math.nan, math.inf, -math.inf, 1e30])
def test_voxels_that_begin_nowhere_are_refused(tmp_path: Path, offset: float) -> None:
    assert "its voxels begin at byte" in refusal(written(tmp_path, changed({"vox_offset": offset})))


def test_voxels_that_begin_behind_the_end_are_refused(tmp_path: Path) -> None:
    assert "its first slice is incomplete" in refusal(written(tmp_path, changed({"vox_offset": 100_000})))


@pytest.mark.parametrize("code", [0, 1, 3, 255, 1536, 2048, 9999, -4])
def test_unknown_voxels_are_refused(tmp_path: Path, code: int) -> None:
    assert "data type" in refusal(written(tmp_path, changed({"datatype": code})))


def test_headers_of_two_files_are_refused_with_what_to_do(tmp_path: Path) -> None:
    assert "two files (.hdr and .img)" in refusal(written(tmp_path, changed({"magic": b"ni1"})))
    second = changed({"magic": b"ni2\0\r\n\x1a\n"}, nibabel.Nifti2Header, WHOLE_2)
    assert "convert both to one .nii file" in refusal(written(tmp_path, second))
    analyze = nibabel.AnalyzeHeader().binaryblock
    assert "Analyze 7.5" in refusal(written(tmp_path, gzip.compress(analyze + bytes(999)), "a.nii.gz"))
    assert "magic" in refusal(written(tmp_path, changed({"magic": b"abc"})))


@pytest.mark.parametrize("field", ["pixdim", "srow_x", "quatern_b"])
@pytest.mark.parametrize("value", [math.nan, math.inf, 0, 3e38])
def test_broken_geometry_is_noted_and_the_voxels_are_shown(
    tmp_path: Path, field: str, value: float, capfd: Any
) -> None:
    codes = {"sform_code": field == "srow_x", "qform_code": field == "quatern_b"}
    file = written(tmp_path, changed({**codes, field: value}))
    facts = NIFTI.load().probe(file)
    assert facts.frame_count == 8
    if field == "pixdim":
        assert "no valid voxel spacing" in str(facts.note)
        assert "spacing" not in facts.extra["nifti"]  # type: ignore[operator]
    elif value:
        assert "no valid orientation" in str(facts.note)
        assert "orientation" not in facts.extra["nifti"]  # type: ignore[operator]
    picture = NIFTI.load().picture(file, 64)
    assert picture is not None
    assert len(np.unique(np.asarray(picture))) > 30
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_slices_before_a_cut_can_be_read(tmp_path: Path, name: str) -> None:
    decoder: Any = NIFTI.load()
    noise = np.random.default_rng(1).integers(0, 30_000, (50, 40, 8)).astype("i2")
    whole = nibabel.Nifti1Image(noise, np.eye(4)).to_bytes()
    content = gzip.compress(whole) if name.endswith(".gz") else whole
    original = written(tmp_path, content, f"whole-{name}")
    expected = [picture.tobytes() for _, picture in decoder.frames(original, range(8))]
    file = written(tmp_path, content[: len(content) * 45 // 100], name)
    assert decoder.probe(file).note == "its data is cut short: 3 of 8 slices are complete"
    assert decoder.probe(original).note is None
    assert [picture.tobytes() for _, picture in decoder.frames(file, range(8))] == expected[:3]
    assert decoder.picture(file, 64).tobytes() == expected[1]
    with pytest.raises(heron.MediaError, match="cut short or damaged: slice 5 is missing"):
        list(decoder.frames(file, [5, 6]))


def test_slices_before_damage_in_gzip_can_be_read(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 30_000, (90, 80, 50)).astype("i2")
    packed = bytearray(gzip.compress(nibabel.Nifti1Image(noise, np.eye(4)).to_bytes()))
    packed[len(packed) // 2 : len(packed) // 2 + 1000] = bytes(1000)
    packed[-4:] = bytes(4)
    file = written(tmp_path, bytes(packed), "a.nii.gz")
    decoder: Any = NIFTI.load()
    assert "cut short" in decoder.probe(file).note
    assert 10 < sum(1 for _ in decoder.frames(file, range(50), 16)) < 50


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_follows_the_voxels_is_left_alone(tmp_path: Path, name: str) -> None:
    packed = name.endswith(".gz")
    whole = gzip.compress(WHOLE) if packed else WHOLE
    inside = gzip.compress(WHOLE + b"garbage" * 999) if packed else WHOLE
    for content in (whole + b"garbage" * 999, whole + bytes(999), inside):
        file = written(tmp_path, content, name)
        assert NIFTI.load().probe(file).note is None
        assert NIFTI.load().picture(file, 64) is not None


def test_gzip_of_something_else_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"text", bytes(10_000), b"\x5c\x01\0\0", b"\x89PNG\r\n\x1a\n" + bytes(999)):
        assert "has no NIfTI header" in refusal(written(tmp_path, gzip.compress(content), "a.nii.gz"))


@pytest.mark.slow
def test_bombs_are_refused_or_read_as_far_as_they_promise(tmp_path: Path) -> None:
    begin, zeros = zlib.compressobj(9, zlib.DEFLATED, 31), zlib.compressobj(9, wbits=-15)
    megabyte = zeros.compress(bytes(1 << 20)) + zeros.flush(zlib.Z_FULL_FLUSH)
    ten_gigabytes = begin.compress(WHOLE) + begin.flush(zlib.Z_FULL_FLUSH) + megabyte * 10_000
    bomb = written(tmp_path, ten_gigabytes + begin.flush(), "a.nii.gz")
    assert refusal(written(tmp_path, gzip.compress(bytes(1 << 28), 9), "b.nii.gz"))
    began = time.process_time()
    remote = LocalMediaFile(tmp_path / "a.nii.gz", GZIP, remote=True)
    assert NIFTI.load().probe(remote).frame_count == 8
    assert NIFTI.load().picture(bomb, 64) is not None
    assert NIFTI.load().probe(bomb).note is None
    assert time.process_time() - began < 8, "it takes a tenth of a second, and all ten gigabytes take twenty"


@pytest.mark.slow
def test_endless_gzip_headers_and_empty_members_end(tmp_path: Path) -> None:
    header = b"\x1f\x8b\x08\x08" + bytes(6)
    assert refusal(written(tmp_path, header + b"n" * (64 << 20), "a.nii.gz"))
    assert refusal(written(tmp_path, gzip.compress(b"") * 500_000, "b.nii.gz"))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_empty_files_are_refused(tmp_path: Path, name: str) -> None:
    assert refusal(written(tmp_path, b"", name))
    assert refusal(written(tmp_path, struct.pack("<i", 348), name))


def test_any_damage_is_borne_by_slices_too(tmp_path: Path) -> None:
    decoder: Any = NIFTI.load()
    source = tmp_path / "whole.nii.gz"
    source.write_bytes(gzip.compress(WHOLE_2))
    folder = tmp_path / "damaged"
    folder.mkdir()
    seen = 0
    for seed in range(5):
        for path in damaged_copies(source, folder, seed):
            file = LocalMediaFile(path, GZIP)
            try:
                seen += sum(1 for _ in decoder.frames(file, range(decoder.probe(file).frame_count or 0), 8))
            except heron.MediaError:
                pass
            assert not file.left_open()
    assert seen > 100
