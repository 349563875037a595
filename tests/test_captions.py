"""What people wrote about a picture is a fact: title, keywords, rating and creator, from XMP and IPTC."""

import struct

import pytest
from PIL import Image, PngImagePlugin

from heron.media.captions import caption_facts
from heron.media.images import ImageDecoder
from heron.testing.files import LocalMediaFile

XMP = """<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='4'>
<dc:title><rdf:Alt><rdf:li xml:lang='de'>Reiher</rdf:li><rdf:li xml:lang='x-default'>Heron at the lake</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>Jo Finch</rdf:li></rdf:Seq></dc:creator>
<dc:subject><rdf:Bag><rdf:li>heron</rdf:li><rdf:li>\u6e56</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>""".encode()
TOLD = {"title": "Heron at the lake", "creator": ["Jo Finch"], "keywords": ["heron", "\u6e56"], "rating": 4}


def data_set(record, number, text):
    return b"\x1c" + struct.pack(">BBH", record, number, len(text)) + text


IPTC = b"".join([
    data_set(1, 90, b"\x1b%G"), data_set(2, 5, b"At dusk"), data_set(2, 25, b"lake"), data_set(2, 25, "Möwe".encode()),
    data_set(2, 80, b"Jo Finch"),
])  # fmt: skip
RESOURCES = b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HH", 1000, 0) + struct.pack(">I", 2) + b"ab" + b"8BIM" + struct.pack(
    ">HHI", 1028, 0, len(IPTC)
) + IPTC + bytes(len(IPTC) % 2)  # fmt: skip


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def written(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    image = Image.new("RGB", (40, 30), (90, 160, 120))
    match kind:
        case "jpg":
            image.save(path, xmp=XMP)
        case "png":
            texts = PngImagePlugin.PngInfo()
            texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
            image.save(path, pnginfo=texts)
        case "webp":
            image.save(path, xmp=XMP)
        case "tiff":
            image.save(path, tiffinfo={700: XMP})
        case "avif":
            image.save(path, xmp=XMP)
    return LocalMediaFile(path, {"jpg": "image/jpeg"}.get(kind, f"image/{kind}"))


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff", "avif"])
def test_xmp_of_every_format_is_read(tmp_path, kind):
    assert ImageDecoder().probe(written(tmp_path, kind)).extra["xmp"] == TOLD


def test_iptc_of_a_jpeg_is_read_and_xmp_counts_more(tmp_path):
    content = written(tmp_path, "jpg").path.read_bytes()
    plain = tmp_path / "plain.jpg"
    Image.new("RGB", (40, 30)).save(plain)
    stored = plain.read_bytes()
    plain.write_bytes(stored[:2] + segment(0xED, RESOURCES) + stored[2:])
    told = {"title": "At dusk", "keywords": ["lake", "Möwe"], "creator": ["Jo Finch"]}
    assert ImageDecoder().probe(LocalMediaFile(plain, "image/jpeg")).extra["xmp"] == told
    (tmp_path / "a.jpg").write_bytes(content[:2] + segment(0xED, RESOURCES) + content[2:])
    assert ImageDecoder().probe(LocalMediaFile(tmp_path / "a.jpg", "image/jpeg")).extra["xmp"] == TOLD


@pytest.mark.parametrize(
    "xmp",
    [b"<x", b"\xff" * 50, b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + XMP, XMP.replace(b"'4'", b"'many'")[:300]],
)
def test_broken_and_hostile_blocks_are_left_out(xmp):
    assert caption_facts(xmp, RESOURCES[:30]) == {}
