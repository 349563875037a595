"""Pictures of phones, scanners and Photoshop: HEIC, JPEG 2000 and PSD."""

import struct

import numpy as np
import pytest
from PIL import Image

import heron
from heron.media.builtin import register_decoders
from heron.testing import LocalMediaFile, format_of

RECORDS = {record.name: record for record in register_decoders()}
DRAWN = Image.merge("RGB", [Image.linear_gradient("L").transpose(turn) for turn in (0, 1, 2)]).crop(
    (0, 0, 200, 120)
)


def sniffed(path, decoder):
    found = format_of(RECORDS[decoder], path)
    assert found is not None
    return LocalMediaFile(path, found.media_type), RECORDS[decoder].load()


def difference(picture, expected=DRAWN):
    shown, drawn = (np.asarray(one.convert("RGB")).astype(int) for one in (picture, expected))
    return np.abs(shown - drawn).mean()


def test_heic_of_a_phone_has_its_facts_and_its_picture(tmp_path):
    pytest.importorskip("pi_heif")
    writer = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x010F], exif[0x8769] = "Finch", {0x9003: "2026:01:31 08:15:30"}
    heif = writer.from_pillow(DRAWN)
    heif.save(tmp_path / "a.heic", quality=95, exif=exif.tobytes())
    file, decoder = sniffed(tmp_path / "a.heic", "heif")
    facts = decoder.probe(file)
    assert (file.media_type, facts.kind, facts.width, facts.height) == ("image/heic", "image", 200, 120)
    assert facts.extra["exif"]["Make"] == "Finch" and facts.captured_at.isoformat().startswith(
        "2026-01-31T08:15:30"
    )
    assert difference(decoder.picture(file, 256)) < 4
    assert decoder.picture(file, 50).size == (50, 30)
    content = (tmp_path / "a.heic").read_bytes()
    (tmp_path / "b.heic").write_bytes(content[: len(content) // 2])
    with pytest.raises(heron.MediaError, match=r"b\.heic"):
        decoder.probe(LocalMediaFile(tmp_path / "b.heic", "image/heic"))


@pytest.mark.parametrize("name", ["a.jp2", "a.j2k"])
@pytest.mark.parametrize("depth", [8, 16])
def test_jpeg_2000_is_shown_as_it_is(tmp_path, name, depth):
    values = np.arange(120 * 200, dtype=np.uint16).reshape(120, 200) * 2
    image = DRAWN if depth == 8 else Image.fromarray(values)
    image.save(tmp_path / name)
    file, decoder = sniffed(tmp_path / name, "image")
    facts = decoder.probe(file)
    assert (facts.width, facts.height) == (200, 120)
    expected = DRAWN if depth == 8 else Image.fromarray((values >> 8).astype(np.uint8))
    assert difference(decoder.picture(file, 256), expected) < 1
    [(_, found)] = decoder.values(file)
    assert (found is None) == (depth == 8)
    if found is not None:
        assert np.array_equal(found.array, values)


def psd():
    """A flat PSD of RGB, as it is specified (Adobe Photoshop File Formats, 2019)."""
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 120, 200, 8, 3)
    planes = np.moveaxis(np.asarray(DRAWN), -1, 0).tobytes()
    return head + struct.pack(">III", 0, 0, 0) + struct.pack(">H", 0) + planes


def test_the_composite_of_a_psd_is_shown(tmp_path):
    (tmp_path / "a.psd").write_bytes(psd())
    file, decoder = sniffed(tmp_path / "a.psd", "image")
    facts = decoder.probe(file)
    assert (facts.width, facts.height, facts.frame_count) == (200, 120, 1)
    assert difference(decoder.picture(file, 256)) == 0
