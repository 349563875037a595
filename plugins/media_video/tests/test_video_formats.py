"""Films and sounds as cameras, recorders and the web write them: each is recognised, and each frame is its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import heron_media_video
from heron.testing import LocalMediaFile, format_of
from heron_media_video.testing import number_of, write_sound, write_video

RECORD, SOUND = heron_media_video.register_decoders()
VIDEO: Any = RECORD.load()
AUDIO: Any = SOUND.load()
COUNT = 30


@pytest.mark.parametrize(
    ("name", "format", "codec", "media_type"),
    [
        ("a.ts", "mpegts", "mpeg2video", "video/mp2t"),
        ("a.m2ts", "mpegts", "libx264", "video/mp2t"),
        ("a.mpg", "mpeg", "mpeg2video", "video/mpeg"),
        ("a.flv", "flv", "flv1", "video/x-flv"),
        ("a.wmv", "asf", "wmv2", "video/x-ms-wmv"),
    ],
)
def test_each_frame_of_a_film_is_its_own(
    tmp_path: Path, name: str, format: str, codec: str, media_type: str
) -> None:
    options = {"preset": "ultrafast"} if codec == "libx264" else {}
    container = {"mpegts_m2ts_mode": "1"} if name.endswith("m2ts") else {}
    path = write_video(
        tmp_path / name, codec, frames=COUNT, format=format, gop_size=10, options=options, container=container
    )
    found = format_of(RECORD, path)
    assert found is not None and found.media_type == media_type
    file = LocalMediaFile(path, media_type)
    facts = VIDEO.probe(file)
    assert (facts.kind, facts.frame_count, round(facts.fps, 3)) == ("video", COUNT, 25)
    for wanted in (range(COUNT), [COUNT - 1], [11, 13]):
        shown = [(number, number_of(picture)) for number, picture in VIDEO.frames(file, wanted)]
        assert shown == [(number, number) for number in wanted]


def test_a_film_in_typescript_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text("export const heron = 1;\n" * 99)
    assert format_of(RECORD, tmp_path / "a.ts") is None


@pytest.mark.parametrize("brand", [b"isom", b"hvc1", b"XAVC", b"piff", b"niko", b"wxyz"])
def test_a_film_of_any_brand_is_mp4(tmp_path: Path, brand: bytes) -> None:
    path = write_video(tmp_path / "a.bin", "mpeg4", frames=3, format="mp4")
    content = path.read_bytes()
    path.write_bytes(content[:8] + brand + content[12:])
    found = format_of(RECORD, path)
    assert found is not None and found.media_type == "video/mp4"


@pytest.mark.parametrize("brand", [b"avif", b"heic", b"mif1", b"crx ", b"jp2 "])
def test_a_picture_in_boxes_is_no_film(tmp_path: Path, brand: bytes) -> None:
    (tmp_path / "a").write_bytes(b"\0\0\0\x1cftyp" + brand + b"\0\0\0\0mif1miaf" + bytes(99))
    assert format_of(RECORD, tmp_path / "a") is None


@pytest.mark.parametrize(
    ("name", "format", "codec", "media_type", "depth"),
    [
        ("a.aiff", "aiff", "pcm_s24be", "audio/aiff", 24),
        ("a.wav", "wav", "pcm_s16le", "audio/wav", 16),
        ("a.flac", "flac", "flac", "audio/flac", 16),
        ("a.aac", "adts", "aac", "audio/aac", None),
        ("a.wma", "asf", "wmav2", "audio/x-ms-wma", None),
    ],
)
def test_a_sound_has_its_length_and_its_bits(
    tmp_path: Path, name: str, format: str, codec: str, media_type: str, depth: int | None
) -> None:
    path = write_sound(tmp_path / name, codec, seconds=1.0, format=format)
    found = format_of(SOUND, path)
    assert found is not None and found.media_type == media_type
    file = LocalMediaFile(path, media_type)
    facts = AUDIO.probe(file)
    assert facts.kind == "audio" and abs(facts.duration - 1) < 0.08
    assert facts.extra["audio"].get("bit_depth") == depth
    assert AUDIO.picture(file, 64).size == (64, 32)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.opus", "libopus")],
)
def test_half_of_a_sound_is_said_to_be_one(tmp_path: Path, name: str, codec: str) -> None:
    path = write_sound(tmp_path / name, codec, seconds=3.0)
    found = format_of(SOUND, path)
    assert found is not None
    assert AUDIO.probe(LocalMediaFile(path, found.media_type)).note is None
    content = path.read_bytes()
    for share in (0.5, 0.9):
        (tmp_path / f"cut-{name}").write_bytes(content[: int(len(content) * share)])
        note = AUDIO.probe(LocalMediaFile(tmp_path / f"cut-{name}", found.media_type)).note
        assert note is not None and "cut off" in note
