"""Images that are meant to do harm are refused, or read, in bounded time and memory; outages of a storage show as such."""

import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

import heron
from heron.media.images import ImageDecoder
from heron.testing.files import LocalMediaFile, damaged_copies

SCRIPT = """
import json, os, signal, sys, time
import heron
from PIL import Image
from heron.media import gif
from heron.media.images import ImageDecoder
from heron.testing.files import LocalMediaFile

gif.MOST_BLOCKS = 500_000  # of 10,000,000, which take seconds

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

def answer(path, media_type):
    signal.alarm(300)
    decoder, answers, before = ImageDecoder(), [], peak() if sys.platform == "linux" else 0
    start = time.process_time()
    for work in (
        lambda file: decoder.probe(file).frame_count,
        lambda file: decoder.picture(file, 64).size,
        lambda file: len(decoder.times(file)),
        lambda file: [number for number, _ in decoder.frames(file, [0], 64)],
    ):
        try:
            answers.append(work(LocalMediaFile(path, media_type)))
        except heron.MediaError as error:
            answers.append(str(error))
    used = peak() - before if sys.platform == "linux" else 0
    print(json.dumps({"answers": answers, "seconds": time.process_time() - start, "megabytes": used}), flush=True)

Image.init()
for line in sys.stdin:
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"died": status}), flush=True)
    else:
        try:
            answer(*json.loads(line))
        except BaseException as error:
            print(json.dumps({"failed": repr(error)}), flush=True)
        os._exit(0)
"""
"""Answers questions about files, each in a fork of its own, whose peak of memory is that of this file alone."""

SECONDS, MEGABYTES = 120, 600
"""Most that all four questions may take together, on a slow machine, and the memory of the largest answer."""

TEN_GIGABYTES = 10_000


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def zeros(megabytes):
    """A zlib stream that expands to so many megabytes of zeros, written without making them."""
    packer = zlib.compressobj(9, wbits=-15)
    megabyte = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + megabyte * megabytes


def png(width, height, *chunks, data=None):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = zlib.compress((b"\0" + bytes(width)) * height) if data is None else data
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def tiff(*entries, data=b"", following=0):
    """A TIFF of one directory; entries are (tag, type, count, value)."""
    table = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + struct.pack("<I", following) + data


def plain_tiff(*more, **options):
    """A TIFF of 8 x 8 gray pixels, or what is said of it."""
    tags = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64} | dict(more)
    return tiff(*((tag, 4, 1, value) for tag, value in tags.items()), **options)


def tiff_of_pages(count):
    """A page and many empty ones behind it."""
    first = plain_tiff(following=122)
    assert len(first) == 122
    return first + b"".join(struct.pack("<HI", 0, 122 + 6 * number) for number in range(1, count)) + bytes(6)


def greedy_tiff():
    """Ten thousand tags, each of which claims the same four megabytes."""
    own = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}
    entries = [(tag, 4, 1, value) for tag, value in own.items()]
    entries += [(tag, 7, 4_000_000, 8) for tag in range(1000, 11_000)]
    return tiff(*entries, data=bytes(4_000_000))


def gif(width, height, *frames):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + bytes(6) + b"".join(frames) + b";"


def gif_frame(width=1, height=1):
    return b",\0\0\0\0" + struct.pack("<HH", width, height) + b"\0\x02\x02\x44\x01\0"


def webp(*chunks):
    content = b"WEBP" + b"".join(
        name + struct.pack("<I", len(c)) + c + bytes(len(c) % 2) for name, c in chunks
    )
    return b"RIFF" + struct.pack("<I", len(content)) + content


def canvas(width, height, flags=0x02):
    return b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(
        3, "little"
    )


def avif(width, height):
    """A small AVIF whose property of its size (ISO/IEC 23008-12, 6.5.3) says something else."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "AVIF")
    content = bytearray(buffer.getvalue())
    place = content.index(b"ispe") + 8
    content[place : place + 8] = struct.pack(">II", width, height)
    return bytes(content)


def bmp_in_runs(width, height, runs):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    content = header + bytes(1024) + runs
    return b"BM" + struct.pack("<IHHI", 14 + len(content), 0, 0, 14 + len(header) + 1024) + content


def jpeg_of_many_scans(count):
    """A progressive JPEG whose last scan comes again and again."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * count + b"\xff\xd9"


def sized_jpeg(width, height, **options):
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", **options)
    content = bytearray(buffer.getvalue())
    place = content.index(b"\xff\xc2" if options else b"\xff\xc0")
    content[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(content)


BOMB = "decompression bomb"
REFUSED = {
    "a PNG of 10 GB": ("a.png", lambda: png(100_000, 100_000, data=zeros(TEN_GIGABYTES)), BOMB),
    "a JPEG of 12 GB": ("a.jpg", lambda: sized_jpeg(65_000, 65_000), BOMB),
    "a progressive JPEG of 12 GB": ("a.jpg", lambda: sized_jpeg(65_000, 65_000, progressive=True), BOMB),
    "a huge GIF": ("a.gif", lambda: gif(65_535, 65_535, gif_frame()), BOMB),
    "a huge WebP": ("a.webp", lambda: webp(canvas(16_384, 16_384, 0), (b"VP8L", b"\x2f" + bytes(30))), BOMB),
    "a huge AVIF": ("a.avif", lambda: avif(60_000, 60_000), "a.avif"),
    "a huge TIFF": ("a.tiff", lambda: plain_tiff((256, 100_000), (257, 100_000)), BOMB),
    "a huge BMP in runs": ("a.bmp", lambda: bmp_in_runs(60_000, 60_000, b"\0\x02\xff\xff" * 9), BOMB),
    "a line of 100,000,000 pixels in runs": (
        "a.bmp",
        lambda: bmp_in_runs(10**8, 1, b"\1\1\0\0"),
        "run-length",
    ),
    "a GIF of 100,000 frames": ("a.gif", lambda: gif(1, 1, gif_frame() * 100_000), "100,000 frames"),
    "a GIF of blocks": ("a.gif", lambda: gif(9, 9, b"!\xfe" + b"\x01a" * 600_000 + b"\0"), "500,000 blocks"),
    "a PNG of 2,000,000,000 frames": (
        "a.png",
        lambda: png(9, 9, chunk(b"acTL", struct.pack(">II", 2_000_000_000, 0))),
        "2,000,000,000 frames",
    ),
    "a WebP of 100,000 frames": (
        "a.webp",
        lambda: webp(canvas(9, 9), *[(b"ANMF", bytes(16))] * 100_000),
        "100,000 frames",
    ),
    "a TIFF of 1,000,000 pages": ("a.tiff", lambda: tiff_of_pages(1_000_000), "50,000 pages"),
}
"""What every question is answered with: a refusal with these words."""

READ = {
    "pixels that go on for 10 GB": ("a.png", lambda: png(16, 16, data=zeros(TEN_GIGABYTES)), ""),
    "a compressed text of 10 GB": (
        "a.png",
        lambda: png(16, 16, chunk(b"zTXt", b"Comment\0\0" + zeros(TEN_GIGABYTES))),
        "too large",
    ),
    "an international text of 10 GB": (
        "a.png",
        lambda: png(16, 16, chunk(b"iTXt", b"Comment\0\x01\0\0\0" + zeros(TEN_GIGABYTES))),
        "too large",
    ),
    "a profile of 10 GB": (
        "a.png",
        lambda: png(16, 16, chunk(b"iCCP", b"p\0\0" + zeros(TEN_GIGABYTES))),
        "too large",
    ),
    "a chain of pages in a circle": ("a.tiff", lambda: plain_tiff(following=8, data=bytes(64)), ""),
    "tags that claim 40 GB": ("a.tiff", greedy_tiff, ""),
    "strips beyond the end": ("a.tiff", lambda: plain_tiff((278, 2**31), (279, 2**32 - 1)), ""),
    "a tile of 4 GB": (
        "a.tiff",
        lambda: plain_tiff((259, 8), (322, 65_520), (323, 65_520), (324, 8), (325, 99)),
        "",
    ),
    "runs that skip lines": ("a.bmp", lambda: bmp_in_runs(10_000_000, 3, b"\0\x02\xff\xff" * 9), ""),
    "a run for each line": ("a.bmp", lambda: bmp_in_runs(8_000, 1000, b"\x01\x01\0\0" * 1000), ""),
    "scans without end": ("a.jpg", lambda: jpeg_of_many_scans(50_000), "more than 100 scans"),
}
"""What may be read or refused, as long as that is soon; pictures are refused with these words, if there are any."""


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Ask the four questions about a file."""
    errors = tmp_path_factory.mktemp("ask") / "errors.txt"
    with (
        errors.open("w") as file,
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        ) as process,
    ):

        def ask(path):
            media_type = {".jpg": "image/jpeg"}.get(path.suffix, f"image/{path.suffix[1:]}")
            process.stdin.write(json.dumps([str(path), media_type]) + "\n")
            process.stdin.flush()
            found = json.loads(process.stdout.readline())
            assert errors.read_text() == ""
            assert "answers" in found, found
            assert found["seconds"] < SECONDS, found
            assert found["megabytes"] < MEGABYTES, found
            for answer in found["answers"]:
                assert not isinstance(answer, str) or (path.name in answer and "\n" not in answer)
            return found["answers"]

        yield ask
        process.stdin.close()


@pytest.mark.slow
@pytest.mark.parametrize("bomb", REFUSED)
def test_bomb_is_refused_in_one_sentence(ask, tmp_path, bomb):
    name, make, words = REFUSED[bomb]
    (tmp_path / name).write_bytes(make())
    facts, picture, _, frames = ask(tmp_path / name)
    assert words in facts
    assert isinstance(frames, str)
    if words == BOMB:
        assert BOMB in picture


@pytest.mark.slow
@pytest.mark.parametrize("bomb", READ)
def test_bomb_costs_little(ask, tmp_path, bomb):
    name, make, words = READ[bomb]
    (tmp_path / name).write_bytes(make())
    _, picture, _, _ = ask(tmp_path / name)
    if words:
        assert words in picture


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_frame_that_builds_on_too_many_is_refused(tmp_path):
    frames = gif_frame(10_000, 10_000) * 300
    (tmp_path / "a.gif").write_bytes(gif(10_000, 10_000, frames))
    file = LocalMediaFile(tmp_path / "a.gif", "image/gif")
    with pytest.raises(heron.MediaError, match="too many large ones"):
        list(ImageDecoder().frames(file, [299], 16))


class Outage(io.RawIOBase):
    """A file in a bucket that cannot be reached any more after some reads."""

    def __init__(self, content, reads, error):
        self._content, self._left, self._error = io.BytesIO(content), reads, error

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=0):
        return self._content.seek(offset, whence)

    def readinto(self, buffer):
        self._left -= 1
        if self._left < 0:
            raise self._error
        return self._content.readinto(memoryview(buffer)[:512])


class FarFile(LocalMediaFile):
    """A file whose storage fails after some reads."""

    def __init__(self, path, media_type, reads, error):
        super().__init__(path, media_type, remote=True)
        self._content, self._reads, self._error = Path(path).read_bytes(), reads, error

    def open(self):
        stream = io.BufferedReader(Outage(self._content, self._reads, self._error), 512)
        self.opened.append(stream)
        return stream


WORK = {
    "probe": lambda decoder, file: decoder.probe(file),
    "picture": lambda decoder, file: decoder.picture(file, 64).tobytes(),
    "times": lambda decoder, file: decoder.times(file),
    "frames": lambda decoder, file: [picture.tobytes() for _, picture in decoder.frames(file, [0, 1], 64)],
}


@pytest.mark.slow
@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize(
    "name", ["a.jpg", "p.jpg", "a.png", "a.gif", "a.webp", "a.avif", "a.tiff", "b.tiff", "a.bmp"]
)
@pytest.mark.parametrize(
    "error",
    [
        heron.Unreachable("gone"),
        heron.NotFound("gone"),
        heron.ObjectChanged("gone"),
        heron.InvalidInput("gone"),
    ],
)
def test_outage_passes_through(tmp_path, name, work, error):
    path, exif = tmp_path / name, Image.Exif()
    exif[0x010F] = "Heron"
    noise = Image.effect_noise((40, 40), 90).convert("RGB")
    animated = (
        {} if name.endswith(("jpg", "bmp")) else {"save_all": True, "append_images": [noise.rotate(90)]}
    )
    special = {"p.jpg": {"progressive": True}, "b.tiff": {"compression": "tiff_lzw"}}
    noise.save(path, exif=exif, **animated, **special.get(name, {}))
    media_type = {".jpg": "image/jpeg"}.get(path.suffix, f"image/{path.suffix[1:]}")
    decoder, do = ImageDecoder(), WORK[work]
    numbers_of_one = name.endswith(("jpg", "bmp")) and work == "frames"
    if numbers_of_one:
        do = lambda decoder, file: [p.tobytes() for _, p in decoder.frames(file, [0], 64)]  # noqa: E731
    expected = do(decoder, FarFile(path, media_type, 10**9, error))
    for reads in range(10_000):
        file = FarFile(path, media_type, reads, error)
        try:
            found = do(decoder, file)
        except heron.HeronError as raised:
            assert raised is error
            assert not file.left_open()
        else:
            assert found == expected
            break
    else:
        pytest.fail("it never ends")


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "avif", "tiff", "bmp"])
def test_broken_files_make_no_noise(tmp_path, capfd, suffix):
    """The C libraries behind Pillow write to the terminal by themselves, if they are let."""
    (tmp_path / "damaged").mkdir()
    options = {"compression": "jpeg"} if suffix == "tiff" else {}
    Image.effect_noise((64, 48), 60).convert("RGB").save(tmp_path / f"a.{suffix}", **options)
    media_type = {"jpg": "image/jpeg"}.get(suffix, f"image/{suffix}")
    refused = 0
    for copy in damaged_copies(tmp_path / f"a.{suffix}", tmp_path / "damaged"):
        for work in ("probe", "picture"):
            try:
                WORK[work](ImageDecoder(), LocalMediaFile(copy, media_type))
            except heron.MediaError:
                refused += 1
    assert refused
    assert capfd.readouterr() == ("", "")
