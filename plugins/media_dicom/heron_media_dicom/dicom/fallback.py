"""What pydicom reads for us: unusual headers, sequences, and rare character sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Literal, cast

import pydicom
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator, data_element_offset_to_value, read_sequence_item
from pydicom.valuerep import TEXT_VR_DELIMS

from heron_media_dicom.dicom.elements import PIXELS, UNDEFINED, Elements, PixelData
from heron_media_dicom.dicom.stream import GuardedStream
from heron_media_dicom.dicom.tags import FRAME_GROUPS, MARKED, READ, SHARED_GROUPS, tag_bytes, tag_number

_WANTED: list[Any] = [tag_number(tag) for tag in (*READ, *MARKED)]


def read_elements(stream: GuardedStream) -> Elements:
    """The elements of any header that pydicom can read, also without preamble; raises any error of pydicom."""
    source = cast(BinaryIO, stream)
    dataset = pydicom.dcmread(source, stop_before_pixels=True, force=True, specific_tags=_WANTED)
    stream.check()
    little = bool(dataset.original_encoding[1])
    found = Elements(order="<" if little else ">")
    found.pixels = _pixels_here(stream, "little" if little else "big")
    for part in (dataset.file_meta, dataset):
        found.values.update(_raw_values(part))
    for element in _elements(dataset):
        tag = tag_bytes(element.tag)
        if isinstance(element, RawDataElement):
            found.implicit = element.is_implicit_VR
        if tag in MARKED:
            start = element.value_tell if isinstance(element, RawDataElement) else element.file_tell
            found.places[tag] = (start or 0) - data_element_offset_to_value(found.implicit, element.VR)
    return found


def read_element(stream: GuardedStream, found: Elements, tag: bytes) -> RawDataElement | DataElement:
    """An element whose position is known; raises any error of pydicom."""
    stream.seek(found.places[tag])
    elements = data_element_generator(cast(BinaryIO, stream), found.implicit, found.order == "<")
    element = next(elements, None)
    stream.check()
    if element is None:
        raise ValueError("the file ends within an element")
    return element


def read_items(stream: GuardedStream, found: Elements, tag: bytes) -> Iterator[Dataset]:
    """The items of a sequence whose position is known, one at a time."""
    source = cast(BinaryIO, stream)
    little = found.order == "<"
    place = found.places[tag] + (8 if found.implicit else 12)
    while True:
        stream.seek(place)
        if stream.read(4) != (b"\xfe\xff\x00\xe0" if little else b"\xff\xfe\xe0\x00"):
            return
        stream.seek(place)
        item = read_sequence_item(source, found.implicit, little, "iso8859")
        stream.check()
        place = stream.tell()
        if item is not None:
            yield item


def add_functional_groups(stream: GuardedStream, found: Elements) -> None:
    """Add geometry and windows from the shared macros and those of the first frame (PS3.3 C.7.6.16.2)."""
    for tag in (SHARED_GROUPS, FRAME_GROUPS):
        if tag in found.places:
            for macro in next(read_items(stream, found, tag), ()):
                if macro.VR == "SQ" and macro.value:
                    for name, value in _raw_values(macro.value[0]):
                        found.values.setdefault(name, value)


def text_decoder(charsets: Sequence[str]) -> Callable[[bytes], str]:
    """A function that decodes texts in one or several Specific Character Sets."""
    encodings = convert_encodings([name.strip() for name in charsets])
    return lambda raw: decode_bytes(raw, encodings, TEXT_VR_DELIMS)


def _elements(dataset: Dataset) -> Iterator[RawDataElement | DataElement]:
    """The elements as pydicom read them; iterating over the dataset itself would convert them."""
    for number in dataset.keys():  # noqa: SIM118
        yield dataset.get_item(number)


def _raw_values(dataset: Dataset) -> Iterator[tuple[bytes, tuple[bytes, bytes]]]:
    """VR and bytes of elements, by tag; pydicom has already converted some UIDs and character sets."""
    for element in _elements(dataset):
        tag = tag_bytes(element.tag)
        if tag not in READ:
            continue
        if isinstance(element, RawDataElement):
            if isinstance(element.value, bytes):
                yield tag, (element.VR.encode() if element.VR else READ[tag].vr, element.value)
        elif element.VR in ("UI", "CS") and element.value:
            texts = [element.value] if isinstance(element.value, str) else element.value
            yield tag, (element.VR.encode(), "\\".join(texts).encode("latin_1", "replace"))


def _pixels_here(stream: GuardedStream, order: Literal["little", "big"]) -> PixelData | None:
    """The pixels, if pydicom stopped at their tag and not at the end of the file."""
    start = stream.tell()
    head = stream.read(12)
    tag = tag_bytes(int.from_bytes(head[:2], order) << 16 | int.from_bytes(head[2:4], order))
    if tag not in PIXELS or len(head) < 12:
        return None
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    length = int.from_bytes(head[8:12] if explicit else head[4:8], order)
    vr = head[4:6].decode() if explicit else "OW"
    known = None if length == UNDEFINED else length
    return PixelData(PIXELS[tag], vr, start + (12 if explicit else 8), known)
