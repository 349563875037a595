"""The medical formats, and how each is recognised by its first bytes."""

from __future__ import annotations

import heron

_NIFTI = "application/x-nifti"

_EXPLICIT = rb"[\x02\x08]\x00[\x00-\x20]\x00(?:UL\x04\x00|CS[\x00-\x40]\x00|UI[\x00-\x40]\x00|OB\x00\x00\x02\x00\x00\x00)"
_IMPLICIT = rb"\x08\x00[\x00-\x18]\x00[\x00-\x40]\x00{3}(?:.{0,200}?\x08\x00[\x16\x18]\x00[\x00-\x40]\x00{3})?[0-2]\.[0-9]+\.[0-9]+\.[0-9]"
_BIG = rb"\x00\x08\x00[\x00-\x20](?:UL\x00\x04|CS\x00[\x00-\x40]|UI\x00[\x00-\x40])"
"""How a file without preamble begins: with the VR of the first element, or with SOPClassUID soon behind it."""

DICOM = [
    heron.MediaFormat(
        checked="end",
        media_type="application/dicom",
        kind="dicom",
        suffixes=[".dcm", ".dicom", ".ima"],
        signature=rb".{128}DICM",
    ),
    heron.MediaFormat(
        checked="end",
        media_type="application/dicom",
        kind="dicom",
        suffixes=[".dcm", ".dicom", ".ima"],
        signature=rb"[\x02\x08]\0[\0-\x20]\0(?:[A-Z]{2}|[\0-\xff]\0\0\0)",
        needs_suffix=True,
    ),
    heron.MediaFormat(
        checked="end",
        media_type="application/dicom",
        kind="dicom",
        suffixes=[".dcm", ".dicom", ".ima"],
        signature=_EXPLICIT + rb"|" + _IMPLICIT + rb"|" + _BIG,
    ),
]
"""DICOM part 10: a preamble of any 128 bytes, then the magic (PS3.10, 7.1); and files without both, which begin with an
early element of group 2 or 8. By their name that is enough; without it, the VR has to be one, or the class of the object
has to follow."""

NIFTI = [
    heron.MediaFormat(
        checked="end",
        media_type=_NIFTI,
        kind="nifti",
        suffixes=[".nii"],
        signature=rb"(?:\x5c\x01\0\0|\0\0\x01\x5c).{340}n[+i]1\0",
    ),
    heron.MediaFormat(
        checked="end",
        media_type=_NIFTI,
        kind="nifti",
        suffixes=[".nii"],
        signature=rb"(?:\x1c\x02\0\0|\0\0\x02\x1c)n[+i]2\0\r\n\x1a\n",
    ),
    heron.MediaFormat(
        checked="end",
        media_type=f"{_NIFTI}+gzip",
        kind="nifti",
        suffixes=[".nii.gz"],
        signature=rb"\x1f\x8b\x08",
        needs_suffix=True,
    ),
]
"""NIfTI-1 and NIfTI-2: the size of the header, 348 or 540, in either byte order, and the magic; and gzip of them."""
