"""Text: its excerpt, its pieces, and the picture of its beginning."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy
import pytest

import heron
from heron.media.builtin import register_decoders
from heron.media.html_text import visible_text
from heron.testing import DecoderContract, LocalMediaFile

(TEXTS,) = (record for record in register_decoders() if record.name == "text")
PAGE = """<!doctype html><html><head><title>Harbour &amp; tides</title><style>p { color: red }</style></head>
<body><h1>The tides</h1><p>Water <b>rises</b> and
falls.</p><script>if (a < b) alert("<p>no</p>")</script><!-- <p>hidden</p> --><ul><li>one<li title="a > b">two</ul>
<noscript>Enable scripts</noscript><table><tr><td>1</td><td>&#50;</td></tr></table></body></html>"""
VISIBLE = "The tides\nWater rises and falls.\none\ntwo\n1\n2"


@pytest.fixture
def decoder():
    return TEXTS.load()


@pytest.fixture
def written(tmp_path):
    def write(name, content, **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (known,) = (known for known in TEXTS.formats if path.suffix in known.suffixes)
        return LocalMediaFile(path, known.media_type, **options)

    return write


@pytest.mark.slow
class TestEveryKindOfText(DecoderContract):
    decoder = TEXTS

    @pytest.fixture
    def good_files(self, tmp_path):
        contents = {
            "a.txt": ("one  two\n\n three", {"lines": 3, "excerpt": "one two three"}),
            "b.md": ("# Title\n\nText", {"excerpt": "# Title Text"}),
            "c.csv": ("a,b\n1,2\n", {"excerpt": "a,b 1,2"}),
            "d.tsv": ("a\tb\n", {"excerpt": "a b"}),
            "e.json": ('{"a": 1}', {"json_type": "dict", "excerpt": '{"a": 1}'}),
            "f.jsonl": ('{"a": 1}\n{"a": 2}\n', {"excerpt": '{"a": 1} {"a": 2}'}),
            "g.html": (PAGE, {"title": "Harbour & tides", "excerpt": VISIBLE.replace("\n", " ")}),
            "h.xml": ("<?xml version='1.0'?><root/>", {"root": "root"}),
            "i.log": ("x" * 100_000, {"excerpt": "x" * 300}),
        }
        for name, (content, _) in contents.items():
            (tmp_path / name).write_text(content)
        return {tmp_path / name: {"extra": {"text": facts}} for name, (_, facts) in contents.items()}


def ink(picture):
    """How many pixels of each row are darker than the paper."""
    return (numpy.asarray(picture.convert("L")) < 160).sum(axis=1)


def columns(picture):
    """Where blank vertical bands end: the left edges of columns."""
    blank = (numpy.asarray(picture.convert("L")) < 200).sum(axis=0) == 0
    edges, run = [], 0
    for place, is_blank in enumerate(blank):
        if not is_blank and run >= 5:
            edges.append(place)
        run = run + 1 if is_blank else 0
    return edges


def test_lines_of_text_are_drawn_from_the_top(decoder, written):
    few = ink(decoder.picture(written("a.txt", "Harbour\n" * 2), 256))
    many = ink(decoder.picture(written("b.txt", "Harbour\n" * 500), 256))
    assert few[:60].any()
    assert not few[60:].any()
    assert many[200:].any()
    assert not many[:8].any()
    assert not many[-8:].any()


@pytest.mark.slow
@pytest.mark.parametrize("size", [256, 1024])
def test_text_stays_between_the_margins(decoder, written, size):
    words = "Harbour WWWWWWW and water, " * 400 + "x" * 5000
    for name, content in {"a.txt": words, "b.csv": words, "c.json": f'["{words}"]', "d.html": words}.items():
        pixels = numpy.asarray(decoder.picture(written(name, content), size))
        margin = size // 40
        assert (pixels < 160).any()
        for border in (pixels[:margin], pixels[-margin:], pixels[:, :margin]):
            assert (border == 255).all()
        if name != "b.csv":
            assert (pixels[:, -margin // 2 :] == 255).all()


def test_tables_stand_in_columns(decoder, written):
    rows = "".join(f"i,{'m' * (number % 9)},end\n" for number in range(30))
    assert len(columns(decoder.picture(written("a.csv", rows), 512))) == 3
    assert len(columns(decoder.picture(written("a.csv", rows.replace(",", ";")), 512))) == 3
    assert len(columns(decoder.picture(written("a.tsv", rows.replace(",", "\t")), 512))) == 3


def test_small_json_is_indented(decoder, written):
    dense = ink(decoder.picture(written("a.json", '{"a":1,"b":[1,2,3],"c":{"d":4}}'), 512))
    assert dense[200:].any()
    lines = ink(decoder.picture(written("a.jsonl", '{"a":1}\n{"a":2}\n'), 512))
    assert not lines[70:].any()
    assert decoder.picture(written("b.json", "[" * 10_000), 64) is not None


def test_html_is_drawn_without_markup(decoder, written):
    page = decoder.picture(written("a.html", PAGE), 512)
    text = decoder.picture(written("a.txt", f"Harbour & tides\n{VISIBLE}"), 512)
    step = 16
    assert numpy.array_equal(numpy.asarray(page)[21 + 2 * step :], numpy.asarray(text)[21 + 2 * step :])


def test_accents_and_other_scripts_are_drawn(decoder, written):
    plain = decoder.picture(written("a.txt", "grosse Ile"), 256).tobytes()
    assert decoder.picture(written("b.txt", "große Île"), 256).tobytes() != plain
    boxes = decoder.picture(written("c.txt", "\uffff\uffff"), 256).tobytes()
    assert decoder.picture(written("d.txt", "Жи"), 256).tobytes() != boxes
    assert decoder.picture(written("e.txt", "東京 🙂"), 256).tobytes() != boxes


def test_encodings_give_the_same_picture(decoder, written):
    expected = decoder.picture(written("a.txt", "größe\n" * 20), 256).tobytes()
    for number, encoding in enumerate(["utf-16", "utf-8-sig", "cp1252"]):
        file = written(f"{number}.txt", ("größe\n" * 20).encode(encoding))
        assert decoder.picture(file, 256).tobytes() == expected


def test_only_the_beginning_is_read_for_a_picture(decoder, written):
    taken = []

    class Counted(LocalMediaFile):
        def open(self):
            stream = io.BytesIO(Path(self._place).read_bytes())
            read = stream.read

            def counted(count=-1):
                found = read(count)
                taken.append(len(found))
                return found

            stream.read = counted
            return stream

    file = written("a.txt", "Harbour\n" * 1_000_000)
    assert decoder.picture(Counted(file._place, "text/plain", remote=True), 256) is not None
    assert sum(taken) == 32 * 1024


def test_text_comes_in_pieces(decoder, written):
    content = "größe und mehr\n" * 200_000
    pieces = list(decoder.text(written("a.txt", content)))
    assert len(pieces) == -(-len(content.encode()) // (1 << 20))
    assert "".join(pieces) == content
    assert "".join(decoder.text(written("b.txt", content.encode("utf-16")))) == content
    assert list(decoder.text(written("c.html", PAGE))) == [VISIBLE]
    assert isinstance(decoder, heron.TextReader)


def test_text_that_stops_being_utf_8_is_read_on(decoder, written):
    content = b"plain\n" * 300_000 + "größe".encode("cp1252")
    assert "".join(decoder.text(written("a.txt", content))).endswith("plain\ngröße")
    assert "".join(decoder.text(written("b.txt", "Maß".encode("cp1252")))) == "Maß"
    assert "".join(decoder.text(written("c.txt", "Maß".encode("utf-16") + b"x"))) == "Maß\ufffd"


def test_binary_data_is_no_text(decoder, written):
    file = written("a.txt", b"text " * 500 + bytes(99))
    assert decoder.probe(file).kind == "other"
    assert decoder.picture(file, 64) is None
    with pytest.raises(heron.MediaError, match=r"a\.txt begins like text, but holds binary data"):
        list(decoder.text(file))


@pytest.mark.parametrize(
    ("source", "title", "text"),
    [
        ("", "", ""),
        ("plain", "", "plain"),
        ("a < b and c > d", "", "a < b and c > d"),
        ("<p>one<p>two", "", "one\ntwo"),
        ("a<b>b</b>c <i> d</i>", "", "abc d"),
        ("<TITLE>T</TITLE><SCRIPT>x</script >y", "T", "y"),
        ("<title>T</title><title>U</title>", "T", ""),
        ("<script>never closed", "", ""),
        ("<!-- never closed", "", ""),
        ("x<!-->y", "", "xy"),
        ("<a href='never closed>x</a>", "", "x"),
        ('<a title="1 > 0">x</a>', "", "x"),
        ("&lt;p&gt; &amp;amp; &#xD800; &unknown; &nbsp;x", "", "<p> &amp; \ufffd &unknown; x"),
        ("</p", "", ""),
        ("<svg><text>x</text></svg>y", "", "y"),
    ],
)
def test_visible_text(source, title, text):
    assert visible_text(source) == (title, text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    ["<a", "<!--", "<![CDATA[", "<a =", "</a", "<script>", "&", "<a b='", '<a b="x', "<?", "<title>", "<p>"],
)
def test_hostile_markup_takes_no_time(piece):
    began = time.process_time()
    visible_text(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 60, (
        "it takes less than one second, and minutes if every piece is looked for anew"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "content", ["\x1b[31m\x07\n" * 999, "\n" * 32_768, " " * 32_768, "," * 32_768, '"' * 9999]
)
def test_odd_texts_are_drawn_soon(decoder, written, content):
    for name in ("a.txt", "a.csv", "a.json", "a.html", "a.xml", "a.md"):
        began = time.process_time()
        for size in (1, 64, 1024):
            assert max(decoder.picture(written(name, content), size).size) == size
        assert time.process_time() - began < 20, "it takes a tenth of a second"
