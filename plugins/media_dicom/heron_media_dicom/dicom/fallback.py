"""What is left to pydicom: headers out of the ordinary, functional groups, and rare character sets."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Literal, cast

import pydicom
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_sequence_item
from pydicom.valuerep import TEXT_VR_DELIMS

from heron_media_dicom.dicom.elements import PIXELS, UNDEFINED, Elements, PixelData
from heron_media_dicom.dicom.stream import GuardedStream
from heron_media_dicom.dicom.tags import FUNCTIONAL_GROUPS, READ, tag_bytes

warnings.filterwarnings("ignore", module="pydicom")  # what is wrong with a file, our own sentences tell

_GROUP_NUMBERS = [0x52009229, 0x52009230]
_WANTED: list[Any] = [*(tag.number for tag in READ.values()), *_GROUP_NUMBERS]


def read_elements(stream: GuardedStream) -> Elements:
    """The elements of any header that pydicom reads, also without preamble; raises whatever pydicom raises."""
    source = cast(BinaryIO, stream)
    dataset = pydicom.dcmread(source, stop_before_pixels=True, force=True, specific_tags=_WANTED)
    stream.check()
    implicit, little = dataset.original_encoding
    found = Elements(implicit=bool(implicit), order="<" if little else ">")
    for part in (dataset.file_meta, dataset):
        found.values.update(_raw_values(part))
    found.pixels = _pixels_here(stream, "little" if little else "big")
    for number in _GROUP_NUMBERS:
        if number in dataset and dataset[number].value:
            _add_missing(found, dataset[number].value[0])
    return found


def add_functional_groups(stream: GuardedStream, found: Elements) -> None:
    """Add what the functional groups of all frames, and of the first, say of geometry and windows."""
    for tag in FUNCTIONAL_GROUPS:
        if tag in found.groups:
            stream.seek(found.groups[tag])
            item = read_sequence_item(cast(BinaryIO, stream), found.implicit, True, "iso8859")
            if item is not None:
                _add_missing(found, item)
    stream.check()


def text_decoder(charsets: Sequence[str]) -> Callable[[bytes], str]:
    """The function that decodes texts under one or several Specific Character Sets."""
    encodings = convert_encodings([name.strip() for name in charsets])
    return lambda raw: decode_bytes(raw, encodings, TEXT_VR_DELIMS)


def _raw_values(dataset: Dataset) -> Iterator[tuple[bytes, tuple[bytes, bytes]]]:
    """VR and bytes of the elements that pydicom has not converted, and of those that it does at once: UIDs and charsets."""
    for number in dataset.keys():  # noqa: SIM118 - iterating a dataset converts its values
        element = dataset.get_item(number)
        tag = tag_bytes(number)
        if tag not in READ:
            continue
        if isinstance(element, RawDataElement):
            if isinstance(element.value, bytes):
                yield tag, (element.VR.encode() if element.VR else READ[tag].vr, element.value)
        elif element.VR in ("UI", "CS") and element.value:
            texts = [element.value] if isinstance(element.value, str) else element.value
            yield tag, (element.VR.encode(), "\\".join(texts).encode("latin_1", "replace"))


def _add_missing(found: Elements, item: Dataset) -> None:
    """Add the elements of the macros of one functional group (PS3.3 C.7.6.16.2) that the top level has not."""
    for element in item:
        if element.VR == "SQ" and element.value:
            for tag, value in _raw_values(element.value[0]):
                found.values.setdefault(tag, value)


def _pixels_here(stream: GuardedStream, order: Literal["little", "big"]) -> PixelData | None:
    """The pixels at whose tag pydicom has stopped, if it did not stop at the end of the file."""
    start = stream.tell()
    head = stream.read(12)
    number = int.from_bytes(head[:2], order) << 16 | int.from_bytes(head[2:4], order)
    tag = tag_bytes(number)
    if tag not in PIXELS or len(head) < 12:
        return None
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    length = int.from_bytes(head[8:12] if explicit else head[4:8], order)
    vr = head[4:6].decode() if explicit else "OW"
    known = None if length == UNDEFINED else length
    return PixelData(PIXELS[tag], vr, start + (12 if explicit else 8), known)
