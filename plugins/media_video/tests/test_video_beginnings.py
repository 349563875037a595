"""Films that other programs have cut: beginnings without a key frame, edit lists, negative times, packed frames."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

import heron
import heron_media_video
from heron.testing import LocalMediaFile
from heron_media_video.testing import number_of, write_video

RECORD, _ = heron_media_video.register_decoders()
VIDEO: Any = RECORD.load()
TYPES = {suffix: form.media_type for form in RECORD.formats for suffix in form.suffixes}
COUNT, GROUP, FRAME, UNIT = 36, 12, 512, 12800
X264 = {"preset": "ultrafast", "x264-params": f"bframes=2:b-adapt=0:keyint={GROUP}:scenecut=0:open-gop=0"}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbered frames, 25 a second, in groups of 12."""
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", frames=COUNT, options=X264)


def shown(path: Path) -> tuple[list[int], list[float]]:
    """The number that each listed frame shows, and the times; every listed frame must be shown, and be counted."""
    file = LocalMediaFile(path, TYPES[path.suffix])
    facts, times = VIDEO.probe(file), list(VIDEO.times(file))
    found = dict(VIDEO.frames(file, range(len(times)), None))
    assert list(found) == list(range(len(times)))
    assert facts.frame_count == len(times) and facts.note is None
    assert all(
        number_of(next(VIDEO.frames(file, [n], None))[1]) == number_of(found[n]) for n in (0, len(times) // 2)
    )
    assert VIDEO.picture(file, 64).size
    return [number_of(picture) for picture in found.values()], [round(time, 3) for time in times]


def copied(source: Path, to: Path, keep: Callable[[int], bool], shift: int = 0, **options: str) -> Path:
    """A copy with some of the packets, each `shift` units of its time later."""
    with av.open(str(source)) as given, av.open(str(to), "w", options=options) as output:
        stream = given.streams.video[0]
        copy = output.add_stream_from_template(stream)
        for place, packet in enumerate(given.demux(stream)):
            if packet.size and keep(place):
                packet.stream = copy
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                output.mux(packet)
    return to


def steady(count: int, start: float = 0.0) -> list[float]:
    return [round(start + number / 25, 3) for number in range(count)]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("codec", ["h264", "mpeg4"])
def test_frames_before_the_first_key_frame_are_not_listed(
    tmp_path: Path, film: Path, suffix: str, codec: str
) -> None:
    """No decoder can show them: what they refer to is not in the file. A decoder of MPEG-4 makes up grey pictures."""
    if codec == "mpeg4":
        film = write_video(tmp_path / "whole.mp4", "mpeg4", frames=COUNT, gop_size=GROUP)
    cut = copied(film, tmp_path / f"cut{suffix}", lambda place: place >= 5)
    assert shown(cut) == (list(range(GROUP, COUNT)), steady(COUNT - GROUP))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_that_need_a_group_before_the_beginning_are_not_listed(tmp_path: Path, suffix: str) -> None:
    film = write_video(tmp_path / "open.mkv", "mpeg2video", frames=COUNT, max_b_frames=2, gop_size=GROUP)
    numbers, times = shown(copied(film, tmp_path / f"cut{suffix}", lambda place: place >= GROUP))
    assert numbers == list(range(numbers[0], COUNT)) and times == steady(len(numbers))
    assert numbers[0] >= GROUP


def test_frames_are_shown_though_the_first_is_not_called_a_sync_sample(tmp_path: Path, film: Path) -> None:
    content = bytearray(film.read_bytes())
    at = content.index(b"stss") + 8
    (count,) = struct.unpack_from(">I", content, at)
    content[at : at + 4] = struct.pack(">I", count - 1)
    content[at + 4 : at + 4 * count] = content[at + 8 : at + 4 + 4 * count]
    (tmp_path / "a.mp4").write_bytes(content)
    assert shown(tmp_path / "a.mp4") == (list(range(COUNT)), steady(COUNT))


def edited(film: Path, to: Path, segments: Sequence[tuple[int, int]]) -> Path:
    """The film with an edit list: milliseconds and the number of the first frame, -1 for a pause."""
    content = bytearray(film.read_bytes())
    at = content.index(b"elst") - 4
    (old,) = struct.unpack_from(">I", content, at)
    begin = struct.unpack_from(">i", content, at + 20)[0]
    entries = [(length, -1 if first < 0 else begin + first * FRAME) for length, first in segments]
    table = b"".join(struct.pack(">IiI", length, first, 1 << 16) for length, first in entries)
    content[at : at + old] = struct.pack(">I4sII", 16 + len(table), b"elst", 0, len(entries)) + table
    for name in (b"moov", b"trak", b"edts"):
        place = content.index(name) - 4
        size = struct.unpack_from(">I", content, place)[0]
        content[place : place + 4] = struct.pack(">I", size + 16 + len(table) - old)
    to.write_bytes(content)
    return to


@pytest.mark.parametrize(
    ("segments", "numbers", "times"),
    [
        ([(400, 2), (400, 20)], [*range(2, 12), *range(20, 30)], steady(20)),
        ([(400, 20), (400, 2)], [*range(20, 30), *range(2, 12)], steady(20)),
        ([(200, 3), (200, 3), (200, 4)], [*range(3, 8), *range(3, 8), *range(4, 9)], steady(15)),
        ([(200, 0), (1000, -1), (200, 30)], [*range(5), *range(30, 35)], steady(5) + steady(5, 1.2)),
    ],
    ids=["two", "reversed", "repeated", "with a pause"],
)
def test_an_edit_list_of_several_segments_is_followed(
    tmp_path: Path, film: Path, segments: list[tuple[int, int]], numbers: list[int], times: list[float]
) -> None:
    path = edited(film, tmp_path / "a.mp4", segments)
    assert shown(path) == (numbers, times)
    facts = VIDEO.probe(LocalMediaFile(path, "video/mp4"))
    assert facts.duration == sum(length for length, _ in segments) / 1000
    assert dict(VIDEO.frames(LocalMediaFile(path, "video/mp4"), [1, len(numbers) - 1])).keys() == {
        1,
        len(numbers) - 1,
    }


def test_negative_times_of_matroska_are_times(tmp_path: Path, film: Path) -> None:
    path = copied(film, tmp_path / "a.mkv", lambda _: True, -UNIT // 5, avoid_negative_ts="disabled")
    assert shown(path) == (list(range(COUNT)), steady(COUNT))


def test_two_frames_in_one_packet_are_two_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed B-frames: a frame, and the one that is shown before it, in one chunk; an empty picture in the next one."""
    plain = write_video(tmp_path / "plain.avi", "mpeg4", frames=COUNT, max_b_frames=1, gop_size=GROUP)
    with av.open(str(plain)) as given, av.open(str(tmp_path / "packed.avi"), "w") as output:
        stream: Any = given.streams.video[0]
        copy: Any = output.add_stream_from_template(stream)
        waiting = [(bytes(packet), packet.is_keyframe) for packet in given.demux(stream) if packet.size]
        chunks: list[tuple[bytes, bool]] = []
        while waiting:
            content, is_key = waiting.pop(0)
            picture = waiting[0][0].find(b"\0\0\1\xb6") if waiting else -1
            if picture >= 0 and waiting[0][0][picture + 4] >> 6 == 2:
                chunks += [(content + waiting.pop(0)[0], is_key), (b"\0\0\1\xb6\x50\x60", False)]
            else:
                chunks.append((content, is_key))
        version = bytes(chunks[0][0][chunks[0][0].index(b"Lavc") :].split(b"\0", 1)[0])
        for number, (content, is_key) in enumerate(chunks):
            packet = av.Packet(content.replace(version, b"DivX503b1393p"))
            packet.stream, packet.time_base, packet.duration = copy, Fraction(1, 25), 1
            packet.pts = packet.dts = number
            packet.is_keyframe = is_key
            output.mux(packet)
    assert len(chunks) == COUNT and any(len(content) == 6 for content, _ in chunks)
    assert shown(tmp_path / "packed.avi") == (list(range(COUNT)), steady(COUNT))
    monkeypatch.setattr("heron_media_video.facts._COUNTED", 0)  # counted without decoding, as in a large file
    assert shown(tmp_path / "packed.avi")[0] == list(range(COUNT))


@pytest.mark.parametrize("name", ["long.mp4", "long.mkv", "long.mov"])
def test_no_key_frame_lies_behind_the_last_frame_where_the_sound_is_longer(tmp_path: Path, name: str) -> None:
    write_video(tmp_path / name, frames=25, options=X264, sound=4.0)
    with heron.open(tmp_path / "lake", plugins=[heron_media_video], discover=False) as lake:
        lake.ingest.files([tmp_path / name], folder="A")
        [item] = lake.items.list()
        assert item.facts.duration > 3.5 and item.facts.frame_count == 25
        sampled = [frame.number for frame in lake.frames.list(item)]
        assert sampled == [0]  # one a second, of a picture that lasts one second
        lake.ingest.files([tmp_path / name], folder="B", sampling_rate=5)
        [item] = lake.items.list(folder="B")
        sampled = [frame.number for frame in lake.frames.list(item)]
        assert sampled == [0, 5, 10, 15, 20]
        assert [number_of(picture) for _, picture in lake.pictures.frames(item, sampled)] == sampled
