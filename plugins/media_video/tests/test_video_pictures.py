"""Pictures: contact sheets of videos, waveforms of sounds, and colours that come out as they went in."""

from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

import heron
import heron_media_video
from heron.testing import LocalMediaFile
from heron_media_video.testing import number_of, picture_frame, write_sound, write_video

VIDEO, AUDIO = (record.load() for record in heron_media_video.register_decoders())
GROUPS = {"x264-params": "keyint=10:min-keyint=10:scenecut=0:bframes=2"}


def sheet(path: Path, size: int, media_type: str = "video/mp4") -> Image.Image:
    """The picture of a video."""
    picture = VIDEO.picture(LocalMediaFile(path, media_type), size)
    assert picture is not None
    return picture


def cells(picture: Image.Image, columns: int, rows: int) -> list[int]:
    """The numbers that the frames of a contact sheet show."""
    width, height = picture.width // columns, picture.height // rows
    places = [(column * width, row * height) for row in range(rows) for column in range(columns)]
    return [number_of(picture.crop((x, y, x + width, y + height))) for x, y in places]


@pytest.mark.parametrize(("name", "media_type"), [("a.mp4", "video/mp4"), ("a.mkv", "video/matroska")])
def test_a_sheet_has_key_frames_from_evenly_spaced_places(tmp_path: Path, name: str, media_type: str) -> None:
    path = write_video(tmp_path / name, frames=90, options=GROUPS)
    small, large = sheet(path, 256, media_type), sheet(path, 900, media_type)
    assert (small.size, cells(small, 2, 2)) == ((256, 154), [10, 30, 50, 70])
    assert (large.size, cells(large, 3, 3)) == ((480, 288), [0, 10, 20, 30, 40, 50, 60, 70, 80])


def test_a_sheet_of_one_group_shows_different_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", frames=80, options={"g": "250"})
    assert cells(sheet(path, 320), 2, 2) == [0, 30, 50, 70]


@pytest.mark.parametrize(
    ("frames", "size", "expected"), [(1, (160, 96), None), (2, (320, 96), [0, 1]), (3, (320, 192), [0, 1, 2])]
)
def test_a_short_video_repeats_nothing(
    tmp_path: Path, frames: int, size: tuple[int, int], expected: list[int] | None
) -> None:
    picture = sheet(write_video(tmp_path / "a.mp4", frames=frames), 400)
    assert picture.size == size
    if expected is None:
        assert number_of(picture) == 0
    else:
        assert cells(picture, 2, -(-frames // 2))[:frames] == expected


@pytest.mark.parametrize("size", [1, 2, 15, 16, 33, 512, 513])
def test_a_sheet_fits(tmp_path: Path, size: int) -> None:
    path = write_video(tmp_path / "a.mp4", frames=40, rotation=(90,), options=GROUPS)
    assert max(sheet(path, size).size) <= size


COLOURS = {"red": (200, 30, 40), "green": (30, 180, 60), "blue": (40, 50, 210), "grey": (128, 128, 128)}


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("size", "matrix", "tag"),
    [
        ((160, 96), "ITU601", ""),
        ((160, 96), "ITU601", ":colormatrix=smpte170m"),
        ((160, 96), "ITU709", ":colormatrix=bt709"),
        ((1280, 720), "ITU709", ""),
        ((1280, 720), "ITU601", ":colormatrix=bt470bg"),
    ],
)
@pytest.mark.parametrize(
    ("pixels", "reach"), [("yuv420p", "MPEG"), ("yuv444p", "JPEG"), ("yuv420p10le", "MPEG")]
)
def test_colours_come_out_as_they_went_in(
    tmp_path: Path, colour: str, size: tuple[int, int], matrix: str, tag: str, pixels: str, reach: str
) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        full = ":fullrange=on" if reach == "JPEG" else ""
        params = {"x264-params": "log-level=none:qp=4" + tag + full, "preset": "ultrafast"}
        stream: Any = output.add_stream("libx264", rate=1, options=params)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        plain = picture_frame(Image.new("RGB", size, COLOURS[colour]))
        frame = plain.reformat(format=pixels, dst_colorspace=matrix, dst_color_range=reach)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    [(_, picture)] = VIDEO.frames(LocalMediaFile(path, "video/mp4"), [0], 32)
    found = picture.resize((1, 1)).getpixel((0, 0))
    assert all(abs(a - b) <= 4 for a, b in zip(found, COLOURS[colour], strict=True)), found


def write_steps(path: Path, levels: list[float], rate: int = 8000) -> Path:
    """A sound that stands at each level, between -1 and 1, for the same time."""
    with wave.open(str(path), "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        for level in levels:
            pair = struct.pack("<hh", round(level * 32767), round(-level * 32767))
            writer.writeframes(pair * (rate // 2))
    return path


def heights(picture: Image.Image) -> list[int]:
    """How many pixels of each column are wave."""
    ground, axis = picture.getpixel((0, 0)), picture.convert("L")
    wave_value = axis.getextrema()[0]
    assert ground != (0, 0, 0)
    return [
        sum(axis.getpixel((x, y)) == wave_value for y in range(picture.height)) for x in range(picture.width)
    ]


def test_a_waveform_shows_how_loud_each_moment_is(tmp_path: Path) -> None:
    path = write_steps(tmp_path / "a.wav", [0.25, 0.5, 1.0, 0.5])
    picture = AUDIO.picture(LocalMediaFile(path, "audio/wav"), 256)
    assert picture is not None
    assert picture.size == (256, 128)
    found = heights(picture)
    assert [found[x] for x in (32, 96, 160, 224)] == pytest.approx([32, 64, 128, 64], abs=2)


def test_a_quiet_sound_is_drawn_higher_and_silence_is_a_line(tmp_path: Path) -> None:
    quiet = AUDIO.picture(LocalMediaFile(write_steps(tmp_path / "q.wav", [0.25, 0.125]), "audio/wav"), 64)
    silent = AUDIO.picture(LocalMediaFile(write_steps(tmp_path / "s.wav", [0.0]), "audio/wav"), 64)
    assert quiet is not None
    assert silent is not None
    assert [heights(quiet)[x] for x in (16, 48)] == pytest.approx([32, 16], abs=2)
    assert set(heights(silent)) == {1}


def test_a_long_sound_is_shown_whole_from_excerpts(tmp_path: Path) -> None:
    path = write_steps(tmp_path / "a.wav", [1.0] * 600 + [0.25] * 600, rate=400)
    picture = AUDIO.picture(LocalMediaFile(path, "audio/wav"), 128)
    assert picture is not None
    found = heights(picture)
    assert [found[x] for x in (10, 50, 80, 120)] == pytest.approx([64, 64, 16, 16], abs=2)


@pytest.mark.parametrize(
    ("name", "codec", "media_type"),
    [
        ("a.mp3", "libmp3lame", "audio/mpeg"),
        ("a.flac", "flac", "audio/flac"),
        ("a.ogg", "libopus", "audio/ogg"),
    ],
)
def test_sounds_that_grow_louder_look_so(tmp_path: Path, name: str, codec: str, media_type: str) -> None:
    path = write_sound(tmp_path / name, codec, channels=2)
    picture = AUDIO.picture(LocalMediaFile(path, media_type), 100)
    assert picture is not None
    found = heights(picture)
    assert found[20] < found[50] < found[80]


def test_a_film_file_of_only_sound_keeps_its_picture_in_a_workspace(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "voice.mp4", "aac", format="mp4", rate=44100)
    with heron.open(tmp_path / "lake", plugins=[heron_media_video], discover=False) as workspace:
        workspace.ingest.files([path], folder="A")
        [item] = workspace.items.list()
        made = workspace.pictures.make([item])
        assert (item.kind, made.items, made.problems) == ("audio", 1, ())
        path.write_text("no sound")
        with pytest.raises(heron.MediaError, match="no longer of kind audio: its content is text/plain"):
            workspace.pictures.picture(item)
