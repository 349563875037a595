"""The medical formats, and how each is recognised by its first bytes."""

from __future__ import annotations

import heron

_NIFTI = "application/x-nifti"

DICOM = [
    heron.MediaFormat(
        media_type="application/dicom",
        kind="dicom",
        suffixes=[".dcm", ".dicom", ".ima"],
        signature=rb".{128}DICM",
    ),
    heron.MediaFormat(
        media_type="application/dicom",
        kind="dicom",
        suffixes=[".dcm", ".dicom", ".ima"],
        signature=rb"[\x02\x08]\0[\0-\x20]\0(?:[A-Z]{2}|[\0-\xff]\0\0\0)",
        needs_suffix=True,
    ),
]
"""DICOM part 10: a preamble of any 128 bytes, then the magic (PS3.10, 7.1); and older files without both, which begin
with an early element of group 2 or 8, followed by its VR or a short length."""

NIFTI = [
    heron.MediaFormat(
        media_type=_NIFTI,
        kind="nifti",
        suffixes=[".nii"],
        signature=rb"(?:\x5c\x01\0\0|\0\0\x01\x5c).{340}n[+i]1\0",
    ),
    heron.MediaFormat(
        media_type=_NIFTI,
        kind="nifti",
        suffixes=[".nii"],
        signature=rb"(?:\x1c\x02\0\0|\0\0\x02\x1c)n[+i]2\0\r\n\x1a\n",
    ),
    heron.MediaFormat(
        media_type=f"{_NIFTI}+gzip",
        kind="nifti",
        suffixes=[".nii.gz"],
        signature=rb"\x1f\x8b\x08",
        needs_suffix=True,
    ),
]
"""NIfTI-1 and NIfTI-2: the size of the header, 348 or 540, in either byte order, and the magic; and gzip of them."""
