"""The decoder of NIfTI volumes: facts come from the header only, frames are slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import heron
from heron_media_dicom.nifti_content import Content, opened
from heron_media_dicom.nifti_facts import facts_of
from heron_media_dicom.nifti_header import Header, read_header
from heron_media_dicom.nifti_picture import picture_of, values_of

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image


T = TypeVar("T")


class CutShort(heron.MediaError):
    """The voxels end before the requested slice; `whole` slices are complete."""

    whole = 0


class NiftiDecoder:
    """Reads NIfTI-1 and NIfTI-2 in single files, plain and gzipped.

    Frames are the slices along the third axis of the array, volume by volume: frame = volume x slices + slice.
    """

    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        """The facts of the header; raises MediaError if it is broken or claims absurd sizes."""
        with opened(file) as content:
            header = read_header(file, content)
            whole = _whole(file, header, content)
        notes = []
        if whole is not None and whole < header.frame_count:
            notes.append(f"its data is cut short: {whole:,} of {header.frame_count:,} slices are complete")
        return facts_of(file, header, notes)

    def picture(self, file: heron.MediaFile, size: int) -> Image | None:
        """The middle slice of the first volume, or of its complete part; None for CIFTI-2."""
        with opened(file) as content:
            header = read_header(file, content)
            if not header.frame_count:
                return None
            try:
                return picture_of(header, _slice(file, header, content, header.slices // 2), size)
            except CutShort as cut:
                if not cut.whole:
                    raise
                middle = cut.whole // 2
        [(_, picture)] = self.frames(file, [middle], size)
        return picture

    def values(
        self, file: heron.MediaFile, numbers: Sequence[int] | None = None
    ) -> Iterator[tuple[int, heron.Values | None]]:
        """The scaled values of slices, those of the slice of `picture` for None; None for voxels with colours."""
        if numbers is None:
            numbers = [self._middle(file)]
        return self._read(file, numbers, values_of)

    def volume(self, file: heron.MediaFile, number: int | None) -> range:
        """The slices of one volume: the one of a slice, or the first."""
        with opened(file) as content:
            header = read_header(file, content)
        start = (number or 0) // max(1, header.slices) * header.slices
        return range(start, start + header.slices) if header.frame_count else range(0)

    def _middle(self, file: heron.MediaFile) -> int:
        with opened(file) as content:
            header = read_header(file, content)
            whole = _whole(file, header, content)
        return header.slices // 2 if whole is None or whole > header.slices // 2 else whole // 2

    def times(self, file: heron.MediaFile, *, whole: bool = True) -> Sequence[float]:
        """Empty: a slice has no time of its own."""
        return ()

    def frames(
        self, file: heron.MediaFile, numbers: Sequence[int], size: int | None = None
    ) -> Iterator[tuple[int, Image]]:
        """Slices by number, in ascending order; those after the end of the data are left out.
        Raises MediaError if the data ends before the first of them, and for a number out of range.
        """
        return self._read(file, numbers, lambda header, data, number: picture_of(header, data, size))

    def _read(
        self,
        file: heron.MediaFile,
        numbers: Sequence[int],
        made: Callable[[Header, numpy.ndarray[Any, Any], int], T],
    ) -> Iterator[tuple[int, T]]:
        wanted = sorted(set(numbers))
        if not wanted:
            return
        with opened(file) as content:
            header = read_header(file, content)
            for number in (wanted[0], wanted[-1]):
                if not 0 <= number < header.frame_count:
                    raise heron.MediaError(
                        f"{file.name} has no frame {number:,}: it has {header.frame_count:,}"
                    )
            for number in wanted:
                try:
                    data = _slice(file, header, content, number)
                except CutShort:
                    if number == wanted[0]:
                        raise
                    return
                yield number, made(header, data, number)


_SHOWING = 32
"""Bytes of a pixel while its value becomes a grey level; as measured."""


def _whole(file: heron.MediaFile, header: Header, content: Content) -> int | None:
    """How many slices are complete; None if counting would mean reading a whole stored object."""
    if content.is_gzip and file.path is None:
        return None
    if content.is_gzip and _size_in_trailer(file) == header.end % 2**32:
        return header.frame_count
    return max(0, content.available(header.end) - header.offset) // header.slice_size


def _size_in_trailer(file: heron.MediaFile) -> int:
    """The size of the content, modulo 2**32, from the last member of a gzip file (RFC 1952, 2.3.1)."""
    with file.open() as stream:
        stream.seek(max(0, file.size - 4))
        return int.from_bytes(stream.read(4), "little")


def _slice(file: heron.MediaFile, header: Header, content: Content, number: int) -> numpy.ndarray[Any, Any]:
    """The bytes of a slice; raises CutShort, and MediaError for one that takes too much memory."""
    pixels = header.shape[0] * header.shape[1]
    heron.check_memory(file.name, pixels * _SHOWING + 3 * header.slice_size)
    start = header.offset + number * header.slice_size
    data = content.read(start, header.slice_size)
    if len(data) < header.slice_size:
        cut = CutShort(f"{file.name} is cut short or damaged: slice {number:,} is missing")
        cut.whole = max(0, content.available(start) - header.offset) // header.slice_size
        raise cut
    return data
