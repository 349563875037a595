"""The frames of one file as pictures, each decoded separately."""

from __future__ import annotations

import sys
from typing import Any

from PIL import Image
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import as_pixel_options
from pydicom.tag import BaseTag

import heron
from heron_media_dicom.dicom.codecs import decoder_of
from heron_media_dicom.dicom.fallback import read_element, read_items
from heron_media_dicom.dicom.fragments import CompressedFrames
from heron_media_dicom.dicom.header import Header, whole
from heron_media_dicom.dicom.pictures import picture_of
from heron_media_dicom.dicom.scans import values_of
from heron_media_dicom.dicom.stream import GuardedStream
from heron_media_dicom.dicom.syntaxes import is_compressed
from heron_media_dicom.dicom.tags import FRAME_GROUPS, SHARED_GROUPS, TABLES, tag_number

_MACROS = (
    "PixelValueTransformationSequence", "FrameVOILUTSequence",
    "PixelMeasuresSequence", "PlaneOrientationSequence", "PlanePositionSequence",
)  # fmt: skip
"""The functional groups that say how a frame is shown, and where it is (PS3.3 C.7.6.16.2)."""

_SHOWING = 32
"""Bytes of a pixel while its frame is decoded and shown; as measured."""

_MOST_GROUPS = 64 * 1024 * 1024
"""The most bytes of functional groups that are read to show the frames of a file."""


class Frames:
    """The frames of a file that has pixels. Raises MediaError, or any error of a library for broken files.
    Frames have to be requested in ascending order.
    """

    def __init__(self, header: Header, name: str) -> None:
        assert header.elements.pixels is not None
        self._name = name
        self._pixels_of_frame = whole(header.facts, "Rows") * whole(header.facts, "Columns")
        self._pixels = header.elements.pixels
        self._decoder = decoder_of(header.syntax)
        self._compressed = CompressedFrames(header, name) if is_compressed(header.syntax) else None
        self._source = GuardedStream(header.source, header.size, name, most=sys.maxsize)
        self._dataset = _dataset(header, name)
        self._options: dict[str, Any] = {
            **as_pixel_options(self._dataset),
            "pixel_keyword": self._pixels.keyword,
            "pixel_vr": self._pixels.vr,
        }
        groups = GuardedStream(header.source, header.size, name, most=_MOST_GROUPS)
        if SHARED_GROUPS in header.elements.places:
            for item in read_items(groups, header.elements, SHARED_GROUPS):
                self._dataset = _with_macros(self._dataset, item)
        of_frames = FRAME_GROUPS in header.elements.places
        self._groups = enumerate(read_items(groups, header.elements, FRAME_GROUPS)) if of_frames else None

    def picture(self, number: int, size: int | None) -> Image.Image:
        """One frame as an RGB picture."""
        frame, shown, photometric = self._decoded(number)
        return picture_of(frame, shown, photometric, size)

    def values(self, number: int) -> heron.Values | None:
        """The values of one frame; None if it has colours."""
        return values_of(*self._decoded(number))

    def _decoded(self, number: int) -> tuple[Any, Dataset, str]:
        """The stored values of a frame, the elements that say how it is shown, and what its values mean.

        Raises MediaError for one that takes too much memory.
        """
        heron.check_memory(self._name, _SHOWING * self._pixels_of_frame)
        shown = self._shown(number)
        if self._compressed:
            source: Any = encapsulate([self._compressed.read(number)], has_bot=False)
            options, index = {**self._options, "number_of_frames": 1}, 0
        else:
            self._source.seek(self._pixels.offset)
            source, options, index = self._source, self._options, number
        frame, found = self._decoder.as_array(source, index=index, **options)
        self._source.check()
        return frame, shown, str(found["photometric_interpretation"])

    def _shown(self, number: int) -> Dataset:
        """The elements that say how a frame is shown; enhanced objects give them for all frames or for each."""
        for place, item in self._groups or ():
            if place == number:
                return _with_macros(self._dataset, item)
        return self._dataset


def _dataset(header: Header, name: str) -> Dataset:
    """The dataset that pydicom needs to decode and show the frames of a file."""
    elements = header.elements
    little = elements.order == "<"
    found: dict[BaseTag, Any] = {}
    for tag, (vr, raw) in elements.values.items():
        number = BaseTag(tag_number(tag))
        found[number] = RawDataElement(number, vr.decode(), len(raw), raw, 0, elements.implicit, little)
    for tag in TABLES:
        if tag in elements.places:
            source = GuardedStream(header.source, header.size, name)
            found[BaseTag(tag_number(tag))] = read_element(source, elements, tag)
    dataset = Dataset(found)
    dataset.set_original_encoding(elements.implicit, little)
    dataset.NumberOfFrames = header.frames
    return dataset


def _with_macros(dataset: Dataset, group: Dataset) -> Dataset:
    """A copy with the macros of a functional group added."""
    shown = Dataset()
    shown.update(dataset)
    for keyword in _MACROS:
        for macro in group.get(keyword) or ():
            shown.update(macro)
    implicit, little = dataset.original_encoding
    shown.set_original_encoding(implicit, little)
    return shown
