"""Lists alike: --columns, --csv and --limit also where lists are not of items alone, times are not cut, totals are known."""

import csv
import io
import json
import shutil
import threading

import pytest

from heron.cli import progress
from tests.conftest import draw


@pytest.fixture
def lake(workspace):
    for number in range(3):
        draw(workspace.root / "in" / f"p{number}.jpg", seed=number)
    shutil.copy(workspace.root / "in" / "p1.jpg", workspace.root / "in" / "copy.jpg")
    workspace.ingest.files([workspace.root / "in"], folder="P", content_hash=True, thumbnails=True)
    workspace.metadata.merge({item.uuid: {"city": f"city of {item.name}"} for item in workspace.items.list()})
    workspace.embed()
    workspace.datasets.create("train", items=["p0.jpg", "p1.jpg"])
    workspace.datasets.create("test", items=["copy.jpg", "p2.jpg"])
    return workspace


def cells(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("line", "columns", "cities"),
    [
        ("duplicates", ["group", "city", "width", "keep", "score"], {"copy.jpg", "p1.jpg"}),
        ("select --diverse 2", ["rank", "city", "width", "nearest before"], None),
        ("select --unique 4", ["rank", "city", "width", "uniqueness"], None),
        ("leakage train test", ["city", "width", "is like", "its uuid", "why", "score", "frame", "its frame"], {"copy.jpg"}),
    ],
)  # fmt: skip
def test_columns_and_csv_are_there_for_every_list_of_items(lake, run, line, columns, cities):
    rows = cells(run(*line.split(), "--columns", "city,width", "--csv"))
    assert list(rows[0]) == columns
    assert {row["width"] for row in rows} == {"64"}
    assert cities is None or {row["city"] for row in rows} >= {f"city of {name}" for name in cities}
    table = run(*line.split(), "--columns", "city")
    assert "city of " in table.splitlines()[1] and "width" not in table
    assert "--columns is for the table" in run(*line.split(), "--columns", "city", "--json", code=2)
    assert "there is no field 'nothing'" in run(*line.split(), "--columns", "nothing", code=1)


def test_imports_and_integrations_are_listed_in_pages(lake, run):
    lake.ingest.files([lake.root / "in"], folder="Q")
    for name in ("a", "b"):
        lake.integrations.create(name, "local")
    assert "There is more: --limit" in run("imports", "list", "--limit", "1")
    found = json.loads(run("imports", "list", "--limit", "1", "--json"))
    assert [job["id"] for job in found["items"]] == [2]
    rest = json.loads(run("imports", "list", "--cursor", found["cursor"], "--json"))
    assert ([job["id"] for job in rest["items"]], rest["cursor"]) == ([1], None)
    assert len(cells(run("integrations", "list", "--limit", "1", "--csv"))) == 1
    assert json.loads(run("integrations", "--json"))["items"][1]["name"] == "b"


def test_times_are_whole_in_a_narrow_window(lake, run, monkeypatch):
    monkeypatch.setattr("heron.cli.screen.screen_width", lambda *_: 60)
    head, line = run("imports").splitlines()[:2]
    assert "started (UTC)" in head
    assert f"{lake.imports.list()[0].started_at:%Y-%m-%dT%H:%M:%S}" in line


@pytest.fixture
def shown(monkeypatch):
    """What progress is told."""
    told = []
    show = progress.Line.show
    monkeypatch.setattr(
        progress.Line,
        "show",
        lambda self, done, total=None, **more: (told.append((done, total)), show(self, done, total, **more)),
    )
    return told


def test_a_metadata_import_knows_its_total(lake, run, shown):
    rows = "".join(f"p{number % 3}.jpg,{number}\n" for number in range(2500))
    (lake.root / "labels.csv").write_text("name,score\n" + rows)
    run("metadata", "import", "labels.csv")
    assert shown[0] == (0, 2500) and {total for _, total in shown} == {2500}
    assert shown[-1][0] > 0


def test_a_sync_of_a_local_folder_knows_its_total(lake, run, shown, monkeypatch):
    monkeypatch.setattr(
        threading.Thread, "start", lambda self: self.run() if self.name == "count" else start(self)
    )
    run("folders", "create", "S", "--sync", str(lake.root / "in"))
    run("sync")
    assert shown[-1] == (4, 4)


start = threading.Thread.start
