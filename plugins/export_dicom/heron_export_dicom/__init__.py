"""DICOM files as exports: a folder with a DICOMDIR, of the files as they are or of de-identified copies."""

from __future__ import annotations

from collections.abc import Iterable

import heron


def load_copies() -> heron.FolderExporter:
    """Create the exporter of the files as they are."""
    from heron_export_dicom.folders import CopiesExporter

    return CopiesExporter()


def load_deidentified() -> heron.FolderExporter:
    """Create the exporter of de-identified copies."""
    from heron_export_dicom.folders import DeidentifiedExporter

    return DeidentifiedExporter()


@heron.hookimpl
def register_exporters() -> Iterable[heron.DatasetExporter]:
    """Contribute the folder with a DICOMDIR, and the one of de-identified copies."""
    yield heron.DatasetExporter(
        name="dicom",
        summary="DICOM files with a DICOMDIR",
        suffix="",
        load=load_copies,
        writes_folder=True,
        requires=["pydicom"],
        extra="dicom-export",
        contains=["members", "files"],
        kinds=["dicom"],
        resumes=True,
        read_with="DICOM viewers, pydicom, DCMTK, GDCM",
    )
    yield heron.DatasetExporter(
        name="dicom-deidentified",
        summary="the same, de-identified by the Basic Profile of PS3.15, with a report",
        suffix="",
        load=load_deidentified,
        writes_folder=True,
        requires=["pydicom", "dicom-anonymizer"],
        extra="dicom-export",
        contains=["members", "files"],
        kinds=["dicom"],
        read_with="DICOM viewers, pydicom, DCMTK, GDCM",
    )
