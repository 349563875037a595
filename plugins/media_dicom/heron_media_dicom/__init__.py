"""DICOM and NIfTI for Heron: the decoders `dicom` and `nifti`. Reading comes in a later release."""

from __future__ import annotations

from collections.abc import Iterable

import heron
from heron_media_dicom.formats import DICOM, NIFTI


def load_dicom() -> heron.Decoder:
    """Make the reader of DICOM files; raises PluginError as long as it is not built."""
    raise heron.PluginError(
        "plugin media_dicom knows DICOM files, but reading them is not built yet", hint="follow the changelog"
    )


def load_nifti() -> heron.Decoder:
    """Make the reader of NIfTI volumes; raises PluginError as long as it is not built."""
    raise heron.PluginError(
        "plugin media_dicom knows NIfTI volumes, but reading them is not built yet",
        hint="follow the changelog",
    )


@heron.hookimpl
def register_decoders() -> Iterable[heron.MediaDecoder]:
    """Bring one reader for DICOM and one for NIfTI; each works without the other's library."""
    yield heron.MediaDecoder(
        name="dicom",
        summary="DICOM files (pydicom)",
        formats=DICOM,
        extra="dicom",
        planned=True,
        load=load_dicom,
    )
    yield heron.MediaDecoder(
        name="nifti",
        summary="NIfTI volumes (nibabel)",
        formats=NIFTI,
        extra="dicom",
        planned=True,
        load=load_nifti,
    )
