"""Labels in any script: fonts of Heron and of the system, both directions, and code points where no font has a character."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from heron.media.font_files import OWN, characters_of
from heron.media.lettering import Lettering, _runs, drawable
from heron.pictures.sheet import Cell, contact_sheet


def drawn(text: str, size: int = 20) -> bytes:
    image = Image.new("L", (600, 40), 255)
    Lettering(size).draw(ImageDraw.Draw(image), (4, 4), text, 0)
    return image.tobytes()


@pytest.mark.parametrize("text", ["é", "ö", "ß", "ł", "Ж", "ж", "Ω", "ї", "ש", "ب", "–", "€", "→"])
def test_letters_of_the_base_install_are_no_boxes(text: str) -> None:
    assert drawable(text) == text
    assert drawn(text) not in (drawn("\uffff"), drawn(" "), drawn(drawable(text + "a")[-1]))
    assert text in characters_of(OWN)


def test_every_letter_of_european_scripts_is_in_the_base_font() -> None:
    known = characters_of(OWN)
    letters = [*range(0xA1, 0x180), *range(0x391, 0x3CA), *range(0x400, 0x460)]
    assert not [hex(code) for code in letters if code not in (0xAD, 0x3A2) and chr(code) not in known]


def test_letters_that_are_written_apart_are_composed() -> None:
    assert drawable("e\u0301te\u0301") == "été"
    assert drawn("e\u0301") == drawn("é")


def test_control_characters_are_spaces() -> None:
    assert drawable("a\x00b\x1bc") == "a b c"


def test_a_font_without_the_character_gives_the_code_point() -> None:
    assert drawable("a\U000e0fffb\U0010fffdc") in ("a b c", "a b[U+10FFFD]c", "a\U000e0fff b c")
    assert "[U+1E7FF]" in drawable("x\U0001e7ff") or drawable("x\U0001e7ff") == "x "


def _font(path: Path, letters: str) -> None:
    """A font with a square for each letter."""
    builder = pytest.importorskip("fontTools.fontBuilder").FontBuilder(1000, isTTF=True)
    pen_of = pytest.importorskip("fontTools.pens.ttGlyphPen").TTGlyphPen
    names = [".notdef", *(f"g{number}" for number in range(len(letters)))]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): f"g{number}" for number, letter in enumerate(letters)})
    glyphs = {}
    for name in names:
        pen = pen_of(None)
        if name != ".notdef":
            pen.moveTo((100, 0))
            pen.lineTo((100, 700))
            pen.lineTo((900, 700))
            pen.lineTo((900, 0))
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


def test_a_font_of_a_folder_is_found_when_it_is_needed(tmp_path: Path) -> None:
    _font(tmp_path / "Squares-Regular.ttf", "中文\U0001f68c")
    (tmp_path / "broken.ttf").write_bytes(OWN.read_bytes()[:700])
    (tmp_path / "empty.otf").write_bytes(b"")
    script = (
        "from heron.media.lettering import Lettering, drawable, undrawn, _runs\n"
        "text = 'a中文b\U0001f68c'\n"
        "assert drawable(text) == text, drawable(text)\n"
        "assert [run.text for run in _runs(text)] == ['a', '中文', 'b', '\U0001f68c']\n"
        "assert Lettering(20).length('中文') == 40\n"
        "assert drawable('漢') in ('漢', '[U+6F22]')\n"
        "assert undrawn() in ('', '漢')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={"HERON_FONTS": str(tmp_path), "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


def test_lines_of_two_directions_are_placed_as_they_are_read() -> None:
    assert [(run.text, run.is_rtl) for run in _runs("photo שלום 12.jpg")] == [
        ("photo ", False), ("שלום", True), (" 12.jpg", False),
    ]  # fmt: skip
    assert [run.text for run in _runs("שלום abc")] == ["abc", "שלום "]
    assert drawn("שלום") != drawn("םולש")


def test_long_names_are_shortened_to_their_width() -> None:
    letters = Lettering(12)
    for text in ("Größe " * 60, "Ж" * 5000, "a", "", "ש" * 300):
        assert letters.length(letters.fitted(text, 100)) <= 100
    assert letters.fitted("short", 100) == "short"


def test_damaged_fonts_have_no_characters(tmp_path: Path) -> None:
    import random

    data, rng = bytearray(OWN.read_bytes()[:200_000]), random.Random(1)
    for _ in range(100):
        broken = bytearray(data[: rng.randrange(len(data))])
        for _ in range(20):
            if broken:
                broken[rng.randrange(min(len(broken), 3000))] = rng.randrange(256)
        path = tmp_path / "broken.ttf"
        path.write_bytes(broken)
        characters_of(path)


def test_sheets_have_names_in_any_script() -> None:
    names = ["Straße é ö.jpg", "Москва.png", "Αθήνα.png", "القاهرة.jpg", "ירושלים.jpg"]
    sheet = contact_sheet([Cell(None, name, "12 kB") for name in names], len(names), 3, 160)
    plain = contact_sheet([Cell(None, "", "12 kB") for _ in names], len(names), 3, 160)
    assert sheet.tobytes() != plain.tobytes()
