"""DICOM and NIfTI for Heron: the decoders `dicom` and `nifti`."""

from __future__ import annotations

from collections.abc import Iterable

import heron
from heron_media_dicom.dicom.tags import PERSONAL
from heron_media_dicom.formats import DICOM, NIFTI


def load_dicom() -> heron.Decoder:
    """Create the decoder of DICOM files."""
    from heron_media_dicom.dicom.decoder import DicomDecoder

    return DicomDecoder()


def load_nifti() -> heron.Decoder:
    """Create the decoder of NIfTI volumes."""
    from heron_media_dicom.nifti import NiftiDecoder

    return NiftiDecoder()


@heron.hookimpl
def register_decoders() -> Iterable[heron.MediaDecoder]:
    """Contribute a decoder for DICOM and one for NIfTI; each works without the library of the other."""
    yield heron.MediaDecoder(
        name="dicom",
        summary="DICOM files (pydicom)",
        formats=DICOM,
        requires=["pydicom"],
        extra="dicom",
        namespaces=["dicom"],
        personal=PERSONAL,
        load=load_dicom,
        gives=["picture", "frames", "values", "series"],
    )
    yield heron.MediaDecoder(
        name="nifti",
        summary="NIfTI volumes (nibabel)",
        formats=NIFTI,
        requires=["nibabel"],
        extra="dicom",
        namespaces=["nifti"],
        personal=["nifti.description"],
        load=load_nifti,
        gives=["picture", "frames", "values"],
    )
