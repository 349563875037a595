"""Video and audio for Heron: the decoders `video` and `audio`. Reading comes in a later release."""

from __future__ import annotations

from collections.abc import Iterable

import heron
from heron_media_video.formats import AUDIO, VIDEO


def load_video() -> heron.Decoder:
    """Make the reader of video files; raises PluginError as long as it is not built."""
    raise heron.PluginError(
        "plugin media_video knows video files, but reading them is not built yet", hint="follow the changelog"
    )


def load_audio() -> heron.Decoder:
    """Make the reader of audio files; raises PluginError as long as it is not built."""
    raise heron.PluginError(
        "plugin media_video knows audio files, but reading them is not built yet", hint="follow the changelog"
    )


@heron.hookimpl
def register_decoders() -> Iterable[heron.MediaDecoder]:
    """Bring one reader for video and one for audio, both on PyAV."""
    yield heron.MediaDecoder(
        name="video",
        summary="MP4, QuickTime, WebM, Matroska, AVI and Ogg video (PyAV)",
        formats=VIDEO,
        extra="video",
        planned=True,
        load=load_video,
    )
    yield heron.MediaDecoder(
        name="audio",
        summary="MP3, WAV, FLAC, Ogg and M4A audio (PyAV)",
        formats=AUDIO,
        extra="video",
        planned=True,
        load=load_audio,
    )
