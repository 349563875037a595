"""Writes the NIfTI volume of the sample lake, without any library."""

from __future__ import annotations

import gzip
import random
import struct

from heron.quickstart.dicom import MR
from heron.quickstart.phantom import slice_of_head

_WIDE, _SLICES = 64, 32
_PIXEL, _THICK = 3.75, 7.5
"""Spacing in millimetres."""

_BRIGHTEST = 900
"""The value shown as white (`cal_max`)."""

_INT16, _MILLIMETRES, _SCANNER = 4, 2, 1
_HEADER = "<i10s18sihBB8h3f4h8f3fhBB4f2i80s24s2h6f12f16s4s"
"""The fields of `nifti_1_header` from `sizeof_hdr` to `magic`."""


def nifti_volume() -> bytes:
    """The phantom as 64 x 64 x 32 voxels of int16, a gzip of a single-file NIfTI-1 (nifti1.h of the NIfTI DFWG).

    The first axis goes to the patient's left, the second to the back, the third to the crown.
    """
    rng = random.Random("nifti")  # noqa: S311
    voxels = [
        value
        for number in range(_SLICES)
        for value in slice_of_head(2 * (number + 0.5) / _SLICES - 1, _WIDE, MR.values, 8, rng)
    ]
    side, low = _PIXEL * (_WIDE - 1) / 2, -_THICK * (_SLICES - 1) / 2
    header = struct.pack(
        _HEADER,
        348, b"", b"", 0, 0, ord("r"), 0,
        3, _WIDE, _WIDE, _SLICES, 1, 1, 1, 1,
        0, 0, 0, 0, _INT16, 16, 0,
        1, _PIXEL, _PIXEL, _THICK, 0, 0, 0, 0,
        352, 1, 0, 0, 0, _MILLIMETRES, _BRIGHTEST, 0, 0, 0, 0, 0,
        b"Head of the ship's dummy", b"", _SCANNER, _SCANNER,
        0, 0, 1, side, side, low,  # half a turn about the third axis, and where the first voxel lies
        -_PIXEL, 0, 0, side, 0, -_PIXEL, 0, side, 0, 0, _THICK, low,
        b"", b"n+1",
    )  # fmt: skip
    return gzip.compress(header + bytes(4) + struct.pack(f"<{len(voxels)}h", *voxels), mtime=0)
