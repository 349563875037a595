"""The header of NIfTI-1 and NIfTI-2 files, checked before its values are used.

Layout and meaning of the fields: nifti1.h and nifti2.h of the NIfTI Data Format Working Group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import aff2axcodes
from nibabel.spatialimages import HeaderDataError

import heron
from heron_media_dicom.nifti_content import Content

LARGEST_RATIO = 1100
"""The most bytes of voxels for one byte of a file: deflate cannot pack more than 1,032 into one."""

LARGEST_SLICE = 512 * 1024 * 1024
"""The largest slice, in bytes: 16,384 x 16,384 voxels of two bytes each."""

_CONNECTIVITY = range(3000, 3100)
"""Intent codes of CIFTI-2, which stores matrices in NIfTI-2 files."""


@dataclass(frozen=True)
class Header:
    """What the header says of a volume. `fields` are its fields, as nibabel reads them.

    `shape` has three axes or more; `offset` is the position of the voxels in the decompressed file, in bytes.
    """

    fields: Any
    version: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int

    @property
    def slices(self) -> int:
        """Slices of one volume: the length of the third axis."""
        return self.shape[2]

    @property
    def volumes(self) -> int:
        """Volumes: the product of the axes after the third."""
        return math.prod(self.shape[3:])

    @property
    def frame_count(self) -> int:
        """Slices of all volumes; 0 for a matrix of CIFTI-2."""
        return 0 if int(self.fields["intent_code"]) in _CONNECTIVITY else self.slices * self.volumes

    @property
    def slice_size(self) -> int:
        """Bytes of one slice."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    @property
    def end(self) -> int:
        """Where the voxels end in the decompressed file, in bytes."""
        return self.offset + self.slice_size * self.slices * self.volumes

    @cached_property
    def orientation(self) -> str | None:
        """The directions of the array's axes, such as RAS: right, anterior, superior; None if the header is
        broken.

        As in nibabel, sform has precedence over qform; without both, the first axis is assumed to point to
        the left.
        """
        with np.errstate(all="ignore"):
            try:
                affine = self.fields.get_best_affine()
                codes: Any = aff2axcodes(affine)  # type: ignore[no-untyped-call]
            except (
                HeaderDataError,
                ValueError,
            ):  # LinAlgError, for values that are not finite, is a ValueError
                return None
        return None if None in codes else "".join(codes)


def read_header(file: heron.MediaFile, content: Content) -> Header:
    """Read and check the header; raises MediaError if it is missing or broken, or claims absurd sizes."""
    name = file.name
    version, fields = _fields(name, content)
    if not content.base:
        _check_magic(name, fields)
    offset = content.base + _pair_offset(name, fields) if content.base else _offset(name, fields)
    header = Header(fields, version, _shape(name, fields), _dtype(name, fields), offset)
    _check_size(file, header, content)
    return header


def _fields(name: str, content: Content) -> tuple[int, Any]:
    """Version and fields; the size at the start of the header tells version and byte order."""
    block = content.read(0, Nifti1Header.sizeof_hdr).tobytes()
    for endianness in "<>":
        size = int(np.frombuffer(block[:4].ljust(4), endianness + "i4")[0])
        if size == Nifti2Header.sizeof_hdr:
            block += content.read(len(block), size - len(block)).tobytes()
        for version, kind in ((1, Nifti1Header), (2, Nifti2Header)):
            if size == kind.sizeof_hdr == len(block):
                return version, kind(block, endianness, check=False)  # type: ignore[no-untyped-call]
    raise heron.MediaError(f"{name} has no NIfTI header, or is cut short or damaged within it")


def _check_magic(name: str, fields: Any) -> None:
    magic = fields["magic"].item()
    if magic == fields.single_magic:
        return
    if magic == fields.pair_magic or magic == b"":
        sort = "NIfTI" if magic else "Analyze 7.5"
        raise heron.MediaError(
            f"{name} is the header of {sort} data in two files (.hdr and .img), and its .img is not beside it, or cannot be read",
            hint="put the .img beside it on this machine, or convert both to one .nii file",
        )
    raise heron.MediaError(f"{name} begins like a NIfTI header, but its magic bytes are missing")


def _shape(name: str, fields: Any) -> tuple[int, ...]:
    count, *lengths = (int(length) for length in fields["dim"])
    if not 1 <= count <= 7:
        raise heron.MediaError(f"{name} has a broken header: it has {count} axes, 1 to 7 are allowed")
    for axis, length in enumerate(lengths[:count]):
        if length < 1:
            raise heron.MediaError(f"{name} has a broken header: axis {axis} has {length:,} voxels")
    return (*lengths[:count], *(1 for _ in range(3 - count)))


def _dtype(name: str, fields: Any) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = fields.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise heron.MediaError(
            f"{name} has voxels of the data type {int(fields['datatype'])}, which is not read"
        ) from error
    if dtype.kind == "V" and dtype.names is None:
        label = fields.get_value_label("datatype")
        raise heron.MediaError(f"{name} has voxels of the data type {label}, which is not read")
    return dtype


def _offset(name: str, fields: Any) -> int:
    offset = float(fields["vox_offset"])
    if not fields.single_vox_offset <= offset < 2**62:
        raise heron.MediaError(
            f"{name} has a broken header: its voxels begin at byte {offset:g}, before the end of the header"
        )
    return int(fields["vox_offset"])


def _pair_offset(name: str, fields: Any) -> int:
    """Where the voxels begin in a file of their own."""
    offset = float(fields["vox_offset"])
    if not 0 <= offset < 2**62:
        raise heron.MediaError(f"{name} has a broken header: its voxels begin at byte {offset:g}")
    return int(offset)


def _check_size(file: heron.MediaFile, header: Header, content: Content) -> None:
    """Refuse sizes that a file of this size cannot contain, before memory is allocated for them."""
    if header.slice_size > LARGEST_SLICE:
        raise heron.MediaError(
            f"{file.name} claims slices of {header.slice_size:,} bytes, at most {LARGEST_SLICE:,} are read"
        )
    if header.end > LARGEST_RATIO * content.size:
        raise heron.MediaError(
            f"{file.name} claims {header.end - header.offset:,} bytes of voxels, "
            f"which cannot be in a file of {content.size:,} bytes"
        )
    if not content.is_gzip and header.offset + header.slice_size > content.size:
        raise heron.MediaError(f"{file.name} is cut short: its first slice is incomplete")
