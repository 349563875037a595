"""What the image decoder shows: thumbnails, colours, orientation, depth, frames, and headers as Pillow reads them."""

import io
import struct

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image, ImageFilter

import heron
from heron.media import builtin
from heron.media.gif import gif_delays
from heron.media.images import ImageDecoder
from heron.media.thumbnails import encode_thumbnail
from heron.testing import DecoderContract
from heron.testing.files import LocalMediaFile, format_of

IMAGES = next(iter(builtin.register_decoders()))
DECODER = ImageDecoder()
COLOURS = [(200, 30, 40), (30, 160, 60), (40, 60, 190), (230, 220, 210)]
ANIMATED = ("gif", "png", "webp", "avif")


def media_file(path, **options):
    return LocalMediaFile(path, format_of(IMAGES, path).media_type, **options)


def scene(width, height, seed=0):
    """A picture with structure at many scales, as photographs have."""
    random = np.random.default_rng(seed)
    layers = [Image.fromarray(random.integers(0, 256, (n * 3 // 4, n, 3), np.uint8)) for n in (4, 16, 64)]
    sized = [np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC), float) for layer in layers]
    return Image.fromarray((0.5 * sized[0] + 0.3 * sized[1] + 0.2 * sized[2]).astype(np.uint8))


def quarters(width=96, height=64):
    """A picture with another colour in each quarter, so that every turn of it looks different."""
    image = Image.new("RGB", (width, height))
    for number, colour in enumerate(COLOURS):
        x, y = number % 2 * width // 2, number // 2 * height // 2
        image.paste(colour, (x, y, x + width // 2, y + height // 2))
    return image


def even(picture):
    """The colour of a picture that has one; fails for one that has several."""
    low, high = np.asarray(picture).min((0, 1)).astype(int), np.asarray(picture).max((0, 1)).astype(int)
    assert (high - low).max() <= 3, picture.getextrema()
    return tuple((low + high) // 2)


def close(found, expected, tolerance=3):
    return max(abs(int(a) - int(b)) for a, b in zip(found, expected, strict=True)) <= tolerance


def psnr(one, other):
    """Peak signal to noise ratio in dB."""
    difference = np.asarray(one, float) - np.asarray(other, float)
    return 10 * np.log10(255**2 / max(np.mean(difference**2), 1e-9))


def animation(path, durations=(50, 120, 200), size=(48, 32), **options):
    """An animation in which a square moves over a ground."""
    frames = []
    for number in range(len(durations)):
        frame = Image.new("RGB", size, (20, 60, 120))
        frame.paste((240, 200, 40), (4 + 8 * number, 8, 14 + 8 * number, 18))
        frames.append(frame)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=list(durations), **options)
    return path


class TestAnimationsAndPages(DecoderContract):
    decoder = IMAGES

    @pytest.fixture
    def good_files(self, tmp_path):
        files = {animation(tmp_path / f"a.{suffix}"): {"frame_count": 3, "width": 48} for suffix in ANIMATED}
        pages = [quarters(), quarters(30, 50), quarters(40, 40).convert("L")]
        pages[0].save(tmp_path / "a.tiff", save_all=True, append_images=pages[1:], compression="tiff_lzw")
        return {**files, tmp_path / "a.tiff": {"frame_count": 3, "width": 96}}


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [(1024, 768), (1000, 750), (1024, 683), (333, 500), (3000, 40), (90, 70), (257, 3)]
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"subsampling": 0},
        {"subsampling": 1, "restart_marker_rows": 1},
        {"keep_rgb": True},
    ],
)
def test_thumbnail_of_a_jpeg_looks_like_the_whole_scaled_down(tmp_path, size, options):
    scene(*size).save(tmp_path / "a.jpg", quality=90, **options)
    found = DECODER.picture(media_file(tmp_path / "a.jpg"), 256)
    with Image.open(tmp_path / "a.jpg") as whole:
        expected = whole.resize(found.size, Image.Resampling.BICUBIC)
    assert max(found.size) == min(256, max(size))
    assert abs(found.width / found.height - size[0] / size[1]) * min(found.size) <= size[0] / size[1]
    assert psnr(found, expected) > 35


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1024, 768), (1000, 667), (700, 467), (513, 385)])
def test_thumbnail_of_a_jpeg_is_not_shifted(tmp_path, size):
    scene(*size).save(tmp_path / "a.jpg", quality=95)
    found = DECODER.picture(media_file(tmp_path / "a.jpg"), 256)
    step = size[0] / found.width / 4  # a quarter of a pixel of the thumbnail
    with Image.open(tmp_path / "a.jpg") as whole:
        whole = whole.filter(ImageFilter.GaussianBlur(step * 2))
        moved = {
            (x, y): whole.transform(size, Image.Transform.AFFINE, (1, 0, x * step, 0, 1, y * step), Image.Resampling.BICUBIC)
            for x in (-2, 0, 2)
            for y in (-2, 0, 2)
        }  # fmt: skip
    inner = (8, 8, found.width - 8, found.height - 8)
    soft = found.filter(ImageFilter.GaussianBlur(0.5)).crop(inner)
    likeness = {
        by: psnr(soft, image.resize(found.size, Image.Resampling.BOX).crop(inner))
        for by, image in moved.items()
    }
    assert max(likeness, key=likeness.get) == (0, 0), likeness


def test_thumbnail_of_a_gray_jpeg_is_gray(tmp_path):
    scene(800, 600).convert("L").save(tmp_path / "a.jpg", quality=90)
    found = DECODER.picture(media_file(tmp_path / "a.jpg"), 128)
    assert (found.mode, found.size) == ("RGB", (128, 96))
    red, green, blue = found.split()
    assert red.tobytes() == green.tobytes() == blue.tobytes()


def test_whole_frame_of_a_jpeg_is_what_pillow_decodes(tmp_path):
    scene(301, 203).save(tmp_path / "a.jpg", quality=90)
    [(number, picture)] = DECODER.frames(media_file(tmp_path / "a.jpg"), [0])
    with Image.open(tmp_path / "a.jpg") as expected:
        assert number == 0
        assert psnr(picture, expected) > 50


def test_encoded_thumbnail_is_a_small_jpeg_without_what_stood_in_the_file(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "private"
    scene(640, 480).save(tmp_path / "a.jpg", exif=exif, comment=b"private too")
    content = encode_thumbnail(DECODER.picture(media_file(tmp_path / "a.jpg"), 256))
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size, image.layer[0][1:3]) == ("JPEG", (256, 192), (2, 2))
    assert b"private" not in content


STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera held so stores an upright picture, by EXIF orientation."""


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {"quality": 95}),
        ("cmyk.jpg", {"quality": 95}),
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.avif", {"quality": 95}),
        ("a.tiff", {}),
        ("b.tiff", {"compression": "tiff_adobe_deflate"}),
    ],
)
def test_pictures_are_turned_upright(tmp_path, orientation, name, options):
    upright, turn = quarters(), STORED[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    (stored.convert("CMYK") if name.startswith("cmyk") else stored).save(
        tmp_path / name, exif=exif, **options
    )
    file = media_file(tmp_path / name)
    facts = DECODER.probe(file)
    assert (facts.width, facts.height) == upright.size
    [(_, whole)] = DECODER.frames(file, [0])
    for picture in (DECODER.picture(file, 48), whole):
        for number, colour in enumerate(COLOURS):
            place = (
                (2 * (number % 2) + 1) * picture.width // 4,
                (2 * (number // 2) + 1) * picture.height // 4,
            )
            assert close(picture.getpixel(place), colour, 8), (orientation, number)


def rgb_profile(primaries, gamma=2.2):
    """A display profile (ICC.1:2001-04, 6.3.2.2) of three primaries given as XYZ at D50."""

    def fixed(*values):
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.8249)}
    for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True):
        tags[name] = b"XYZ \0\0\0\0" + fixed(*xyz)
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        tags[name] = b"curv\0\0\0\0" + struct.pack(">IH2x", 1, round(gamma * 256))
    return icc(b"mntr", b"RGB ", b"XYZ ", tags)


def icc(kind, space, connection, tags):
    texts = {b"cprt": b"text\0\0\0\0public\0", b"desc": b"desc\0\0\0\0\0\0\0\x05test\0" + bytes(78)}
    content, table, offset = b"", b"", 132 + 12 * (len(tags) + len(texts))
    for name, tag in {**texts, **tags}.items():
        tag += bytes(-len(tag) % 4)
        table += name + struct.pack(">II", offset + len(content), len(tag))
        content += tag
    size = offset + len(content)
    head = struct.pack(">I4xI", size, 0x02400000) + kind + space + connection + bytes(12) + b"acsp"
    head = (head + bytes(68 - len(head)) + struct.pack(">iii", 63190, 65536, 54061)).ljust(128, b"\0")
    return head + struct.pack(">I", len(tags) + len(texts)) + table + content


WIDE = rgb_profile([(0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)])
# Frames


@pytest.mark.parametrize("suffix", ANIMATED)
def test_frames_are_those_that_pillow_shows(tmp_path, suffix):
    path = animation(tmp_path / f"a.{suffix}")
    shown = dict(DECODER.frames(media_file(path), [2, 0, 1, 1]))
    assert list(shown) == [0, 1, 2]
    with Image.open(path) as image:
        for number, picture in shown.items():
            image.seek(number)
            assert psnr(picture, image.convert("RGB")) > 60
            assert close(picture.getpixel((8 + 8 * number, 12)), (240, 200, 40), 20)


@pytest.mark.parametrize("suffix", ANIMATED)
def test_frames_have_times(tmp_path, suffix):
    file = media_file(animation(tmp_path / f"a.{suffix}"))
    assert DECODER.times(file) == pytest.approx([0, 0.05, 0.17])
    assert DECODER.times(file, whole=False) is None


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_frames_without_a_delay_are_shown_as_browsers_do(tmp_path, suffix):
    assert DECODER.times(
        media_file(animation(tmp_path / f"a.{suffix}", durations=(0, 10, 20, 30)))
    ) == pytest.approx([0, 0.1, 0.2, 0.22])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "bmp", "tiff"])
def test_single_picture_has_no_times(tmp_path, suffix):
    quarters().save(tmp_path / f"a.{suffix}")
    assert DECODER.times(media_file(tmp_path / f"a.{suffix}"), whole=False) == []
    assert DECODER.times(media_file(tmp_path / f"a.{suffix}")) == []


def test_pages_have_their_own_sizes_colours_and_turns(tmp_path):
    quarters(40, 20).save(tmp_path / "1.tiff", icc_profile=WIDE)
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(tmp_path / "1.tiff") as first:
        first.save(
            tmp_path / "a.tiff",
            save_all=True,
            append_images=[quarters(60, 30), Image.new("I;16", (9, 9), 0x8000)],
            icc_profile=WIDE,
        )
    pages = dict(DECODER.frames(media_file(tmp_path / "a.tiff"), [0, 1, 2]))
    assert [page.size for page in pages.values()] == [(40, 20), (60, 30), (9, 9)]
    assert DECODER.times(media_file(tmp_path / "a.tiff")) == []


def test_profile_of_one_page_does_not_colour_the_next(tmp_path):
    """Two pages of one colour, of which the first alone has a profile, joined by the chain of their directories."""
    for number, options in enumerate([{"icc_profile": WIDE}, {}]):
        Image.new("RGB", (16, 16), (90, 160, 120)).save(tmp_path / f"{number}.tiff", **options)
    buffer = io.BytesIO((tmp_path / "0.tiff").read_bytes())
    from PIL.TiffImagePlugin import AppendingTiffWriter

    with AppendingTiffWriter(buffer) as writer:
        Image.new("RGB", (16, 16), (90, 160, 120)).save(writer, "TIFF")
        writer.newFrame()
    (tmp_path / "a.tiff").write_bytes(buffer.getvalue())
    pages = dict(DECODER.frames(media_file(tmp_path / "a.tiff"), [0, 1]))
    assert not close(even(pages[0]), (90, 160, 120), 20)
    assert even(pages[1]) == (90, 160, 120)


def test_picture_for_other_programs_is_no_frame_of_an_animated_png(tmp_path):
    ground, frames = (
        Image.new("RGB", (20, 20), "red"),
        [Image.new("RGB", (20, 20), c) for c in ("lime", "blue")],
    )
    ground.save(
        tmp_path / "a.png", save_all=True, append_images=frames, default_image=True, duration=[100, 300]
    )
    file = media_file(tmp_path / "a.png")
    assert DECODER.probe(file).frame_count == 2
    assert [even(picture) for _, picture in DECODER.frames(file, [0, 1])] == [(0, 255, 0), (0, 0, 255)]
    assert DECODER.times(file) == pytest.approx([0, 0.1])
    assert even(DECODER.picture(file, 20)) == (255, 0, 0)


def test_pictures_behind_the_first_of_a_jpeg_are_no_frames(tmp_path):
    quarters().save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[quarters(40, 40)])
    file = media_file(tmp_path / "a.jpg")
    assert DECODER.probe(file).frame_count == 1
    assert [picture.size for _, picture in DECODER.frames(file, [0])] == [(96, 64)]


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_frames_behind_a_broken_place_are_left_out(tmp_path, suffix):
    path = animation(tmp_path / f"a.{suffix}", durations=[50] * 12, size=(120, 32))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    file = media_file(path)
    count = 12 if suffix == "png" else len(gif_delays(io.BytesIO(path.read_bytes())))
    shown = [number for number, _ in DECODER.frames(file, range(count))]
    assert shown == list(range(len(shown)))
    assert 0 < len(shown) < 12


def test_page_that_is_broken_is_left_out(tmp_path):
    pages = [Image.new("L", (50, 50), shade) for shade in (10, 20, 30)]
    pages[0].save(
        tmp_path / "a.tiff", save_all=True, append_images=pages[1:], compression="tiff_adobe_deflate"
    )
    with Image.open(tmp_path / "a.tiff") as image:
        image.seek(1)
        [offset] = image.tag_v2[273]
    content = bytearray((tmp_path / "a.tiff").read_bytes())
    content[offset : offset + 6] = b"\xff" * 6
    (tmp_path / "a.tiff").write_bytes(content)
    file = media_file(tmp_path / "a.tiff")
    assert [(number, even(picture)[0]) for number, picture in DECODER.frames(file, [0, 1, 2])] == [
        (0, 10),
        (2, 30),
    ]
    with pytest.raises(heron.MediaError, match=r"a\.tiff has a frame 1|a\.tiff cannot be decoded"):
        list(DECODER.frames(file, [1]))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "bmp", "tiff", "gif"])
def test_file_whose_end_is_missing_is_refused(tmp_path, suffix):
    scene(200, 150).save(tmp_path / f"a.{suffix}")
    content = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(heron.MediaError, match=rf"a\.{suffix}"):
        DECODER.probe(media_file(tmp_path / f"a.{suffix}"))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "bmp", "tiff"])
def test_pixels_are_not_looked_at_for_facts(tmp_path, suffix):
    """What spoils the pixels of a file that has its end leaves the facts as they are."""
    scene(200, 150).save(tmp_path / f"a.{suffix}")
    facts = DECODER.probe(media_file(tmp_path / f"a.{suffix}"))
    content = bytearray((tmp_path / f"a.{suffix}").read_bytes())
    middle = len(content) * 2 // 3
    content[middle : middle + 40] = bytes(40)
    (tmp_path / f"a.{suffix}").write_bytes(content)
    assert DECODER.probe(media_file(tmp_path / f"a.{suffix}")) == facts


exifs = st.dictionaries(
    st.sampled_from([0x010F, 0x0110, 0x0112]), st.sampled_from([1, 6, "Heron"]), max_size=3
)
