"""Opens media files with FFmpeg: only with the demuxer of their media type, through a stream that keeps its
errors.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import av
from attrs import frozen
from av.stream import Disposition

import heron
from heron_media_video.boxes import movie_box
from heron_media_video.mp4 import MAX_FRAMES, SampleTimes, checked_tracks, sample_times
from heron_media_video.streams import FragmentRuns, Guarded

_DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "audio/mp4": "mov",
    "video/webm": "matroska",
    "video/matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/ogg": "ogg",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "video/mp2t": "mpegts",
    "video/mpeg": "mpeg",
    "video/x-flv": "flv",
    "video/x-ms-wmv": "asf",
    "audio/x-ms-wma": "asf",
    "audio/aiff": "aiff",
    "audio/aac": "aac",
}

_WHOLE = 1024 * 1024
"""A stored object of up to this many bytes is read in one request, which is cheaper than several."""

_LOOKED_AT = {"video": 1024 * 1024, "audio": 64 * 1024}
"""Most bytes behind the header that FFmpeg reads for facts that the header lacks."""

_PATIENCE = 60.0
"""Seconds that FFmpeg may take to open a file, and to find the next packet."""

_BYTES = 40
"""Bytes of a pixel while a video is decoded: the frames that others refer to, and the picture made of one."""

_NO_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails
_UNSPECIFIC = "FFmpeg cannot read it"


@frozen
class Media:
    """An open file: its container, its first stream of pictures and of sound, and what its sample tables tell."""

    file: heron.MediaFile
    container: Any
    pictures: Any
    sound: Any
    table: SampleTimes | None


@contextmanager
def opened(file: heron.MediaFile) -> Iterator[Media]:
    """Open a file with FFmpeg, and close it in any case.

    Raises MediaError, also for FFmpeg's errors while the file is open. Errors of the storage pass unchanged.
    """
    with streamed(file) as stream:
        table = _sample_table(file, stream)
        source = stream if file.path is None or stream.is_watched else f"file:{file.path.absolute()}"
        with _container(file, source, is_cut=table is not None and bool(table.cuts)) as container:
            yield _media(file, container, table)


@contextmanager
def streamed(file: heron.MediaFile) -> Iterator[Guarded]:
    """The stream of a file, as `opened` reads it."""
    try:
        with Guarded(_stream(file)) as stream:
            try:
                yield stream
            except Exception:
                stream.check()
                raise
            stream.check()
    except heron.HeronError:
        raise
    except (
        av.FFmpegError,
        OSError,
        EOFError,
        ValueError,
        RuntimeError,
        ArithmeticError,
        MemoryError,
    ) as error:
        raise _refusal(file, error) from error


def table_alone(file: heron.MediaFile) -> SampleTimes | None:
    """The sample times of an MP4 file, which is opened for them alone; None for other files, which are not."""
    if _DEMUXERS[file.media_type] != "mov":
        return None
    with streamed(file) as stream:
        return _sample_table(file, stream)


def _sample_table(file: heron.MediaFile, stream: Guarded) -> SampleTimes | None:
    """The sample times of an MP4 file, which must not claim what it cannot hold; None for other files."""
    if _DEMUXERS[file.media_type] != "mov":
        return None
    movie = movie_box(stream, file.size, file.name)
    if b"trex" in movie:
        stream.watch(FragmentRuns(file.name, min(file.size, MAX_FRAMES)))
    times = sample_times(movie, checked_tracks(movie, file.size, file.name))
    stream.seek(0)
    return times


def _container(file: heron.MediaFile, source: Any, *, is_cut: bool) -> Any:
    """The container, opened with nothing but this file, and with pictures bound in size.

    Segments of an edit list (`is_cut`) are followed by us: FFmpeg cannot go to a frame in them.
    """
    return av.open(
        source,
        format=_DEMUXERS[file.media_type],
        options={
            "protocol_whitelist": "file",
            "max_streams": "100",
            "ignore_editlist": str(int(is_cut)),
            "max_pixels": str(heron.max_pixels()),
            "probesize": str(_LOOKED_AT[file.media_type.partition("/")[0]]),
        },
        metadata_errors="replace",
        timeout=_PATIENCE,
    )


def _media(file: heron.MediaFile, container: Any, table: SampleTimes | None) -> Media:
    streams = [stream for stream in container.streams if stream.codec_context is not None]
    pictures = (s for s in streams if s.type == "video" and not s.disposition & _NO_PICTURES)
    media = Media(
        file=file,
        container=container,
        pictures=next(pictures, None),
        sound=next((stream for stream in streams if stream.type == "audio"), None),
        table=table,
    )
    if media.pictures is not None:
        context = media.pictures.codec_context
        heron.check_pixels(file.name, context.width, context.height)
        heron.check_memory(file.name, _BYTES * context.width * context.height)
        context.thread_count = 1
        context.options = {"max_pixels": str(heron.max_pixels())}
    return media


def _stream(file: heron.MediaFile) -> BinaryIO:
    stream = file.open()
    if file.path is not None or file.size > _WHOLE:
        return stream
    with stream:
        return io.BytesIO(stream.read())


def _refusal(file: heron.MediaFile, error: Exception) -> heron.MediaError:
    if isinstance(error, MemoryError):
        return heron.MediaError(f"{file.name} needs more memory than there is to decode")
    if isinstance(error, av.error.ExitError):
        return heron.MediaError(f"{file.name} takes more than {_PATIENCE:.0f} seconds to be read")
    reason = getattr(error, "strerror", None) or str(error) or _UNSPECIFIC
    return heron.MediaError(f"{file.name} cannot be read as {file.media_type}: {reason.splitlines()[0]}")
