"""Facts of video and audio beside size and duration: how it is coded, when it was made, what its tags say."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

import heron
import heron_media_video
from heron.testing import LocalMediaFile
from heron_media_video.testing import picture_frame, tones, write_sound, write_video

VIDEO, AUDIO = (record.load() for record in heron_media_video.register_decoders())


def facts_of(path: Path, media_type: str = "video/mp4", **options: Any) -> heron.MediaFacts:
    """The facts of a file."""
    decoder = AUDIO if media_type.startswith("audio") else VIDEO
    return decoder.probe(LocalMediaFile(path, media_type, **options))


def test_how_pictures_are_coded(tmp_path: Path) -> None:
    params = "interlaced=1:colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=on:sar=4/3"
    path = write_video(tmp_path / "a.mp4", options={"x264-params": params, "profile": "high"})
    video = facts_of(path).extra["video"]
    expected = {
        "profile": "High",
        "pixel_format": "yuvj420p",
        "rotation": 0,
        "frame_rate_mode": "constant",
        "sample_aspect_ratio": "4:3",
        "interlaced": True,
        "field_order": "tt",
        "color_range": "pc",
        "color_space": "bt709",
        "color_transfer": "bt709",
        "color_primaries": "bt709",
        "has_audio": False,
    }
    assert {name: video.get(name) for name in expected} == expected
    assert video["bit_rate"] > 1000


def test_width_and_height_are_stored_pixels_whatever_their_shape(tmp_path: Path) -> None:
    facts = facts_of(write_video(tmp_path / "a.mp4", options={"x264-params": "sar=2/1"}))
    assert (facts.width, facts.height) == (160, 96)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), 15, 60])
def test_constant_rates_are_told_exactly(tmp_path: Path, suffix: str, rate: Fraction | int) -> None:
    media_type = "video/mp4" if suffix == "mp4" else "video/matroska"
    facts = facts_of(write_video(tmp_path / f"a.{suffix}", rate=rate), media_type)
    assert facts.fps == pytest.approx(float(rate), abs=1e-6)
    assert facts.extra["video"]["frame_rate_mode"] == "constant"


def test_variable_rates_are_averages(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", frames=41, times=lambda n: n * n, unit=Fraction(1, 1000))
    facts = facts_of(path)
    assert facts.extra["video"]["frame_rate_mode"] == "variable"
    assert facts.fps == pytest.approx(40 / 1.6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31T12:00:00.250000+02:00", "2026-01-31T10:00:00.250000Z"),
        ("2026-01-31 12:00:00", "2026-01-31T12:00:00.000000Z"),
        ("yesterday", None),
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+10:00", None),
    ],
)
def test_the_time_of_recording_is_in_utc(tmp_path: Path, given: str, expected: str | None) -> None:
    path = write_video(tmp_path / "a.mkv", frames=2, tags={"creationdate": given})
    assert facts_of(path, "video/matroska").captured_at == (expected and datetime.fromisoformat(expected))


def test_the_time_of_recording_of_mp4(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", frames=2, tags={"creation_time": "2026-01-31T12:00:00Z"})
    assert facts_of(path).captured_at == datetime.fromisoformat("2026-01-31T12:00:00.000000Z")


def test_the_tags_of_apple_lose_their_prefix_and_the_place_is_personal(tmp_path: Path) -> None:
    place = "+52.5200+013.4050/"
    tags = {
        "com.apple.quicktime.make": "Heron",
        "com.apple.quicktime.location.ISO6709": place,
        "title": "Harbour",
    }
    path = write_video(tmp_path / "a.mov", frames=2, tags=tags, container={"movflags": "use_metadata_tags"})
    video = facts_of(path, "video/quicktime").extra["video"]
    assert {name: video[name] for name in ("make", "location", "title")} == {
        "make": "Heron",
        "location": place,
        "title": "Harbour",
    }
    assert next(iter(heron_media_video.register_decoders())).personal == ("video.location",)


def test_sound_of_a_film(tmp_path: Path) -> None:
    facts = facts_of(write_video(tmp_path / "a.mp4", sound=True))
    assert (facts.kind, facts.codec, facts.sample_rate, facts.channels) == ("video", "h264", 48000, 2)
    assert facts.extra["video"]["has_audio"] is True
    assert facts.extra["audio"]["codec"] == "aac"


@pytest.mark.parametrize(
    ("name", "codec", "media_type"),
    [
        ("a.mp3", "libmp3lame", "audio/mpeg"),
        ("a.flac", "flac", "audio/flac"),
        ("a.ogg", "libopus", "audio/ogg"),
        ("a.m4a", "aac", "audio/mp4"),
    ],
)
def test_tags_of_sounds(tmp_path: Path, name: str, codec: str, media_type: str) -> None:
    tags = {"title": "Größe", "artist": "A Heron", "album": "Reeds", "genre": "Field"}
    format = "ipod" if name.endswith("m4a") else None
    path = write_sound(tmp_path / name, codec, tags=tags, channels=2, format=format)
    facts = facts_of(path, media_type)
    assert {tag: facts.extra["audio"][tag] for tag in tags} == tags
    assert facts.extra["audio"]["channel_layout"] == "stereo"
    assert (facts.kind, facts.width, facts.frame_count, facts.fps) == ("audio", None, None, None)


def with_cover(path: Path, format: str) -> Path:
    """A sound with a picture of its cover."""
    with av.open(str(path), "w", format=format) as output:
        sound: Any = output.add_stream("libmp3lame" if format == "mp3" else "aac", rate=48000)
        cover: Any = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = picture_frame(Image.new("RGB", (64, 64), "red")).reformat(format="yuvj420p")
        output.mux(cover.encode(picture))
        output.mux(cover.encode(None))
        for frame in tones(1, 48000):
            output.mux(sound.encode(frame))
        output.mux(sound.encode(None))
    return path


@pytest.mark.parametrize(
    ("format", "media_type"), [("mp3", "audio/mpeg"), ("mp4", "audio/mp4"), ("mp4", "video/mp4")]
)
def test_a_cover_makes_no_film(tmp_path: Path, format: str, media_type: str) -> None:
    path = with_cover(tmp_path / "a", format)
    facts = facts_of(path, media_type)
    assert (facts.kind, facts.media_type, facts.width, facts.frame_count) == ("audio", media_type, None, None)
    decoder = AUDIO if media_type.startswith("audio") else VIDEO
    waveform = decoder.picture(LocalMediaFile(path, media_type), 64)
    assert waveform is not None
    assert waveform.size == (64, 32)


def test_a_film_without_pictures_is_sound(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.mp4", "aac", rate=44100)
    facts = facts_of(path)
    assert (facts.kind, facts.media_type, facts.codec) == ("audio", "video/mp4", "aac")
    file = LocalMediaFile(path, "video/mp4")
    assert list(VIDEO.times(file) or ()) == []
    with pytest.raises(heron.MediaError, match="has 0 frames"):
        list(VIDEO.frames(file, [0]))


def test_frames_of_matroska_are_counted_where_that_is_cheap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mkv")
    assert facts_of(path, "video/matroska").frame_count == 60
    assert facts_of(path, "video/matroska", remote=True).frame_count == 60
    monkeypatch.setattr("heron_media_video.facts._COUNTED", 1000)
    assert facts_of(path, "video/matroska").frame_count == 60
    far = facts_of(path, "video/matroska", remote=True)
    assert (far.frame_count, far.fps, far.duration) == (None, 25.0, 2.4)
