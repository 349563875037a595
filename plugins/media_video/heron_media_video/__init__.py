"""Video and audio for Heron: the decoders `video` and `audio`, both on PyAV."""

from __future__ import annotations

from collections.abc import Iterable

import heron
from heron_media_video.formats import AUDIO, VIDEO


def load_video() -> heron.Decoder:
    """Make the reader of video files."""
    from heron_media_video.decoders import VideoDecoder

    return VideoDecoder()


def load_audio() -> heron.Decoder:
    """Make the reader of audio files."""
    from heron_media_video.decoders import AudioDecoder

    return AudioDecoder()


@heron.hookimpl
def register_decoders() -> Iterable[heron.MediaDecoder]:
    """Bring one reader for video and one for audio."""
    yield heron.MediaDecoder(
        name="video",
        summary="MP4, QuickTime, WebM, Matroska, AVI, Ogg, MPEG, FLV and WMV video (PyAV)",
        formats=VIDEO,
        requires=["av"],
        extra="video",
        namespaces=["video", "audio"],
        personal=["video.location"],
        load=load_video,
        gives=["picture", "frames"],
    )
    yield heron.MediaDecoder(
        name="audio",
        summary="MP3, WAV, FLAC, Ogg, M4A, AIFF, AAC and WMA audio (PyAV)",
        formats=AUDIO,
        requires=["av"],
        extra="video",
        namespaces=["audio"],
        load=load_audio,
        gives=["picture"],
    )
