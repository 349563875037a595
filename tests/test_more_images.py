"""PPM and its relatives, QOI, TGA, PCX, SGI, Sun raster, ICO and DDS: what Pillow reads beside the usual formats."""

import random
import struct

import numpy as np
import pytest
from PIL import Image

import heron
from heron.media import builtin
from heron.media.images import ImageDecoder
from heron.media.sniff import Sniffer
from heron.testing import DecoderContract
from heron.testing.files import LocalMediaFile, format_of

DECODERS = list(builtin.register_decoders())
IMAGES = DECODERS[0]
DECODER = ImageDecoder()
SNIFFER = Sniffer(DECODERS)

FORMATS = {
    "ppm": ("RGB", "image/x-portable-pixmap"),
    "pnm": ("RGB", "image/x-portable-pixmap"),
    "pgm": ("L", "image/x-portable-graymap"),
    "pbm": ("1", "image/x-portable-bitmap"),
    "pfm": ("F", "image/x-portable-floatmap"),
    "qoi": ("RGB", "image/qoi"),
    "tga": ("RGB", "image/x-tga"),
    "pcx": ("RGB", "image/vnd.zbrush.pcx"),
    "sgi": ("RGB", "image/x-sgi"),
    "ras": ("RGB", "image/x-sun-raster"),
    "ico": ("RGBA", "image/vnd.microsoft.icon"),
    "dds": ("RGB", "image/vnd.ms-dds"),
}


def gradient(mode="RGB", size=(64, 48)):
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    values = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], axis=-1)
    return Image.fromarray(values.astype(np.uint8)).convert(mode)


def written(folder, suffix):
    """A picture of 64 x 48 pixels (an icon: 64 x 64) in a format, by Pillow where it can write it."""
    path = folder / f"a.{suffix}"
    mode = FORMATS[suffix][0]
    if suffix == "ico":
        gradient(mode, (64, 64)).save(path, sizes=[(16, 16), (64, 64)])
    elif suffix == "ras":
        pixels = gradient().tobytes("raw", "BGR")
        path.write_bytes(struct.pack(">8I", 0x59A66A95, 64, 48, 24, len(pixels), 1, 0, 0) + pixels)
    else:
        gradient(mode).save(path)
    return path


def media_file(path, **options):
    return LocalMediaFile(path, format_of(IMAGES, path).media_type, **options)


class TestMoreImages(DecoderContract):
    decoder = IMAGES

    @pytest.fixture
    def good_files(self, tmp_path):
        return {
            written(tmp_path, suffix): {"frame_count": 1, "width": 64} for suffix in ("ppm", "qoi", "tga")
        }


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_pillow_wrote_is_sniffed_and_shown_as_it_was(tmp_path, suffix):
    path = written(tmp_path, suffix)
    mode, media_type = FORMATS[suffix]
    file = media_file(path)
    assert (
        file.media_type == media_type == SNIFFER.sniff(path.read_bytes()[:1024], path.name).format.media_type
    )
    facts = DECODER.probe(file)
    size = (64, 64) if suffix == "ico" else (64, 48)
    assert (facts.kind, (facts.width, facts.height), facts.frame_count) == ("image", size, 1)
    assert facts.extra["image"]["mode"] == mode
    shown = np.asarray(DECODER.picture(file, 64).convert("RGB")).astype(int)
    expected = np.asarray(gradient(mode, size).convert("L" if mode == "F" else mode).convert("RGB")).astype(
        int
    )
    assert np.abs(shown - expected).max() <= (24 if mode == "F" else 0)  # real values are cut at percentiles


@pytest.mark.parametrize("suffix", ["ppm", "pgm", "pbm", "pfm", "qoi", "sgi", "ras"])
def test_these_formats_are_known_whatever_the_name(tmp_path, suffix):
    head = written(tmp_path, suffix).read_bytes()[:1024]
    for name in ("x.bin", "x.jpg", "x"):
        assert SNIFFER.sniff(head, name).format.media_type == FORMATS[suffix][1]


@pytest.mark.parametrize("name", ["letter.txt", "letter", "letter.ppm"])
def test_a_text_that_begins_like_a_magic_number_is_text(name):
    for text in (b"P1 is the first paragraph", b"P3", b"P6 12 apples", b"P5\n12 of 30 and", b"Pf 12"):
        assert SNIFFER.sniff(text, name).format.kind == "text"


@pytest.mark.parametrize("name", ["letter.txt", "letter"])
def test_a_text_that_begins_like_an_image_of_numbers_as_text_is_text(name):
    for text in (b"P1 0.5 0.7", b"P1\t12\t13\n", b"P2 1 2 3\n", b"P3 10 20 30 apples", b"P6 -1 2.5 3 "):
        assert SNIFFER.sniff(text, name).format.kind == "text"
    assert SNIFFER.sniff(b"P1 0.5 0.7", "letter.pbm").format.kind == "text"


def test_images_of_numbers_as_text_are_known_by_content_and_name():
    found = {
        name: SNIFFER.sniff(head, name).format.media_type.removeprefix("image/x-portable-")
        for head, names in ((b"P1 2 1\n0 1", "a.pbm b.pnm"), (b"P2 2 1 255\n", "a.pgm c.pnm"), (b"P3 2 1 9\n", "a.PPM d.pnm"))
        for name in names.split()
    }  # fmt: skip
    assert found == {
        "a.pbm": "bitmap", "b.pnm": "bitmap", "a.pgm": "graymap", "c.pnm": "graymap", "a.PPM": "pixmap", "d.pnm": "pixmap",
    }  # fmt: skip


def test_numbers_as_text_and_comments_are_read(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P3 # by hand\n# two pixels\n2 1\n255\n255 0 0\n0 0 255\n")
    (tmp_path / "b.pbm").write_bytes(b"P1\n2 1\n0 1\n")
    file = media_file(tmp_path / "a.ppm")
    assert (DECODER.probe(file).width, DECODER.probe(file).height) == (2, 1)
    assert np.asarray(DECODER.picture(file, 8)).tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert np.asarray(DECODER.picture(media_file(tmp_path / "b.pbm"), 8)).tolist() == [[[255] * 3, [0] * 3]]


@pytest.mark.parametrize("top", [65535, 4095, 1023])
def test_gray_of_more_than_eight_bits_keeps_its_lightness(tmp_path, top):
    values = np.array([[top // 4, top // 2]], ">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 2 1 %d\n" % top + values.tobytes())
    shown = np.asarray(DECODER.picture(media_file(tmp_path / "a.pgm"), 8).convert("L"))
    assert np.abs(shown.astype(int) - [[64, 128]]).max() <= 1


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_cut_off_is_refused(tmp_path, suffix):
    path = written(tmp_path, suffix)
    file = media_file(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(heron.MediaError, match=rf"a\.{suffix}"):
        DECODER.probe(LocalMediaFile(path, file.media_type))


@pytest.mark.parametrize("suffix", FORMATS)
def test_damaged_files_are_read_or_refused_with_a_sentence(tmp_path, suffix):
    """200 truncated and 200 mutated copies of each format."""
    path = written(tmp_path, suffix)
    media_type, whole, source = FORMATS[suffix][1], path.read_bytes(), random.Random(suffix)
    copies = [whole[: source.randrange(len(whole))] for _ in range(200)]
    for number in range(200):
        spoilt = bytearray(whole)
        for _ in range(1 + number % 8):
            spoilt[source.randrange(min(64, len(whole)) if number % 2 else len(whole))] = source.randrange(
                256
            )
        copies.append(bytes(spoilt))
    for content in copies:
        path.write_bytes(content)
        file = LocalMediaFile(path, media_type)
        for work in (DECODER.probe, lambda file: DECODER.picture(file, 32)):
            try:
                assert work(file) is not None
            except heron.MediaError as error:
                assert str(error).startswith("a.")
                assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ppm", b"P6 30000 30000 255\n"),
        ("a.pgm", b"P2 9000 9000 255\n1 2 3"),
        ("a.pbm", b"P4 99999 99999\n"),
        ("a.qoi", b"qoif" + struct.pack(">IIBB", 9000, 9000, 3, 0) + b"\xfd" * 64 + bytes(7) + b"\1"),
        ("a.tga", struct.pack("<3B5x4HBB", 0, 0, 10, 0, 0, 65535, 65535, 24, 0) + b"\xff" * 64),
        ("a.sgi", struct.pack(">hbbHHHH", 474, 1, 2, 3, 60000, 60000, 3) + bytes(600)),
        ("a.ras", struct.pack(">8I", 0x59A66A95, 60000, 60000, 24, 0, 2, 0, 0) + bytes(64)),
    ],
)
def test_bombs_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    file = media_file(tmp_path / name)
    for work in (DECODER.probe, lambda file: DECODER.picture(file, 32)):
        with pytest.raises(heron.MediaError, match=r"bomb|32,000,000"):
            work(file)


def test_a_file_without_a_decoder_says_what_it_is(tmp_path, workspace):
    (tmp_path / "files").mkdir()
    for name in ("a.jxl", "b.psb", "c.bin"):
        (tmp_path / "files" / name).write_bytes(bytes(range(256)))
    report = workspace.ingest.files([str(tmp_path / "files")], folder="F", ignore_errors=True)
    reasons = sorted(problem.reason for problem in report.problems)
    assert reasons[0].startswith("a.jxl: no decoder reads .jxl (JPEG XL)")
    assert reasons[1].startswith("b.psb: no decoder reads .psb (Photoshop)")
    assert reasons[2] == "c.bin: no known format, catalogued by its name and size alone"
