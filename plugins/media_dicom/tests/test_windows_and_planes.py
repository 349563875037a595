"""Pictures in a chosen window, and planes through volumes, of DICOM and NIfTI, held against pydicom, nibabel and NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

import heron
from heron.testing import LocalMediaFile
from heron_media_dicom.dicom.decoder import DicomDecoder
from heron_media_dicom.dicom.testing import bundled_file, ct_slice, written

SHAPE = (4, 6, 8)
"""Slices, rows and columns of the volume: all different, so that a wrong axis is a wrong shape."""


def grey(picture: Any) -> Any:
    pixels = np.asarray(picture)
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0]


def levels(values: Any, width: float, level: float) -> Any:
    """LINEAR_EXACT of DICOM PS3.3 C.11.2.1.3."""
    return ((np.asarray(values, float) - level) / width + 0.5).clip(0, 1) * 255


@pytest.fixture(scope="module")
def volume() -> Any:
    return np.random.default_rng(3).integers(0, 1000, SHAPE)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, volume: Any) -> Any:
    """A series of CT slices, the same values as a NIfTI volume in RAS, and images."""
    place = tmp_path_factory.mktemp("lake")
    for number in range(SHAPE[0]):
        dataset = ct_slice(
            number + 1,
            rows=SHAPE[1],
            columns=SHAPE[2],
            ImagePositionPatient=[0, 0, 2.0 * number],
            PixelSpacing=[1.0, 1.0],
            RescaleSlope=1,
            RescaleIntercept=-1024,
            WindowCenter=[40, -600],
            WindowWidth=[400, 1500],
            WindowCenterWidthExplanation=["SOFT", "LUNG"],
            PixelData=(volume[number] + 1024).astype("<u2").tobytes(),
            BitsStored=16,
            HighBit=15,
        )
        written(dataset, place / f"{number}.dcm")
    image = nibabel.Nifti1Image(volume.T[::-1, ::-1].astype("i2"), np.diag([1.0, 1.0, 2.0, 1.0]))
    nibabel.save(image, place / "volume.nii.gz")
    with heron.open(place) as workspace:
        workspace.ingest.files(place, folder="Scans")
        yield workspace


def scan(workspace: Any, kind: str) -> Any:
    [item] = workspace.search(where=f"kind = '{kind}'")
    return item


@pytest.mark.parametrize("curve", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_window_of_the_caller_is_applied_as_that_of_the_file_is(
    tmp_path: Path, curve: str, photometric: str
) -> None:
    dataset = ct_slice(
        RescaleSlope=2.5, RescaleIntercept=-100, VOILUTFunction=curve, PhotometricInterpretation=photometric
    )
    bare = written(dataset, tmp_path / "bare.dcm")
    dataset.WindowCenter, dataset.WindowWidth = 120, 333
    named = written(dataset, tmp_path / "named.dcm")
    with heron.open(tmp_path / "lake") as workspace:
        workspace.ingest.files([bare], folder="Scans")
        [item] = workspace.search(limit=1)
        found = grey(workspace.pictures.picture(item, window=333, level=120))
        [(_, own)] = DicomDecoder().frames(LocalMediaFile(named, "application/dicom"), [0])
        assert np.abs(found.astype(int) - grey(own)).max() <= 1


def test_a_scan_tells_its_windows_values_and_planes(lake: Any, volume: Any) -> None:
    viewing = lake.pictures.viewing(scan(lake, "dicom"))
    assert [(each.name, each.width, each.level) for each in viewing.windows] == [
        ("SOFT", 400, 40),
        ("LUNG", 1500, -600),
    ]
    assert (viewing.lowest, viewing.highest) == (volume[2].min(), volume[2].max())
    assert viewing.units == "HU"
    assert viewing.planes == {"axial": 4, "coronal": 6, "sagittal": 8}
    first = lake.pictures.viewing(scan(lake, "dicom"), frame=0)
    assert (first.lowest, first.highest) == (volume[0].min(), volume[0].max())


@pytest.mark.parametrize("kind", ["dicom", "nifti"])
def test_frames_are_shown_in_the_window_of_the_caller(lake: Any, volume: Any, kind: str) -> None:
    item = scan(lake, kind)
    for number in range(SHAPE[0]):
        picture = lake.pictures.picture(item, frame=number, window=500, level=300, size=None)
        assert np.abs(grey(picture) - levels(volume[number], 500, 300)).max() <= 2
    middle = lake.pictures.picture(item, window=500, level=300)
    assert grey(middle).tolist() == grey(lake.pictures.picture(item, frame=2, window=500, level=300)).tolist()


@pytest.mark.parametrize("kind", ["dicom", "nifti"])
@pytest.mark.parametrize("limit", [1, 256 * 1024 * 1024])
def test_planes_are_upright_and_have_square_pixels(
    lake: Any, volume: Any, kind: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heron.pictures.planes.MOST_KEPT", limit)
    item = scan(lake, kind)
    shown = {"window": 500, "level": 300, "size": None}
    for index in range(SHAPE[1]):
        expected = levels(volume[::-1, index], 500, 300)
        picture = lake.pictures.picture(item, plane="coronal", index=index, **shown)
        assert picture.size == (SHAPE[2], 2 * SHAPE[0])
        stretched = Image.fromarray(expected.round().astype("u1")).resize(
            picture.size, Image.Resampling.BICUBIC
        )
        assert np.abs(grey(picture).astype(int) - np.asarray(stretched)).max() <= 3
    sagittal = lake.pictures.picture(item, plane="sagittal", index=3, **shown)
    assert sagittal.size == (SHAPE[1], 2 * SHAPE[0])
    if limit > 1:
        axial = lake.pictures.picture(item, plane="axial", index=1, **shown)
        assert np.abs(grey(axial) - levels(volume[1], 500, 300)).max() <= 2


def test_the_head_is_up_in_planes_and_the_back_is_right(tmp_path: Path) -> None:
    """One bright voxel, high, far back, on the patient's left, of a volume in each of some orientations."""
    for place, letters in enumerate(("RAS", "LPS", "PIR", "SAL", "ASL")):
        voxels = np.zeros((8, 8, 8), "i2")
        at = tuple(7 if letter in "LPS" else 0 for letter in letters)
        voxels[at] = 100
        axes = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
        affine = np.zeros((4, 4))
        affine[3, 3] = 1
        for column, letter in enumerate(letters):
            row, sign = axes[letter]
            affine[row, column] = sign
        nibabel.save(nibabel.Nifti1Image(voxels, affine), tmp_path / f"{place}.nii")
    with heron.open(tmp_path) as workspace:
        workspace.ingest.files(tmp_path, folder="Scans")
        for item in workspace.search(where="kind = 'nifti'"):
            for plane, spot in (("sagittal", (0, 7)), ("coronal", (0, 7)), ("axial", (7, 7))):
                shown = grey(workspace.pictures.picture(item, plane=plane, index=7, window=100, level=50))
                assert shown[spot] == 255, (item.name, plane)
                assert shown.sum() == 255, (item.name, plane)
                assert (
                    grey(workspace.pictures.picture(item, plane=plane, index=6, window=100, level=50)).sum()
                    == 0
                )


def test_a_plane_follows_a_file_that_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    nibabel.save(nibabel.Nifti1Image(np.zeros((8, 8, 8), "i2"), np.eye(4)), path)
    with heron.open(tmp_path) as workspace:
        workspace.ingest.files(path, folder="Scans")
        shown = {"plane": "coronal", "window": 10, "level": 5}
        assert grey(workspace.pictures.picture("a.nii", **shown)).max() == 0
        nibabel.save(nibabel.Nifti1Image(np.full((8, 8, 9), 10, "i2"), np.eye(4)), path)
        assert grey(workspace.pictures.picture("a.nii", **shown)).min() == 255


@pytest.mark.parametrize(
    "asked",
    [
        {"window": 400},
        {"level": 40},
        {"window": 0, "level": 1},
        {"window": float("nan"), "level": 1},
        {"window": 1, "level": float("inf")},
        {"plane": "coronal", "index": 6},
        {"plane": "coronal", "index": -1},
        {"index": 3},
    ],
)
def test_what_cannot_be_shown_is_refused(lake: Any, asked: Any) -> None:
    with pytest.raises(heron.InvalidInput):
        lake.pictures.picture(scan(lake, "dicom"), **asked)


def test_colours_have_no_window(tmp_path: Path) -> None:
    dataset = ct_slice(
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelData=bytes(16 * 16 * 3),
    )
    written(dataset, tmp_path / "colours.dcm")
    with heron.open(tmp_path) as workspace:
        workspace.ingest.files(tmp_path, folder="Scans")
        [item] = workspace.search(limit=1)
        assert workspace.pictures.viewing(item).windows == ()
        with pytest.raises(heron.InvalidInput, match="no window"):
            workspace.pictures.picture(item, window=1, level=1)


def test_a_series_without_pictures_is_no_failure(tmp_path: Path) -> None:
    """A report, a plan and an ECG have nothing to show."""
    (tmp_path / "files").mkdir()
    for name in ("reportsi.dcm", "rtplan.dcm", "waveform_ecg.dcm", "CT_small.dcm"):
        (tmp_path / "files" / name).write_bytes(bundled_file(name).read_bytes())
    with heron.init(tmp_path / "lake") as workspace:
        workspace.ingest.files([str(tmp_path / "files")], folder="F")
        made = workspace.pictures.make(workspace.items.list())
    assert (made.items, made.failed, list(made.problems)) == (1, 0, [])
