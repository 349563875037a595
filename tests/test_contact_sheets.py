"""Contact sheets: pictures side by side with their captions."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from heron.cli.main import status
from heron.errors import InvalidInput
from tests.test_pictures import film, plugins  # noqa: F401 - fixtures


def test_a_sheet_has_a_cell_with_picture_and_caption_for_each_thing(workspace, film):
    frames = list(workspace.frames.list(film))
    sheet = workspace.pictures.contact_sheet(frames, columns=4, size=64)
    across, down = 64 + 12, 64 + 2 * 17 + 12
    assert sheet.size == (4 * across + 12, 3 * down + 12)
    for number, frame in enumerate(frames):
        x, y = 12 + number % 4 * across, 12 + number // 4 * down
        assert sheet.getpixel((x + 32, y + 32))[0] == pytest.approx(frame.number, abs=2)
        caption = sheet.crop((x, y + 64, x + 64, y + 64 + 34)).convert("L")
        assert caption.getextrema()[0] < 140, "there is something written"
    assert sheet.getpixel((12 + 3 * across + 32, 12 + 2 * down + 32)) == (255, 255, 255), (
        "no cell is left over"
    )
    other = workspace.pictures.contact_sheet(frames[:2], columns=2, size=64)
    names = [other.crop((x, 76, x + 64, 76 + 17)) for x in (12, 12 + across)]
    numbers = [other.crop((x, 76 + 17, x + 64, 76 + 34)) for x in (12, 12 + across)]
    assert ImageChops.difference(*names).getbbox() is None, "both are of one film"
    assert ImageChops.difference(*numbers).getbbox() is not None


def test_items_that_have_no_picture_have_an_empty_cell(workspace, film, tmp_path):
    (tmp_path / "in" / "film.clip").unlink()
    sheet = workspace.pictures.contact_sheet([film], size=128)
    assert sheet.size == (128 + 24, 128 + 34 + 24)
    assert sheet.crop((12, 12, 140, 140)).convert("L").getextrema()[0] < 200, "it says so"


def test_nothing_too_much_and_too_large_are_refused(workspace, film):
    with pytest.raises(InvalidInput, match="there is nothing to show on a contact sheet"):
        workspace.pictures.contact_sheet([])
    taken = iter([film] * 5000)
    with pytest.raises(InvalidInput, match="a contact sheet shows at most 1,000 pictures") as refusal:
        workspace.pictures.contact_sheet(taken)
    assert refusal.value.hint == "choose fewer with --limit"
    assert len(list(taken)) == 5000 - 1001
    with pytest.raises(InvalidInput, match=r"a contact sheet of 40,\d+ x 27,\d+ pixels is too large"):
        workspace.pictures.contact_sheet([film] * 1000, size=1024)


def test_the_command_writes_a_sheet_of_what_is_found(workspace, film, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path / "lake")

    def run(*arguments):
        with suppress(SystemExit):
            done = status(["--no-plugins", "contact-sheet", *arguments])
        return done, "".join(capsys.readouterr())

    workspace.pictures.make([film], frames=True)
    assert run("--frames", "-o", "s.png", "--limit", "4", "--columns", "2", "--size", "32") == (
        0, "Wrote s.png with 4 pictures, there is more: raise --limit\n",
    )  # fmt: skip
    assert Image.open("s.png").size == (2 * 44 + 12, 2 * 78 + 12)
    assert run("--where", "width > 9999", "-o", "none.png") == (0, "No item matches. Every width is 32.\n")
    assert not Path("none.png").exists()
    assert run("-o", "s.gif")[0] == 1
