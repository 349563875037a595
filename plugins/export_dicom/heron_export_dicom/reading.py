"""Reads DICOM files that may be broken: headers alone, and files whole, of which nothing may be missing."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from heron import HeronError

LARGEST = 2_000_000_000
"""The most bytes of a file that is read whole, and of one that is inflated."""

_PICTURES = ("PixelData", "FloatPixelData", "DoubleFloatPixelData", "PixelDataProviderURL")
_NATIVE = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
_UNDEFINED = 0xFFFFFFFF


warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\.")  # of values that break its rules


class BadFile(HeronError):
    """A file that cannot be exported; the text says why."""


def header_of(stream: IO[bytes]) -> tuple[Dataset, bool]:
    """What a file says without its pixels, and whether it has a preamble and a meta header; raises BadFile."""
    with _read():
        whole = _has_meta(stream)
        _check_inflated(stream, whole)
        header = dcmread(stream, stop_before_pixels=True, force=True)
        _check(header)
        return header, whole and "MediaStorageSOPInstanceUID" in header.file_meta


def whole_file(stream: IO[bytes], size: int) -> Dataset:
    """A file with its pixels; raises BadFile for one that is cut off, broken or larger than LARGEST."""
    if size > LARGEST:
        raise BadFile(f"it has {size:,} bytes, and at most {LARGEST:,} are read into memory")
    with _read():
        _check_inflated(stream, _has_meta(stream))
        dataset = dcmread(stream, force=True)
        _check(dataset)
        _check_whole(dataset)
        return dataset


@contextmanager
def understood() -> Iterator[None]:
    """Turns whatever broken files raise in pydicom into BadFile; errors of the system pass."""
    try:
        yield
    except (HeronError, OSError):
        raise
    except (MemoryError, RecursionError) as error:
        raise BadFile("its elements are nested too deep, or too large for the memory") from error
    except Exception as error:  # there is no list of what pydicom raises for broken files
        text = " ".join(str(error).split())
        raise BadFile(f"it cannot be treated as DICOM: {text[:200]}") from error


@contextmanager
def _read() -> Iterator[None]:
    """The same, for files that are only read."""
    try:
        with understood():
            yield
    except OSError as error:
        raise BadFile(f"it cannot be read: {error.strerror or error}") from error


def _has_meta(stream: IO[bytes]) -> bool:
    stream.seek(128)
    found = stream.read(4) == b"DICM"
    stream.seek(0)
    return found


def _check_inflated(stream: IO[bytes], has_meta: bool) -> None:
    """Raise BadFile for a deflated file that is not small when inflated, which pydicom would do in memory."""
    if not has_meta:
        return
    stream.seek(132)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)  # type: ignore[arg-type]
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        stream.seek(0)
        return
    inflated, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while block := inflated.unconsumed_tail or stream.read(1 << 16):
        total += len(inflated.decompress(block, 1 << 20))
        if total > LARGEST // 8:
            raise BadFile(f"it is inflated to more than {LARGEST // 8:,} bytes")
    stream.seek(0)


def _check(dataset: Dataset) -> None:
    """Raise BadFile if it does not say what it is; a file without a meta header gets one."""
    if "DirectoryRecordSequence" in dataset:
        raise BadFile("it is a DICOMDIR, whose files are items of their own")
    if not dataset.get("SOPClassUID") or not dataset.get("SOPInstanceUID"):
        raise BadFile("it does not say of which class it is, or which instance")
    meta: Any = getattr(dataset, "file_meta", None)
    if meta is None:
        meta = dataset.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in meta:
        implicit, little = dataset.original_encoding
        plain = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else plain


def _check_whole(dataset: Dataset) -> None:
    """Raise BadFile if a file is cut off, which pydicom passes over."""
    for tag in [*dataset.keys()][-1:]:
        last = dataset.get_item(tag)
        if isinstance(last, RawDataElement) and last.length not in (_UNDEFINED, len(last.value or b"")):
            raise BadFile("it is cut off")
    has_pictures = any(name in dataset for name in _PICTURES)
    if not has_pictures and (dataset.get("Rows") or "Image Storage" in UID(dataset.SOPClassUID).name):
        raise BadFile("it is cut off: it is of a class of pictures, and has none")
    wanted = bytes_of_pixels(dataset)
    if wanted is not None and len(dataset.PixelData) < wanted:
        raise BadFile(f"it is cut off: {len(dataset.PixelData):,} of {wanted:,} bytes of pixels are there")


def bytes_of_pixels(dataset: Dataset) -> int | None:
    """How many bytes its pixels have; None if they are compressed, or are none."""
    if dataset.file_meta.TransferSyntaxUID not in _NATIVE or "PixelData" not in dataset:
        return None
    samples, bits = int(dataset.get("SamplesPerPixel") or 1), int(dataset.get("BitsAllocated") or 8)
    if str(dataset.get("PhotometricInterpretation")) == "YBR_FULL_422":
        samples = 2
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    return (rows * columns * samples * int(dataset.get("NumberOfFrames") or 1) * bits + 7) // 8
