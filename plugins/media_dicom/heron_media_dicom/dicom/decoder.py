"""The decoder `dicom`: facts, pictures and frames of DICOM files, and series of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import heron
from heron_media_dicom.dicom.facts import facts_of
from heron_media_dicom.dicom.header import Header, read_header
from heron_media_dicom.dicom.series import part_of, series_of
from heron_media_dicom.dicom.values import printable

if TYPE_CHECKING:
    from PIL.Image import Image

    from heron_media_dicom.dicom.frames import Frames

T = TypeVar("T")

warnings.filterwarnings("ignore", module="pydicom|PIL")  # our own messages say what is wrong with a file


class DicomDecoder:
    """Reads DICOM files: a Decoder, FrameDecoder, ValueDecoder and SeriesDecoder."""

    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        """The facts of a header; of the pixels, only the length is checked. Raises MediaError."""
        with _opened(file) as header:
            return facts_of(header)

    def picture(self, file: heron.MediaFile, size: int) -> Image | None:
        """The middle frame in its first window, at most `size` x `size` pixels; None for objects without pixels."""
        with _opened(file) as header:
            middle = [header.frames // 2] if header.frames else []
            return next((picture for _, picture in _pictures(file, header, middle, size)), None)

    def values(
        self, file: heron.MediaFile, numbers: Sequence[int] | None = None
    ) -> Iterator[tuple[int, heron.Values | None]]:
        """The values of frames after the rescale, those of the middle frame for None; None for frames with colours."""
        with _opened(file) as header:
            wanted = [header.frames // 2] if numbers is None and header.frames else numbers or ()
            _check(file, header, wanted)
            yield from _decoded(
                file, header, sorted(set(wanted)), lambda frames, number: frames.values(number)
            )

    def volume(self, file: heron.MediaFile, number: int | None) -> range:
        """All frames of a file."""
        with _opened(file) as header:
            return range(header.frames)

    def times(self, file: heron.MediaFile, *, whole: bool = True) -> Sequence[float]:
        """The presentation times of the frames of a cine, in seconds, by FrameTime or FrameTimeVector; else empty."""
        with _opened(file) as header:
            return header.frame_times()

    def frames(
        self, file: heron.MediaFile, numbers: Sequence[int], size: int | None = None
    ) -> Iterator[tuple[int, Image]]:
        """Frames in their first window, in ascending order; broken ones are left out unless all are."""
        with _opened(file) as header:
            _check(file, header, numbers)
            yield from _pictures(file, header, sorted(set(numbers)), size)

    def part(self, file: heron.MediaFile) -> heron.Part | None:
        """The part that a file is of its series; None for a DICOMDIR and without a series. Raises MediaError."""
        with _opened(file) as header:
            return part_of(header)

    def series(self, parts: Sequence[heron.Part]) -> heron.Series:
        """Order the files of one series; raises MediaError if they are of several studies."""
        return series_of(parts)


@contextmanager
def _opened(file: heron.MediaFile) -> Iterator[Header]:
    """The header of a file, and its stream, open within the context; any error of a library becomes MediaError."""
    try:
        with file.open() as stream:
            yield read_header(file, stream)
    except heron.HeronError:
        raise
    except Exception as error:  # pydicom and its libraries raise all sorts of errors for broken files
        raise heron.MediaError(f"{file.name} cannot be read as DICOM: {_reason(error)}") from error


def _check(file: heron.MediaFile, header: Header, numbers: Sequence[int]) -> None:
    for number in numbers:
        if not 0 <= number < header.frames:
            raise heron.MediaError(f"{file.name} has {header.frames:,} frames; there is no frame {number:,}")


def _pictures(
    file: heron.MediaFile, header: Header, numbers: Sequence[int], size: int | None
) -> Iterator[tuple[int, Image]]:
    return _decoded(file, header, numbers, lambda frames, number: frames.picture(number, size))


def _decoded(
    file: heron.MediaFile, header: Header, numbers: Sequence[int], read: Callable[[Frames, int], T]
) -> Iterator[tuple[int, T]]:
    """The frames that can be decoded; if there are none, raises the error of the first one."""
    if not numbers:
        return
    from heron_media_dicom.dicom.frames import Frames

    frames = Frames(header, file.name)
    failure: Exception | None = None
    some = False
    for number in numbers:
        try:
            found = read(frames, number)
        except Exception as error:
            if isinstance(error, heron.HeronError) and not isinstance(error, heron.MediaError):
                raise
            failure = failure or error
            continue
        yield number, found
        some = True
    if failure and not some:
        raise failure


def _reason(error: Exception) -> str:
    """An error in one short line that can be printed."""
    if isinstance(error, RecursionError):
        return "its sequences are nested too deeply"
    if isinstance(error, MemoryError):
        return "it needs more memory than is available"
    text = " ".join(str(error).split()) or type(error).__name__
    return printable(text, 300)
