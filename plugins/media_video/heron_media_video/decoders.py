"""The decoders `video` and `audio`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from weakref import ref

import heron
from heron_media_video.containers import opened
from heron_media_video.facts import film_facts, film_index, sound_facts
from heron_media_video.frames import decoded_frames
from heron_media_video.index import frame_index, frame_times
from heron_media_video.pictures import Painter, contact_sheet

if TYPE_CHECKING:
    from PIL.Image import Image

    from heron_media_video.containers import Media
    from heron_media_video.index import FrameIndex


class AudioDecoder:
    """Reads MP3, WAV, FLAC, Ogg, M4A, AIFF, AAC and WMA."""

    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        """The facts of a sound, from header, index and the first packets; raises MediaError."""
        with opened(file) as media:
            return sound_facts(media)

    def picture(self, file: heron.MediaFile, size: int) -> Image:
        """The waveform, `size` x `size` / 2 pixels; raises MediaError."""
        with opened(file) as media:
            return _waveform(media, size)


class VideoDecoder:
    """Reads MP4, QuickTime, WebM, Matroska, AVI, Ogg, MPEG, FLV and WMV; of a file without pictures, the sound."""

    def __init__(self) -> None:
        self._last: tuple[ref[heron.MediaFile], FrameIndex] | None = None
        """The last file of which the facts were read, and its times, so that it is not read for them once more."""

    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        """The facts of a video, from header, index and the first packets; raises MediaError.

        Width and height are those of the stored pictures turned upright; their pixels need not be square.
        """
        with opened(file) as media:
            if media.pictures is None:
                return sound_facts(media)
            index = film_index(media)
            if index is not None and index.is_ordered:
                self._last = ref(file), index
            return film_facts(media, index)

    def picture(self, file: heron.MediaFile, size: int) -> Image:
        """A contact sheet; for a file without pictures its waveform. Raises MediaError."""
        with opened(file) as media:
            if media.pictures is not None:
                return contact_sheet(media, size)
            return _waveform(media, size)

    def times(self, file: heron.MediaFile, *, whole: bool = True) -> Sequence[float] | None:
        """The presentation time of each frame in seconds from the first; raises MediaError.

        None for a stored object that would have to be read whole, if `whole` is not set.
        """
        last = self._last
        if whole and last is not None and last[0]() is file:
            return last[1].seconds()
        return frame_times(file, whole=whole)

    def frames(
        self, file: heron.MediaFile, numbers: Sequence[int], size: int | None = None
    ) -> Iterator[tuple[int, Image]]:
        """Frames by number, upright in RGB, in ascending order; those behind a damaged part are left out.

        Raises MediaError for a number that the file does not have, and where no frame can be decoded.
        """
        wanted = sorted(set(numbers))
        if not wanted:
            return
        with opened(file) as media:
            index = frame_index(media, last=wanted[-1]) if media.pictures is not None else None
            count = len(index.shown) if index is not None else 0
            if index is None or wanted[0] < 0 or wanted[-1] >= count:
                outside = wanted[0] if wanted[0] < 0 else wanted[-1]
                raise heron.MediaError(f"{file.name} has {count:,} frames, there is no frame {outside:,}")
            painter, number = Painter(), None
            for number, frame in decoded_frames(media, index, wanted):
                yield number, painter.picture(frame, size)
            if number is None:
                raise heron.MediaError(f"{file.name} is broken where the frames are that were asked for")


def _waveform(media: Media, size: int) -> Image:
    from heron_media_video.waveform import waveform  # imports NumPy, which videos do not need

    return waveform(media, size)
