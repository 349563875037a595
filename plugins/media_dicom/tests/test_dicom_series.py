"""Series: the order of slices, what is told of the whole, and what is odd with it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import heron
from heron.testing import LocalMediaFile
from heron_media_dicom.dicom.decoder import DicomDecoder
from heron_media_dicom.dicom.testing import ROOT, bundled_file, ct_slice, written

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def part(dataset: Any, folder: Path) -> heron.Part:
    """What is kept of a file, as it comes back from where it was kept."""
    path = written(dataset, folder / "a.dcm")
    found = DicomDecoder().part(LocalMediaFile(path, "application/dicom"))
    assert found is not None
    return heron.Part(found.series, json.loads(json.dumps(found.header)))


def series(datasets: list[Any], folder: Path) -> heron.Series:
    return DicomDecoder().series([part(dataset, folder) for dataset in datasets])


def at(position: float, number: int, **elements: Any) -> Any:
    """A slice at a position along the axis, with an InstanceNumber."""
    uid = f"{ROOT}.3.{number}.{int(position * 10) + 10_000}"
    given = {"ImagePositionPatient": [0, 0, position], "InstanceNumber": number, "SOPInstanceUID": uid}
    return ct_slice(**{**given, **elements})


def test_slices_stand_by_position_whatever_their_numbers(tmp_path: Path) -> None:
    positions = [5.0 * place for place in range(12)]
    random.Random(3).shuffle(positions)
    found = series([at(position, number) for number, position in enumerate(positions)], tmp_path)
    assert [positions[place] for place in found.order] == sorted(positions)
    assert list(found.frame_counts) == [1] * 12
    assert list(found.warnings) == []


def test_the_normal_is_the_cross_product_of_rows_and_columns(tmp_path: Path) -> None:
    sagittal = [0, 1, 0, 0, 0, -1]  # the normal is -x
    datasets = [
        at(0, number, ImageOrientationPatient=sagittal, ImagePositionPatient=[x, 9 - x, 4])
        for number, x in enumerate([-10, 0, 10])
    ]
    assert list(series(datasets, tmp_path).order) == [2, 1, 0]


def test_without_positions_slices_stand_by_number_then_uid(tmp_path: Path) -> None:
    datasets = [
        at(0, 3, ImagePositionPatient=None),
        at(0, 1, ImagePositionPatient=None, SOPInstanceUID=f"{ROOT}.2"),
        at(0, 1, ImagePositionPatient=None, SOPInstanceUID=f"{ROOT}.1"),
        at(0, 9, ImagePositionPatient=None, InstanceNumber=None),
    ]
    assert list(series(datasets, tmp_path).order) == [2, 1, 0, 3]


@pytest.mark.parametrize("keyword", ["TemporalPositionIdentifier", "AcquisitionNumber", "TriggerTime"])
def test_passes_over_the_same_positions_stand_one_behind_the_other(keyword: str, tmp_path: Path) -> None:
    places = [(phase, position) for position in (0.0, 5.0, 10.0) for phase in (1, 2)]
    datasets = [at(position, number, **{keyword: phase}) for number, (phase, position) in enumerate(places)]
    found = series(datasets, tmp_path)
    assert [places[place] for place in found.order] == sorted(places)
    assert found.facts.extra["dicom"]["NumberOfSlices"] == 3
    assert found.facts.frame_count == 6


def test_repeated_positions_that_nothing_tells_apart_stand_by_number(tmp_path: Path) -> None:
    places = [(5.0, 4), (0.0, 3), (5.0, 2), (0.0, 1)]
    found = series([at(*place) for place in places], tmp_path)
    assert [places[place] for place in found.order] == [(0.0, 1), (0.0, 3), (5.0, 2), (5.0, 4)]


def test_facts_are_those_of_the_first_slice_and_of_the_stack(tmp_path: Path) -> None:
    datasets = [at(2.5 * number, number, SliceThickness=5, SpacingBetweenSlices=9) for number in (3, 2, 1)]
    found = series(datasets, tmp_path)
    told = found.facts.extra["dicom"]
    assert told["InstanceNumber"] == 1
    assert told["ImagePositionPatient"] == [0, 0, 2.5]
    assert (told["NumberOfSlices"], told["SpacingBetweenSlices"], told["SliceThickness"]) == (3, 2.5, 5.0)
    assert (found.facts.kind, found.facts.width, found.facts.frame_count) == ("dicom", 16, 3)


@pytest.mark.parametrize(
    ("elements", "name"),
    [
        ({"SeriesDescription": "Thorax 1.0"}, "Thorax 1.0"),
        ({}, "CT 7"),
        ({"SeriesNumber": None}, "CT"),
        ({"SeriesNumber": None, "Modality": None}, None),
    ],
)
def test_the_name_never_is_that_of_the_patient(
    elements: dict[str, Any], name: str | None, tmp_path: Path
) -> None:
    assert series([at(1, 1, **elements)], tmp_path).name == name


def test_files_of_two_studies_are_refused_with_both_named(tmp_path: Path) -> None:
    with pytest.raises(heron.MediaError, match=rf"{ROOT}\.1 and {ROOT}\.9") as caught:
        series([at(1, 1), at(2, 2, StudyInstanceUID=f"{ROOT}.9")], tmp_path)
    assert f"{ROOT}.2" in caught.value.message


def test_repeated_instances_are_left_out_with_a_warning(tmp_path: Path) -> None:
    found = series([at(1, 1), at(2, 2), at(1, 1), at(2, 2), at(3, 3)], tmp_path)
    assert list(found.order) == [0, 1, 4]
    [warning] = found.warnings
    assert warning.startswith("2 files repeat the SOPInstanceUID")


def test_missing_slices_are_counted_and_placed(tmp_path: Path) -> None:
    datasets = [at(5.0 * number, number) for number in range(20) if number not in (4, 10, 11)]
    found = series(datasets, tmp_path)
    assert list(found.warnings) == [
        "3 slices are missing between 15 and 25 mm and between 45 and 60 mm along the normal"
    ]
    assert found.facts.extra["dicom"]["SpacingBetweenSlices"] == 5.0


def test_uneven_stacks_do_not_look_like_gaps(tmp_path: Path) -> None:
    positions = [0, 1, 2.3, 3.1, 4.9, 9.2, 11]
    found = series([at(position, number) for number, position in enumerate(positions)], tmp_path)
    assert list(found.warnings) == []


def test_a_localizer_among_slices_keeps_the_numbers(tmp_path: Path) -> None:
    datasets = [at(10.0 - number, number) for number in range(1, 6)]
    datasets.append(at(0, 0, ImageOrientationPatient=[0, 1, 0, 0, 0, -1]))
    found = series(datasets, tmp_path)
    assert list(found.order) == [5, 0, 1, 2, 3, 4]
    [warning] = found.warnings
    assert warning.startswith("1 of 6 files have another orientation")


def test_mixed_sizes_and_frames_of_reference_are_warned_of(tmp_path: Path) -> None:
    datasets = [
        at(1, 1),
        at(2, 2, Rows=8, Columns=8, PixelData=bytes(128)),
        at(3, 3, FrameOfReferenceUID=f"{ROOT}.8"),
    ]
    warnings = series(datasets, tmp_path).warnings
    assert warnings[0] == "the pictures have 2 sizes, such as 16 x 16 and 8 x 8 pixels"
    assert warnings[1].startswith("the files have 2 frames of reference")


def test_frames_of_all_files_are_counted(tmp_path: Path) -> None:
    datasets = [at(1, 1, NumberOfFrames=4, PixelData=bytes(4 * 512), FrameTime=50), at(2, 2)]
    found = series(datasets, tmp_path)
    assert list(found.frame_counts) == [4, 1]
    assert found.facts.frame_count == 5
    alone = series(datasets[:1], tmp_path)
    assert (alone.facts.fps, alone.facts.duration) == (20.0, 0.2)


def test_objects_without_pixels_have_no_frames(tmp_path: Path) -> None:
    found = series([ct_slice(PixelData=None, Rows=None, Columns=None)], tmp_path)
    assert list(found.frame_counts) == [0]
    assert found.facts.frame_count is None


def test_what_is_in_no_series_stands_alone(tmp_path: Path) -> None:
    decoder = DicomDecoder()
    path = written(ct_slice(SeriesInstanceUID=None), tmp_path / "a.dcm")
    for alone in (path, bundled_file("DICOMDIR")):
        file = LocalMediaFile(alone, "application/dicom")
        assert decoder.part(file) is None
        assert decoder.probe(file).kind == "dicom"


def test_what_is_kept_of_a_file_is_small(tmp_path: Path) -> None:
    dataset = ct_slice(
        ImageComments="c" * 5000,
        StudyDescription="s" * 900,
        DerivationDescription="ü" * 900,
        SpecificCharacterSet="ISO_IR 100",
        PatientComments="p" * 900,
        ImageType=["A" * 16] * 60,
    )
    found = part(dataset, tmp_path)
    assert len(json.dumps(found.header)) <= 4000
    kept = found.header["dicom"]
    assert {"StudyInstanceUID", "ImagePositionPatient", "InstanceNumber", "StudyDescription"} <= kept.keys()


def test_positions_that_are_absurd_are_not_used(tmp_path: Path) -> None:
    datasets = [at(1, 2, ImagePositionPatient=["1e300", "0", "-1e300"]), at(2, 1)]
    assert list(series(datasets, tmp_path).order) == [1, 0]


def test_without_positions_and_numbers_slices_stand_by_location_and_it_is_said(tmp_path: Path) -> None:
    places = [12.5, -3.0, 40.0, 7.25]
    datasets = [
        at(
            0,
            n,
            ImagePositionPatient=None,
            InstanceNumber=None,
            SliceLocation=place,
            SOPInstanceUID=f"{ROOT}.{9 - n}",
        )
        for n, place in enumerate(places)
    ]
    found = series(datasets, tmp_path)
    assert [places[place] for place in found.order] == sorted(places)
    assert "SliceLocation" in found.warnings[0]
    numbered = [
        at(0, 9 - n, ImagePositionPatient=None, SliceLocation=place) for n, place in enumerate(places)
    ]
    assert list(series(numbered, tmp_path).order) == [3, 2, 1, 0]


def test_an_order_that_nothing_tells_is_said(tmp_path: Path) -> None:
    datasets = [at(0, n, ImagePositionPatient=None, InstanceNumber=None) for n in range(3)]
    assert "not known" in " ".join(series(datasets, tmp_path).warnings)
