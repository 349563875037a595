"""Frozen versions of datasets: they keep what was, whatever happens to the items, the schema and the files."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing

import pytest

import heron
from heron.catalog.database import Database
from heron.cli.main import status
from heron.convert import item_to_dict
from heron.models import Member, NewFrame, NewItem
from tests.conftest import draw
from tests.memory_storage import Lake, LakePlugin


@pytest.fixture
def lake(workspace, pictures):
    """Six pictures with a city, a film of two frames, a group of two files, and dataset `rain` of all of them."""
    ws = workspace
    ws.schema.add_scalar("city", "varchar")
    ws.ingest.files([pictures], folder="Photos/2026")
    ws.metadata.merge({f"p{n}.jpg": {"city": f"c{n}"} for n in range(6)})
    urls = [draw(pictures / "group" / f"{n}.png", seed=n).as_uri() for n in range(2)]
    facts = heron.MediaFacts("image_group", "image/png", frame_count=2)
    frames = [NewFrame(0, 0.0, True, {"weather": "rain"}), NewFrame(1, 0.5)]
    members = [Member(url, (pictures / "group" / f"{n}.png").stat().st_size) for n, url in enumerate(urls)]
    new = NewItem(urls[0] + "#image_group-1", facts, "pair", members=members, frames=frames)
    ws.registration.register([new], "Photos")
    ws.datasets.create("rain", items=ws.items.list(), source=heron.Query(where="width > 1", sort="name"))
    return ws


def told(rows):
    """All that rows say, except what became of the items since."""
    return [
        (row.position, {**item_to_dict(row.item)}, list(row.members), [f.metadata for f in row.frames])
        for row in rows
    ]


def test_a_version_gives_what_was_frozen_whatever_happens_to_the_items(lake, tmp_path):
    before = told(lake.datasets.rows("rain", frames="all"))
    made = lake.versions.freeze("rain", note="first")
    assert (made.name, made.row_count, made.unhashed, made.note) == ("rain@1", 7, 7, "first")
    assert lake.export("rain@1", tmp_path / "a.json", frames="all") == 7
    lake.metadata.merge({"p0.jpg": {"city": "Oran"}})
    lake.items.rename("p1.jpg", "renamed.jpg")
    lake.frames.set_metadata("pair", 0, {"weather": "sun"})
    lake.items.delete(["p2.jpg", "pair"])
    lake.folders.move("Photos/2026", None)
    lake.schema.delete_key("city")
    lake.datasets.remove("rain", ["p3.jpg"])
    lake.datasets.update("rain", title="wet")
    after = [*lake.datasets.rows("wet@1", frames="all")]
    assert told(after) == before
    assert [row.since for row in after] == [
        "changed",
        "changed",
        "deleted",
        "same",
        "same",
        "same",
        "deleted",
    ]
    assert list(made.schema) == ["city"]
    assert lake.versions.get("wet@1").sources[0]["query"] == {"where": "width > 1", "sort": "name"}
    lake.export("wet@1", tmp_path / "b.json", frames="all")
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


def test_each_exporter_takes_a_version(lake, tmp_path):
    lake.versions.freeze("rain")
    for name in ("jsonl", "csv", "csv-members", "csv-frames"):
        lake.export("rain", tmp_path / f"now-{name}", format=name)
    lake.items.delete(lake.items.list())
    for name in ("jsonl", "csv", "csv-members", "csv-frames"):
        lake.export("rain@1", tmp_path / f"then-{name}", format=name)
        assert (tmp_path / f"then-{name}").read_bytes() == (tmp_path / f"now-{name}").read_bytes()


def test_versions_are_numbered_and_a_number_is_not_used_again(lake):
    for _ in range(3):
        lake.versions.freeze("rain")
    lake.versions.delete("rain@3")
    assert lake.versions.freeze("rain").number == 4
    assert [v.name for v in lake.versions.list("rain")] == ["rain@1", "rain@2", "rain@4"]
    assert lake.versions.list(limit=1)[0].name == "rain@1"
    assert lake.versions.find("rain@3") is None
    with pytest.raises(heron.NotFound, match="has no version 3"):
        lake.versions.get("rain@3")
    with pytest.raises(heron.NotFound, match="no dataset 'rian'"):
        lake.versions.get("rian@1")
    assert lake.versions.get(lake.versions.get("rain@1").uuid).number == 1


def test_nothing_changes_a_version(lake):
    made = lake.versions.freeze("rain")
    for change in (
        lambda: lake.datasets.add("rain@1", ["p0.jpg"]),
        lambda: lake.datasets.remove("rain@1", ["p0.jpg"]),
        lambda: lake.datasets.update("rain@1", title="x"),
        lambda: lake.datasets.delete("rain@1"),
        lambda: lake.datasets.set_metadata("rain@1", 0, {"city": "x"}),
    ):
        with pytest.raises(heron.InvalidInput, match="rain@1 is a version of a dataset, which never changes"):
            change()
    with closing(sqlite3.connect(lake.root / ".heron" / "catalog.db")) as plain:
        for statement in (
            "UPDATE dataset_versions SET note = 'x'",
            "UPDATE frozen_blocks SET data = x'00'",
            "UPDATE version_blocks SET position = 7",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="cannot be changed"):
                plain.execute(statement)
    assert lake.versions.get("rain@1").digest == made.digest


def test_versions_share_equal_rows_and_the_last_one_takes_them_away(lake):
    def blocks():
        return lake._database.value("SELECT count(*) FROM frozen_blocks")

    lake.versions.freeze("rain")
    lake.versions.freeze("rain")
    assert blocks() == 1
    lake.metadata.merge({"p0.jpg": {"city": "x"}})
    lake.versions.freeze("rain")
    assert blocks() == 2
    lake.versions.delete("rain@1")
    assert blocks() == 2
    lake.versions.delete("rain@3")
    assert blocks() == 1
    lake.datasets.delete("rain")
    assert blocks() == 0
    assert lake._database.value("SELECT count(*) FROM version_blocks") == 0


def test_a_dataset_whose_title_looks_like_a_version_is_that_dataset(lake):
    lake.versions.freeze("rain")
    lake.datasets.create("rain@1", items=["p0.jpg"])
    assert len([*lake.datasets.rows("rain@1")]) == 1
    assert lake.datasets.get("rain@1").row_count == 1


def test_damaged_rows_are_told(lake):
    lake.versions.freeze("rain")
    with closing(sqlite3.connect(lake.root / ".heron" / "catalog.db")) as plain:
        plain.execute("DROP TRIGGER frozen_block")
        plain.execute("UPDATE frozen_blocks SET data = substr(data, 1, 40)")
        plain.commit()
    with pytest.raises(heron.CatalogueError, match="damaged"):
        [*lake.versions.rows("rain@1")]


def test_a_freeze_is_of_one_state_and_waits_for_no_writer(lake, monkeypatch):
    """Another process changes everything while the rows are read; the version has what was there before."""
    rows, seen = Database.rows, []

    def watched(database, sql, parameters=()):
        found = rows(database, sql, parameters)
        if "dataset_rows AS r JOIN items" in sql and not seen:
            seen.append(sql)
            with closing(sqlite3.connect(lake.root / ".heron" / "catalog.db")) as other:
                other.execute("DELETE FROM dataset_rows WHERE id > 1")
                other.execute("UPDATE items SET name = 'other'")
                other.commit()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Database, "rows", watched)
        made = lake.versions.freeze("rain")
    assert seen
    assert made.row_count == 7
    assert {row.item.name for row in lake.versions.rows(made)} >= {"p0.jpg", "pair"}
    assert lake.datasets.get("rain").row_count == 1
    with lake.atomic():  # a transaction freezes what it has written itself
        lake.datasets.remove("rain", lake.items.list())
        assert lake.versions.freeze("rain").row_count == 0


def test_what_is_different_is_told_with_old_and_new_values(lake, pictures):
    lake.versions.freeze("rain", hashes=True)
    lake.metadata.merge({"p0.jpg": {"city": "Oran", "fog": True}, "p1.jpg": {"city": None}})
    lake.items.rename("p2.jpg", "two.jpg")
    lake.frames.set_metadata("pair", 0, {"weather": "sun"})
    of_file = heron.MediaFacts("image", "image/jpeg", width=80, height=60)
    new = NewItem((pictures / "p3.jpg").as_uri(), of_file, size=99)
    lake.registration._refresh([(lake.items.get("p3.jpg").id, new)])
    lake.datasets.remove("rain", ["p5.jpg", "p0.jpg"])
    lake.datasets.add("rain", "p0.jpg")
    found = lake.versions.diff("rain@1", "rain")
    assert [one.name for one in found.gone] == ["p5.jpg"]
    assert [(one.name, one.old, one.new) for one in found.moved] == [("p0.jpg", 0, 5)]
    assert not found.added
    by_name = {change.name: change for change in found.changed}
    assert by_name["p0.jpg"].metadata == {"city": ("c0", "Oran"), "fog": (None, True)}
    assert by_name["p1.jpg"].metadata == {"city": ("c1", None)}
    assert by_name["two.jpg"].fields == {"name": ("p2.jpg", "two.jpg")}
    assert by_name["pair"].frames == {0: {"weather": ("rain", "sun")}}
    assert set(by_name["p3.jpg"].content) & {"content_hash", "size"}
    assert by_name["p3.jpg"].fields["width"] == (64, 80)
    assert found.unchanged == 1
    back = lake.versions.diff("rain", "rain@1")
    assert [one.name for one in back.added] == ["p5.jpg"]
    assert lake.versions.diff("rain@1", "rain@1").is_empty
    with pytest.raises(heron.NotFound, match="has no version 8"):
        lake.versions.diff("rain@8", "rain")


def test_each_file_is_verified(lake, pictures):
    lake.versions.freeze("rain")
    lake.versions.freeze("rain", hashes=True)
    states = {(f.url.rpartition("/")[2], f.state) for f in lake.versions.verify("rain@2")}
    assert states == {(f"p{n}.jpg", "unchanged") for n in range(6)} | {
        ("0.png", "unchanged"),
        ("1.png", "unchanged"),
    }
    (pictures / "p0.jpg").unlink()
    draw(pictures / "p1.jpg", size=(99, 99))
    os.utime(pictures / "p2.jpg")
    content = bytearray((pictures / "p3.jpg").read_bytes())
    content[-3] ^= 1
    (pictures / "p3.jpg").write_bytes(content)
    old = (pictures / "p4.jpg").stat()
    content = bytearray((pictures / "p4.jpg").read_bytes())
    content[-3] ^= 1
    (pictures / "p4.jpg").write_bytes(content)
    os.utime(pictures / "p4.jpg", ns=(old.st_atime_ns, old.st_mtime_ns))  # only its hash tells
    (pictures / "group" / "1.png").write_bytes(b"x")

    def found(ref, **options):
        return {f.url.rpartition("/")[2]: f.state for f in lake.versions.verify(ref, **options)}

    told = {"p0.jpg": "gone", "p1.jpg": "changed", "p5.jpg": "unchanged", "1.png": "changed"}
    by_time = {"p2.jpg": "unchanged", "p3.jpg": "changed", "p4.jpg": "unchanged", "0.png": "unchanged"}
    assert found("rain@2") == told | by_time
    assert found("rain@2", hashes=True) == told | by_time | {"p4.jpg": "changed"}
    assert found("rain") == told | by_time | {"0.png": "unknown"}
    assert found("rain@1") == told | {
        "p2.jpg": "unknown",
        "p3.jpg": "unknown",
        "p4.jpg": "unchanged",
        "0.png": "unknown",
    }


def test_the_hashes_of_members_are_frozen(lake, pictures):
    lake.versions.freeze("rain", hashes=True)
    [pair] = [row for row in lake.versions.rows("rain@1") if row.members]
    assert [member.content_hash for member in pair.members] == [
        hashlib.sha256((pictures / "group" / f"{n}.png").read_bytes()).hexdigest() for n in range(2)
    ]
    assert lake.versions.get("rain@1").unhashed == 0


def test_a_lake_that_was_moved_has_its_versions(tmp_path):
    with heron.open(tmp_path / "a", discover=False) as ws:
        draw(tmp_path / "a" / "x.png")
        ws.ingest.files([tmp_path / "a" / "x.png"], folder="P")
        ws.datasets.create("d", items=ws.items.list())
        ws.versions.freeze("d", hashes=True)
    (tmp_path / "a").rename(tmp_path / "b")
    with heron.open(tmp_path / "b", discover=False) as ws:
        [row] = ws.versions.rows("d@1")
        assert (row.item.path, row.item.url) == ("x.png", (tmp_path / "b" / "x.png").as_uri())
        assert [file.state for file in ws.versions.verify("d@1", hashes=True)] == ["unchanged"]


def test_a_member_sees_of_a_version_what_is_visible_and_what_was_in_visible_folders(lake):
    lake.ingest.files([draw(lake.root / "s" / "secret.png", seed=5)], folder="Secret")
    lake.datasets.add("rain", ["secret.png"])
    lake.users.add("ada@example.org")
    lake.roles.grant("user", user="ada@example.org", folder="Photos")
    lake.roles.grant("user", user="ada@example.org", dataset="rain")
    lake.versions.freeze("rain")
    lake.datasets.remove("rain", ["secret.png", "p0.jpg"])
    lake.items.delete(["secret.png", "p0.jpg"])
    with heron.open(lake.root, user="ada@example.org", discover=False) as ada:
        names = [row.item.name for row in ada.versions.rows("rain@1")]
        assert "p0.jpg" in names and "secret.png" not in names
        version = ada.versions.get("rain@1")
        assert (version.row_count, version.unhashed, version.sources, version.digest) == (7, 7, (), None)
        assert [one.name for one in ada.versions.diff("rain@1", "rain").gone] == ["p0.jpg"]
        with pytest.raises(heron.PermissionDenied):
            ada.versions.freeze("rain")
        with pytest.raises(heron.PermissionDenied):
            ada.versions.delete("rain@1")
    assert lake.log.list(verb="versions")[0].details == {"version": 1}


def test_a_copy_of_a_version_leaves_out_files_that_are_not_what_they_were(lake, pictures):
    from heron.errors import HeronError
    from heron.export.media import ItemFiles

    lake.versions.freeze("rain")
    draw(pictures / "p0.jpg", size=(99, 99))
    files = ItemFiles(lake.storage, [], is_frozen=True)
    states = {}
    for row in lake.versions.rows("rain@1"):
        for member in row.members or (None,):
            try:
                with files.open(row.item, member) as (stream, size):
                    states[row.item.name] = len(stream.read()) == size
            except HeronError as error:
                states[row.item.name] = error.message
    assert states.pop("p0.jpg") == "it has changed since it was frozen"
    assert set(states.values()) == {True}


def test_commands_tell_scripts_by_their_exit_status(lake, pictures, monkeypatch, capsys):
    monkeypatch.chdir(lake.root)

    def run(*line):
        code = status(["--no-plugins", "datasets", *line])
        return code, capsys.readouterr()

    code, said = run("freeze", "rain", "--note", "x")
    assert (code, said.out) == (0, "Froze 7 rows as rain@1\n")
    assert "7 rows are not known: --hash reads them" in said.err
    assert run("freeze", "rain", "--hash", "--json")[0] == 0
    assert run("verify", "rain@2")[0] == 0
    assert run("verify", "rain@1")[0] == 4  # neither hashes nor times are known of the files of the group
    (pictures / "p0.jpg").unlink()
    code, said = run("verify", "rain@2")
    assert code == 3
    assert "7 unchanged, 1 gone" in said.out
    code, said = run("verify", "rain@2", "--json")
    assert (code, len(json.loads(said.out)["items"])) == (3, 8)
    lake.metadata.merge({"p1.jpg": {"city": "Oran"}})
    code, said = run("diff", "rain@2")
    assert "1 changed, 6 unchanged" in said.out and "c1" in said.out and "Oran" in said.out
    code, said = run("diff", "rain@2", "--csv")
    assert "metadata city,p1.jpg," in said.out
    code, said = run("show", "rain@2", "--columns", "name,city", "--json")
    assert json.loads(said.out)[1] == {"position": 1, "name": "p1.jpg", "city": "c1"}
    assert run("show", "rain@2", "--columns", "nosuch")[0] == 2
    assert "changed" in run("show", "rain@2")[1].out
    code, said = run("delete", "rain@1", "--yes")
    assert (code, said.out) == (0, "Deleted version rain@1\n")
    assert "and its 1 version" in run("delete", "rain", "--yes")[1].out


def test_a_catalogue_of_before_versions_gets_them_and_is_read_where_it_cannot_be_written(tmp_path):
    from tests.old_catalogues import without_versions

    with heron.open(tmp_path, discover=False) as ws:
        draw(tmp_path / "x.png")
        ws.ingest.files([tmp_path / "x.png"], folder="P")
        ws.datasets.create("d", items=ws.items.list())
    without_versions(tmp_path / ".heron" / "catalog.db")
    reading = Database(tmp_path / ".heron", create=False, read_only=True)
    reading.close()
    with heron.open(tmp_path, discover=False) as ws:
        assert ws.versions.list() == []
        assert ws.versions.freeze("d").name == "d@1"


def test_objects_of_a_storage_are_verified_by_their_etag_and_by_their_hash(tmp_path):
    lake = Lake()
    for name in "abcdef":
        lake.put(f"mem://photos/{name}.txt", f"text {name}".encode())
    with heron.open(tmp_path, plugins=[LakePlugin(lake)], discover=False) as ws:
        ws.ingest.files(["mem://photos/"], folder="P", content_hash=True)
        ws.datasets.create("d", items=ws.items.list())
        ws.versions.freeze("d")
        lake.asked.clear()
        assert {file.state for file in ws.versions.verify("d@1")} == {"unchanged"}
        assert {what for what, *_ in lake.asked} == {"stat"}  # nothing is read where ETags agree
        ws._database.execute("UPDATE items SET content_hash = NULL WHERE name = 'b.txt'")
        lake.put("mem://photos/a.txt", b"text A")
        lake.put("mem://photos/b.txt", b"text B")
        del lake.buckets["photos"]["c.txt"]
        found = {file.name: file.state for file in ws.versions.verify("d")}
        assert [found[f"{name}.txt"] for name in "abcdef"] == [
            "changed",
            "changed",
            "gone",
            *["unchanged"] * 3,
        ]
        hashed = {file.name: file.state for file in ws.versions.verify("d@1", hashes=True)}
        assert [hashed[f"{name}.txt"] for name in "abcdef"] == [
            "changed",
            "changed",
            "gone",
            *["unchanged"] * 3,
        ]
        lake.broken["stat"] = heron.PermissionDenied("no right to read it")
        [*states] = ws.versions.verify("d@1")
        assert {(file.state, file.reason) for file in states} == {("unreadable", "no right to read it")}
        done = []
        [*ws.versions.verify("d@1", progress=done.append)]
        assert done == [1, 2, 3, 4, 5, 6]
