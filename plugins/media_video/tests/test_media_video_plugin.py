"""What the plugin media_video promises, and that its signatures know real headers and nothing else."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import wave

import av
import pytest

import heron
import heron_media_video

CHECK = """
import sys, heron_media_video
list(heron_media_video.register_decoders())
heavy = "s3fs gcsfs adlfs pydicom nibabel av onnxruntime numpy PIL".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def box(name: bytes, content: bytes = b"") -> bytes:
    """One box of the ISO base media file format."""
    return struct.pack(">I4s", 8 + len(content), name) + content


def ftyp(brand: bytes) -> bytes:
    """The first box of an MP4 or QuickTime file."""
    return box(b"ftyp", brand + struct.pack(">I", 512) + b"isom" + brand) + box(b"free")


def ebml(doctype: bytes, before: bytes = b"", size: bytes = b"") -> bytes:
    """The header of a Matroska file, in the order in which writers put its elements."""
    content = before + b"\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82"
    content += (size or bytes([0x80 | len(doctype)])) + doctype + b"\x42\x87\x81\x04\x42\x85\x81\x02"
    return b"\x1aE\xdf\xa3" + b"\x01" + len(content).to_bytes(7, "big") + content + b"\x18S\x80g"


def riff(form: bytes, tag: bytes = b"RIFF") -> bytes:
    """The beginning of a RIFF file."""
    return tag + struct.pack("<I", 2048) + form + b"LIST"


def ogg(packet: bytes) -> bytes:
    """The first page of an Ogg file with one packet."""
    return b"OggS\0\x02" + bytes(8) + b"\x21\x43\x65\x07" + bytes(8) + bytes([1, len(packet)]) + packet


def wav() -> bytes:
    """A WAV file of one sample, as the standard library writes it."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(b"\0\0")
    return stream.getvalue()


def recognised(head: bytes, name: str = "") -> tuple[str, str] | None:
    """Decoder and media type of the longest match; of equally long ones the one that the file name agrees with."""
    found = [
        (match.end(), name.endswith(tuple(known.suffixes)), decoder.name, known.media_type)
        for decoder in heron_media_video.register_decoders()
        for known in decoder.formats
        if (pattern := known.pattern()) is not None
        and (match := pattern.match(head[:1024])) is not None
        and (not known.needs_suffix or name.endswith(tuple(known.suffixes)))
    ]
    return max(found)[2:] if found else None


MP4_BRANDS = "isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 avc1 av01 dash MSNV XAVC 3gp4 3gp5 3gp6 3g2a M4VH mmp4"


@pytest.mark.parametrize("brand", [*MP4_BRANDS.split(), "M4V ", "F4V "])
def test_mp4_is_known_by_its_brand(brand: str) -> None:
    assert recognised(ftyp(brand.encode())) == ("video", "video/mp4")


@pytest.mark.parametrize(
    "head",
    [
        ftyp(b"qt  "),
        box(b"moov", box(b"mvhd", bytes(100))),
        box(b"mdat", b"\x12\x34" * 50),
        struct.pack(">I4sQ", 1, b"mdat", 1 << 33),
        struct.pack(">I4s", 0x2FFFFFF0, b"mdat"),
        box(b"wide") + box(b"mdat"),
        box(b"free", bytes(8)) + box(b"mdat"),
        box(b"skip", bytes(8)) + box(b"moov"),
        box(b"pnot", bytes(12)) + box(b"PICT"),
    ],
)
def test_quicktime_is_known_by_brand_and_by_its_older_first_boxes(head: bytes) -> None:
    assert recognised(head) == ("video", "video/quicktime")


@pytest.mark.parametrize(
    ("doctype", "media_type"), [(b"webm", "video/webm"), (b"matroska", "video/matroska")]
)
def test_webm_and_matroska_are_told_apart(doctype: bytes, media_type: str) -> None:
    checksum = b"\xbf\x84\x01\x02\x03\x04"
    long_size = b"\x01" + len(doctype).to_bytes(7, "big")
    for head in (ebml(doctype), ebml(doctype, before=checksum), ebml(doctype, size=long_size)):
        assert recognised(head) == ("video", media_type)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (riff(b"AVI "), ("video", "video/x-msvideo")),
        (ogg(b"\x80theora\x03\x02\x01"), ("video", "video/ogg")),
        (b"ID3\x04\0\0\0\0\x02\x01TSSE", ("audio", "audio/mpeg")),
        (b"ID3\x03\0\x40\0\0\x1f\x76TIT2", ("audio", "audio/mpeg")),
        (b"\xff\xfb\x90\x64\0\0", ("audio", "audio/mpeg")),
        (b"\xff\xfa\x90\x44\0\0", ("audio", "audio/mpeg")),
        (b"\xff\xf3\x44\xc4\0\0", ("audio", "audio/mpeg")),
        (b"\xff\xf2\x44\xc4\0\0", ("audio", "audio/mpeg")),
        (wav(), ("audio", "audio/wav")),
        (riff(b"WAVE", b"RF64"), ("audio", "audio/wav")),
        (b"fLaC\0\0\0\x22\x10\0\x10\0", ("audio", "audio/flac")),
        (b"fLaC\x80\0\0\x22\x10\0\x10\0", ("audio", "audio/flac")),
        (ogg(b"\x01vorbis\0\0\0\0\x02"), ("audio", "audio/ogg")),
        (ogg(b"OpusHead\x01\x02"), ("audio", "audio/ogg")),
        (ogg(b"\x7fFLAC\x01\0"), ("audio", "audio/ogg")),
        (ftyp(b"M4A "), ("audio", "audio/mp4")),
        (ftyp(b"M4B "), ("audio", "audio/mp4")),
    ],
)
def test_the_other_formats_are_known(head: bytes, expected: tuple[str, str]) -> None:
    assert recognised(head) == expected


def test_sound_with_the_brand_of_a_film_is_told_by_its_name() -> None:
    assert recognised(ftyp(b"mp42"), "voice.m4a") == ("audio", "audio/mp4")
    assert recognised(ftyp(b"mp42"), "voice.mp4") == ("video", "video/mp4")
    assert recognised(ftyp(b"mp42")) == ("video", "video/mp4")


@pytest.mark.parametrize(
    "brand", ["avif", "avis", "mif1", "msf1", "heic", "heix", "heim", "heis", "hevc", "hevx", "avci"]
)
def test_pictures_that_begin_like_a_film_are_not_taken(brand: str) -> None:
    for name in ("", "a.avif", "a.mp4", "a.m4a"):
        assert recognised(ftyp(brand.encode()), name) is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        bytes(1024),
        b"\xff" * 1024,
        ftyp(b"crx "),
        ftyp(b"jp2 "),
        riff(b"WEBP"),
        ebml(b"other"),
        b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xff\xfe<\0h\0t\0m\0l\0",
        b"\xff\xf1\x50\x80\0\x1f\xfc",
        b"\xff\xfb\xf0\0",
        b"\xff\xfb\0\0",
        b"the mdat atom holds the samples",
        b"try free software",
        b"All moov and no trak",
        b"ID3 is a decision tree algorithm",
        b"fLaC is how they spell it",
        b"OggS pages begin with these letters",
    ],
)
def test_others_are_not_taken(head: bytes) -> None:
    assert recognised(head) is None


def test_two_decoders_with_what_they_need() -> None:
    video, audio = heron_media_video.register_decoders()
    assert (video.name, video.extra) == ("video", "video")
    assert (audio.name, audio.extra) == ("audio", "video")
    assert (video.requires, audio.requires) == (("av",), ("av",))
    assert not video.planned
    assert not audio.planned
    assert {known.kind for known in video.formats} == {"video"}
    assert {known.kind for known in audio.formats} == {"audio"}


def test_the_usual_suffixes_are_claimed() -> None:
    suffixes = {
        s for d in heron_media_video.register_decoders() for known in d.formats for s in known.suffixes
    }
    assert suffixes >= {
        ".mp4",
        ".m4v",
        ".mov",
        ".webm",
        ".mkv",
        ".avi",
        ".mp3",
        ".wav",
        ".flac",
        ".ogg",
        ".m4a",
    }


def test_loading_gives_readers() -> None:
    video, audio = (decoder.load() for decoder in heron_media_video.register_decoders())
    assert isinstance(video, heron.FrameDecoder)
    assert not isinstance(audio, heron.FrameDecoder)


def test_the_hooks_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("container", "codec", "expected"),
    [
        ("mp4", "mpeg4", "video/mp4"),
        ("mov", "mpeg4", "video/quicktime"),
        ("matroska", "mpeg4", "video/matroska"),
        ("webm", "libvpx", "video/webm"),
        ("avi", "mpeg4", "video/x-msvideo"),
        ("ipod", "aac", "audio/mp4"),
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("wav", "pcm_s16le", "audio/wav"),
        ("flac", "flac", "audio/flac"),
        ("ogg", "libopus", "audio/ogg"),
    ],
)
def test_files_that_ffmpeg_writes_are_known(container: str, codec: str, expected: str) -> None:
    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as output:
        if expected.startswith("video/"):
            track = output.add_stream(codec, rate=25)
            track.width = track.height = 64
            track.pix_fmt = "yuv420p"
            frame = av.VideoFrame(64, 64, "yuv420p")
        else:
            track = output.add_stream(codec, rate=48000)
            track.layout = "mono"
            frame = av.AudioFrame("s16", "mono", 4096)
            frame.rate = 48000
        frame.pts = 0
        output.mux(track.encode(frame))
        output.mux(track.encode(None))
    known = recognised(stream.getvalue())
    assert known is not None
    assert known[1] == expected
