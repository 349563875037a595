"""SVG drawings: what is known of them, how they are drawn, and that nothing outside of a file is read and nothing runs away."""

import gzip
import io
import time

import numpy as np
import pytest
from attrs import evolve
from PIL import Image

import heron
from heron.hooks import versions
from heron.media import builtin
from heron.media.sniff import Sniffer
from heron.testing import DecoderContract
from heron.testing.files import LocalMediaFile

pytest.importorskip("resvg_py")

DECODERS = list(builtin.register_decoders())
SVG = next(record for record in DECODERS if record.name == "svg")
SPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
RED = '<rect width="100%" height="100%" fill="red"/>'


@pytest.fixture(scope="module")
def decoder():
    return SVG.load()


def svg(inner=RED, size='width="40" height="20"', before=""):
    return f"{before}<svg {SPACES} {size}>{inner}</svg>"


@pytest.fixture
def written(tmp_path):
    """Write a drawing, and return it as the decoder gets it."""

    def write(content, name="a.svg"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return LocalMediaFile(path, "image/svg+xml")

    return write


def png(colour):
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(stream, "PNG")
    return stream.getvalue()


class TestContract(DecoderContract):
    decoder = SVG

    @pytest.fixture
    def good_files(self, tmp_path):
        (tmp_path / "a.svg").write_text(svg())
        (tmp_path / "b.svgz").write_bytes(gzip.compress(svg(size='viewBox="0 0 9 3"').encode()))
        return {
            tmp_path / "a.svg": {"width": 40, "height": 20},
            tmp_path / "b.svgz": {"width": 9, "height": 3},
        }


@pytest.mark.parametrize(
    ("head", "name", "is_svg"),
    [
        ("<svg>", "a", True),
        ('\ufeff<?xml version="1.0"?>\n<!-- a > b -->\n<!DOCTYPE svg PUBLIC "x" "y">\n<svg\n', "a.bin", True),
        ('<!DOCTYPE svg [ <!ENTITY a "b"> ]>\n<svg:svg ', "a.txt", True),
        ("<!-- " + "x" * 2000, "a.svg", True),
        ("<svgs>", "a", False),
        ("<!DOCTYPE html><html><svg>", "a.html", False),
        ("<svg", "a", False),
        ('<?xml version="1.0"?><kml>', "a.xml", False),
        ("some <svg> words", "a.txt", False),
    ],
)
def test_drawings_are_known_by_their_root_element(head, name, is_svg):
    found = Sniffer(DECODERS).sniff(head.encode()[:1024], name)
    assert (found.format.media_type == "image/svg+xml") == is_svg


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ('width="40" height="20"', (40, 20)),
        ('width="1in" height="72pt"', (96, 96)),
        ('width="25.4mm" height="2.54cm"', (96, 96)),
        ('viewBox="0 0 30 60"', (30, 60)),
        ('width="100%" height="100%" viewBox="0,0 30,60"', (30, 60)),
        ('width="15" viewBox="0 0 30 60"', (15, 30)),
        ('height="20" viewBox="0 0 30 60"', (10, 20)),
        ("", (300, 150)),
    ],
)
def test_the_size_is_in_pixels_of_css_and_the_picture_fits(decoder, written, size, expected):
    file = written(svg(size=size))
    facts = decoder.probe(file)
    assert (facts.kind, facts.width, facts.height, facts.frame_count) == ("image", *expected, 1)
    picture = decoder.picture(file, 64)
    assert max(picture.size) == 64
    assert picture.width / picture.height == pytest.approx(expected[0] / expected[1], rel=0.1)
    assert np.asarray(picture)[..., :4].reshape(-1, 4).mean(axis=0) == pytest.approx([255, 0, 0, 255], abs=4)


def test_title_description_and_text_are_facts_and_can_be_left_out(decoder, written):
    words = '<title>A harbour</title><desc>drawn\n by hand</desc><g><title>no</title><text x="1">Fish <tspan>&amp; chips</tspan></text></g>'
    facts = decoder.probe(written(svg(words)))
    assert facts.extra["svg"] == {
        "elements": 7, "title": "A harbour", "description": "drawn by hand", "text": "Fish & chips",
    }  # fmt: skip
    assert {"svg.title", "svg.description", "svg.text"} == set(SVG.personal)


def test_text_is_drawn_also_if_its_font_is_not_there(decoder, written):
    picture = decoder.picture(
        written(svg('<text y="18" font-family="No Such Font" font-size="18">Ö</text>')), 80
    )
    assert np.asarray(picture)[..., 3].any()


def test_what_is_not_drawn_is_transparent(decoder, written):
    picture = np.asarray(decoder.picture(written(svg('<rect width="20" height="20" fill="#00f"/>')), 40))
    assert picture[10, 10].tolist() == [0, 0, 255, 255] and picture[10, 30, 3] == 0


@pytest.mark.parametrize(
    "reference",
    [
        '<image width="40" height="20" xlink:href="{place}"/>',
        '<image width="40" height="20" href="{place}"/>',
        '<image xml:base="{folder}/" width="40" height="20" href="secret.png"/>',
        '<image width="40" height="20" href="secret.png"/>',
        '<image width="40" height="20" href="file://{place}"/>',
        '<filter id="f"><feImage xlink:href="{place}"/></filter><rect filter="url(#f)" width="40" height="20"/>',
        '<g xmlns:y="http://www.w3.org/1999/xlink"><image width="40" height="20" y:href="{place}"/></g>',
        '<style>rect {{ fill: url({place}) }} @import url({place});</style><rect width="40" height="20"/>',
        '<use href="{place}#a"/>',
        '<image width="40" height="20" href="&e;"/>',
        '<image width="40" height="20" href="data:image/svg+xml;base64,{nested}"/>',
    ],
)
def test_no_other_file_is_read(decoder, written, tmp_path, reference):
    import base64

    place = tmp_path / "secret.png"
    place.write_bytes(png((1, 254, 3)))
    nested = base64.b64encode(svg(f'<image width="40" height="20" href="{place}"/>').encode()).decode()
    inner = reference.format(place=place, folder=tmp_path, nested=nested)
    picture = decoder.picture(written(svg(inner, before=f'<!DOCTYPE svg [<!ENTITY e "{place}">]>')), 40)
    assert not (np.asarray(picture)[..., :3] == (1, 254, 3)).all(axis=-1).any()


def test_an_image_within_the_file_is_drawn(decoder, written):
    import base64

    data = base64.b64encode(png((1, 254, 3))).decode()
    picture = decoder.picture(
        written(svg(f'<image width="40" height="20" href="data:image/png;base64,{data}"/>')), 40
    )
    assert np.asarray(picture)[10, 20].tolist() == [1, 254, 3, 255]


def test_external_entities_are_not_loaded_and_internal_ones_are_replaced(decoder, written, tmp_path):
    (tmp_path / "secret.txt").write_text("SECRET")
    declared = f'<!DOCTYPE svg SYSTEM "{tmp_path}/x.dtd" [<!ENTITY a SYSTEM "file://{tmp_path}/secret.txt"><!ENTITY c "red">]>'
    file = written(svg('<text>&a;</text><rect width="40" height="20" fill="&c;"/>', before=declared))
    assert "SECRET" not in str(decoder.probe(file).extra)
    assert np.asarray(decoder.picture(file, 40))[2, 38].tolist() == [255, 0, 0, 255]


BOMB = "<!DOCTYPE svg [<!ENTITY a '{}'>".format("a" * 100) + "".join(
    f"<!ENTITY {after} '{f'&{before};' * 10}'>" for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (svg("<text>&i;</text>", before=BOMB + "]>"), "well-formed|letters once"),
        (svg("<g>" * 500 + "</g>" * 500), "more than 200 within"),
        (svg("<g/>" * 200_001), "more than 200,000 elements"),
        (svg(size='width="1e30" height="2"'), "cannot be drawn"),
        (svg(size='width="0" height="2"'), "cannot be drawn"),
        (svg("<g>"), "not well-formed"),
        ("<html/>", "root element is 'html'"),
        ("", "well-formed"),
        (b"\x1f\x8b\x08" + bytes(40), "damaged|cut short"),
        (gzip.compress(svg().encode(), mtime=0)[:-9], "cut short"),
        (gzip.compress(svg(" " * (17 << 20)).encode(), mtime=0), "when it is unpacked"),
        (svg(" " * (17 << 20)), "more than the"),
    ],
    ids=range(12),
)  # fmt: skip
def test_damaged_and_hostile_files_are_refused_quickly(decoder, written, content, why):
    file = written(content)
    start = time.process_time()
    for read in (decoder.probe, lambda file: decoder.picture(file, 64)):
        with pytest.raises(heron.MediaError, match=why) as refusal:
            read(file)
        assert str(refusal.value).startswith("a.svg")
    assert time.process_time() - start < 60, "it takes one second at most, and what is hostile has no end"


@pytest.mark.slow
def test_a_drawing_that_takes_for_ever_ends_and_the_next_one_is_drawn(decoder, written, monkeypatch):
    from heron.media.svg import decoder

    monkeypatch.setattr(decoder, "LIMITS", evolve(decoder.LIMITS, seconds=1))
    fresh = SVG.load()
    endless = '<filter id="f"><feTurbulence baseFrequency="0.5" numOctaves="99999999"/></filter><rect filter="url(#f)" width="40" height="20"/>'
    with pytest.raises(
        heron.MediaError, match=r"a\.svg cannot be drawn: it took more than 1 s of processor time"
    ):
        fresh.picture(written(svg(endless)), 512)
    assert fresh.picture(written(svg()), 8).size == (8, 4)


def test_an_installation_that_cannot_draw_is_not_taken_for_a_fault_of_the_file(
    written, monkeypatch, tmp_path
):
    from heron.isolation import process
    from heron.media.svg import decoder

    (tmp_path / "a_broken_worker.py").write_text("import resvg_py_that_is_not_there")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(decoder, "_WORKER", ("a_broken_worker",))
    with pytest.raises(heron.PluginError, match="ended by itself with code 1"):
        SVG.load().picture(written(svg()), 8)
    monkeypatch.setattr(process.sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(heron.PluginError, match="cannot be started"):
        SVG.load().picture(written(svg()), 8)


def test_copies_of_copies_of_copies_are_refused(decoder, written):
    groups = "".join(
        f'<g id="g{n}">{f"<use href=&quot;#g{n - 1}&quot;/>" * 20}</g>' for n in range(1, 8)
    ).replace("&quot;", '"')
    with pytest.raises(heron.MediaError, match="cannot be drawn"):
        decoder.picture(written(svg(f'<defs><g id="g0">{RED}</g>{groups}</defs><use href="#g7"/>')), 8)


def test_it_is_an_item_with_a_thumbnail(workspace, tmp_path):
    (tmp_path / "logo.svg").write_text(svg("<title>Our logo</title>" + RED))
    assert workspace.ingest.files([tmp_path / "logo.svg"], folder="A", thumbnails=True).added == 1
    [item] = workspace.search(where="svg.title = 'Our logo' AND kind = 'image' AND width = 40")
    with Image.open(io.BytesIO(workspace.thumbnails.find(item))) as picture:
        assert picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))[0] > 250


def test_without_the_extra_it_says_what_would_read_it(workspace, tmp_path, monkeypatch):
    installed = versions._installed
    monkeypatch.setattr(versions, "_installed", lambda name: None if name == "resvg_py" else installed(name))
    (tmp_path / "logo.svg").write_text(svg())
    report = workspace.ingest.files([tmp_path / "logo.svg"], folder="A", ignore_errors=True)
    assert report.added == 1
    [problem] = report.problems
    assert "resvg_py" in problem.reason and 'pip install "heron[svg]"' in problem.reason
