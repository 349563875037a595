"""Headers of PNG and WebP files, read as Pillow reads them."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from heron.media.jpeg import read_jpeg_header
from heron.media.png import read_png_header
from heron.media.webp import read_webp_header
from tests.test_image_decoder import WIDE, exifs, scene

# Headers


def exif_of(tags):
    exif = Image.Exif()
    exif.update({tag: value for tag, value in tags.items() if (tag == 0x0112) == isinstance(value, int)})
    return exif.tobytes()


@pytest.mark.slow
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]),
    tags=exifs,
    frames=st.integers(1, 3),
    profile=st.sampled_from([None, WIDE]),
)
def test_png_headers_are_read_as_pillow_reads_them(size, mode, tags, frames, profile):
    image, buffer = Image.new(mode, size), io.BytesIO()
    others = [Image.effect_noise(size, 30).convert(mode) for _ in range(frames - 1)] if mode != "I;16" else []
    image.save(
        buffer, "PNG", exif=exif_of(tags), save_all=bool(others), append_images=others, icc_profile=profile
    )
    header = read_png_header(buffer.getvalue())
    with Image.open(buffer) as opened:
        assert (header.width, header.height, header.mode) == (*opened.size, opened.mode)
        assert header.exif == opened.info.get("exif", b"").removeprefix(b"Exif\0\0")
        assert header.frames == opened.n_frames


@pytest.mark.slow
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    mode=st.sampled_from(["L", "RGB", "RGBA"]),
    lossless=st.booleans(),
    tags=exifs,
    frames=st.integers(1, 3),
    profile=st.sampled_from([None, WIDE]),
)
def test_webp_headers_are_read_as_pillow_reads_them(size, mode, lossless, tags, frames, profile):
    image, buffer = Image.effect_noise(size, 50).convert(mode), io.BytesIO()
    if mode == "RGBA":
        image.putalpha(Image.effect_noise(size, 50))
    others = [Image.effect_noise(size, 30).convert(mode) for _ in range(frames - 1)]
    exif = exif_of(tags) if tags else b""
    image.save(
        buffer,
        "WEBP",
        lossless=lossless,
        exif=exif,
        save_all=bool(others),
        append_images=others,
        icc_profile=profile,
    )
    header = read_webp_header(io.BytesIO(buffer.getvalue()))
    with Image.open(buffer) as opened:
        assert (header.width, header.height, header.mode) == (*opened.size, opened.mode)
        assert header.exif == opened.info.get("exif", b"")
        assert header.frames == opened.n_frames


@given(st.sampled_from(["PNG", "WEBP"]), st.randoms(use_true_random=False), st.integers(1, 6))
def test_broken_headers_never_raise_and_never_differ_from_pillow(format, source, changes):
    buffer = io.BytesIO()
    Image.effect_noise((60, 40), 30).convert("RGB").save(buffer, format, exif=exif_of({0x010F: "Heron"}))
    data = bytearray(buffer.getvalue())
    for _ in range(changes):
        data[source.randrange(0, 60)] = source.choice((0, 255, source.randrange(256)))
    header = read_png_header(bytes(data)) if format == "PNG" else read_webp_header(io.BytesIO(data))
    if header is not None:
        try:
            with Image.open(io.BytesIO(data), formats=[format]) as opened:
                assert (header.width, header.height) == opened.size
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            pass  # Pillow looks further than the header


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_header_that_is_cut_anywhere_is_no_header_or_the_same(format):
    buffer = io.BytesIO()
    scene(60, 40).save(buffer, format, exif=exif_of({0x010F: "Heron"}), icc_profile=WIDE)
    read = {
        "JPEG": read_jpeg_header,
        "PNG": read_png_header,
        "WEBP": lambda data: read_webp_header(io.BytesIO(data)),
    }[format]
    whole = read(buffer.getvalue())
    for end in range(len(buffer.getvalue())):
        header = read(buffer.getvalue()[:end])
        assert header is None or (header.width, header.height, header.mode) == (60, 40, whole.mode)
