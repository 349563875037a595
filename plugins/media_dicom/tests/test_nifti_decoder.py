"""NIfTI volumes: the contract of decoders, and facts and slices held against nibabel's."""

from __future__ import annotations

import gzip
import math
import threading
import time
from importlib.resources import files
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform

import heron
import heron_media_dicom
from heron.testing import DecoderContract, LocalMediaFile, format_of

_, NIFTI = heron_media_dicom.register_decoders()
SAMPLES = Path(str(files("nibabel"))) / "tests" / "data"
RANDOM = np.random.default_rng(4)


def media_file(path: Path, **options: Any) -> LocalMediaFile:
    """A file as the decoder is given it."""
    known = format_of(NIFTI, path)
    assert known is not None
    return LocalMediaFile(path, known.media_type, **options)


def frame(path: Path, number: int, size: int | None = None) -> np.ndarray[Any, Any]:
    """The pixels of a frame, shape (height, width, 3)."""
    [(_, picture)] = NIFTI.load().frames(media_file(path), [number], size)  # type: ignore[attr-defined]
    return np.asarray(picture)


def save(path: Path, voxels: Any, affine: Any = None, sort: Any = nibabel.Nifti1Image, **fields: Any) -> Path:
    """Write a volume with nibabel, with fields of the header set."""
    image = sort(voxels, np.eye(4) if affine is None else affine)
    for name, value in fields.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


@pytest.mark.slow
class TestNifti(DecoderContract):
    decoder = NIFTI

    @pytest.fixture
    def good_files(self, tmp_path: Path) -> dict[Path, dict[str, Any]]:
        ramp = np.arange(6 * 5 * 4).reshape(6, 5, 4)
        swapped = nibabel.Nifti2Image(ramp.astype("f4"), np.diag([-1, 2, 3, 1]))
        swapped = nibabel.Nifti2Image(swapped.dataobj, None, swapped.header.as_byteswapped(">"))
        nibabel.save(swapped, tmp_path / "big.nii")
        return {
            SAMPLES / "anatomical.nii": {
                "width": 33,
                "height": 41,
                "frame_count": 25,
                "extra": {"nifti": {"orientation": "LAS", "spacing": [2.0, 2.0, 2.0], "units": "mm"}},
            },
            SAMPLES / "functional.nii": {"frame_count": 60, "extra": {"nifti": {"volumes": 20}}},
            SAMPLES / "example4d.nii.gz": {
                "frame_count": 48,
                "duration": 4000.0,
                "extra": {"nifti": {"shape": [128, 96, 24, 2], "version": 1, "sform_code": 1}},
            },
            SAMPLES / "example_nifti2.nii.gz": {"extra": {"nifti": {"version": 2, "datatype": "int16"}}},
            SAMPLES / "row_major.dconn.nii": {"kind": "nifti", "frame_count": None, "width": None},
            tmp_path / "big.nii": {
                "width": 6,
                "height": 5,
                "extra": {"nifti": {"version": 2, "orientation": "LAS", "spacing": [1.0, 2.0, 3.0]}},
            },
        }


def as_shown(path: Path, number: int) -> np.ndarray[Any, Any]:
    """The values of a slice, laid out by nibabel: left, posterior and inferior are to the right or below."""
    image: Any = nibabel.load(path)
    voxels = np.atleast_3d(image.get_fdata())
    slices = voxels.shape[2]
    stack = voxels.reshape(*voxels.shape[:3], -1, order="F")[..., number // slices]
    turn = ornt_transform(io_orientation(image.affine), axcodes2ornt("LPI"))
    laid_out = apply_orientation(stack[:, :, [number % slices]], turn)
    return laid_out.squeeze(int(turn[2, 0])).T


def as_grey(values: np.ndarray[Any, Any], window: tuple[float, float] | None = None) -> np.ndarray[Any, Any]:
    """From the 1st to the 99th percentile of what is finite, or in a window."""
    low, high = window or np.percentile(values[np.isfinite(values)], (1, 99))
    return np.clip((values - low) / (high - low) * 255, 0, 255)


@pytest.mark.parametrize(
    "name", ["anatomical.nii", "functional.nii", "example4d.nii.gz", "example_nifti2.nii.gz"]
)
def test_slices_have_the_values_that_nibabel_reads(name: str) -> None:
    path = SAMPLES / name
    facts: Any = NIFTI.load().probe(media_file(path))
    low, high = (facts.extra["nifti"][name] for name in ("cal_min", "cal_max"))
    for number in {0, 1, facts.frame_count // 2, facts.frame_count - 1}:
        expected = as_grey(as_shown(path, number), (low, high) if low < high else None)
        assert np.abs(frame(path, number)[..., 0] - expected).max() <= 1


@pytest.mark.parametrize("axes", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)), ids=str)
def test_every_orientation_is_shown_upright(tmp_path: Path, axes: Any, signs: Any) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.diag(signs)[:, list(axes)] * 2.5
    path = save(tmp_path / "a.nii", RANDOM.integers(0, 999, (7, 5, 3)).astype("i2"), affine)
    facts = NIFTI.load().probe(media_file(path))
    expected = as_shown(path, 2)
    assert (facts.height, facts.width) == expected.shape
    assert np.abs(frame(path, 2)[..., 0] - as_grey(expected)).max() <= 1


def test_right_of_the_patient_is_on_the_left_and_anterior_is_up(tmp_path: Path) -> None:
    voxels = np.zeros((9, 9, 1), "u1")
    voxels[8, 4] = 200  # rightmost, in RAS
    voxels[4, 8] = 100  # most anterior
    shown = frame(save(tmp_path / "a.nii", voxels), 0)[..., 0]
    assert shown[4, 0] == 255
    assert shown[0, 4] > 0
    assert shown[8, 4] == shown[4, 8] == 0


@pytest.mark.parametrize("code", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_number_type_and_byte_order(tmp_path: Path, code: str, order: str) -> None:
    voxels = np.zeros((4, 3, 2), order + code)
    voxels.flat = np.arange(24)
    image = nibabel.Nifti1Image(voxels, np.eye(4), nibabel.Nifti1Header(endianness=order), dtype=voxels.dtype)
    nibabel.save(image, tmp_path / "a.nii")
    assert (NIFTI.load().probe(media_file(tmp_path / "a.nii"))).extra["nifti"]["datatype"]  # type: ignore[index, call-overload]
    assert np.abs(frame(tmp_path / "a.nii", 1)[..., 0] - as_grey(as_shown(tmp_path / "a.nii", 1))).max() <= 1


def test_complex_voxels_are_shown_by_magnitude(tmp_path: Path) -> None:
    voxels = (RANDOM.normal(size=(6, 5, 1)) + 1j * RANDOM.normal(size=(6, 5, 1))).astype("c8")
    path = save(tmp_path / "a.nii", voxels)
    expected = as_grey(np.abs(voxels[::-1, ::-1, 0]).T)
    assert np.abs(frame(path, 0)[..., 0] - expected).max() <= 1


@pytest.mark.parametrize("channels", ["RGB", "RGBA"])
def test_colours_are_kept(tmp_path: Path, channels: str) -> None:
    voxels = np.zeros((4, 3, 2), [(name, "u1") for name in channels])
    voxels["R"][0, 0, 1], voxels["B"][3, 2, 1] = 250, 120
    shown = frame(save(tmp_path / "a.nii", voxels), 1)
    assert shown[2, 3].tolist() == [250, 0, 0]
    assert shown[0, 0].tolist() == [0, 0, 120]


def test_what_is_not_a_number_is_black_and_the_rest_is_shown(tmp_path: Path) -> None:
    voxels = np.linspace(0, 1, 100, dtype="f4").reshape(10, 10, 1)
    voxels[0, 0], voxels[0, 1], voxels[0, 2] = np.nan, np.inf, -np.inf
    shown = frame(save(tmp_path / "a.nii", voxels), 0)[..., 0]
    assert [int(shown[9, 9]), int(shown[8, 9]), int(shown[7, 9])] == [0, 255, 0]
    assert len(np.unique(shown)) > 90
    assert not frame(save(tmp_path / "b.nii", np.full((3, 3, 1), np.nan)), 0).any()


def test_window_and_scale_of_the_header_are_used(tmp_path: Path) -> None:
    voxels = np.arange(101, dtype="u1").reshape(101, 1, 1)
    path = tmp_path / "a.nii"
    content = bytearray(nibabel.Nifti1Image(voxels, np.diag([-1, -1, 1, 1])).to_bytes())
    content[112:120] = np.array([2, -50], "<f4").tobytes()  # scl_slope, scl_inter
    content[124:132] = np.array([100, 0], "<f4").tobytes()  # cal_max, cal_min
    path.write_bytes(content)
    assert np.abs(frame(path, 0)[0, :, 0] - np.clip((np.arange(101) * 2 - 50) * 2.55, 0, 255)).max() <= 1


def test_a_sparse_mask_is_not_black(tmp_path: Path) -> None:
    voxels = np.zeros((50, 50, 1), "u1")
    voxels[20, 20] = 1
    assert frame(save(tmp_path / "a.nii", voxels), 0).max() == 255


@pytest.mark.parametrize(
    ("code", "spacing", "step", "units"),
    [
        (2 + 8, 2.0, 1.5, ["mm", "s"]),
        (3 + 16, 0.002, 0.0015, ["um", "ms"]),
        (1 + 24, 2000.0, 0.0000015, ["m", "us"]),
        (0, 2.0, 1.5, ["unknown", "unknown"]),
        (2 + 32, 2.0, None, ["mm", "Hz"]),
    ],
)
def test_units_are_respected(
    tmp_path: Path, code: int, spacing: float, step: float | None, units: list[str]
) -> None:
    path = save(
        tmp_path / "a.nii",
        np.zeros((2, 2, 2, 4), "u1"),
        pixdim=[1, 2, 2, 2, 1.5, 1, 1, 1],
        xyzt_units=code,
        descrip="TE=30;\nflip=90",
    )
    facts = NIFTI.load().probe(media_file(path))
    own: Any = facts.extra["nifti"]
    assert own["spacing"] == [spacing] * 3
    assert own.get("time_step") == step
    assert [own["units"], own["time_units"]] == units
    assert facts.duration == (step and pytest.approx(4 * step))
    assert own["description"] == "TE=30; flip=90"


def test_single_precision_is_read_as_it_was_meant(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", np.zeros((2, 2, 2), "u1"), np.diag([2.2, 0.7, 1.1, 1]))
    assert NIFTI.load().probe(media_file(path)).extra["nifti"]["spacing"] == [2.2, 0.7, 1.1]  # type: ignore[index, call-overload]


def test_more_and_fewer_axes_than_usual(tmp_path: Path) -> None:
    for shape, count, volumes in [((5,), 1, 1), ((5, 4), 1, 1), ((5, 4, 3, 2, 2), 12, 4)]:
        path = save(tmp_path / "a.nii", np.arange(math.prod(shape), dtype="i2").reshape(shape))
        facts = NIFTI.load().probe(media_file(path))
        assert facts.frame_count == count
        assert facts.extra["nifti"]["volumes"] == volumes  # type: ignore[index, call-overload]
        assert len(list(NIFTI.load().frames(media_file(path), range(count)))) == count  # type: ignore[attr-defined]


def test_middle_slice_is_the_picture() -> None:
    path = SAMPLES / "anatomical.nii"
    picture = NIFTI.load().picture(media_file(path), 64)
    assert picture is not None
    assert np.array_equal(np.asarray(picture), frame(path, 12, 64))


def test_a_gzipped_volume_in_several_members_is_read(tmp_path: Path) -> None:
    voxels = RANDOM.integers(0, 99, (40, 30, 20)).astype("i2")
    whole = nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes()
    parts = [whole[start : start + 10_000] for start in range(0, len(whole), 10_000)]
    (tmp_path / "plain.nii").write_bytes(whole)
    (tmp_path / "a.nii.gz").write_bytes(b"".join(gzip.compress(part) for part in parts) + bytes(512))
    assert NIFTI.load().probe(media_file(tmp_path / "a.nii.gz")).note is None
    for number in (0, 13, 19):
        assert np.array_equal(frame(tmp_path / "a.nii.gz", number), frame(tmp_path / "plain.nii", number))


class Counted(LocalMediaFile):
    """A file that remembers which ranges were read."""

    def open(self) -> Any:
        stream = super().open()
        stream.close()
        self.reads: list[int] = []
        return _Counting(self._place, self.reads)


class _Counting:
    def __init__(self, place: Path, reads: list[int]) -> None:
        self._stream, self._reads = place.open("rb"), reads

    def __enter__(self) -> _Counting:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def seek(self, offset: int) -> None:
        self._stream.seek(offset)

    def read(self, count: int) -> bytes:
        found = self._stream.read(count)
        self._reads.append(len(found))
        return found

    def readinto(self, buffer: Any) -> int:
        found = self._stream.readinto(buffer)
        self._reads.append(found)
        return found


def test_only_what_is_needed_is_read(tmp_path: Path) -> None:
    voxels = RANDOM.integers(0, 255, (64, 64, 100)).astype("u1")
    path = save(tmp_path / "a.nii", voxels)
    file = Counted(path, "application/x-nifti", remote=True)
    NIFTI.load().probe(file)
    assert sum(file.reads) == 348
    list(NIFTI.load().frames(file, [90, 3]))  # type: ignore[attr-defined]
    assert file.reads == [348, 64 * 64, 64 * 64]
    nibabel.save(nibabel.load(path), tmp_path / "a.nii.gz")
    packed = Counted(tmp_path / "a.nii.gz", "application/x-nifti+gzip", remote=True)
    NIFTI.load().probe(packed)
    assert sum(packed.reads) <= 64 * 1024
    list(NIFTI.load().frames(packed, [3]))  # type: ignore[attr-defined]
    assert sum(packed.reads) <= 128 * 1024 < packed.size


def test_errors_of_the_storage_come_through_unchanged(tmp_path: Path) -> None:
    class Gone(LocalMediaFile):
        def open(self) -> Any:
            stream = super().open()

            class Stream(type(stream)):  # type: ignore[misc]
                def readinto(self, buffer: Any) -> int:
                    raise error

                def read(self, count: int = -1) -> bytes:
                    raise error

            return Stream(stream.raw)

    decoder: Any = NIFTI.load()
    reads = (decoder.probe, lambda f: decoder.picture(f, 64), lambda f: list(decoder.frames(f, [1])))
    for path in (SAMPLES / "anatomical.nii", SAMPLES / "example4d.nii.gz"):
        for error in (heron.Unreachable("no route"), heron.ObjectChanged("replaced"), heron.NotFound("gone")):
            for read in reads:
                with pytest.raises(type(error)) as caught:
                    read(Gone(path, "application/x-nifti", remote=True))
                assert caught.value is error


@pytest.mark.slow
def test_gzipped_volumes_take_no_more_memory_than_a_slice(tmp_path: Path) -> None:
    import tracemalloc

    path = save(tmp_path / "a.nii.gz", np.zeros((256, 256, 300), "i2"))
    tracemalloc.start()
    try:
        assert sum(1 for _ in NIFTI.load().frames(media_file(path), range(300), 64)) == 300  # type: ignore[attr-defined]
        assert tracemalloc.get_traced_memory()[1] < 8 * 256 * 256 * 2 + 2_000_000
    finally:
        tracemalloc.stop()


def test_threads_share_a_decoder() -> None:
    decoder: Any = NIFTI.load()
    path = SAMPLES / "example4d.nii.gz"
    expected = [np.asarray(picture) for _, picture in decoder.frames(media_file(path), range(48))]
    wrong: list[int] = []

    def check() -> None:
        for number, picture in decoder.frames(media_file(path), range(48)):
            if not np.array_equal(np.asarray(picture), expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=check) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_reading_a_header_is_quick() -> None:
    decoder, file = NIFTI.load(), media_file(SAMPLES / "anatomical.nii")
    decoder.probe(file)
    began = time.process_time()
    for _ in range(100):
        decoder.probe(file)
    assert time.process_time() - began < 20, "it takes some hundredths of a second"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Pair, nibabel.Nifti2Pair])
def test_a_pair_of_header_and_image_is_one_volume(tmp_path: Path, kind: Any, packed: bool) -> None:
    voxels = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)
    nibabel.save(kind(voxels, np.diag([1, 2, 3, 1])), tmp_path / "pair.img")
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1, 2, 3, 1])), tmp_path / "single.nii")
    if packed:
        image = tmp_path / "pair.img"
        (tmp_path / "pair.img.gz").write_bytes(gzip.compress(image.read_bytes()))
        image.unlink()
    pair = LocalMediaFile(tmp_path / "pair.hdr", "application/x-nifti")
    single = LocalMediaFile(tmp_path / "single.nii", "application/x-nifti")
    decoder: Any = NIFTI.load()
    facts, expected = decoder.probe(pair), decoder.probe(single)
    assert (facts.frame_count, facts.width, facts.note) == (expected.frame_count, expected.width, None)
    for (_, one), (_, other) in zip(
        decoder.values(pair, range(4)), decoder.values(single, range(4)), strict=True
    ):
        assert one is not None and other is not None and np.array_equal(one.array, other.array)
    assert decoder.picture(pair, 64).tobytes() == decoder.picture(single, 64).tobytes()
