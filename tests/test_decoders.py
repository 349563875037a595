"""The built-in decoders and the built-in storage keep their contracts."""

import random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import heron
from heron.media import builtin
from heron.media.exif import exif_facts
from heron.media.jpeg import read_jpeg_header
from heron.media.sniff import Sniffer
from heron.storage import local
from heron.testing import DecoderContract, StorageContract
from tests.conftest import draw

IMAGES, TEXTS, *_ = builtin.register_decoders()


class TestImages(DecoderContract):
    decoder = IMAGES

    @pytest.fixture
    def good_files(self, tmp_path):
        suffixes = ("jpg", "png", "webp", "bmp", "tiff", "gif", "avif")
        return {
            draw(tmp_path / f"a.{suffix}"): {"width": 64, "height": 48, "frame_count": 1}
            for suffix in suffixes
        }


class TestTexts(DecoderContract):
    decoder = TEXTS

    @pytest.fixture
    def good_files(self, tmp_path):
        (tmp_path / "a.txt").write_text("one\ntwo\n")
        (tmp_path / "b.json").write_text('{"a": [1, 2]}')
        (tmp_path / "c.html").write_text("<html><title>Harbour</title></html>")
        (tmp_path / "d.txt").write_bytes("größe\n".encode("utf-16"))
        (tmp_path / "e.csv").write_bytes("größe\n".encode("cp1252"))
        return {
            tmp_path / "a.txt": {"extra": {"text": {"lines": 2, "encoding": "utf-8"}}},
            tmp_path / "b.json": {"extra": {"text": {"json_type": "dict"}}},
            tmp_path / "c.html": {"extra": {"text": {"title": "Harbour"}}},
            tmp_path / "d.txt": {"extra": {"text": {"encoding": "utf-16", "lines": 1}}},
            tmp_path / "e.csv": {"extra": {"text": {"encoding": "cp1252"}}},
        }


class TestLocalStorage(StorageContract):
    changes_are_noticed = False
    can_be_written = True
    backend = next(iter(local.register_storage()))

    @pytest.fixture
    def storage(self):
        return self.backend.load({})

    @pytest.fixture
    def root(self, tmp_path):
        (tmp_path / "root").mkdir()
        return (tmp_path / "root").as_uri() + "/"

    @pytest.fixture
    def put(self, tmp_path, root):
        def write(name, content):
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            return root + quote(name)

        return write


TAGS = {0x010F: "Make", 0x0110: "Model", 0x0131: "Software"}
DETAILS = {0x829A: "ExposureTime", 0x829D: "FNumber", 0x8827: "ISOSpeedRatings", 0x9003: "DateTimeOriginal"}


@pytest.mark.slow
@given(
    texts=st.dictionaries(
        st.sampled_from(sorted(TAGS)), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
    ),
    numbers=st.dictionaries(st.sampled_from([0x829A, 0x829D]), st.fractions(0, 1000, max_denominator=10_000)),
    iso=st.integers(0, 65_535),
)
def test_exif_is_read_as_pillow_reads_it(texts, numbers, iso):
    from PIL.TiffImagePlugin import IFDRational

    exif = Image.Exif()
    exif.update(texts)
    detail = exif.get_ifd(0x8769)
    detail.update({tag: IFDRational(value.numerator, value.denominator) for tag, value in numbers.items()})
    detail[0x8827] = iso
    block = exif.tobytes()
    back = Image.Exif()
    back.load(block)
    expected = {TAGS[tag]: str(back[tag]).strip() for tag in texts if str(back[tag]).strip()}
    expected |= {DETAILS[tag]: pytest.approx(float(back.get_ifd(0x8769)[tag]), abs=1e-6) for tag in numbers}
    assert exif_facts(block) == {**expected, "ISOSpeedRatings": iso}


@given(st.binary(max_size=300), st.integers(0, 2**32))
def test_broken_exif_never_raises(noise, seed):
    exif = Image.Exif()
    exif[0x010F], exif.get_ifd(0x8769)[0x829A], exif.get_ifd(0x8825)[2] = "Heron", 0.5, (1.0, 2.0, 3.0)
    block = bytearray(exif.tobytes())
    source = random.Random(seed)
    for _ in range(5):
        block[source.randrange(len(block))] = source.randrange(256)
    for broken in (
        noise,
        b"II*\0" + noise,
        b"MM\0*" + noise,
        bytes(block),
        bytes(block[: seed % len(block)]),
    ):
        assert isinstance(exif_facts(broken), dict)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"icc_profile": b"p" * 9000}]
)
def test_jpeg_headers_are_read_as_pillow_reads_them(tmp_path, mode, options):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Heron", 6
    image = Image.effect_noise((301, 77), 30).convert(mode)
    image.save(tmp_path / "a.jpg", exif=exif, **options)
    header = read_jpeg_header((tmp_path / "a.jpg").read_bytes())
    with Image.open(tmp_path / "a.jpg") as opened:
        assert ((header.width, header.height), header.mode) == (opened.size, opened.mode)
        assert header.exif == opened.info["exif"]


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_broken_jpeg_headers_never_raise_and_never_differ_from_pillow(seed, changes):
    import io

    buffer = io.BytesIO()
    Image.effect_noise((60, 40), 30).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    source = random.Random(seed)
    for _ in range(changes):
        data[source.randrange(2, 700)] = source.choice((0, 255, source.randrange(256)))
    header = read_jpeg_header(bytes(data))
    if header is not None:
        try:
            with Image.open(io.BytesIO(data), formats=["JPEG"]) as opened:
                assert (header.width, header.height, header.mode) == (*opened.size, opened.mode)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            pass  # Pillow looks into tables as well


def test_a_huge_jpeg_is_refused_as_a_bomb(tmp_path, workspace):
    draw(tmp_path / "a.jpg")
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = (30_000).to_bytes(2, "big") * 2
    (tmp_path / "a.jpg").write_bytes(data)
    report = workspace.ingest.files([tmp_path / "a.jpg"], folder="A", ignore_errors=True)
    assert "decompression bomb" in report.problems[0].reason


def test_the_longest_signature_wins_over_the_name():
    short = heron.MediaFormat(media_type="a/short", kind="other", suffixes=[".x"], signature=rb"AB")
    long = heron.MediaFormat(media_type="a/long", kind="other", suffixes=[".y"], signature=rb"ABC")
    zipped = heron.MediaFormat(
        media_type="a/z", kind="other", suffixes=[".z.gz"], signature=rb"ABCD", needs_suffix=True
    )
    record = heron.MediaDecoder(name="d", summary="d", formats=[short, long, zipped], load=lambda: None)
    sniffer = Sniffer([record])
    assert sniffer.sniff(b"ABCD", "file.x").format.media_type == "a/long"
    assert sniffer.sniff(b"ABCD", "file.x").claimed.media_type == "a/short"
    assert sniffer.sniff(b"ABCD", "file.z.gz").format.media_type == "a/z"
    assert sniffer.sniff(b"none", "file.x") is None
