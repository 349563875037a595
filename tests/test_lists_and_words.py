"""Lists with limits, words without an embedding, items without a picture, equal names, and who holds the lock."""

import csv
import io
import json
import sys

import pytest

from heron.catalog.busy import busy_seconds_wanted
from heron.catalog.holder import program
from heron.cli.main import status
from heron.errors import InvalidInput
from heron.models import MediaFacts, NewItem
from tests.conftest import draw

IMAGE = MediaFacts("image", "image/jpeg", 64, 48)


@pytest.fixture
def run(workspace, monkeypatch, capsys):
    monkeypatch.chdir(workspace.root)
    monkeypatch.setenv("HERON_PLUGINS", "")

    def run(*arguments, code=0):
        assert status([*arguments]) == code
        return capsys.readouterr()

    return run


def test_lists_take_a_limit_and_go_on_at_a_cursor(workspace, run):
    for number in range(5):
        workspace.folders.create(f"F{number}")
        workspace.collections.create(f"C{number}", items=[])
        workspace.datasets.create(f"D{number}", items=[])
    for noun in ("folders", "collections", "datasets"):
        said = run(noun, "list", "--limit", "2").out
        assert len(said.splitlines()) == 4 and "There is more" in said
        page = json.loads(run(noun, "list", "--limit", "3", "--json").out)
        rest = json.loads(run(noun, "list", "--cursor", page["cursor"], "--json").out)
        assert (len(page["items"]), len(rest["items"]), rest["cursor"]) == (3, 2, None)
        assert len(list(csv.reader(io.StringIO(run(noun, "list", "--csv").out)))) == 6


def test_words_are_searched_in_names_and_texts_where_no_embedding_takes_them(workspace, run):
    workspace.schema.add_scalar("description", "text")
    workspace.registration.register(
        [
            NewItem("s3://b/bus_1.jpg", IMAGE, metadata={"description": "in the rain"}),
            NewItem("s3://b/busX1.jpg", IMAGE, metadata={"description": "in the sun"}),
            NewItem("s3://b/c.jpg", IMAGE, metadata={"description": "a red bus's driver in the rain"}),
        ],
        "A",
    )

    def found(*arguments):
        said = run("search", *arguments, "--json")
        note = "No embedding takes texts, so the words are searched in names, description"
        assert note in said.err
        page = json.loads(said.out)
        assert page["notes"][0].startswith(note)
        return [item["name"] for item in page["items"]]

    assert found("bus") == ["bus_1.jpg", "busX1.jpg", "c.jpg"]
    assert found("bus", "rain") == ["bus_1.jpg", "c.jpg"]
    assert found("bus_1") == ["bus_1.jpg"]
    assert found("bus", "--where", "name LIKE 'c%' OR name = 'x'", "--sort", "-name") == ["c.jpg"]
    assert found("o'clock") == []
    assert run("search", "bus", "--count").out == "3\n"
    counted = json.loads(run("search", "bus", "--count", "--json").out)
    assert counted["count"] == 3 and counted["notes"][0].startswith("No embedding takes texts")
    assert json.loads(run("search", "--count", "--json").out) == {"count": 3}
    for more in (["--columns", "name"], ["--with", "members"], ["--frames"]):
        assert len(json.loads(run("search", "bus", *more, "--json").out)["notes"]) == 1
    assert "no embedding takes text" in run("search", "bus", "--nearest", "2", code=1).err


def test_items_without_a_picture_are_skipped_and_do_not_fail(workspace, run, tmp_path):
    draw(tmp_path / "in" / "a.png", seed=1)
    draw(tmp_path / "in" / "gone.png", seed=2)
    (tmp_path / "in" / "x.bin").write_bytes(b"\x00\x01nothing known")
    workspace.ingest.files([tmp_path / "in"], folder="A", ignore_errors=True)
    (tmp_path / "in" / "gone.png").unlink()
    said = run("embed", "--folder", "A", code=3).out
    assert "Embedded 1 picture" in said and "1 item failed" in said
    assert "1 item without a picture skipped" in said


def test_equal_names_in_one_folder_are_told_apart_by_their_paths(workspace, run, tmp_path):
    facts = [NewItem(f"s3://b/{place}/0001.jpg", IMAGE) for place in ("train", "val")]
    workspace.registration.register(facts, "A")
    lines = run("items").out.splitlines()
    assert "path" in lines[0] and "train/0001.jpg" in lines[1] and "val/0001.jpg" in lines[2]
    workspace.items.rename(workspace.items.list()[0], "other.jpg")
    assert "path" not in run("items").out.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["/usr/bin/heron", "import", "secret/place", "--folder", "F"], "heron import"),
        (["/usr/bin/heron", "-w", "place", "--as", "owner", "--no-plugins", "sync"], "heron sync"),
        (["/usr/bin/heron"], "heron"),
        (["-c", "words"], "a Python program"),
        (["/data/train.py", "--lake", "x"], "train.py"),
    ],
)
def test_the_holder_of_the_lock_is_called_as_people_call_it(monkeypatch, arguments, name):
    monkeypatch.setattr(sys, "argv", arguments)
    assert program() == name


def test_waiting_for_ever_is_waiting_long(monkeypatch):
    monkeypatch.setenv("HERON_BUSY_SECONDS", "inf")
    assert busy_seconds_wanted() == 2_000_000
    for given in ("nan", "-1", "soon"):
        monkeypatch.setenv("HERON_BUSY_SECONDS", given)
        with pytest.raises(InvalidInput, match="a number of seconds is needed"):
            busy_seconds_wanted()
