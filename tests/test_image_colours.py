"""Colours of pictures: profiles, ink, lightness, transparency."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from heron.media.ground import laid
from tests.test_image_decoder import DECODER, WIDE, close, even, icc, media_file, scene

# Colours


def cmyk_profile(lab):
    """A printer profile (ICC.1:2001-04, 6.5.9) whose `lab(c, m, y, k)` is given for each full ink, linear between."""
    grid = [lab(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    colours = b"".join(bytes([round(light * 2.55), a + 128, b + 128]) for light, a, b in grid)
    identity = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + colours + identity * 3
    return icc(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


"""The primaries of Adobe RGB (1998): its green lies outside sRGB."""

PAPER = cmyk_profile(lambda c, m, y, k: (100 - 80 * k - 6 * (c + m + y), 40 * m - 40 * c, 40 * y))


def in_srgb(colour, primaries_to_xyz):
    """An RGB colour of gamma 2.2 in sRGB, by the formulas of IEC 61966-2-1 with its matrix at D50."""
    xyz = np.array(primaries_to_xyz).T @ (np.array(colour) / 255) ** 2.2
    matrix = np.array([[3.1339, -1.6169, -0.4906], [-0.9788, 1.9161, 0.0335], [0.0719, -0.2290, 1.4052]])
    linear = np.clip(matrix @ xyz, 0, 1)
    return np.round(255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.avif", "a.tiff", "progressive.jpg"])
def test_embedded_profile_is_converted_to_srgb(tmp_path, name):
    colour = (90, 160, 120)
    Image.new("RGB", (64, 48), colour).save(
        tmp_path / name, icc_profile=WIDE, quality=98, progressive="prog" in name
    )
    expected = in_srgb(colour, [(0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)])
    assert not close(colour, expected, 20)
    assert close(even(DECODER.picture(media_file(tmp_path / name), 32)), expected, 4)


def test_profile_in_many_parts_is_joined(tmp_path):
    """A segment of a JPEG holds 64 kB, a profile may be longer."""
    long = bytearray(WIDE + bytes(150_000))
    long[:4] = struct.pack(">I", len(long))
    Image.new("RGB", (64, 48), (90, 160, 120)).save(tmp_path / "a.jpg", icc_profile=bytes(long), quality=98)
    assert (tmp_path / "a.jpg").read_bytes().count(b"ICC_PROFILE\0") > 2
    assert not close(even(DECODER.picture(media_file(tmp_path / "a.jpg"), 32)), (90, 160, 120), 20)


@pytest.mark.parametrize(
    "profile", [b"no profile", WIDE[:200], WIDE[:128] + bytes(400), PAPER, b"\xff" * 5_000_000]
)
@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_broken_or_wrong_profile_is_ignored(tmp_path, profile, suffix):
    Image.new("RGB", (64, 48), (90, 160, 120)).save(tmp_path / f"a.{suffix}", icc_profile=profile, quality=98)
    assert close(even(DECODER.picture(media_file(tmp_path / f"a.{suffix}"), 32)), (90, 160, 120), 5)


def test_srgb_profile_leaves_pixels_as_they_are(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    scene(64, 48).save(tmp_path / "a.png", icc_profile=srgb)
    scene(64, 48).save(tmp_path / "b.png")
    one, other = (DECODER.picture(media_file(tmp_path / name), 64) for name in ("a.png", "b.png"))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", ["a.jpg", "a.tiff"])
def test_cmyk_without_a_profile_is_plain_ink(tmp_path, name):
    Image.new("CMYK", (64, 48), (200, 20, 40, 10)).save(tmp_path / name)
    assert close(even(DECODER.picture(media_file(tmp_path / name), 32)), (53, 226, 206), 6)


@pytest.mark.parametrize("name", ["a.jpg", "a.tiff"])
def test_cmyk_with_a_profile_is_what_the_profile_says(tmp_path, name):
    Image.new("CMYK", (64, 48), (255, 0, 0, 0)).save(tmp_path / name, icc_profile=PAPER)
    found = even(DECODER.picture(media_file(tmp_path / name), 32))
    lab = Image.new("LAB", (1, 1), (240, 88, 128))  # L* 94, a* -40, b* 0
    expected = ImageCms.profileToProfile(
        lab, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    ).getpixel((0, 0))
    assert not close(found, (0, 255, 255), 40)
    assert close(found, expected, 6)


def test_lab_is_converted(tmp_path):
    lab = ImageCms.profileToProfile(
        Image.new("RGB", (64, 48), (180, 90, 60)),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    lab.save(tmp_path / "a.tiff")
    assert close(even(DECODER.picture(media_file(tmp_path / "a.tiff"), 32)), (180, 90, 60), 5)


@pytest.mark.parametrize(
    ("name", "dtype", "value", "shown"),
    [
        ("a.png", np.uint16, 0x8000, 128),
        ("a.png", np.uint16, 0x0400, 4),  # a dark picture stays dark
        ("a.tiff", np.uint16, 0x8000, 128),
        ("a.tiff", np.uint16, 0x0800, 128),  # 12 bits of a camera
        ("a.tiff", np.uint16, 255, 255),
    ],
)
def test_sixteen_bits_keep_their_lightness(tmp_path, name, dtype, value, shown):
    Image.fromarray(np.full((40, 60), value, dtype)).save(tmp_path / name)
    assert close(even(DECODER.picture(media_file(tmp_path / name), 32)), [shown] * 3, 1)


@pytest.mark.parametrize(
    "values", [np.float32([-1.5, 0.5, 2.5]), np.float32([-3e38, 0, 3e38]), np.int32([-100_000, 0, 100_000])]
)
def test_signed_and_real_values_are_spread_from_least_to_greatest(tmp_path, values):
    Image.fromarray(np.repeat(np.repeat(values[None], 30, 0), 20, 1)).save(tmp_path / "a.tiff")
    picture = DECODER.picture(media_file(tmp_path / "a.tiff"), 60)
    assert [picture.getpixel((x, 15))[0] for x in (5, 30, 55)] == [0, 128, 255]


def test_values_that_are_no_numbers_are_shown_as_something(tmp_path):
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(tmp_path / "a.tiff")
    assert even(DECODER.picture(media_file(tmp_path / "a.tiff"), 8)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("name", "mode"), [("a.png", "RGBA"), ("a.webp", "RGBA"), ("a.avif", "RGBA"), ("a.png", "LA")]
)
def test_transparent_pixels_are_shown_on_white(tmp_path, name, mode):
    image = Image.new(mode, (64, 32), (0, 0, 0, 0) if mode == "RGBA" else (0, 0))
    image.paste((0, 0, 0, 255) if mode == "RGBA" else (0, 255), (0, 0, 32, 32))
    image.save(tmp_path / name, **({"lossless": True} if name == "a.webp" else {}))
    picture = DECODER.picture(media_file(tmp_path / name), 64)
    assert picture.mode == "RGBA"
    assert close(laid(picture).getpixel((8, 16)), (0, 0, 0))
    assert close(laid(picture).getpixel((56, 16)), (255, 255, 255))


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_transparent_colour_of_a_palette_is_white(tmp_path, name):
    image = Image.new("P", (64, 32), 0)
    image.putpalette([10, 20, 30, 200, 40, 50])
    image.paste(1, (0, 0, 32, 32))
    image.save(tmp_path / name, transparency=0)
    picture = laid(DECODER.picture(media_file(tmp_path / name), 64))
    assert (picture.getpixel((8, 16)), picture.getpixel((56, 16))) == ((200, 40, 50), (255, 255, 255))


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tiff", "a.gif"])
def test_one_bit_is_black_and_white(tmp_path, name):
    image = Image.new("1", (64, 32), 0)
    image.paste(1, (0, 0, 32, 32))
    image.save(tmp_path / name)
    picture = DECODER.picture(media_file(tmp_path / name), 64)
    assert (picture.getpixel((8, 16)), picture.getpixel((56, 16))) == ((255, 255, 255), (0, 0, 0))
