"""Files that are broken, encrypted, or made to harm, and storages that fail: one sentence each, and soon."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import av
import pytest

import heron
import heron_media_video
from heron.testing import LocalMediaFile
from heron_media_video.testing import write_sound, write_video

VIDEO, AUDIO = (record.load() for record in heron_media_video.register_decoders())
H264 = {"x264-params": "bframes=3:keyint=25"}


def everything(decoder: Any, file: Any) -> list[Callable[[], Any]]:
    """All that can be asked of a decoder."""
    calls: list[Callable[[], Any]] = [lambda: decoder.probe(file), lambda: decoder.picture(file, 64)]
    if decoder is VIDEO:
        calls += [lambda: decoder.times(file), lambda: list(decoder.frames(file, [0, 1], 64))]
    return calls


def refusal(path: Path, media_type: str = "video/mp4") -> str:
    """The sentence with which a file is refused, whatever is asked of it."""
    file = LocalMediaFile(path, media_type)
    sentences = set()
    for call in everything(AUDIO if media_type.startswith("audio") else VIDEO, file):
        start = time.process_time()
        with pytest.raises(heron.MediaError) as caught:
            call()
        assert time.process_time() - start < 20, "it takes some hundredths of a second"
        sentences.add(caught.value.message)
    assert not file.left_open()
    [sentence] = sentences
    return sentence


def patched(path: Path, box: bytes, offset: int, content: bytes, *, last: bool = False) -> Path:
    """Write into a box, at so many bytes behind its name."""
    whole = bytearray(path.read_bytes())
    place = (whole.rindex(box) if last else whole.index(box)) + 4 + offset
    whole[place : place + len(content)] = content
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.mp4", "video/mp4"),
        ("a.mkv", "video/matroska"),
        ("a.avi", "video/x-msvideo"),
        ("a.wav", "audio/wav"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"\0", b"nothing but text\n" * 100, bytes(5000)])
def test_what_is_no_media_is_refused(tmp_path: Path, name: str, media_type: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path / name, media_type).startswith(f"{name} ")


def test_a_movie_without_its_header_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-500])
    assert refusal(path) == "a.mp4 is cut off within its movie header (moov)"
    path.write_bytes(path.read_bytes()[:4000])
    assert refusal(path) == "a.mp4 has no movie header (moov), without which nothing in it can be found"


@pytest.mark.parametrize("entry", [b"encv", b"enca"])
def test_encrypted_movies_are_refused(tmp_path: Path, entry: bytes) -> None:
    path = write_video(tmp_path / "a.mp4", sound=True)
    path.write_bytes(
        path.read_bytes()
        .replace(b"avc1" if entry == b"encv" else b"mp4a", entry)
        .replace(b"iso2avc1", b"iso2avc1")
    )
    assert refusal(path) == "a.mp4 is encrypted (ISO Common Encryption), and cannot be decoded"


@pytest.mark.parametrize("table", [b"stsz", b"stts", b"ctts"])
def test_claims_of_a_billion_frames_are_refused(tmp_path: Path, table: bytes) -> None:
    path = write_video(tmp_path / "a.mp4", options=H264)
    patched(path, table, 8, struct.pack(">I", 1_000_000_000))
    assert refusal(path).startswith("a.mp4 claims 1,000,0")


def test_more_frames_than_anybody_films_are_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", options=H264)
    patched(path, b"stsz", 8, struct.pack(">I", 20_000_000))
    with path.open("ab") as stream:
        stream.truncate(30_000_000)
    assert refusal(path) == "a.mp4 claims 20,000,000 frames, 10,000,000 are the most"


@pytest.mark.parametrize("count", [50_000, 200_000_000, 0xFFFFFFFF])
def test_fragments_that_claim_more_samples_than_there_are_bytes_are_refused(
    tmp_path: Path, count: int
) -> None:
    path = write_video(tmp_path / "a.mp4", container={"movflags": "frag_keyframe+empty_moov"})
    patched(path, b"trun", 0, struct.pack(">II", 0, count))
    expected = (
        f"a.mp4 claims more than {path.stat().st_size:,} samples in its fragments, which cannot be there"
    )
    assert refusal(path) == expected
    with pytest.raises(heron.MediaError, match="in its fragments"):
        VIDEO.probe(LocalMediaFile(path, "video/mp4", remote=True))


def test_absurd_dimensions_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mp4")
    file = LocalMediaFile(path, "video/mp4")
    monkeypatch.setenv("HERON_MAX_PIXELS", "10000")
    for call in (
        VIDEO.probe,
        lambda file: VIDEO.picture(file, 64),
        lambda file: list(VIDEO.frames(file, [0])),
    ):
        with pytest.raises(heron.MediaError) as caught:
            call(file)
        expected = "a.mp4 is refused as a decompression bomb: it claims 160 x 96 pixels"
        assert caught.value.message == expected
    monkeypatch.setenv("HERON_MAX_PIXELS", "20000")
    assert VIDEO.probe(LocalMediaFile(path, "video/mp4")).width == 160


def test_dimensions_that_only_the_pictures_tell_are_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", "mjpeg", pixels="yuvj420p")
    whole = path.read_bytes().replace(
        b"\xff\xc0\0\x11\x08\0\x60\0\xa0", b"\xff\xc0\0\x11\x08\xfd\xe8\xfd\xe8"
    )
    assert whole != path.read_bytes()
    path.write_bytes(whole)
    file = LocalMediaFile(path, "video/matroska")
    for call in (
        VIDEO.probe,
        lambda file: VIDEO.picture(file, 64),
        lambda file: list(VIDEO.frames(file, [0])),
    ):
        with pytest.raises(heron.MediaError):
            call(file)


def replaced(content: bytes, path: tuple[bytes, ...], new: bytes) -> bytes:
    """Boxes in which the first one at a path has other content, so that the sizes around it are other ones."""
    place = 0
    while content[place + 4 : place + 8] != path[0]:
        place += int.from_bytes(content[place : place + 4], "big")
    end = place + int.from_bytes(content[place : place + 4], "big")
    inner = replaced(content[place + 8 : end], path[1:], new) if path[1:] else new
    return content[:place] + struct.pack(">I4s", 8 + len(inner), path[0]) + inner + content[end:]


def alias(target: Path) -> bytes:
    """An entry of a data reference box that points to another file by its absolute path."""
    name = str(target).encode() + b"\0" * (len(str(target)) % 2)
    record = bytes(10 + 28 + 12 + 64 + 16) + struct.pack(">HH", 1, 1) + bytes(16)
    record += struct.pack(">HH", 2, len(name)) + name + struct.pack(">HH", 0xFFFF, 0)
    return struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record


def test_references_to_other_files_are_not_followed(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mov", "mjpeg", pixels="yuvj420p", frames=3)
    secret = tmp_path / "secret.bin"
    secret.write_bytes(path.read_bytes())
    reference = struct.pack(">II", 0, 1) + alias(secret)
    place = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")
    path.write_bytes(replaced(path.read_bytes(), place, reference))
    follows = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(str(path), options=follows) as container:
        assert len(list(container.decode(video=0))) == 3, (
            "FFmpeg does follow such references, if it is let to"
        )
    for remote in (False, True):
        file = LocalMediaFile(path, "video/quicktime", remote=remote)
        for call in (
            VIDEO.probe,
            lambda file: VIDEO.picture(file, 64),
            lambda file: list(VIDEO.frames(file, [0])),
        ):
            with pytest.raises(heron.MediaError):
                call(file)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("list.mp4", "video/mp4"),
        ("list.mkv", "video/matroska"),
        ("list.wav", "audio/wav"),
        ("list.mp3", "audio/mpeg"),
    ],
)
def test_playlists_are_no_media(tmp_path: Path, name: str, media_type: str) -> None:
    secret = write_sound(tmp_path / "secret.wav", "pcm_s16le")
    (tmp_path / name).write_text(f"#EXTM3U\n#EXTINF:1,\n{secret}\nffconcat version 1.0\nfile {secret}\n")
    assert refusal(tmp_path / name, media_type).startswith(f"{name} ")


class Storage(io.RawIOBase):
    """A stored object that answers so many times, and then no more."""

    def __init__(self, stream: BinaryIO, answers: int, error: Exception) -> None:
        super().__init__()
        self._stream = stream
        self._answers = answers
        self._error = error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, count: int = -1) -> bytes:
        self._answers -= 1
        if self._answers < 0:
            raise self._error
        return self._stream.read(count)

    def close(self) -> None:
        self._stream.close()
        super().close()


class FailingFile(LocalMediaFile):
    """A file in a bucket that cannot be reached any more after so many reads."""

    answers = 0
    error: Exception = OSError()

    def open(self) -> BinaryIO:
        return Storage(super().open(), self.answers, self.error)  # type: ignore[return-value]


@pytest.mark.slow
@pytest.mark.parametrize(
    "error", [heron.Unreachable("gone"), heron.ObjectChanged("another"), heron.NotFound("none")]
)
@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.mp4", "video/mp4"),
        ("a.mkv", "video/matroska"),
        ("a.avi", "video/x-msvideo"),
        ("a.mp3", "audio/mpeg"),
    ],
)
def test_errors_of_the_storage_pass_unchanged(
    tmp_path: Path, name: str, media_type: str, error: heron.HeronError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heron_media_video.containers._WHOLE", 1000)
    if media_type.startswith("audio"):
        path = write_sound(tmp_path / name, "libmp3lame", seconds=5)
    else:
        path = write_video(tmp_path / name, frames=100, options={**H264, "qp": "4"})
    decoder = AUDIO if media_type.startswith("audio") else VIDEO
    file = FailingFile(path, media_type, remote=True)
    file.error = error
    failed = 0
    for number, call in enumerate(everything(decoder, file)):
        for file.answers in range(40):
            try:
                call()
            except heron.HeronError as raised:
                assert raised is error, f"call {number} after {file.answers} answers: {raised!r}"
                failed += 1
            assert not file.left_open()
    assert failed >= 4


def test_other_errors_of_a_stream_become_a_sentence(tmp_path: Path) -> None:
    file = FailingFile(write_video(tmp_path / "a.mp4"), "video/mp4", remote=True)
    file.error = EOFError("the file ends at byte 7")
    with pytest.raises(
        heron.MediaError, match=r"^a\.mp4 cannot be read as video/mp4: the file ends at byte 7$"
    ):
        VIDEO.probe(file)


def test_a_file_that_vanished_is_a_sentence(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    file = LocalMediaFile(path, "video/mp4")
    path.unlink()
    for call in everything(VIDEO, file):
        with pytest.raises(heron.MediaError, match="No such file"):
            call()


@pytest.mark.slow
def test_broken_files_make_no_noise(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", options=H264)
    whole = bytearray(path.read_bytes())
    for place in range(2000, len(whole), 97):
        whole[place] ^= 255
    path.write_bytes(whole)
    script = (
        "import sys, heron, heron_media_video\nfrom heron.testing import LocalMediaFile\n"
        "decoder = next(iter(heron_media_video.register_decoders())).load()\n"
        "file = LocalMediaFile(sys.argv[1], 'video/matroska')\n"
        "for call in (decoder.probe, lambda f: list(decoder.frames(f, range(20))), lambda f: decoder.picture(f, 99)):\n"
        "    try:\n        call(file)\n    except heron.MediaError:\n        pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
