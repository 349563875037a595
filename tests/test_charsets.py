"""Texts of other scripts: declared encodings are believed, others are known by their bytes; a guess says that it is one."""

import pytest

from heron.media.exif import captured_at
from heron.media.sniff import is_text
from heron.media.text import TextDecoder
from heron.testing.files import LocalMediaFile

DECODER = TextDecoder()
RUSSIAN = "Цапля стоит у озера и смотрит на воду. Рыбы плывут медленно, солнце садится за горы. "
JAPANESE = "湖のほとりに鷺が立って、水面を見ている。魚はゆっくり泳いでいる。夕日が山に沈む。"
CHINESE = "湖边站着一只苍鹭，看着水面。鱼慢慢地游。太阳落在山后。这是很久以前的事。"
GREEK = "Ο ερωδιός στέκεται δίπλα στη λίμνη και κοιτάζει το νερό. "
POLISH = "Czapla stoi nad jeziorem i patrzy na wodę. Żółć. "


def read(tmp_path, content, media_type="text/plain"):
    (tmp_path / "a").write_bytes(content)
    file = LocalMediaFile(tmp_path / "a", media_type)
    facts = DECODER.probe(file)
    assert facts.kind == "text"
    return "".join(DECODER.text(file)), facts.extra["text"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(RUSSIAN, "koi8_r"), (RUSSIAN, "cp1251"), (JAPANESE, "cp932"), (CHINESE, "gb18030"), (GREEK, "cp1253")],
)
def test_texts_of_other_scripts_are_known_by_their_bytes(tmp_path, text, encoding):
    pytest.importorskip("charset_normalizer")
    content = (text * 9).encode(encoding)
    assert is_text(content[:1024])
    found, facts = read(tmp_path, content)
    assert found == text * 9
    assert (facts["encoding"], facts["encoding_source"]) == (encoding, "detected")


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        (JAPANESE, "cp932", "Shift_JIS"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (CHINESE, "gb18030", "gb2312"),
        (RUSSIAN, "koi8_u", "KOI8-U"),
        (POLISH, "iso8859_2", "ISO-8859-2"),
        (POLISH, "cp1250", "windows-1250"),
    ],
)
@pytest.mark.parametrize("kind", ["html", "old html", "xml"])
def test_a_declared_encoding_is_believed(tmp_path, text, codec, name, kind):
    pages = {
        "html": f'<!doctype html><meta charset="{name}"><title>{text[:5]}</title><p>{text}',
        "old html": f'<html><meta http-equiv=Content-Type content="text/html; charset={name}"><p>{text}',
        "xml": f"<?xml version='1.0' encoding='{name}'?><a>{text}</a>",
    }
    found, facts = read(
        tmp_path, pages[kind].encode(codec), "application/xml" if kind == "xml" else "text/html"
    )
    assert text.strip() in found
    assert facts["encoding_source"] == "declared"


def test_a_wrong_declaration_is_not_believed(tmp_path):
    found, facts = read(tmp_path, b'<meta charset="utf-8"><p>M\xfcller', "text/html")
    assert (found, facts["encoding"], facts["encoding_source"]) == ("Müller", "cp1252", "assumed")
    found, facts = read(tmp_path, '<meta charset="rot13"><p>Müller'.encode(), "text/html")
    assert (found, facts["encoding"]) == ("Müller", "utf-8")


def test_latin_texts_are_taken_for_windows_1252_and_it_is_said(tmp_path):
    found, facts = read(tmp_path, "Über dem See steht ein Reiher – schöne Grüße".encode("cp1252"))
    assert found == "Über dem See steht ein Reiher – schöne Grüße"
    assert (facts["encoding"], facts["encoding_source"]) == ("cp1252", "assumed")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2026-01-31T08:15:30", "2026-01-31T08:15:30"),
        ("2026-01-31 08:15:30.25", "2026-01-31T08:15:30"),
        ("2026-01-31T08:15:30+02:00", "2026-01-31T06:15:30"),
        ("2026:01:31 08:15:30", "2026-01-31T08:15:30"),
    ],
)
def test_dates_of_exif_are_read_in_iso_form_too(given, told):
    assert captured_at({"DateTimeOriginal": given}).startswith(told)
