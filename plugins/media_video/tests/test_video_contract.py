"""Both decoders keep the contract of decoders, for each format that they read."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import heron_media_video
from heron.testing import DecoderContract
from heron_media_video.testing import write_sound, write_video

pytestmark = pytest.mark.slow

VIDEO, AUDIO = heron_media_video.register_decoders()


class TestVideo(DecoderContract):
    decoder = VIDEO

    @pytest.fixture
    def good_files(self, tmp_path: Path) -> dict[Path, dict[str, Any]]:
        facts = {"kind": "video", "width": 160, "height": 96, "frame_count": 30, "fps": 25.0, "duration": 1.2}
        h264 = {"bf": "3", "g": "12"}
        fragments = {"movflags": "frag_keyframe+empty_moov"}
        ntsc = {**facts, "codec": "h264", "fps": 30000 / 1001, "duration": 1.001}
        return {
            write_video(tmp_path / "a.mp4", options=h264, frames=30): {**facts, "codec": "h264"},
            write_video(tmp_path / "ntsc.mp4", frames=30, rate=Fraction(30000, 1001)): ntsc,
            write_video(tmp_path / "b.mp4", options=h264, frames=30, container=fragments): facts,
            write_video(tmp_path / "c.mov", "mjpeg", pixels="yuvj420p", frames=30): {
                **facts,
                "codec": "mjpeg",
            },
            write_video(tmp_path / "d.mkv", options=h264, frames=30, sound=True): {
                "codec": "h264",
                "sample_rate": 48000,
            },
            write_video(tmp_path / "e.webm", "libvpx-vp9", frames=30): {**facts, "codec": "vp9"},
            write_video(tmp_path / "f.avi", "mpeg4", frames=30): {**facts, "codec": "mpeg4"},
            write_video(tmp_path / "one.mp4", frames=1): {**facts, "frame_count": 1, "duration": 0.04},
            write_video(tmp_path / "turned.mp4", frames=30, rotation=(90,)): {
                **facts,
                "width": 96,
                "height": 160,
            },
        }


class TestAudio(DecoderContract):
    decoder = AUDIO

    @pytest.fixture
    def good_files(self, tmp_path: Path) -> dict[Path, dict[str, Any]]:
        facts = {"kind": "audio", "sample_rate": 48000, "channels": 1, "duration": 2.0}
        lossy = {"kind": "audio", "sample_rate": 48000, "channels": 1}
        return {
            write_sound(tmp_path / "a.mp3", "libmp3lame"): {**lossy, "codec": "mp3"},
            write_sound(tmp_path / "b.wav", "pcm_s16le"): {**facts, "codec": "pcm_s16le"},
            write_sound(tmp_path / "c.wav", "pcm_f32le", channels=2): {**facts, "channels": 2},
            write_sound(tmp_path / "d.flac", "flac"): {**facts, "codec": "flac"},
            write_sound(tmp_path / "e.ogg", "libopus"): {**lossy, "codec": "opus"},
            write_sound(tmp_path / "f.opus", "libopus", format="ogg", channels=2): {**lossy, "channels": 2},
            write_sound(tmp_path / "g.m4a", "aac", format="ipod", rate=44100): {
                "codec": "aac",
                "sample_rate": 44100,
            },
        }
