"""Wherever a command takes a thing, it takes its name and its UUID."""

import json
import shutil

import pytest

import heron
from heron.cli.main import status
from tests.conftest import draw


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Two pictures, one of them in a folder of its own, and a collection and a dataset of it."""
    place = tmp_path_factory.mktemp("named")
    for number in range(2):
        draw(place / "in" / f"p{number}.png", seed=number)
    with heron.open(place, discover=False) as workspace:
        workspace.ingest.files([place / "in" / "p0.png"], folder="A")
        workspace.ingest.files([place / "in" / "p1.png"], folder="B")
        workspace.collections.create("C", items=["p0.png"])
        workspace.datasets.create("D", items=["p0.png"])
        workspace.integrations.create("here", "local")
        workspace.imports._start("nothing", None, {})
        workspace.ingest.follow("A", (place / "in").as_uri())
        workspace.embed("visual")
    return place


COMMANDS = """
items show ITEM | items rename ITEM x | items move B ITEM | items move FOLDER p1.png | items delete ITEM --yes | show ITEM
metadata show ITEM | metadata merge x=1 --item ITEM | metadata merge x=1 --folder FOLDER | metadata merge x=1 --dataset DATASET
metadata merge x=1 --collection COLLECTION | search --item ITEM | search --folder FOLDER | search --collection COLLECTION
search --like ITEM --key visual | items --folder FOLDER | keyframes set ITEM 0 | keyframes list ITEM | keyframes remove ITEM 0
folders show FOLDER | folders rename FOLDER Z | folders move FOLDER B | folders metadata FOLDER x=1 | folders delete FOLDER --yes
folders unsync FOLDER | folders sidecars FOLDER --pause | sync FOLDER | collections show COLLECTION
collections add COLLECTION --folder B | collections remove COLLECTION --item ITEM | collections update COLLECTION --title Z
collections delete COLLECTION --yes | datasets show DATASET | datasets add DATASET --folder B
datasets remove DATASET --item ITEM | datasets metadata DATASET 0 x=1 | datasets export DATASET -o d.csv
datasets update DATASET --title Z | datasets delete DATASET --yes | leakage DATASET D | integrations show INTEGRATION
integrations remove INTEGRATION --yes | imports show IMPORT | imports report IMPORT | imports cancel IMPORT
"""


@pytest.mark.parametrize("way", ["name", "uuid"])
@pytest.mark.parametrize(
    "line", [line.strip() for row in COMMANDS.strip().splitlines() for line in row.split("|")]
)
def test_a_thing_is_given_by_its_name_or_its_uuid(sample, tmp_path, monkeypatch, capsys, line, way):
    shutil.copytree(sample, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    with heron.open(".", discover=False) as workspace:
        things = {
            "ITEM": ("p0.png", workspace.items.get("p0.png").uuid),
            "FOLDER": ("A", workspace.folders.get("A").uuid),
            "COLLECTION": ("C", workspace.collections.get("C").uuid),
            "DATASET": ("D", workspace.datasets.get("D").uuid),
            "INTEGRATION": ("here", workspace.integrations.get("here").uuid),
            "IMPORT": ("3", workspace.imports.get(3).uuid),
        }
    words = [things[word][way == "uuid"] if word in things else word for word in line.split()]
    code = status(["--no-plugins", *words])
    said = capsys.readouterr()
    assert code == 0, said.err


def test_an_import_is_given_by_the_beginning_of_its_uuid(sample, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(sample)
    with heron.open(".", discover=False, create=False) as workspace:
        first, second, third = (job.uuid for job in workspace.imports.list())
    length = next(n for n in range(8, 36) if len({uuid[:n] for uuid in (first, second, third)}) == 3)
    assert status(["imports", "show", third[:length], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["uuid"] == third
    if length > 8:
        assert status(["imports", "show", third[:8]]) == 1
        assert "imports begin with" in capsys.readouterr().err
    assert status(["imports", "show", "ffffffff"]) == 1
    assert "there is no import" in capsys.readouterr().err
