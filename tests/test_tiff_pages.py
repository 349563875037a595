"""TIFFs of science, satellites and printing are shown as they are, or refused for the true reason; never garbage."""

import struct

import numpy as np
import pytest

import heron
from heron.media.images import ImageDecoder
from heron.testing.files import LocalMediaFile

tifffile = pytest.importorskip("tifffile")

DECODER = ImageDecoder()
ROWS, COLUMNS = 40, 60
DOWN, ACROSS = np.mgrid[0:ROWS, 0:COLUMNS]
RGB = np.stack([ACROSS * 4, DOWN * 6, 255 - ACROSS * 4], -1).astype(np.uint8)
GREY = RGB[..., 0]


def written(tmp_path, values, **options):
    tifffile.imwrite(tmp_path / "a.tif", values, metadata=None, **options)
    return LocalMediaFile(tmp_path / "a.tif", "image/tiff")


def levels(file, size=256):
    return np.asarray(DECODER.picture(file, size).convert("RGB")).astype(int)


def nearly(shown, expected, most=1):
    return np.abs(shown - expected.astype(int)).max() <= most


COLOURS = {
    "16 bits": RGB.astype(np.uint16) * 257,
    "32 bits": RGB.astype(np.uint32) * 16_843_009,
    "32-bit real": (RGB / 255).astype(np.float32),
    "64-bit real": RGB / 255,
    "8 bits": RGB,
}


@pytest.mark.parametrize("layout", ["contig", "separate", "tiled", "big endian", "predictor", "reduced"])
@pytest.mark.parametrize("depth", COLOURS)
def test_colours_of_every_depth_are_shown_as_they_are(tmp_path, monkeypatch, depth, layout):
    values, options = COLOURS[depth], {"photometric": "rgb"}
    match layout:
        case "separate":
            values, options["planarconfig"] = np.moveaxis(values, -1, 0), "separate"
        case "tiled":
            options["tile"] = (16, 32)
        case "big endian":
            options["byteorder"] = ">"
        case "predictor":
            options |= {"compression": "lzw", "predictor": True}
        case "reduced":
            options |= {"rowsperstrip": 2}
            monkeypatch.setattr("heron.media.tiff_arrays.max_memory", lambda: 30_000)
            monkeypatch.setattr("heron.limits.max_memory", lambda: 300_000)
            monkeypatch.setattr("heron.media.tiff_pages.max_memory", lambda: 1)
    file = written(tmp_path, values, **options)
    facts = DECODER.probe(file)
    assert (facts.width, facts.height, facts.frame_count) == (COLUMNS, ROWS, 1)
    if layout == "reduced":
        assert nearly(levels(file, 20), RGB[1::3, 1::3][:13], 12)
    else:
        assert nearly(levels(file), RGB)


@pytest.mark.parametrize("compression", ["jpeg2000", "lerc", "zstd", "webp", "deflate", "packbits", "jpeg"])
def test_what_a_compression_keeps_is_shown(tmp_path, compression):
    values, options = (GREY, {}) if compression == "lerc" else (RGB, {"photometric": "rgb"})
    file = written(tmp_path, values, compression=compression, **options)
    assert nearly(levels(file)[..., 0], GREY, 20 if compression == "jpeg" else 1)
    assert DECODER.probe(file).extra["image"]["lossless"] is (compression in ("zstd", "deflate", "packbits"))


@pytest.mark.parametrize(
    "type", ["float16", "float32", "float64", "int16", "int32", "uint32", "uint64", "complex64", "int8"]
)
def test_grey_values_of_every_type_are_shown_between_percentiles(tmp_path, type):
    ramp = (
        np.linspace(-100 if type[0] in "fi" else 1, 120, ROWS * COLUMNS).reshape(ROWS, COLUMNS).astype(type)
    )
    file = written(tmp_path, ramp, photometric="minisblack")
    shown = levels(file)[..., 0].ravel()
    assert (np.diff(shown) >= 0).all() and (shown[5], shown[-5]) == (0, 255)
    assert abs(shown[len(shown) // 2] - 127) < 4
    [(_, values)] = DECODER.values(file)
    assert np.allclose(values.array, np.abs(ramp) if type[0] == "c" else ramp)


def test_large_values_without_sign_stay_large(tmp_path):
    """Pillow takes the upper half of 32 bits for negative numbers, which would be black."""
    values = np.where(ACROSS < 30, 7, 4_000_000_000).astype(np.uint32)
    shown = levels(written(tmp_path, values, photometric="minisblack"))[..., 0]
    assert (shown[0, 0], shown[0, -1]) == (0, 255)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_white_is_zero_if_the_file_says_so(tmp_path, dtype):
    shown = levels(written(tmp_path, (GREY * 1.0).astype(dtype), photometric="miniswhite"))[..., 0]
    assert shown[0, 0] == 255 and shown[0, -1] < 30
    assert (np.diff(shown[0]) <= 0).all()


@pytest.mark.parametrize("empty", [-9999.0, -3.4028234663852886e38, 9.969209968386869e36, np.nan])
@pytest.mark.parametrize("is_named", [True, False])
def test_places_without_a_value_do_not_turn_the_rest_black_or_white(tmp_path, empty, is_named):
    height = 200 + GREY.astype(np.float32)
    height[:, :20] = empty
    height[3, 30:32] = 70_000  # two broken pixels
    tags = [(42113, 2, 0, str(empty), True)] if is_named else []
    file = written(tmp_path, height, photometric="minisblack", extratags=tags)
    shown = levels(file)[..., 0]
    seen = shown[10, 20:]
    assert seen[0] < 10 and seen[-1] > 245 and abs(seen[20] - 127) < 12
    if is_named:
        [(_, values)] = DECODER.values(file)
        assert np.isnan(values.array[:, :20]).all() and not np.isnan(values.array[:, 20:]).any()


@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_of_bands_that_are_no_colours_the_first_one_is_shown(tmp_path, planes):
    bands = [GREY.astype(np.uint16)] * 2 + [np.zeros_like(GREY, np.uint16)] * 3
    values = np.stack(bands, -1 if planes == "contig" else 0)
    file = written(tmp_path, values, photometric="minisblack", planarconfig=planes)
    assert nearly(levels(file), np.repeat(GREY[..., None], 3, -1))
    assert DECODER.probe(file).extra["image"]["mode"] == "5 x uint16"


@pytest.mark.parametrize(("photometric", "red"), [("cielab", (136, 80, 67)), ("icclab", (136, 208, 195))])
def test_lab_without_a_profile_has_its_colours(tmp_path, photometric, red):
    values = np.full((8, 8, 3), red, np.uint8)
    shown = levels(written(tmp_path, values, photometric=photometric))[4, 4]
    assert shown[0] > 245 and shown[1] < 8 and shown[2] < 16


def test_pages_of_several_types_are_read_each_in_its_way(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(GREY / 7, photometric="minisblack", metadata=None)
        writer.write(RGB, photometric="rgb", metadata=None)
        writer.write(RGB, photometric="rgb", metadata=None, compression="jpeg2000")
    file = LocalMediaFile(tmp_path / "a.tif", "image/tiff")
    pages = dict(DECODER.frames(file, [0, 1, 2], None))
    assert nearly(np.asarray(pages[1]), RGB) and nearly(np.asarray(pages[2]), RGB)
    [(_, deep), (_, none)] = DECODER.values(file, [0, 1])
    assert np.allclose(deep.array, GREY / 7) and none is None


def test_turned_pages_are_turned_upright(tmp_path):
    file = written(tmp_path, GREY / 7, photometric="minisblack", extratags=[(274, 3, 1, 6, True)])
    facts = DECODER.probe(file)
    assert (facts.width, facts.height) == DECODER.picture(file, 256).size == (ROWS, COLUMNS)
    [(_, values)] = DECODER.values(file)
    assert np.allclose(values.array, np.rot90(GREY / 7, -1))


def test_a_page_cut_off_is_refused(tmp_path):
    file = written(tmp_path, COLOURS["64-bit real"], photometric="rgb", compression="deflate")
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: len(content) - 300])
    file = LocalMediaFile(tmp_path / "a.tif", "image/tiff")
    with pytest.raises(heron.MediaError, match=r"a\.tif"):
        DECODER.probe(file)


@pytest.mark.parametrize("compression", ["jpeg2000", "webp"])
def test_a_strip_that_claims_another_size_is_refused(tmp_path, compression):
    """Otherwise a page of 8 x 8 pixels could make the decoder of its strip take any amount of memory."""
    file = written(tmp_path, RGB, photometric="rgb", compression=compression)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    for tag in (256, 257, 278):
        entry = content.index(struct.pack("<H", tag), 8)
        content[entry + 8 : entry + 10] = struct.pack("<H", 8)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(heron.MediaError, match="wrong size"):
        DECODER.picture(file, 64)


def test_without_the_libraries_the_error_says_what_to_install(tmp_path, monkeypatch):
    file = written(tmp_path, GREY / 7, photometric="minisblack")
    monkeypatch.setitem(__import__("sys").modules, "tifffile", None)
    assert DECODER.probe(file).extra["image"]["mode"] == "float64"
    with pytest.raises(heron.MediaError) as raised:
        DECODER.picture(file, 64)
    assert "float64" in str(raised.value) and "heron[images]" in str(raised.value.hint)
