"""Stored objects are read by ranges: header, index and what is asked for, in few requests."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import heron_media_video
from heron.testing import LocalMediaFile
from heron_media_video.testing import number_of, write_sound, write_video

VIDEO, AUDIO = (record.load() for record in heron_media_video.register_decoders())
H264 = {"x264-params": "bframes=3:keyint=25:scenecut=0:qp=16", "preset": "ultrafast"}
WINDOW = 64 * 1024


class Requests(io.RawIOBase):
    """A stored object that is read in windows of 64 kB, each of which is a request; the last eight are kept."""

    def __init__(self, content: bytes, ranges: list[tuple[int, int]]) -> None:
        super().__init__()
        self._content = content
        self._ranges = ranges
        self._kept: list[tuple[int, int]] = []
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + (0, self._place, len(self._content))[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), len(self._content) - self._place)
        if wanted <= 0:
            return 0
        if not any(start <= self._place and self._place + wanted <= end for start, end in self._kept):
            window = (self._place, min(len(self._content), self._place + max(wanted, WINDOW)))
            self._ranges.append(window)
            self._kept = [*self._kept, window][-8:]
        buffer[:wanted] = self._content[self._place : self._place + wanted]
        self._place += wanted
        return wanted


class StoredFile(LocalMediaFile):
    """A file in a bucket that keeps what was requested of it."""

    def __init__(self, path: Path, media_type: str) -> None:
        super().__init__(path, media_type, remote=True)
        self.content = path.read_bytes()
        self.ranges: list[tuple[int, int]] = []

    def open(self) -> BinaryIO:
        return io.BufferedReader(Requests(self.content, self.ranges))

    def taken(self) -> tuple[int, int]:
        """Number of requests and of bytes since this was last asked."""
        found = len(self.ranges), sum(end - start for start, end in self.ranges)
        self.ranges.clear()
        return found


@pytest.fixture(scope="module", params=["mp4", "front.mp4", "mkv", "webm", "avi"])
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoredFile:
    """A video of several megabytes."""
    path = tmp_path_factory.mktemp("films") / f"a.{request.param}"
    types = {".mp4": "video/mp4", ".mkv": "video/matroska", ".webm": "video/webm", ".avi": "video/x-msvideo"}
    front = {"movflags": "faststart"} if request.param == "front.mp4" else {}
    codecs = {".avi": ("mpeg4", {"b": "20M"}), ".webm": ("libvpx", {"b": "20M", "g": "25", "cpu-used": "8"})}
    codec, options = codecs.get(path.suffix, ("libx264", H264))
    write_video(path, codec, frames=150, options=options, container=front, size=(320, 192), grain=True)
    return StoredFile(path, types[path.suffix])


@pytest.mark.slow
def test_facts_take_few_requests(film: StoredFile) -> None:
    assert film.size > 2_500_000
    facts = VIDEO.probe(film)
    assert facts.duration == pytest.approx(6, abs=0.1)
    requests, taken = film.taken()
    assert requests <= 8
    assert taken < film.size / 3


@pytest.mark.slow
def test_times_of_mp4_take_the_movie_header_alone(film: StoredFile) -> None:
    times = VIDEO.times(film, whole=False)
    requests, taken = film.taken()
    if film.media_type == "video/mp4":
        assert len(times) == 150
        assert requests <= 3
        assert taken <= 3 * WINDOW
    else:
        assert times is None
        assert requests == 0


@pytest.mark.slow
def test_one_frame_of_mp4_takes_its_group_alone(film: StoredFile) -> None:
    if film.media_type != "video/mp4":
        pytest.skip("its frames have to be found by reading it")
    [(number, picture)] = VIDEO.frames(film, [137])
    assert (number, number_of(picture)) == (137, 137)
    requests, taken = film.taken()
    assert requests <= 20
    assert taken < film.size / 3


@pytest.mark.slow
def test_frames_at_the_beginning_take_the_beginning_alone(film: StoredFile) -> None:
    assert [number_of(picture) for _, picture in VIDEO.frames(film, [0, 3])] == [0, 3]
    _, taken = film.taken()
    assert taken < film.size * 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "codec", "media_type"),
    [
        ("a.mp3", "libmp3lame", "audio/mpeg"),
        ("a.wav", "pcm_s16le", "audio/wav"),
        ("a.flac", "flac", "audio/flac"),
        ("a.ogg", "libopus", "audio/ogg"),
        ("a.m4a", "aac", "audio/mp4"),
    ],
)
def test_facts_of_sounds_take_few_requests(tmp_path: Path, name: str, codec: str, media_type: str) -> None:
    format = "ipod" if name == "a.m4a" else None
    path = write_sound(tmp_path / name, codec, seconds=100, channels=2, format=format)
    file = StoredFile(path, media_type)
    assert file.size > 1024 * 1024
    facts = AUDIO.probe(file)
    assert facts.duration == pytest.approx(100, abs=0.5)
    requests, taken = file.taken()
    assert requests <= 8
    assert taken <= 8 * WINDOW


def test_small_objects_take_one_request(tmp_path: Path) -> None:
    file = StoredFile(write_video(tmp_path / "a.mkv", sound=True), "video/matroska")
    VIDEO.probe(file)
    assert file.taken() == (1, file.size)
