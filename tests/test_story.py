"""The story of 199 files of one's own, moved twice, on another machine: from the import to the export nothing is lost."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tarfile
import wave
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import draw

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user"),
]

HERON = Path(sys.executable).with_name("heron")
ODD = [
    "line\nbreak.jpg",
    "a b.jpg",
    "#1?.jpg",
    "%41.jpg",
    "-x.jpg",
    "caf\u00e9.jpg",
    "cafe\u0301.jpg",
    "\u202egnp.jpg",
    "back\\slash.jpg",
]
FILES = 199


SEVERAL = """
import io, json, sys
from heron.cli.main import status
own, said = sys.stdout, []
for arguments in json.load(sys.stdin):
    sys.stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
    assert status(arguments) == 0, arguments
    sys.stdout.flush()
    said.append(sys.stdout.buffer.getvalue().decode())
json.dump(said, own)
"""
"""Runs several command lines in one process, which takes a tenth of the time of as many processes."""


class Person:
    """Somebody on a machine, who runs the command line with an environment of their own."""

    def __init__(self, home):
        home.mkdir()
        keep = {
            name: os.environ[name]
            for name in ("PATH", "TMPDIR", "COVERAGE_PROCESS_START")
            if name in os.environ
        }
        self.environment = {**keep, "HOME": str(home), "USER": home.name, "LC_ALL": "C.UTF-8"}

    def run(self, lake, *arguments, code=0):
        done = subprocess.run(
            [HERON, *arguments],
            cwd=lake,
            env=self.environment,
            umask=0o077,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert code in (None, done.returncode), (arguments, done.stdout, done.stderr)
        return done.stderr if code == 1 else done.stdout

    def ask(self, lake, *lines):
        """What several command lines print that only read."""
        lines = [[str(part) for part in line] for line in lines]
        done = subprocess.run(
            [sys.executable, "-c", SEVERAL], cwd=lake, env=self.environment, umask=0o077, input=json.dumps(lines),
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def state(self, lake, out):
        """All that the catalogue knows, with places relative to the lake, and the dataset and vectors as exports."""
        _, _, items, schema, best, preset, similar = self.ask(
            lake,
            ("datasets", "export", "Days", "-o", out / "days.json"),
            ("vectors", "export", "visual", "-o", out / "visual.npy"),
            ("items", "list", "--limit", "1000", "--json"),
            ("schema", "--json"),
            ("search", "--json", "--collection", "Best"),
            ("search", "--json", "--preset", "from-oslo"),
            ("search", "--json", "--like", "p003.jpg", "--limit", "5"),
        )
        items, best, preset, similar = (json.loads(each)["items"] for each in (items, best, preset, similar))
        rows = json.loads((out / "days.json").read_text())
        ids = (out / "visual.ids.txt").read_text()
        members = [member for row in rows for member in row.get("members", ())]
        for row in (*items, *rows, *members):
            for place in ("url", "path"):
                row[place] = row[place].rpartition("/")[2]
            row.pop("updated_at", None)  # a move says that the item was changed
        return {
            "items": items,
            "rows": rows,
            "vectors": ((out / "visual.npy").read_bytes(), ids),
            "schema": json.loads(schema),
            "collection": sorted(json.dumps(i["uuid"]) for i in best),
            "preset": sorted(i["name"] for i in preset),
            "similar": [i["name"] for i in similar],
        }


@pytest.fixture
def tree(tmp_path, sample_lake):
    """A lake with files of all sorts below it, and a folder beside it: 199 files."""
    lake, beside = tmp_path / "one" / "lake", tmp_path / "beside"
    shutil.copytree(sample_lake / "lake", lake / "media")
    exif = Image.Exif()
    exif[0x0110] = "Camera 1"
    for number, name in enumerate(ODD):
        draw(lake / "odd" / name, seed=number, exif=exif)
    draw(lake / "notes" / "scan.pdf")
    with wave.open(str(lake / "notes" / "hum.wav"), "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(8000)
        sound.writeframes(bytes(range(256)) * 40)
    (lake / "notes" / "read me.txt").write_text("A boat.")
    for number in range(10):
        draw(beside / f"inbox{number}.png", seed=number + 50)
    here = sum(path.is_file() for place in (lake, beside) for path in place.rglob("*"))
    for number in range(FILES - here):
        draw(lake / "photos" / f"{number % 7}" / f"p{number:03}.jpg", seed=number, exif=exif)
    assert sum(path.is_file() for place in (lake, beside) for path in place.rglob("*")) == FILES
    return lake, beside


def test_nothing_is_lost(tree, tmp_path):
    lake, beside = tree
    out = tmp_path / "out"
    out.mkdir()
    ada = Person(tmp_path / "ada")
    ada.run(lake, "init")
    ada.run(
        lake,
        "import",
        "media",
        "photos",
        "odd",
        "notes",
        "--folder",
        "All",
        "--hash",
        "--ignore-errors",
        code=None,
    )  # the sample lake has damaged files
    for key, kind in (("city", "varchar"), ("score", "number")):
        ada.run(lake, "schema", "add", key, kind)
    ada.run(lake, "folders", "create", "Inbox", "--sync", beside)
    ada.run(lake, "sync")
    known = json.loads(ada.run(lake, "items", "list", "--limit", "1000", "--json"))["items"]
    with (lake / "labels.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["url", "city", "score"])
        table.writerows([item["path"], ["Oslo", "Algiers"][n % 2], n / 8] for n, item in enumerate(known))
    ada.run(lake, "metadata", "import", "labels.csv", "--by", "url")
    ada.run(lake, "embed")
    ada.run(lake, "presets", "create", "from-oslo", "--where", "city = 'Oslo' AND score < 5")
    ada.run(lake, "collections", "create", "Best", "--where", "score > 10")
    ada.run(lake, "datasets", "create", "Days", "--where", "city = 'Algiers'")
    first = ada.state(lake, out)
    assert all({"city", "score"} <= set(item["metadata"]) for item in first["items"])
    assert {item["kind"] for item in first["items"]} >= {"image", "audio", "text", "pdf", "video", "dicom"}
    assert first["rows"] and first["collection"] and first["preset"] and first["similar"]

    (tmp_path / "one").rename(tmp_path / "two")  # the first move: the lake with its workspace
    lake = tmp_path / "two" / "lake"
    assert ada.state(lake, out) == first
    assert "0 new" in ada.run(
        lake, "import", "media", "photos", "odd", "notes", "--folder", "All", "--ignore-errors", code=None
    )

    beside = beside.rename(tmp_path / "elsewhere")  # the second: files beside the workspace
    ada.run(lake, "relocate", tmp_path / "beside", beside, "--verify")
    ada.run(lake, "sync")
    assert ada.state(lake, out) == first

    with tarfile.open(tmp_path / "all.tar", "w") as archive:  # another machine, and another user's files
        archive.add(lake, "lake"), archive.add(beside, "beside")
    there = tmp_path / "there"
    with tarfile.open(tmp_path / "all.tar") as archive:
        archive.extractall(there, filter="fully_trusted")
    shutil.rmtree(tmp_path / "two"), shutil.rmtree(beside)
    for path in (there, *there.rglob("*")):
        os.chown(path, 54321, 54321)
    bob = Person(tmp_path / "bob")
    assert "heron trust" in bob.run(there / "lake", "items", code=1)
    bob.run(there, "trust", there / "lake")
    bob.run(there / "lake", "relocate", beside, there / "beside", "--verify")
    assert bob.state(there / "lake", out) == first
    for item in json.loads(bob.run(there / "lake", "items", "list", "--limit", "1000", "--json"))["items"]:
        assert "#" in item["url"] or (there / "lake" / item["path"]).is_file(), item["path"]
