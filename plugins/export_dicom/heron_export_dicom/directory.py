"""Makes a DICOMDIR (PS3.10, PS3.3 annex F): records of patients, studies, series and files, each with the offset of the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from attrs import define, field
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.fileset import DIRECTORY_RECORDERS, _four_level_record_type
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from heron_export_dicom.reading import BadFile

MOST = 1_000_000
"""The most files of a series, series of a study and so on: their names have six digits."""

_INVENTED = {
    "PatientName": "", "StudyDate": "19000101", "StudyTime": "000000", "StudyID": "1", "Modality": "OT", "SeriesNumber": 1,
}  # fmt: skip
"""What stands in a record where a file does not say what a record must have; the file stays as it is."""

_NEXT, _LOWER = slice(8, 12), slice(30, 34)
"""Where the offsets stand in an encoded record, whose first elements are always the same."""

_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE = b"\x04\x00\x20\x12SQ\0\0"


@define
class _Node:
    """A record with those below it; `made` counts those that were ever below it, for their names."""

    name: str
    record: bytes
    below: dict[str, _Node] = field(factory=dict)
    files: list[bytes] = field(factory=list)
    made: int = 0


@define
class Place:
    """Where a file belongs: its name below the folder, its record, and the series that gets it."""

    name: str
    uid: str
    record: bytes
    series: _Node


class Directory:
    """The tree of the files of a folder. A file belongs to it once `keep` is called."""

    def __init__(self) -> None:
        self._root = _Node("", b"")
        self._uids: set[str] = set()

    def place(self, header: Dataset) -> Place:
        """A place for a file; raises BadFile if it cannot be listed, or if the same instance is there."""
        for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
            if not header.get(keyword):
                raise BadFile(f"it has no {keyword}, so a DICOMDIR cannot list it")
        uid = str(header.SOPInstanceUID)
        if uid in self._uids:
            raise BadFile("an instance with its SOPInstanceUID is in the export already")
        known = Dataset()
        known.update({element.tag: element for element in header if element.tag.group != 0x0002})
        known.file_meta = header.file_meta
        study, series = str(header.StudyInstanceUID), str(header.SeriesInstanceUID)
        for keyword, value in {**_INVENTED, "PatientID": f"of study {study}"[-64:]}.items():
            if known.get(keyword) in (None, ""):
                setattr(known, keyword, value)
        node = self._root
        for kind, prefix, key in (
            ("PATIENT", "PT", str(known.PatientID)),
            ("STUDY", "ST", study),
            ("SERIES", "SE", series),
        ):
            if key not in node.below:
                node.below[key] = _Node(_named(node, prefix), _record(kind, known))
            node = node.below[key]
        name = _named(node, "IM")
        if known.get("InstanceNumber") in (None, ""):
            known.InstanceNumber = node.made
        return Place(name, uid, _leaf(known, name), node)

    def keep(self, place: Place) -> None:
        """List a file that is written."""
        if place.uid in self._uids:
            raise BadFile("an instance with its SOPInstanceUID is in the export already")
        self._uids.add(place.uid)
        place.series.files.append(place.record)

    def write(self, stream: IO[bytes]) -> None:
        """Write the DICOMDIR into a file that can be read back at any place."""
        head = Dataset()
        head.FileSetID = "HERON"
        head.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
        head.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = 0
        head.FileSetConsistencyFlag = 0
        head.file_meta = FileMetaDataset()
        head.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        head.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
        head.file_meta.MediaStorageSOPInstanceUID = generate_uid(None)
        patients = [node for node in self._root.below.values() if _size(node)]
        encoded = DicomBytesIO()
        dcmwrite(encoded, head, enforce_file_format=True)
        start = len(encoded.getvalue()) + 12
        head.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = start if patients else 0
        last = start + sum(map(_size, patients[:-1]))
        head.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = last if patients else 0
        if last + sum(map(_size, patients[-1:])) >= 0xFFFFFFFF:
            raise BadFile("a DICOMDIR has at most 4 GB")
        encoded = DicomBytesIO()
        dcmwrite(encoded, head, enforce_file_format=True)
        stream.write(encoded.getvalue())
        stream.write(_SEQUENCE + sum(map(_size, patients)).to_bytes(4, "little"))
        for record in _encoded(patients, start):
            stream.write(record)


def _encoded(nodes: list[_Node], offset: int) -> Iterator[bytes]:
    """The records of siblings with all below, the first of which stands at an offset."""
    for node in nodes:
        after = offset + _size(node)
        lower = offset + 8 + len(node.record)
        yield _item(node.record, after if node is not nodes[-1] else 0, lower)
        yield from _encoded([each for each in node.below.values() if _size(each)], lower)
        for place, record in enumerate(node.files):
            lower += 8 + len(record)
            yield _item(record, lower if place + 1 < len(node.files) else 0, 0)
        offset = after


def _item(record: bytes, after: int, lower: int) -> bytes:
    patched = bytearray(record)
    patched[_NEXT], patched[_LOWER] = after.to_bytes(4, "little"), lower.to_bytes(4, "little")
    return _ITEM + len(record).to_bytes(4, "little") + patched


def _size(node: _Node) -> int:
    """The bytes of a record with all below it; 0 if no file is."""
    below = sum(map(_size, node.below.values())) + sum(8 + len(record) for record in node.files)
    return below + 8 + len(node.record) if below else 0


def _named(parent: _Node, prefix: str) -> str:
    if parent.made >= MOST:
        raise BadFile(f"its place in the folder has {MOST:,} files already")
    parent.made += 1
    own = f"{prefix}{parent.made - 1:06}"
    return f"{parent.name}/{own}" if parent.name else own


def _record(kind: str, known: Dataset) -> bytes:
    try:
        record = DIRECTORY_RECORDERS[kind](known)
        record.OffsetOfTheNextDirectoryRecord = 0
        record.RecordInUseFlag = 0xFFFF
        record.OffsetOfReferencedLowerLevelDirectoryEntity = 0
        record.DirectoryRecordType = kind
        if known.get("SpecificCharacterSet"):
            record.SpecificCharacterSet = known.SpecificCharacterSet
        return _bytes(record)
    except (ValueError, AttributeError, KeyError, TypeError, LookupError) as error:
        raise BadFile(f"a DICOMDIR cannot list it: {error}") from error


def _leaf(known: Dataset, name: str) -> bytes:
    kind = _four_level_record_type(known)
    try:
        record = DIRECTORY_RECORDERS[kind](known)
    except (ValueError, AttributeError, KeyError, TypeError):
        kind, record = "IMAGE", DIRECTORY_RECORDERS["IMAGE"](known)
    record.OffsetOfTheNextDirectoryRecord = 0
    record.RecordInUseFlag = 0xFFFF
    record.OffsetOfReferencedLowerLevelDirectoryEntity = 0
    record.DirectoryRecordType = kind
    if known.get("SpecificCharacterSet"):
        record.SpecificCharacterSet = known.SpecificCharacterSet
    record.ReferencedFileID = name.split("/")
    record.ReferencedSOPClassUIDInFile = known.SOPClassUID
    record.ReferencedSOPInstanceUIDInFile = known.SOPInstanceUID
    record.ReferencedTransferSyntaxUIDInFile = known.file_meta.TransferSyntaxUID
    return _bytes(record)


def _bytes(record: Any) -> bytes:
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = False, True
    write_dataset(stream, record)
    return stream.getvalue()
