"""Frames on the command line."""

import json

import pytest

from heron.cli.main import status
from tests.conftest import draw
from tests.test_cli import lake, run  # noqa: F401 - fixtures

# Frames


@pytest.fixture
def film(run, tmp_path):
    """A workspace with an animation of five frames as item `film.gif`."""
    from PIL import Image

    run("init")
    pages = [Image.new("RGB", (40, 30), (number * 40, 0, 0)) for number in range(5)]
    pages[0].save(tmp_path / "film.gif", save_all=True, append_images=pages[1:], duration=500)
    run("import", "film.gif", "--folder", "F")
    return run


def test_key_frames_are_set_listed_extracted_and_removed(film, tmp_path):
    assert film("keyframes", "set", "film.gif", "1", "3", "-m", "event=braking") == (
        "film.gif has 2 frames in the catalogue.\n"
    )
    film("keyframes", "set", "film.gif", "1.2", "--seconds", "--sampling-rate", "1")
    listed = json.loads(film("keyframes", "list", "film.gif", "--json"))["items"]
    assert [(f["number"], f["seconds"], f["is_key"]) for f in listed] == [
        (0, 0.0, False), (1, 0.5, True), (2, 1.0, True), (3, 1.5, True), (4, 2.0, False),
    ]  # fmt: skip
    assert listed[1]["metadata"] == {"event": "braking"}
    assert "event=braking" in film("keyframes", "list", "film.gif", "--keys")
    written = json.loads(film("keyframes", "extract", "film.gif", "--keys", "-o", "out", "--json"))["files"]
    assert written == [f"out/film-00000{number}.png" for number in (1, 2, 3)]
    assert film("keyframes", "remove", "film.gif", "1", "9") == "Removed 1 frame of film.gif\n"
    assert (
        film("keyframes", "set", "film.gif", "2", "--replace") == "film.gif has 2 frames in the catalogue.\n"
    )


def test_key_frames_are_set_for_chosen_items_and_failures_are_told(film, tmp_path, capsys):
    draw(tmp_path / "one.png")
    film("import", "one.png", "--folder", "F")
    assert (
        film("keyframes", "set", "--item", "film.gif", "1", "3") == "1 item has 2 frames in the catalogue.\n"
    )
    assert status(["keyframes", "set", "--folder", "F", "2", "--json"]) == 3
    done = json.loads(capsys.readouterr().out)
    assert (done["items"], done["frames"], len(done["problems"])) == (1, 3, 1)
    assert json.loads(film("keyframes", "list", "film.gif", "--json"))["items"][1]["number"] == 2
    for wrong in ((), ("film.gif",), ("--folder", "F"), ("film.gif", "soon"), ("--folder", "F", "--", "-1")):
        film("keyframes", "set", *wrong, exit_status=2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["5"], "film.gif: there is no frame 5, it has 5 frames"),
        (["1.5"], "film.gif: 1.5 is not a frame number (seconds go with --seconds)"),
        (["nan"], "film.gif: nan is not a frame number"),
        (["inf", "--seconds"], "film.gif: nothing is shown at inf s"),
        (["3.1", "--seconds"], "film.gif: nothing is shown at 3.1 s, it has 5 frames"),
    ],
)
def test_frames_that_cannot_be_are_refused(film, arguments, reason):
    assert reason in film("keyframes", "set", "film.gif", *arguments, exit_status=1)
    assert film("keyframes", "list", "film.gif").startswith("film.gif has no frames in the catalogue.")


def test_frames_are_searched_counted_and_paged(film):
    film("keyframes", "set", "film.gif", "0", "2", "4")
    assert film("search", "--frames", "--where", "frame.number > 1", "--count") == "2\n"
    page = json.loads(film("search", "--frames", "--sort", "-frame.number", "--limit", "2", "--json"))
    assert [frame["number"] for frame in page["items"]] == [4, 2]
    rest = film("search", "--frames", "--sort", "-frame.number", "--limit", "2", "--cursor", page["cursor"])
    assert "film.gif" in rest
    assert "More:" not in rest
    told = film("search", "--where", "frame.number > 1", exit_status=1)
    assert "frame.number is a field of frames (search frames: heron search --frames)" in told


def test_pictures_are_shown_as_files_and_text_as_text(film, tmp_path):
    assert (
        film("show", "film.gif", "--frame", "3", "-o", "f.png", "--size", "20") == "Wrote f.png (20 x 15)\n"
    )
    assert "there is no" in film("show", "nothing.gif", exit_status=1)
    (tmp_path / "a.txt").write_text("plain \x1b[31mwords\n")
    film("import", "a.txt", "--folder", "F")
    assert "plain  [31mwords" in film("show", "a.txt", "--text")
    assert "contains no text" in film("show", "film.gif", "--text", exit_status=1)
    made = json.loads(film("thumbnails", "--folder", "F", "--json"))
    assert made["failed"] == 0
    assert made["items"] >= 1


def test_metadata_for_no_known_item_is_a_failure_and_for_several_is_said(lake, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"name": "nobody.jpg", "city": "Oslo"}\n')
    assert "--by uuid, url, path or name" in lake("metadata", "import", "rows.jsonl", exit_status=1)
    lake("import", "in/p0.jpg", "--folder", "Q")
    (tmp_path / "rows.jsonl").write_text('{"name": "p0.jpg", "city": "Oslo"}\n')
    assert "2 items, none changed: p0.jpg" in lake("metadata", "import", "rows.jsonl")
