"""Portable exports: what one workspace writes, another one restores whole, and writes again with the same bytes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tracemalloc
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

import heron
from heron.catalog.full_text import SPACED, spaced
from heron.catalog.portable.reading import PortableReader
from tests.portable_lakes import bits, contents, fill, rows_of, same_manifest, seen


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake with something of everything."""
    with heron.open(tmp_path_factory.mktemp("portable") / "lake", discover=False) as opened:
        fill(opened)
        yield opened


@pytest.fixture(scope="module")
def export(lake, tmp_path_factory):
    """A whole export of the lake, with files and small pictures."""
    place = tmp_path_factory.mktemp("exported") / "lake.heron"
    lake.portable.export(place, media=True, thumbnails=True, unreadable=[])  # what lies in a bucket
    return place


@pytest.fixture
def empty(tmp_path):
    with heron.open(tmp_path / "empty", discover=False) as opened:
        yield opened


def test_an_empty_workspace_gets_everything(lake, export, empty, tmp_path):
    done = empty.portable.merge(export)
    assert done.written
    assert done.clashing == {}
    assert done.new["items"] == 5
    assert done.media == 3
    assert seen(empty) == seen(lake)
    assert [path.read_bytes() for path in sorted((empty.root / "pics").rglob("*.png"))] == [
        path.read_bytes() for path in sorted((lake.root / "pics").rglob("*.png"))
    ]
    empty.portable.export(tmp_path / "again", media=True, thumbnails=True, unreadable=[])
    assert contents(tmp_path / "again") == contents(export)
    assert same_manifest(tmp_path / "again", export)


def test_a_zip_file_holds_the_same_and_equal_exports_are_equal_files(lake, export, empty, tmp_path):
    for name in ("one.zip", "two.zip"):
        lake.portable.export(tmp_path / name, media=True, thumbnails=True, unreadable=[])
    with zipfile.ZipFile(tmp_path / "one.zip") as archive, zipfile.ZipFile(tmp_path / "two.zip") as other:
        archive.extractall(tmp_path / "unpacked")
        assert [info.CRC for info in archive.filelist[:-1]] == [info.CRC for info in other.filelist[:-1]]
    assert contents(tmp_path / "unpacked") == contents(export)
    empty.portable.merge(tmp_path / "one.zip")
    assert seen(empty) == seen(lake)


def test_answers_are_the_same(lake, export, empty):
    empty.portable.merge(export)
    for ws in (lake, empty):
        ws.answers = [
            [item.uuid for item in ws.search(where="city = 'Algiers'")],
            [item.uuid for item in ws.search(words="story")],
            [item.uuid for item in ws.search(like=[1, 2, 3], key="look")],
            ws.facets("city,folder,collections")[0].buckets,
            [frame.number for frame in ws.search.frames(where="weather = 'rain'")],
        ]
    assert lake.answers == empty.answers


def test_merging_twice_changes_nothing(export, empty):
    empty.portable.merge(export)
    before = seen(empty)
    again = empty.portable.merge(export)
    assert set(again.new.values()) == {0}
    assert again.same["items"] == 5
    assert again.same["vectors"] == 3
    assert again.media == 0
    assert seen(empty) == before


def test_a_dry_run_tells_and_changes_nothing(export, empty):
    before = state(empty)
    plan = empty.portable.merge(export, dry_run=True)
    assert not plan.written
    assert (plan.new["items"], plan.new["folders"], plan.media) == (5, 5, 3)
    assert state(empty) == before
    assert sorted(path.name for path in empty.root.iterdir()) == [".heron"]
    done = empty.portable.merge(export)
    assert (done.new, done.same) == (plan.new, plan.same)


def state(ws):
    with closing(sqlite3.connect(ws._database.path)) as plain:
        plain.create_function(SPACED, 1, spaced)
        return "\n".join(plain.iterdump())


def test_without_files_items_keep_their_places_and_missing_ones_are_told(lake, empty, tmp_path):
    lake.portable.export(tmp_path / "ex")
    plan = empty.portable.merge(tmp_path / "ex", dry_run=True)
    assert plan.missing == 3
    assert lake.root.as_uri() in plan.notes[-1]
    assert empty.portable.merge(tmp_path / "ex", lake=lake.root).missing == 0
    assert empty.items.list()[0].url == lake.items.list()[0].url


def test_files_of_elsewhere_come_into_the_workspace(tmp_path, empty, pictures):
    with heron.open(tmp_path / "other", discover=False) as other:
        other.ingest.files([pictures], folder="P")
        other.portable.export(tmp_path / "ex.zip", media=True)
    empty.portable.merge(tmp_path / "ex.zip")
    paths = [item.path for item in empty.items.list()]
    assert all(path.startswith("elsewhere/") for path in paths)
    assert (empty.root / paths[0]).read_bytes() == (pictures / "p0.jpg").read_bytes()
    assert empty.pictures.thumbnail(empty.items.list()[0])


def test_a_part_holds_what_belongs_to_its_items(lake, empty, tmp_path):
    told = lake.portable.export(tmp_path / "ex", folder="Far")
    assert (told.items, told.rows["folders"], told.rows["presets"]) == (2, 2, 0)
    assert [row["title"] for row in rows_of(tmp_path / "ex", "collections.jsonl")] == ["Best"]
    empty.portable.merge(tmp_path / "ex")
    assert [item.name for item in empty.items.list()] == ["film.mp4", "both"]
    assert empty.items.get("film.mp4").tags == ("Best",)
    whole = empty.portable.merge(whole_export(lake, tmp_path), media=False)
    assert whole.new["items"] == 3
    assert whole.clashing == {}
    for name in ("folders", "datasets", "presets", "schema"):
        assert seen(empty)[name] == seen(lake)[name]
    assert {item.name: item.tags for item in empty.items.list()} == {
        item.name: item.tags for item in lake.items.list()
    }


def whole_export(lake, tmp_path):
    lake.portable.export(tmp_path / "whole", thumbnails=True)
    return tmp_path / "whole"


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ({"items": heron.Query(where="city = 'Oran'")}, ["film.mp4"]),
        ({"items": ["both", "film.mp4"]}, ["film.mp4", "both"]),
        ({"collection": "Best"}, ["p 1.png", "p 2.png", "film.mp4"]),
        ({"dataset": "rows"}, ["p 0.png", "p 2.png"]),
    ],
)
def test_a_part_can_be_chosen_in_every_way(lake, tmp_path, part, names):
    lake.portable.export(tmp_path / "ex", **part)
    assert [row["name"] for row in rows_of(tmp_path / "ex", "items.jsonl")] == names
    titles = [row["title"] for row in rows_of(tmp_path / "ex", "datasets.jsonl")]
    assert titles == (["rows"] if "dataset" in part else [])


def test_a_dataset_with_other_rows_is_left_out_and_told(lake, tmp_path):
    assert lake.portable.export(tmp_path / "ex", items=["p 0.png"]).left_out == {"datasets": 2}


def test_no_secret_travels_and_needed_integrations_are_told(tmp_path, empty):
    with heron.open(tmp_path / "other") as other:
        lab = other.integrations.create("lab", "s3", {"region": "x", "secret_access_key": "env:TOP_SECRET"})
        other.registration.register(
            [heron.NewItem("s3://b/a.png", heron.MediaFacts("image", "image/png"))], "P"
        )
        other._database.execute("UPDATE items SET integration_id = ?", [lab.id])
        other.users.add("ada@example.org")
        other.portable.export(tmp_path / "ex")
    text = "".join(path.read_text() for path in (tmp_path / "ex").iterdir())
    assert "TOP_SECRET" not in text
    assert "ada@example.org" not in text
    assert "owner" not in text
    done = empty.portable.merge(tmp_path / "ex")
    assert done.needed == (heron.NeededIntegration("lab", "s3"),)
    assert empty.items.list()[0].integration_id is None


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_whole(tmp_path, empty, pictures):
    empty.ingest.files([pictures], folder="P")
    (pictures / "p0.jpg").unlink()
    unreadable = []
    told = empty.portable.export(tmp_path / "ex", media=True, unreadable=unreadable)
    assert told.media == 5
    assert "p0.jpg" in unreadable[0]
    with pytest.raises(heron.HeronError, match=r"p0\.jpg"):
        empty.portable.export(tmp_path / "ex2", media=True)
    assert not (tmp_path / "ex2").exists()


def test_an_export_is_of_one_state_while_another_one_writes(lake, tmp_path, monkeypatch):
    with heron.open(lake.root, discover=False) as other:
        folders = PortableReader.folders

        def written(reader):
            new = heron.NewItem("s3://x/new.png", heron.MediaFacts("image", "image/png"))
            other.registration.register([new], "Written")
            return folders(reader)

        monkeypatch.setattr(PortableReader, "folders", written)
        lake.portable.export(tmp_path / "ex")
        assert other.items.count(folder="Written") == 1
        assert len(rows_of(tmp_path / "ex", "items.jsonl")) == 5
        assert "Written" not in (tmp_path / "ex" / "folders.jsonl").read_text()
        other.folders.delete("Written")


# Memory, and processes that are killed


def test_memory_does_not_grow_with_the_number_of_items(tmp_path):
    peaks = []
    for count in (1_000, 6_000):
        with heron.open(tmp_path / f"lake{count}", discover=False) as ws:
            ws.registration.register(
                (
                    heron.NewItem(
                        f"s3://b/{n}.png", heron.MediaFacts("image", "image/png"), metadata={"n": n}
                    )
                    for n in range(count)
                ),
                "P",
            )
            peaks.append(peak(lambda ws=ws, count=count: ws.portable.export(tmp_path / f"{count}")))
        with heron.open(tmp_path / f"other{count}", discover=False) as other:
            peaks.append(peak(lambda other=other, count=count: other.portable.merge(tmp_path / f"{count}")))
    small_export, small_merge, export, merge = peaks
    assert export < small_export + 1_000_000
    assert merge < small_merge + 1_000_000


def peak(work):
    tracemalloc.start()
    work()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


KILLED = """
import os, signal, sys
import heron
from heron.catalog.portable.landing import Landing
from heron.export.portable.sink import Parts
from heron.ingest.portable.media import IncomingMedia

def die(*arguments, **more):
    os.kill(os.getpid(), signal.SIGKILL)

what, place, export = sys.argv[1:]
if what == "export":
    Parts.manifest = die
elif what == "landing":
    Landing._presets = die
elif what == "placed":
    IncomingMedia.keep = IncomingMedia.coming
    put = IncomingMedia.put
    IncomingMedia.put = lambda self, rows: (put(self, rows), die())
with heron.open(place, discover=False) as ws:
    if what == "export":
        ws.portable.export(export, media=True, unreadable=[])
    else:
        ws.portable.merge(export)
"""


def killed(what, place, export):
    done = subprocess.run([sys.executable, "-c", KILLED, what, str(place), str(export)], check=False)
    assert done.returncode == -9


@pytest.mark.slow
def test_a_killed_export_leaves_nothing_that_stays(lake, tmp_path):
    killed("export", lake.root, tmp_path / "ex")
    assert not (tmp_path / "ex").exists()
    lake.portable.export(tmp_path / "ex2")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".heron")] in ([],)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["landing", "placed"])
def test_a_killed_merge_leaves_the_catalogue_as_it_was_and_the_next_one_completes(
    lake, export, tmp_path, what
):
    heron.init(tmp_path / "b", discover=False).close()
    killed(what, tmp_path / "b", export)
    with heron.open(tmp_path / "b", discover=False) as ws:
        assert ws.items.count() == 0
        assert ws.folders.list() == []
        ws.portable.merge(export)
        assert seen(ws) == seen(lake)
        assert bits(ws, "look") == bits(lake, "look")
    assert not [path for path in (tmp_path / "b").iterdir() if path.name.endswith(".part")]


def test_commands(lake, tmp_path, monkeypatch, capsys):
    from heron.cli.main import status

    monkeypatch.chdir(lake.root)
    assert (
        status(["--no-plugins", "export", "-o", str(tmp_path / "ex"), "--folder", "Pictures", "--media"]) == 0
    )
    assert "Wrote 3 items" in capsys.readouterr().out
    heron.init(tmp_path / "b", discover=False).close()
    monkeypatch.chdir(tmp_path / "b")
    assert status(["--no-plugins", "merge", "../ex", "--dry-run"]) == 0
    assert "A dry run, nothing was changed. New would be: " in capsys.readouterr().out
    assert status(["--no-plugins", "merge", "../ex", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["new"]["items"] == 3
    assert status(["--no-plugins", "import", "../ex", "--folder", "X"]) == 2
    assert "heron merge ../ex takes it" in capsys.readouterr().err
    assert status(
        ["--no-plugins", "datasets", "export", "mirror", "--format", "heron", "-o", "../set.zip"]
    ) in (0, 1)
    assert Path("pics").is_dir()
