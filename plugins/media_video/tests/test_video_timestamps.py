"""Timestamps that repeat, go back, jump or are left out: each frame is held to the number in its pixels, and to its time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

import heron
import heron_media_video
from heron.testing import LocalMediaFile
from heron_media_video.decoding import frames
from heron_media_video.testing import number_of, write_video

RECORD, _ = heron_media_video.register_decoders()
VIDEO: Any = RECORD.load()
TYPES = {suffix: form.media_type for form in RECORD.formats for suffix in form.suffixes}
COUNT, STEP, GROUP = 30, 40, 10
MILLISECOND = Fraction(1, 1000)
X264 = {
    "x264-params": f"bframes=3:b-pyramid=normal:keyint={GROUP}:scenecut=0:open-gop=0",
    "preset": "veryfast",
}
X265 = {
    "x265-params": f"keyint={GROUP}:bframes=3:open-gop=0:log-level=none:scenecut=0",
    "preset": "ultrafast",
}
VPX = {"g": str(GROUP), "cpu-used": "8", "lag-in-frames": "8", "auto-alt-ref": "1"}

SOURCES: dict[str, dict[str, Any]] = {
    "h264": {"codec": "libx264", "options": X264},
    "h264-plain": {
        "codec": "libx264",
        "options": {"g": str(GROUP), "tune": "zerolatency", "preset": "veryfast"},
    },
    "hevc": {"codec": "libx265", "options": X265},
    "vp8": {"codec": "libvpx", "options": VPX},
    "vp9": {"codec": "libvpx-vp9", "options": VPX},
    "av1": {"codec": "libsvtav1", "options": {"preset": "12", "g": str(GROUP)}},
    "mpeg4": {"codec": "mpeg4", "gop_size": GROUP, "max_b_frames": 2},
    "mpeg2": {"codec": "mpeg2video", "gop_size": GROUP, "max_b_frames": 2},
    "mjpeg": {"codec": "mjpeg", "pixels": "yuvj420p"},
}
REORDERED = ("h264", "hevc", "mpeg4", "mpeg2")
FRAGMENTS = "fragments.mp4"
FILMS = [
    *((source, "mkv") for source in SOURCES),
    *((source, "webm") for source in ("vp8", "vp9", "av1")),
    *((source, "mp4") for source in ("h264", "h264-plain", "hevc", "vp9", "av1", "mpeg4", "mpeg2", "mjpeg")),
    *((source, "mov") for source in ("h264", "hevc", "mpeg4", "mjpeg")),
    *((source, FRAGMENTS) for source in ("h264", "vp9", "mjpeg")),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A film of each codec, written when it is first wanted."""
    folder = tmp_path_factory.mktemp("sources")

    def written(name: str) -> Path:
        path = folder / f"{name}.mkv"
        return path if path.exists() else write_video(path, frames=COUNT, **SOURCES[name])

    return written


def repeated(stamps: list[int], source: random.Random) -> None:
    """One frame, or several, have the time of the frame before."""
    for place in source.sample(range(1, len(stamps)), source.choice([1, 1, 2, 5])):
        stamps[place] = stamps[place - 1]


def gone_back(stamps: list[int], source: random.Random) -> None:
    """One frame has a time long before its own."""
    place = source.randrange(GROUP + 5, len(stamps))
    stamps[place] = stamps[place - source.randrange(GROUP + 1, place)] + source.choice([0, 7])


def gone_ahead(stamps: list[int], source: random.Random) -> None:
    """One frame has a time behind all that follow."""
    stamps[source.randrange(1, 8)] = stamps[-1] + source.choice([5, 50_000])


def left_out(stamps: list[int], source: random.Random) -> None:
    """Nothing is shown for a while, at several places."""
    for place in source.sample(range(1, len(stamps)), 4):
        gap = source.choice([1, 3, 40]) * STEP
        stamps[place:] = [stamp + gap for stamp in stamps[place:]]


def shifted(stamps: list[int], source: random.Random) -> None:
    """The film begins before zero, or long after."""
    by = source.choice([-500, -7, 3, 100_000])
    stamps[:] = [stamp + by for stamp in stamps]


def uneven(stamps: list[int], source: random.Random) -> None:
    """Each frame is shown for another time."""
    for place in range(1, len(stamps)):
        stamps[place] = stamps[place - 1] + source.randrange(1, 90)


def overlapping(stamps: list[int], source: random.Random) -> None:
    """What follows a cut begins before it, as when two films are joined carelessly, or begins again at zero."""
    cut = GROUP * source.choice([1, 2])
    by = source.choice([cut * STEP, STEP * 5, STEP * 5 + 11])
    stamps[cut:] = [stamp - by for stamp in stamps[cut:]]


def same(stamps: list[int], source: random.Random) -> None:
    """Many frames in a row have one time."""
    place = source.randrange(1, len(stamps) - 6)
    stamps[place : place + 6] = [stamps[place]] * 6


CHANGES = [repeated, gone_back, gone_ahead, left_out, shifted, uneven, overlapping, same]


def remuxed(
    given: Path,
    path: Path,
    change: Callable[[list[int]], object],
    *,
    parts: int = 1,
    drop: bool = False,
) -> list[int]:
    """Write the packets of a film once more, with changed times, as often as there are `parts`.

    With `drop`, the last packet before the last key frame is left out, which no other needs. Returns the numbers in the
    pixels, in the order of showing.
    """
    options = {"use_editlist": "0"} if path.suffix in (".mp4", ".mov") else {}
    if path.name.endswith(FRAGMENTS):
        options["movflags"] = "frag_keyframe+empty_moov"
    with av.open(str(given)) as container, av.open(str(path), "w", options=options) as output:
        stream: Any = output.add_stream_from_template(container.streams.video[0], opaque=True)
        stream.time_base = MILLISECOND
        packets: Any = [(p.pts, bytes(p), p.is_keyframe) for p in container.demux(video=0) if p.size]
        times = sorted(stamp for stamp, _, _ in packets)
        left = [(times.index(stamp), content, is_key) for stamp, content, is_key in packets]
        if drop:
            del left[max(place for place, (_, _, is_key) in enumerate(left) if is_key) - 1]
        pictures = sorted(number for number, _, _ in left)
        stamps = [(number + COUNT * part) * STEP for part in range(parts) for number in pictures]
        change(stamps)
        place = -1
        for part in range(parts):
            for number, content, is_key in left:
                packet = av.Packet(content)
                packet.stream, packet.time_base = stream, MILLISECOND
                packet.pts = stamps[len(left) * part + pictures.index(number)]
                packet.dts = min(stamps) - 2 * len(stamps) + (place := place + 1)
                packet.is_keyframe, packet.duration = is_key, STEP
                output.mux(packet)
    return pictures * parts


def times_in(path: Path, *, is_reordered: bool) -> tuple[list[int | None], Fraction]:
    """The times of the packets of a file, in the order in which a decoder shows them, and their unit in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        unit: Any = stream.time_base
        stamps, frames = [], list[Any]()
        for packet in container.demux(stream):
            if packet.size:
                stamps.append(packet.pts)
                packet.pts, packet.dts = len(stamps) - 1, None
            frames += packet.decode() if is_reordered else ()
    return [stamps[frame.pts] for frame in frames] if is_reordered else stamps, unit


def by_the_rule(stamps: Sequence[int | None]) -> tuple[list[int], int]:
    """Times made ascending, as few of them changed as can be: plainly, by comparing each with each."""
    given = [-(10**15) if stamp is None else stamp for stamp in stamps]
    best = [int(stamp is not None) for stamp in stamps]
    for a in reversed(range(len(given))):
        for b in range(a + 1, len(given)):
            if best[a] and best[b] and given[b] > given[a]:
                best[a] = max(best[a], best[b] + 1)
    kept: list[int] = []
    for place, stamp in enumerate(given):
        if best[place] and best[place] == max(best) - len(kept) and (not kept or stamp > given[kept[-1]]):
            kept.append(place)
    times = [given[kept[0]] - kept[0] + n for n in range(len(given))]
    for place in range(kept[0] + 1, len(given)):
        times[place] = times[place - 1] + 1
        if place in kept:
            times[place] = max(times[place], given[place])
    return times, sum(a != b for a, b in zip(times, stamps, strict=True))


def check(path: Path, pictures: list[int], source: random.Random, *, is_reordered: bool) -> None:
    """Hold what the decoder gives to the pixels and the times in the file."""
    file = LocalMediaFile(path, TYPES[path.suffix])
    stamps, unit = times_in(path, is_reordered=is_reordered)
    times, moved = by_the_rule(stamps)
    given = dict(VIDEO.frames(file, range(len(pictures))))
    assert list(given) == list(range(len(pictures)))
    found = [number_of(picture) for picture in given.values()]
    if is_reordered and found != pictures:
        # In a codec with B-frames, times that can be the order of showing are taken for it.
        in_turn = sorted({stamp for stamp in stamps if stamp is not None})
        assert len(in_turn) == len(stamps)
        pictures, times, moved = [pictures[stamps.index(stamp)] for stamp in in_turn], in_turn, 0
    assert found == pictures
    seconds = list(VIDEO.times(file))
    assert seconds == pytest.approx([float((time - times[0]) * unit) for time in times], abs=1e-9)
    for wanted in (
        [source.randrange(len(pictures))],
        [len(pictures) - 1],
        sorted(source.sample(range(len(pictures)), 4)),
    ):
        for remote in (False, True):
            some = VIDEO.frames(LocalMediaFile(path, TYPES[path.suffix], remote=remote), wanted)
            assert [(n, number_of(p)) for n, p in some] == [(n, pictures[n]) for n in wanted]
    facts = VIDEO.probe(file)
    assert facts.frame_count == len(pictures)
    assert facts.fps == pytest.approx((len(times) - 1) / seconds[-1], rel=2e-3)
    assert facts.duration >= seconds[-1] - 1e-3
    doubt = (
        f"its timestamps cannot be trusted (repeated or going back: {moved} of {len(pictures)})"
        if moved
        else None
    )
    assert (facts.note, facts.extra["video"].get("timestamps")) == (doubt, "unreliable" if moved else None)
    assert not file.left_open()


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "container"), FILMS)
def test_any_timestamps_keep_frames_and_times_together(
    tmp_path: Path, source: Callable[[str], Path], codec: str, container: str
) -> None:
    chance = random.Random(f"{codec}.{container}")
    for number in range(6):
        changes = chance.sample(CHANGES, chance.choice([1, 1, 2]))
        path = tmp_path / f"{number}.{container}"

        def change(stamps: list[int], changes: Any = changes) -> None:
            for each in changes:
                each(stamps, chance)

        drop, parts = chance.random() < 0.3, chance.choice([1, 1, 2])
        pictures = remuxed(source(codec), path, change, parts=parts, drop=drop)
        check(path, pictures, chance, is_reordered=codec in REORDERED)


def twice_at_10(stamps: list[int]) -> None:
    """Frame 11 has the time of frame 10."""
    stamps[11] = stamps[10]


@pytest.mark.parametrize("codec", ["h264", "vp9"])
@pytest.mark.parametrize("container", ["webm", "mkv", "mp4", FRAGMENTS])
def test_one_repeated_timestamp_costs_no_other_time(
    tmp_path: Path, source: Callable[[str], Path], codec: str, container: str
) -> None:
    if (codec, container) == ("h264", "webm"):
        pytest.skip("WebM has no H.264")
    path = tmp_path / f"a.{container}"
    remuxed(source(codec), path, twice_at_10)
    file = LocalMediaFile(path, TYPES[path.suffix])
    with av.open(str(path)) as opened:
        step = float(opened.streams.video[0].time_base or 0)
    expected = [n * 0.04 if n != 11 else 0.4 + step for n in range(COUNT)]
    assert list(VIDEO.times(file)) == pytest.approx(expected, abs=1e-9)
    facts = VIDEO.probe(file)
    assert (facts.fps, facts.frame_count, facts.duration) == (25, COUNT, pytest.approx(1.2, abs=0.01))
    assert facts.extra["video"]["timestamps"] == "unreliable"
    assert facts.note == "its timestamps cannot be trusted (repeated or going back: 1 of 30)"
    given = [(n, number_of(picture)) for n, picture in VIDEO.frames(file, [9, 10, 11, 12, 25])]
    assert given == [(n, n) for n in (9, 10, 11, 12, 25)]


def test_only_the_groups_of_pictures_in_doubt_are_decoded(
    tmp_path: Path, source: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sent = tmp_path / "a.mkv", list[int]()
    monkeypatch.setattr(
        "heron_media_video.turns.frames",
        lambda context, packet: sent.append(0 if packet is None else packet.pts) or frames(context, packet),
    )
    remuxed(source("h264"), path, twice_at_10, parts=4)
    assert len(VIDEO.times(LocalMediaFile(path, "video/matroska"))) == 4 * COUNT
    assert sent == [*range(2 * GROUP), 0]


def test_an_object_in_a_bucket_says_that_its_times_cannot_be_trusted_without_being_read(
    tmp_path: Path, source: Callable[[str], Path]
) -> None:
    path = tmp_path / "a.mp4"
    remuxed(source("h264"), path, twice_at_10)
    with path.open("ab") as stream:  # so that it is too large to be read for its facts
        stream.write(b"\0\x20\0\0free".ljust(0x200000, b"\0"))
    file = LocalMediaFile(path, "video/mp4", remote=True)
    assert VIDEO.times(file, whole=False) is None
    facts = VIDEO.probe(file)
    assert (facts.note, facts.frame_count) == (
        "its timestamps cannot be trusted (repeated or going back)",
        COUNT,
    )


@pytest.mark.parametrize("codec", ["mjpeg", "h264-plain", "mpeg4"])
def test_slots_of_avi_that_are_empty_are_times_without_a_frame(tmp_path: Path, codec: str) -> None:
    def with_a_gap(number: int) -> int:
        return number + 5 * (number >= 12)

    unit = Fraction(1, 25)
    path = write_video(tmp_path / "a.avi", frames=COUNT, times=with_a_gap, unit=unit, **SOURCES[codec])
    file = LocalMediaFile(path, "video/x-msvideo")
    assert list(VIDEO.times(file)) == pytest.approx([with_a_gap(n) / 25 for n in range(COUNT)], abs=1e-9)
    for wanted in (range(COUNT), [11], [12], [29]):
        assert [(n, number_of(p)) for n, p in VIDEO.frames(file, wanted)] == [(n, n) for n in wanted]
    assert VIDEO.probe(file).note is None


def test_a_file_of_this_machine_is_read_once_for_facts_and_times(
    tmp_path: Path, source: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mkv"
    remuxed(source("h264"), path, twice_at_10)
    decoder, file = heron_media_video.load_video(), LocalMediaFile(path, "video/matroska")
    assert decoder.probe(file).frame_count == COUNT
    expected = list(VIDEO.times(file))
    with monkeypatch.context() as patch:
        patch.setattr("heron_media_video.decoders.frame_times", None)
        assert list(decoder.times(file)) == expected  # type: ignore[attr-defined]
    other = LocalMediaFile(source("vp9"), "video/matroska")
    assert len(decoder.times(other)) == COUNT  # type: ignore[attr-defined]


def test_key_frames_at_seconds_are_found_in_a_film_with_a_repeated_timestamp(
    tmp_path: Path, source: Callable[[str], Path]
) -> None:
    film = tmp_path / "a.webm"
    remuxed(source("vp9"), film, twice_at_10)
    with heron.open(tmp_path / "lake") as workspace:
        workspace.ingest.files([film], folder="A")
        [item] = workspace.search(where="video.timestamps = 'unreliable'")
        assert item.facts.note is not None
        assert "1 of 30" in item.facts.note
        workspace.frames.set(item, [0.4, 0.44, 1.0], mode="seconds")
        assert [frame.number for frame in workspace.frames.list(item)] == [0, 10, 11, 25]
        given = workspace.pictures.frames(item, [10, 11, 25])
        assert [(number, number_of(picture)) for number, picture in given] == [(10, 10), (11, 11), (25, 25)]
