"""Headers: what our own walk reads is what pydicom reads, over every file that comes with pydicom."""

from __future__ import annotations

import math
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
import pytest

import heron
import heron_media_dicom
from heron.testing import LocalMediaFile
from heron_media_dicom.dicom import header as header_module
from heron_media_dicom.dicom.decoder import DicomDecoder
from heron_media_dicom.dicom.elements import Unusual
from heron_media_dicom.dicom.header import read_header
from heron_media_dicom.dicom.tags import FACTS, FRAME_TIME_VECTOR, PERSONAL, READ
from heron_media_dicom.dicom.testing import bundled_file, bundled_files, ct_slice, written

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

FILES = list(bundled_files())


def facts(path: Path) -> dict[str, Any]:
    return dict(DicomDecoder().probe(LocalMediaFile(path, "application/dicom")).extra["dicom"])


def as_told(vr: str, value: Any) -> Any:
    """One value of pydicom in the form of a fact, by other means than ours; None for a broken one."""
    text = str(value if value is not None else "").strip("\0 ")
    if not text:
        return ""
    try:
        if vr == "DS":
            return float(text) if math.isfinite(float(text)) else None
        if vr == "IS":
            return int(value)
        if vr == "DA":
            return datetime.strptime(text.replace(".", ""), "%Y%m%d").date().isoformat()
        if vr == "TM":
            whole, _, part = text.replace(":", "").partition(".")
            clock = f"{whole.ljust(6, '0')}.{part or '0'}"
            return datetime.strptime(clock, "%H%M%S.%f").time().isoformat()
        if vr == "DT":
            whole, _, part = text.partition(".")
            return datetime.strptime(f"{whole[:14]}.{part or '0'}", "%Y%m%d%H%M%S.%f").isoformat()
    except ValueError:
        return None
    if vr == "PN":
        return "=".join(part.strip() for part in str(value).split("=")).rstrip("=")[:1000]
    return value if isinstance(value, int | float) else text.replace("\0", "")[:1000]


def expected(dataset: Any) -> dict[str, Any]:
    """The facts of a file as pydicom reads them."""
    found = {}
    for tag in FACTS.values():
        part = dataset.file_meta if tag.number < 0x30000 else dataset
        try:
            element = part[tag.number]
            value = element.value
        except (KeyError, ValueError, TypeError, NotImplementedError, pydicom.errors.BytesLengthException):
            continue
        if isinstance(value, list | pydicom.multival.MultiValue):
            values = [as_told(element.VR, one) for one in value]
            found[tag.keyword] = values if any(one not in ("", None) for one in values) else None
        else:
            found[tag.keyword] = as_told(element.VR, value)
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def by_pydicom(path: Path) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return expected(pydicom.dcmread(path, stop_before_pixels=True))


def test_there_are_files_to_compare() -> None:
    assert len(FILES) > 100


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_values_are_those_of_pydicom(path: Path) -> None:
    try:
        ours = facts(path)
    except heron.MediaError:
        pytest.skip("refused")
    theirs = by_pydicom(path)
    if "SharedFunctionalGroupsSequence" in pydicom.dcmread(path, stop_before_pixels=True):
        ours = {name: value for name, value in ours.items() if name in theirs}
    assert ours == theirs


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_walk_and_pydicom_find_the_same_elements(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LocalMediaFile(path, "application/dicom")
    try:
        with file.open() as stream:
            walked = read_header(file, stream)
    except heron.MediaError:
        pytest.skip("refused")
    if walked.source is not stream:
        pytest.skip("deflated files are always unpacked by us")

    def unusual(data: bytes) -> Any:
        raise Unusual

    monkeypatch.setattr(header_module, "read_meta", unusual)
    with file.open() as stream:
        parsed = read_header(file, stream)
    assert parsed.facts == walked.facts
    assert parsed.frames == walked.frames
    assert parsed.elements.pixels == walked.elements.pixels


def test_most_files_take_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(*arguments: Any) -> Any:
        raise heron.MediaError("taken for unusual")

    monkeypatch.setattr(header_module, "_by_pydicom", unexpected)
    slow = []
    for path in FILES:
        try:
            facts(path)
        except heron.MediaError as refusal:
            if refusal.message == "taken for unusual":
                slow.append(path.name)
    assert len(slow) < len(FILES) / 6, slow


def test_tags_are_those_of_the_standard() -> None:
    from pydicom.datadict import dictionary_keyword, dictionary_VR

    for tag in READ.values():
        assert (tag.keyword, tag.vr.decode()) == (dictionary_keyword(tag.number), dictionary_VR(tag.number))
    assert FRAME_TIME_VECTOR not in FACTS


def test_syntaxes_are_those_of_the_standard() -> None:
    from pydicom.uid import UID

    from heron_media_dicom.dicom.syntaxes import _COMPRESSED, _PLAIN, is_compressed

    for uid in (*_PLAIN, *_COMPRESSED):
        if UID(uid).is_private or UID(uid).type != "Transfer Syntax":
            continue
        assert is_compressed(uid) == UID(uid).is_encapsulated, uid


def test_everything_of_the_patient_module_is_personal() -> None:
    named = {tag.keyword for tag in FACTS.values() if tag.number >> 16 == 0x0010}
    assert {f"dicom.{name}" for name in named} <= set(PERSONAL)
    dicom, _ = heron_media_dicom.register_decoders()
    assert list(dicom.personal) == PERSONAL


def test_every_person_and_place_of_care_is_personal() -> None:
    people = {tag.keyword for tag in FACTS.values() if tag.vr == b"PN"}
    places = {"InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName"}
    numbers = {"AccessionNumber", "StudyID", "DeviceSerialNumber", "PatientBirthDate"}
    assert {f"dicom.{name}" for name in people | places | numbers} <= set(PERSONAL)


def test_what_groups_and_orders_is_not_personal() -> None:
    kept = {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "StudyDate", "Modality", "Rows"}
    assert not {f"dicom.{name}" for name in kept} & set(PERSONAL)


def test_texts_are_decoded_by_their_character_set(tmp_path: Path) -> None:
    for number, (charset, text) in enumerate([
        ("ISO_IR 100", "Müller^Jürgen"), ("ISO_IR 192", "山田^太郎"), ("ISO_IR 144", "Люкceмбypг"), (None, "Doe^J"),
    ]):  # fmt: skip
        dataset = ct_slice(SpecificCharacterSet=charset, PatientName=text, StudyDescription=text)
        found = facts(written(dataset, tmp_path / f"{number}.dcm"))
        assert (found["PatientName"], found["StudyDescription"]) == (text, text)


def test_a_name_keeps_its_groups(tmp_path: Path) -> None:
    assert facts(bundled_file("chrH31.dcm"))["PatientName"] == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    for number, (given, told) in enumerate(
        [("=山田^太郎", "=山田^太郎"), ("Doe^J==", "Doe^J"), ("A = B ", "A=B")]
    ):
        dataset = ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName=given)
        assert facts(written(dataset, tmp_path / f"{number}.dcm"))["PatientName"] == told


def test_values_become_numbers_dates_and_times(tmp_path: Path) -> None:
    dataset = ct_slice(
        StudyDate="20260131", StudyTime="081530.25", PatientBirthDate="19700101", WindowCenter=[40, 300.5],
        PatientWeight="70.5", SeriesNumber="3", ImageType=["ORIGINAL", "PRIMARY"], StudyDescription="x" * 2000,
        AcquisitionDateTime="20260131081530.5+0100", ContrastBolusAgent="",
    )  # fmt: skip
    found = facts(written(dataset, tmp_path / "a.dcm"))
    wanted = {
        "StudyDate": "2026-01-31", "StudyTime": "08:15:30.250000", "PatientBirthDate": "1970-01-01",
        "WindowCenter": [40.0, 300.5], "PatientWeight": 70.5, "SeriesNumber": 3, "Rows": 16,
        "ImageType": ["ORIGINAL", "PRIMARY"], "AcquisitionDateTime": "2026-01-31T08:15:30.500000+01:00",
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    }  # fmt: skip
    assert wanted.items() <= found.items()
    assert found["StudyDescription"] == "x" * 1000
    assert "ContrastBolusAgent" not in found


def test_broken_values_are_left_out(tmp_path: Path) -> None:
    path = written(
        ct_slice(StudyDate="20260131", StudyTime="081530", PatientWeight="70.5000"), tmp_path / "a.dcm"
    )
    data = path.read_bytes()
    for good, bad in ((b"20260131", b"20261331"), (b"081530", b"998877"), (b"70.5000", b"70,5000")):
        assert good in data
        data = data.replace(good, bad)
    path.write_bytes(data)
    found = facts(path)
    assert not {"StudyDate", "StudyTime", "PatientWeight"} & found.keys()
    assert found["Modality"] == "CT"


@pytest.mark.parametrize(
    ("elements", "when"),
    [
        ({"AcquisitionDate": "20260131", "AcquisitionTime": "0815"}, "2026-01-31T08:15:00.000000Z"),
        ({"StudyDate": "20260131", "StudyTime": "08"}, "2026-01-31T08:00:00.000000Z"),
        ({"StudyDate": "20260131"}, "2026-01-31T00:00:00.000000Z"),
        (
            {"AcquisitionDate": "20260101", "StudyDate": "20260131", "StudyTime": "230000"},
            "2026-01-31T23:00:00.000000Z",
        ),
        (
            {"StudyDate": "20260131", "StudyTime": "081530", "TimezoneOffsetFromUTC": "+0200"},
            "2026-01-31T06:15:30.000000Z",
        ),
        (
            {"AcquisitionDateTime": "20260131081530-0500", "TimezoneOffsetFromUTC": "+0200"},
            "2026-01-31T13:15:30.000000Z",
        ),
        ({"StudyTime": "081530"}, None),
        (
            {"StudyDate": "00010101", "StudyTime": "000000", "TimezoneOffsetFromUTC": "+1400"},
            None,
        ),
    ],
)
def test_time_of_capture_is_utc(elements: dict[str, Any], when: str | None, tmp_path: Path) -> None:
    path = written(ct_slice(**elements), tmp_path / "a.dcm")
    assert DicomDecoder().probe(LocalMediaFile(path, "application/dicom")).captured_at == (
        when and datetime.fromisoformat(when)
    )


def test_a_file_without_preamble_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(written(ct_slice(), tmp_path / "b.dcm").read_bytes()[132:])
    assert facts(path) == facts(tmp_path / "b.dcm")


def test_geometry_of_enhanced_objects_comes_from_functional_groups() -> None:
    path = bundled_file("eCT_Supplemental.dcm")
    found = facts(path)
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    shared, first = dataset.SharedFunctionalGroupsSequence[0], dataset.PerFrameFunctionalGroupsSequence[0]
    assert found["ImagePositionPatient"] == first.PlanePositionSequence[0].ImagePositionPatient
    assert found["PixelSpacing"] == shared.PixelMeasuresSequence[0].PixelSpacing
    assert found["ImageOrientationPatient"] == shared.PlaneOrientationSequence[0].ImageOrientationPatient


def test_a_header_behind_large_private_elements_is_read(tmp_path: Path) -> None:
    dataset = ct_slice()
    block = dataset.private_block(0x0019, "HERON", create=True)
    block.add_new(1, "OB", bytes(100_000))
    block.add_new(2, "OB", bytes(70_000))
    assert facts(written(dataset, tmp_path / "a.dcm"))["Rows"] == 16


class CountingFile(LocalMediaFile):
    """A stored object, of which it is known how far it was read."""

    furthest = 0

    def open(self) -> BinaryIO:
        stream = super().open()
        read = stream.read

        def counted(size: int = -1) -> bytes:
            found = read(size)
            self.furthest = max(self.furthest, stream.tell())
            return found

        stream.read = counted  # type: ignore[method-assign]
        return stream


def test_pixels_are_not_read_for_facts(tmp_path: Path) -> None:
    dataset = ct_slice(rows=512, columns=512, PixelData=bytes(512 * 512 * 2))
    file = CountingFile(written(dataset, tmp_path / "a.dcm"), "application/dicom", remote=True)
    decoder = DicomDecoder()
    decoder.probe(file)
    decoder.part(file)
    decoder.times(file)
    assert file.furthest == 16 * 1024


def test_zeros_behind_the_last_element_are_passed_over(tmp_path: Path) -> None:
    path = written(ct_slice(PixelData=None), tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes() + bytes(3))
    assert facts(path)["Modality"] == "CT"


@pytest.mark.parametrize("implicit", [False, True])
def test_sequences_of_undefined_length_are_passed_over(implicit: bool, tmp_path: Path) -> None:
    inner = pydicom.Dataset()
    inner.PatientName = "Somebody^Else"
    for _ in range(20):
        outer = pydicom.Dataset()
        outer.ReferencedStudySequence = [pydicom.Dataset(), inner]
        outer["ReferencedStudySequence"].is_undefined_length = True
        outer.is_undefined_length_sequence_item = True
        inner = outer
    dataset = ct_slice(ReferencedStudySequence=[inner])
    dataset["ReferencedStudySequence"].is_undefined_length = True
    if implicit:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    found = facts(written(dataset, tmp_path / "a.dcm"))
    assert (found["PatientName"], found["Rows"]) == ("Doe^Jane", 16)
