"""DICOM files as exports: a folder with a DICOMDIR, and de-identified copies in which nothing tells of the person."""

import hashlib
import json
import zlib

import numpy
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.fileset import FileSet
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

import heron
from heron import HeronError

pytest.importorskip("dicomanonymizer")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

ROOT = "1.2.826.0.1.3680043.8.498"
PERSON = (
    "Jane",
    "P0001",
    "Elsewhere",
    "A77",
    "19700101",
    "20260131",
    f"{ROOT}.3.0.0",
    f"{ROOT}.1.1",
    "secret",
    "Overlaid",
)


def slice_of(series, number, **more):
    """A slice that tells of a person in many places: its header, a sequence, private elements, an overlay and the preamble."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"Jane".ljust(128, b"\0"))
    known = {
        "SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jane", "PatientID": "P0001", "PatientBirthDate": "19700101",
        "InstitutionName": "St. Elsewhere", "AccessionNumber": "A77", "StudyID": "7", "StudyDate": "20260131", "StudyTime": "081530",
        "SOPClassUID": CTImageStorage, "SOPInstanceUID": f"{ROOT}.3.{series}.{number}", "StudyInstanceUID": f"{ROOT}.1.1",
        "SeriesInstanceUID": f"{ROOT}.2.{series}", "FrameOfReferenceUID": f"{ROOT}.4", "Modality": "CT",
        "SeriesNumber": series + 1, "InstanceNumber": number + 1, "BurnedInAnnotation": "NO", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [0, 0, float(number)], "PixelSpacing": [0.5, 0.5], "Rows": 8, "Columns": 8, "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0,
        "PixelData": numpy.full(64, number, "<u2").tobytes(), "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    }  # fmt: skip
    for keyword, value in {**known, **more}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.private_block(0x19, "HERON", create=True).add_new(1, "LO", "secret")
    nested = pydicom.Dataset()
    nested.ReferencedSOPClassUID, nested.ReferencedSOPInstanceUID = CTImageStorage, f"{ROOT}.3.0.0"
    nested.PatientName = "Jane"
    nested.private_block(0x21, "HERON", create=True).add_new(1, "LO", "secret")
    dataset.ReferencedImageSequence = pydicom.Sequence([nested])
    dataset.add_new((0x6000, 0x0022), "LO", "Overlaid Jane")
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        dataset.SOPClassUID,
        dataset.SOPInstanceUID,
    )
    return dataset


def saved(dataset, path):
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Two series in a folder named after a person, a picture with texts, one that does not say, and one that may have some."""
    root = tmp_path_factory.mktemp("scans")
    folder = root / "Müller Jane"
    folder.mkdir()
    for series in (0, 1):
        for number in range(3):
            saved(
                slice_of(series, number, BurnedInAnnotation="NO" if series else None),
                folder / f"Jane{series}{number}.dcm",
            )
    saved(slice_of(2, 0, BurnedInAnnotation="YES"), folder / "burnt.dcm")
    saved(
        slice_of(3, 0, Modality="US", BurnedInAnnotation=None, StudyID="", SeriesNumber=None),
        folder / "silent.dcm",
    )
    old = slice_of(4, 0, PatientID=None, BurnedInAnnotation=None)
    old.preamble, old.file_meta = None, FileMetaDataset()
    pydicom.dcmwrite(root / "old.dcm", old, implicit_vr=True, little_endian=True)
    with heron.open(root / "ws") as workspace:
        workspace.schema.add_scalar("burned_in_annotation", "boolean")
        workspace.ingest.files([folder, root / "old.dcm"], folder="Jane's")
        workspace.datasets.create("D", items=workspace.items.list())
        yield workspace


def content(folder):
    """All bytes of an export, and all names."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"".join(str(path.relative_to(folder)).encode() + path.read_bytes() for path in files)


def exported(lake, out, format):
    unreadable = []
    return lake.export("D", out, format=format, unreadable=unreadable), unreadable


def gdcm_reads(folder):
    """Another library reads the DICOMDIR, and the pixels of all files."""
    gdcm = pytest.importorskip("gdcm")
    for path in folder.rglob("[DI][IM]*"):
        reader = gdcm.ImageReader() if path.name.startswith("IM") else gdcm.Reader()
        reader.SetFileName(str(path))
        assert reader.Read(), path


def test_a_folder_has_the_files_and_a_dicomdir(lake, tmp_path):
    assert exported(lake, tmp_path / "out", "dicom") == (5, [])
    files = FileSet(tmp_path / "out" / "DICOMDIR")
    assert len(files) == 9
    sources = {hashlib.sha256(path.read_bytes()).digest() for path in lake.root.parent.rglob("*/*.dcm")}
    copies = {hashlib.sha256(path.read_bytes()).digest() for path in (tmp_path / "out").rglob("IM*")}
    assert sources <= copies and len(copies) == 9, "all are as they were, but the one without a meta header"
    [old] = [each for each in files if each.SOPInstanceUID == f"{ROOT}.3.4.0"]
    assert old.load().PixelData == slice_of(4, 0).PixelData and "PatientID" not in old.load()
    assert {each.StudyID for each in files if each.SOPInstanceUID == f"{ROOT}.3.3.0"} <= {"1", "7"}
    assert not any("ane" in str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*"))
    gdcm_reads(tmp_path / "out")


def test_nothing_tells_of_the_person_in_de_identified_copies(lake, tmp_path):
    count, unreadable = exported(lake, tmp_path / "out", "dicom-deidentified")
    assert count == 3 and len(unreadable) == 2
    assert sum("texts are burnt into its pictures" in line for line in unreadable) == 1
    assert sum("ultrasound pictures usually have some" in line for line in unreadable) == 1
    found = content(tmp_path / "out")
    assert [mark for mark in PERSON if mark.encode("latin-1") in found] == []
    files = FileSet(tmp_path / "out" / "DICOMDIR")
    copies = [each.load() for each in files if each.Modality == "CT"]
    uids = {copy.SOPInstanceUID for copy in copies}
    assert len(copies) == len(uids) == 7
    assert {copy.ReferencedImageSequence[0].ReferencedSOPInstanceUID for copy in copies} <= uids, (
        "UIDs stay consistent"
    )
    assert [
        len({copy[name].value for copy in copies})
        for name in ("StudyInstanceUID", "SeriesInstanceUID", "PatientID")
    ] == [1, 3, 2]
    assert {
        (copy.PatientIdentityRemoved, copy.SOPClassUID, copy.ReferencedImageSequence[0].ReferencedSOPClassUID)
        for copy in copies
    } == {("YES", CTImageStorage, CTImageStorage)}
    assert "PS3.15" in copies[0].DeidentificationMethod[1]
    assert {copy.PixelData for copy in copies} == {slice_of(0, number).PixelData for number in range(3)}
    report = json.loads((tmp_path / "out" / "deidentification.json").read_text())
    assert (report["files"], sum(report["refused"].values())) == (7, 2)
    assert report["burned_in_annotation"]["said to be absent"] == 3
    assert len(report["burned_in_annotation"]["look at these pictures"]) == 4
    assert report["removed"]["private"] > 0 and report["UID replaced"]["SOPInstanceUID"] == 7
    gdcm_reads(tmp_path / "out")


def test_two_exports_have_other_uids_and_who_looked_at_the_pictures_is_believed(lake, tmp_path):
    series = {item.facts.extra["dicom"]["SeriesInstanceUID"]: item for item in lake.search.all()}
    silent, told = series[f"{ROOT}.2.3"], series[f"{ROOT}.2.4"]
    lake.metadata.merge_all([silent], {"burned_in_annotation": False})
    lake.metadata.merge_all([told], {"burned_in_annotation": True})
    found = []
    for name in ("a", "b"):
        count, unreadable = exported(lake, tmp_path / name, "dicom-deidentified")
        assert (count, len(unreadable)) == (3, 2)
        found.append(
            {each.SOPInstanceUID: each.load().Modality for each in FileSet(tmp_path / name / "DICOMDIR")}
        )
    assert not found[0].keys() & found[1].keys()
    assert "US" in found[0].values()
    lake.metadata.merge_all([silent, told], {"burned_in_annotation": None})


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}, "structured report"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "document"),
        ({"SOPClassUID": "1.3.12.2.1107.5.9.1"}, "not one of the standard"),
        (
            {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"], "BurnedInAnnotation": None},
            "captures of screens",
        ),
        ({"BurnedInAnnotation": "MAYBE"}, "it says 'MAYBE'"),
    ],
)
def test_what_cannot_be_treated_is_refused(more, reason):
    from heron_export_dicom.identity import Deidentification

    work = Deidentification()
    with pytest.raises(HeronError, match=reason):
        work(slice_of(0, 0, **more))
    report = work.report()
    assert (report["files"], sum(report["refused"].values())) == (0, 1)
    assert "MAYBE" not in json.dumps(report), "values of files are not in the report"


def test_files_that_are_cut_off_are_refused_and_nothing_else_is_raised(tmp_path):
    from heron_export_dicom.reading import header_of, whole_file

    data = saved(slice_of(0, 0), tmp_path / "a.dcm").read_bytes()
    for end in [*range(0, len(data), 37), len(data) - 1]:
        (tmp_path / "cut.dcm").write_bytes(data[:end])
        with (tmp_path / "cut.dcm").open("rb") as stream, pytest.raises(HeronError):
            whole_file(stream, end)
    for place in range(132, len(data), 11):  # damaged: read or refused
        broken = bytearray(data)
        broken[place : place + 4] = b"\xff\xfe\x00\xe0"
        (tmp_path / "broken.dcm").write_bytes(broken)
        for read in (header_of, lambda stream: whole_file(stream, len(data))):
            with (tmp_path / "broken.dcm").open("rb") as stream:
                try:
                    read(stream)
                except HeronError:
                    pass


def test_a_damaged_length_does_not_carry_a_name_into_what_is_kept(tmp_path):
    from heron_export_dicom.identity import Deidentification
    from heron_export_dicom.reading import understood, whole_file

    data = saved(slice_of(0, 0, ReferencedImageSequence=None), tmp_path / "a.dcm").read_bytes()
    work, treated = Deidentification(), 0
    for place in range(144 + data[140], len(data) - 200, 9):  # bytes of lengths, tags and values
        for more in (16, 200):
            (tmp_path / "b.dcm").write_bytes(
                data[:place] + bytes([data[place] + more & 255]) + data[place + 1 :]
            )
            with (tmp_path / "b.dcm").open("rb") as stream:
                try:
                    dataset, _ = work(whole_file(stream, len(data)))
                    with understood():
                        saved(dataset, tmp_path / "c.dcm")
                except HeronError:
                    continue
            treated += 1
            found = (tmp_path / "c.dcm").read_bytes()
            assert [mark for mark in PERSON if mark.encode("latin-1") in found] == [], (place, more)
    assert treated > 10
    tail = saved(slice_of(0, 0, PixelData=slice_of(0, 0).PixelData + b"Jane"), tmp_path / "tail.dcm")
    with tail.open("rb") as stream:
        dataset, _ = work(whole_file(stream, tail.stat().st_size))
    assert dataset.PixelData == slice_of(0, 0).PixelData


def test_bombs_and_deep_files_are_refused(tmp_path, monkeypatch):
    from heron_export_dicom import reading

    monkeypatch.setattr(reading, "LARGEST", 8_000_000)
    dataset = slice_of(0, 0, PixelData=None)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    bomb = saved(dataset, tmp_path / "bomb.dcm").read_bytes()
    start = 144 + int.from_bytes(bomb[140:144], "little")
    packer = zlib.compressobj(wbits=-15)
    bomb = bomb[:start] + packer.compress(bytes(2_000_000)) + packer.flush()
    (tmp_path / "bomb.dcm").write_bytes(bomb)
    with (tmp_path / "bomb.dcm").open("rb") as stream, pytest.raises(HeronError, match="inflated"):
        reading.header_of(stream)
    with pytest.raises(HeronError, match="at most"):
        reading.whole_file(stream, 9_000_000)
    deep = saved(slice_of(0, 0), tmp_path / "deep.dcm").read_bytes()
    nested = b"\x08\0\x15\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * 5000
    (tmp_path / "deep.dcm").write_bytes(deep + nested)
    with (tmp_path / "deep.dcm").open("rb") as stream, pytest.raises(HeronError):
        reading.whole_file(stream, 1000)


def test_an_interrupted_export_of_the_files_leaves_nothing_or_goes_on(lake, tmp_path, monkeypatch):
    from heron_export_dicom import folders

    def broken(*args, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders.Directory, "write", broken)
    with pytest.raises(HeronError, match="No space"):
        lake.export("D", tmp_path / "out", format="dicom-deidentified", unreadable=[])
    assert list(tmp_path.iterdir()) == []
