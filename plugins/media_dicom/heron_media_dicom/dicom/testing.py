"""DICOM files for tests and benchmarks, made with pydicom, and those that pydicom comes with."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import numpy
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498"
"""The root of the UIDs of files made here."""

MAGIC = slice(128, 132)


def ct_slice(number: int = 1, *, rows: int = 16, columns: int = 16, **elements: Any) -> FileDataset:
    """A CT slice of the series ROOT.2, at `number` millimetres; `elements` by keyword replace, or remove if None."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    defaults = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"{ROOT}.3.{number}",
        "StudyInstanceUID": f"{ROOT}.1",
        "SeriesInstanceUID": f"{ROOT}.2",
        "FrameOfReferenceUID": f"{ROOT}.4",
        "Modality": "CT",
        "SeriesNumber": 7,
        "InstanceNumber": number,
        "PatientName": "Doe^Jane",
        "PatientID": "P1",
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [-8, -8, float(number)],
        "PixelSpacing": [0.5, 0.5],
        "Rows": rows,
        "Columns": columns,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "PixelData": numpy.arange(rows * columns, dtype="<u2").tobytes(),
    }
    for keyword, value in {**defaults, **elements}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", f"{ROOT}.3.{number}")
    return dataset


def written(dataset: FileDataset, path: Path) -> Path:
    """Write a file in the transfer syntax of its meta information."""
    dataset.save_as(path, enforce_file_format=True)
    return path


def bundled_files() -> Iterator[Path]:
    """The DICOM files inside pydicom and, if it is installed, pydicom-data."""
    for package in ("pydicom", "pydicom-data"):
        try:
            found = files(package) or []
        except PackageNotFoundError:
            continue
        for place in sorted(Path(str(name.locate())) for name in found):
            if place.is_file() and place.suffix not in (".py", ".pyc"):
                with place.open("rb") as stream:
                    if stream.read(132)[MAGIC] == b"DICM":
                        yield place


def bundled_file(name: str) -> Path:
    """The file of this name inside pydicom or pydicom-data; raises LookupError if it is missing."""
    for path in bundled_files():
        if path.name == name:
            return path
    raise LookupError(f"there is no {name}: pip install pydicom-data")
