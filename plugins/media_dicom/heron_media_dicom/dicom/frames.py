"""The frames of one file as pictures, each decoded by itself."""

from __future__ import annotations

import sys
from typing import Any, BinaryIO, cast

import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import as_pixel_options

from heron_media_dicom.dicom.codecs import decoder_of
from heron_media_dicom.dicom.fragments import CompressedFrames
from heron_media_dicom.dicom.header import Header
from heron_media_dicom.dicom.pictures import picture_of
from heron_media_dicom.dicom.stream import GuardedStream
from heron_media_dicom.dicom.syntaxes import is_compressed

_SHARED, _EACH = 0x52009229, 0x52009230
_TAGS: list[Any] = [
    *(0x00280000 + element for element in (2, 4, 6, 8, 0x10, 0x11, 0x34, 0x100, 0x101, 0x102, 0x103)),
    *(0x00281000 + element for element in (0x50, 0x51, 0x52, 0x53, 0x54, 0x56)),
    *(0x00281000 + element for element in (0x101, 0x102, 0x103, 0x201, 0x202, 0x203, 0x221, 0x222, 0x223)),
    *(0x00283000, 0x00283010, _SHARED, _EACH),
]
"""Image pixel module, windows, palettes and tables: what is needed to decode a frame and to show it."""


class Frames:
    """The frames of a file that has pixels. Raises MediaError, or whatever a library raises for broken files."""

    def __init__(self, header: Header, name: str) -> None:
        assert header.elements.pixels is not None
        self._header = header
        self._decoder = decoder_of(header.syntax)
        self._compressed = CompressedFrames(header, name) if is_compressed(header.syntax) else None
        source = GuardedStream(header.source, header.size, name)
        source.seek(0)
        self._dataset = pydicom.dcmread(
            cast(BinaryIO, source), stop_before_pixels=True, force=True, specific_tags=_TAGS
        )
        source.check()
        self._dataset.NumberOfFrames = header.frames
        self._source = GuardedStream(header.source, header.size, name, most=sys.maxsize)
        self._options: dict[str, Any] = {
            **as_pixel_options(self._dataset),
            "pixel_keyword": header.elements.pixels.keyword,
            "pixel_vr": header.elements.pixels.vr,
        }

    def picture(self, number: int, size: int | None) -> Image.Image:
        """One frame as an RGB picture."""
        if self._compressed:
            source: Any = encapsulate([self._compressed.read(number)], has_bot=False)
            options, index = {**self._options, "number_of_frames": 1}, 0
        else:
            assert self._header.elements.pixels is not None
            self._source.seek(self._header.elements.pixels.offset)
            source, options, index = self._source, self._options, number
        frame, found = self._decoder.as_array(source, index=index, **options)
        self._source.check()
        return picture_of(frame, self._shown(number), str(found["photometric_interpretation"]), size)

    def _shown(self, number: int) -> Dataset:
        """What tells how a frame is shown; enhanced objects say it for all frames or for each (PS3.3 C.7.6.16.2)."""
        groups = [
            self._dataset[tag].value[place] for tag, place in ((_SHARED, 0), (_EACH, number)) if tag in self._dataset
        ]
        if not groups:
            return self._dataset
        shown = Dataset()
        shown.update(self._dataset)
        for group in groups:
            for keyword in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
                for macro in group.get(keyword) or ():
                    shown.update(macro)
        return shown
