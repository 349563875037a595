"""DOCX and ODT: text, facts and picture, and files that are damaged or meant to do harm."""

import random
import zipfile
from datetime import datetime

import pytest

import heron
from heron.media import builtin
from heron.media.office import ODT, WORD
from heron.media.sniff import Sniffer
from heron.testing import DecoderContract
from heron.testing.files import LocalMediaFile

DECODERS = list(builtin.register_decoders())
(OFFICE,) = (record for record in DECODERS if record.name == "office")
DECODER = OFFICE.load()
SNIFFER = Sniffer(DECODERS)

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
BODY = """
<w:p><w:pPr><w:tabs><w:tab w:val="left"/></w:tabs></w:pPr><w:r><w:t>Tides at </w:t></w:r><w:r><w:t>Müller &amp; Søn</w:t></w:r></w:p>
<w:p><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/><w:t xml:space="preserve"> three</w:t><w:delText>gone</w:delText></w:r></w:p>
<mc:AlternateContent><mc:Choice><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Fallback>
</mc:AlternateContent><w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"""
CORE = """<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"><dc:title>Tides</dc:title>
 <dc:creator>A. Heron</dc:creator><cp:keywords>sea, moon</cp:keywords><cp:lastModifiedBy>B. Gull</cp:lastModifiedBy>
 <dcterms:created>2026-01-31T12:00:00+02:00</dcterms:created><dcterms:modified>2026-02-01T08:30:00Z</dcterms:modified></cp:coreProperties>"""
META = f"""<office:document-meta {ODF}><office:meta><dc:title>Tides</dc:title><meta:initial-creator>A. Heron</meta:initial-creator>
 <dc:creator>B. Gull</dc:creator><meta:keyword>sea</meta:keyword><meta:keyword>moon</meta:keyword>
 <meta:creation-date>2026-01-31T10:00:00.5</meta:creation-date><dc:date>2026-02-01T08:30:00</dc:date></office:meta></office:document-meta>"""
PARAGRAPHS = """<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>
<text:h>Tides at <text:span>Müller &amp; Søn</text:span></text:h>
<text:p>one<text:tab/>two<text:line-break/><text:s text:c="3"/>three<office:annotation><text:p>remark</text:p></office:annotation></text:p>"""


def packed(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else method)
    return path


def docx(path, body=BODY, core=CORE, before=""):
    members = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": f"{before}<w:document {W} {MC}><w:body>{body}</w:body></w:document>",
    }
    return packed(path, members | ({"docProps/core.xml": core} if core else {}))


def odt(path, body=PARAGRAPHS, meta=META, before=""):
    content = f"{before}<office:document-content {ODF}><office:body><office:text>{body}</office:text></office:body></office:document-content>"
    return packed(path, {"mimetype": ODT, "content.xml": content, "meta.xml": meta})


def media_file(path):
    return LocalMediaFile(path, WORD if path.suffix == ".docx" else ODT)


def text_of(path):
    return "".join(DECODER.text(media_file(path)))


class TestOfficeDocuments(DecoderContract):
    decoder = OFFICE

    @pytest.fixture
    def good_files(self, tmp_path):
        facts = {"kind": "text", "extra": {"office": {"title": "Tides", "author": "A. Heron"}}}
        return {docx(tmp_path / "a.docx"): facts, odt(tmp_path / "a.odt"): facts}


def test_text_of_a_word_document(tmp_path):
    assert text_of(docx(tmp_path / "a.docx")) == "Tides at Müller & Søn\none\ttwo\n three\nbox\ncell\n"


def test_tracked_changes_of_a_word_document_are_read_as_accepted(tmp_path):
    body = (
        "<w:p><w:moveFrom><w:r><w:t>moved</w:t><w:tab/></w:r></w:moveFrom><w:r><w:t>stays</w:t></w:r>"
        "<w:del><w:r><w:delText>gone</w:delText><w:tab/><w:br/></w:r></w:del><w:ins><w:r><w:t> new</w:t></w:r></w:ins></w:p>"
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:moveTo><w:r><w:t>moved</w:t></w:r></w:moveTo></w:p>"
    )
    assert text_of(docx(tmp_path / "a.docx", body)) == "stays new\nmoved\n"


def test_elements_of_other_namespaces_are_not_taken_for_tracked_changes(tmp_path):
    body = '<text:p><del xmlns="urn:other">kept</del><text:del> too</text:del></text:p>'
    assert text_of(odt(tmp_path / "a.odt", body)) == "kept too\n"
    body = '<w:p><moveFrom xmlns="urn:other"><w:r><w:t>kept</w:t></w:r></moveFrom></w:p>'
    assert text_of(docx(tmp_path / "a.docx", body)) == "kept\n"


def test_text_of_an_opendocument(tmp_path):
    assert text_of(odt(tmp_path / "a.odt")) == "Tides at Müller & Søn\none\ttwo\n   three\n"


@pytest.mark.parametrize(
    ("write", "created"), [(docx, "2026-01-31T10:00:00.000000Z"), (odt, "2026-01-31T10:00:00.500000Z")]
)
def test_facts_say_who_wrote_it_and_when(tmp_path, write, created):
    facts = DECODER.probe(media_file(write(tmp_path / f"a.{write.__name__}")))
    about, text = facts.extra["office"], facts.extra["text"]
    assert (facts.kind, facts.captured_at, facts.note) == ("text", datetime.fromisoformat(created), None)
    assert (about["title"], about["author"], about["keywords"]) == ("Tides", "A. Heron", "sea, moon")
    assert (about["created"], about["modified"]) == (created, "2026-02-01T08:30:00.000000Z")
    assert text["excerpt"].startswith("Tides at Müller & Søn one two three")
    assert text["lines"] == text_of(tmp_path / f"a.{write.__name__}").count("\n")


def test_a_document_without_facts_is_read_and_broken_facts_are_a_note(tmp_path):
    assert "office" not in DECODER.probe(media_file(docx(tmp_path / "a.docx", core=""))).extra
    facts = DECODER.probe(media_file(docx(tmp_path / "a.docx", core="<a>")))
    assert "cannot be read" in facts.note
    assert facts.extra["text"]["lines"] == 5


@pytest.mark.parametrize("write", [docx, odt])
def test_entity_bombs_and_external_entities_are_refused(tmp_path, write):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    path = write(tmp_path / f"a.{write.__name__}", before=bomb)
    for work in (
        DECODER.probe,
        lambda file: DECODER.picture(file, 64),
        lambda file: list(DECODER.text(file)),
    ):
        with pytest.raises(heron.MediaError, match="refused: it declares a document type"):
            work(media_file(path))
    facts = DECODER.probe(
        media_file(write(path, **{"core" if write is docx else "meta": bomb + "<a>&b;</a>"}))
    )
    assert "document type" in facts.note


def test_zip_bombs_are_refused(tmp_path):
    path = packed(tmp_path / "a.docx", {"word/document.xml": b"<a>" + b" " * (65 << 20)})
    with pytest.raises(heron.MediaError, match="more than the 67,108,864"):
        DECODER.probe(media_file(path))
    content = bytearray(docx(path).read_bytes())
    at = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)  # the entry of word/document.xml
    content[at + 24 : at + 28] = (3 << 30).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(heron.MediaError, match="decompression bomb"):
        DECODER.probe(media_file(path))
    blanks = odt(
        tmp_path / "a.odt",
        body='<text:p><text:s text:c="99999999"/><text:s text:c="9999999999999"/></text:p>',
    )
    assert len(text_of(blanks)) < 200


def test_other_archives_are_told_from_documents(tmp_path):
    plain = packed(tmp_path / "a.zip", {"a.txt": b"words"})
    head = plain.read_bytes()[:1024]
    assert SNIFFER.sniff(head, "a.zip") is None
    assert SNIFFER.sniff(docx(tmp_path / "a.docx").read_bytes()[:1024], "a.docx").format.media_type == WORD
    for name in ("a.odt", "a.bin"):
        assert SNIFFER.sniff(odt(tmp_path / "a.odt").read_bytes()[:1024], name).format.media_type == ODT
    with pytest.raises(heron.MediaError, match=r"is a zip archive without word/document\.xml"):
        DECODER.probe(LocalMediaFile(plain, WORD))


@pytest.mark.parametrize("write", [docx, odt])
def test_damaged_documents_are_read_or_refused_with_a_sentence(tmp_path, write):
    """200 truncated and 200 mutated copies of each."""
    path = write(tmp_path / f"a.{write.__name__}")
    whole, source = path.read_bytes(), random.Random(5)
    copies = [whole[: source.randrange(len(whole))] for _ in range(200)]
    for number in range(200):
        spoilt = bytearray(whole)
        for _ in range(1 + number % 8):
            spoilt[source.randrange(len(whole))] = source.randrange(256)
        copies.append(bytes(spoilt))
    for content in copies:
        path.write_bytes(content)
        for work in (
            DECODER.probe,
            lambda file: DECODER.picture(file, 32),
            lambda file: list(DECODER.text(file)),
        ):
            try:
                assert work(media_file(path)) is not None
            except heron.MediaError as error:
                assert "\n" not in str(error)


def test_documents_are_imported_as_texts(tmp_path, workspace):
    (tmp_path / "files").mkdir()
    docx(tmp_path / "files" / "a.docx")
    odt(tmp_path / "files" / "b.odt")
    report = workspace.ingest.files([str(tmp_path / "files")], folder="F")
    assert (report.added, list(report.problems)) == (2, [])
    found = workspace.search.all(where="kind = 'text' AND office.author = 'A. Heron'")
    assert sorted(item.name for item in found) == ["a.docx", "b.odt"]


def test_plain_text_with_the_name_of_a_document_is_text():
    assert SNIFFER.sniff(b"just words", "a.docx").format.media_type == "text/plain"
