"""Projects: their data is searched like a folder's, collections belong to them and are sent to annotation, archived ones stay."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

import heron
from heron.catalog.migrations import imagine
from heron.cli.main import status

ADA, BOB = "ada@example.org", "bob@example.org"
FACTS = {
    "image": heron.MediaFacts("image", "image/png", 64, 48),
    "video": heron.MediaFacts("video", "video/mp4", 64, 48, 9),
}


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """Four images and a video, of which the project Survey has three images and the video by two datasets."""
    with heron.open(tmp_path / "lake") as ws:
        ws.schema.add("weather", "varchar")
        for number in range(4):
            item = heron.NewItem(f"s3://lake/{number}.png", FACTS["image"])
            ws.registration.register([item], "Road")
        ws.registration.register([heron.NewItem("s3://lake/film.mp4", FACTS["video"])], "Road")
        ws.frames.add("film.mp4", [(2, 0.2, True), (5, 0.5, True)])
        ws.metadata.merge({"0.png": {"weather": "rain"}, "3.png": {"weather": "rain"}})
        ws.datasets.create("train", items=["0.png", "1.png", "film.mp4"])
        ws.datasets.create("test", items=["1.png", "2.png"])
        ws.projects.create("Survey", datasets=["train", "test"])
        ws.collections.create("Some", items=["0.png", "3.png", "film.mp4"])
        ws.users.add(ADA)
        ws.users.add(BOB)
        monkeypatch.chdir(ws.root)
        yield ws


def as_user(ws, email):
    return heron.open(ws.root, user=email)


def run(capsys, line):
    """The JSON and the exit status of a command in the lake."""
    code = status([*line, "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out) if out.strip() else None


# The data of a project


def test_a_project_is_searched_counted_and_faceted_with_metadata_conditions(lake):
    assert lake.search.count(where="in_project('Survey')") == 4
    found = lake.search(where="in_project('Survey') AND weather = 'rain'")
    assert [item.name for item in found] == ["0.png"]
    assert lake.search.count(where="NOT in_project('Survey')") == 1
    (facet,) = lake.facets("projects")
    assert [(bucket.value, bucket.count) for bucket in facet.buckets] == [("Survey", 4)]
    assert (facet.present, facet.missing) == (4, 1)
    with pytest.raises(heron.NotFound, match="no project 'Survy'"):
        lake.search.count(where="in_project('Survy')")


@pytest.mark.parametrize(
    "line",
    [
        ["search", "--count"],
        ["items"],
        ["facets", "weather,projects"],
        ["stats", "width"],
        ["duplicates"],
        ["collections", "create", "New"],
        ["datasets", "create", "new"],
        ["metadata", "merge", "weather=sun"],
    ],
)
def test_a_command_takes_a_project_where_it_takes_a_dataset(lake, capsys, line):
    code, _ = run(capsys, [*line, "--project", "Survey", "--where", "width > 1"])
    assert code == 0
    assert lake.search.count(where="in_collection('New')") == 4 if "New" in line else True


def test_a_collection_is_made_in_a_project_of_what_a_query_finds_there(lake, capsys):
    line = ["collections", "create", "Rain", "--in", "Survey", "--project", "Survey"]
    code, made = run(capsys, [*line, "--where", "weather = 'rain'"])
    assert (code, made["item_count"], made["project"]) == (0, 1, "Survey")
    assert lake.projects.get("Survey").collections == ("Rain",)
    assert lake.projects.remove("Survey", collections="Rain") == 1
    assert lake.collections.get("Rain").project is None


def test_a_dataset_that_the_user_does_not_see_is_no_data_of_their_project(lake):
    lake.roles.grant("user", user=BOB, folder="Road")
    with as_user(lake, BOB) as bob:
        bob.datasets.create("mine", items=["3.png"])
        bob.projects.create("Own", datasets="mine")
        lake.projects.add("Own", datasets="train")
        assert bob.search.count(where="in_project('Own')") == 1
        assert [b.count for b in bob.facets("projects")[0].buckets] == [1]
    assert lake.search.count(where="in_project('Own')") == 4


# Status, archive, rights


def test_projects_are_listed_by_status_and_all_tags(lake):
    lake.tags.create("urgent")
    lake.projects.create("Other", tags="urgent")
    lake.projects.update("Other", status="in_progress")
    assert [p.title for p in lake.projects.list(status="in_progress")] == ["Other"]
    assert lake.projects.list(status="not_started", tags="urgent") == []
    with pytest.raises(heron.InvalidInput, match="is not a status"):
        lake.projects.list(status="done")


REFUSED = {
    "a title": lambda ws: ws.projects.update("Survey", title="New"),
    "a status": lambda ws: ws.projects.update("Survey", status="completed"),
    "a dataset": lambda ws: ws.projects.remove("Survey", datasets="train"),
    "a tag": lambda ws: ws.projects.add("Survey", tags=()),
    "a sending": lambda ws: ws.annotation.send("Survey", "In", ws.root / "t.json", format="json"),
    "a collection there": lambda ws: ws.collections.create("New", project="Survey"),
    "items of its collection": lambda ws: ws.collections.add("In", "1.png"),
    "the title of its collection": lambda ws: ws.collections.update("In", title="Out"),
    "its collection": lambda ws: ws.collections.delete("In"),
}


@pytest.mark.parametrize("change", REFUSED)
def test_an_archived_project_refuses_changes_until_it_is_brought_back(lake, change):
    lake.collections.create("In", items="0.png", project="Survey")
    lake.projects.update("Survey", archived=True)
    before = [lake.projects.get("Survey"), lake.collections.list()]
    with pytest.raises(heron.InvalidInput, match=r"is archived,? and cannot be changed") as refusal:
        REFUSED[change](lake)
    assert "--unarchive" in refusal.value.hint
    assert [lake.projects.get("Survey"), lake.collections.list()] == before
    assert lake.search.count(where="in_project('Survey')") == 4
    lake.projects.update("Survey", archived=False)
    REFUSED[change](lake)


def test_who_sees_a_project_sees_its_collections_and_who_updates_it_changes_them(lake):
    lake.collections.create("In", items=["0.png", "3.png"], project="Survey")
    lake.roles.grant("annotator", user=ADA, project="Survey")
    lake.roles.grant("team_manager", user=BOB, project="Survey")
    with as_user(lake, ADA) as ada:
        (seen,) = ada.collections.list()
        assert (seen.title, seen.item_count) == ("In", 1)  # 3.png is in no dataset of the project
        assert next(ada.collections.items("In")).tags == ("In",)
        with pytest.raises(heron.PermissionDenied, match="may not update collection 'In'"):
            ada.collections.add("In", "1.png")
        with pytest.raises(heron.PermissionDenied, match="may not update project 'Survey'"):
            ada.annotation.send("Survey", "In", lake.root / "t.json", format="json")
    with as_user(lake, BOB) as bob:
        assert bob.collections.add("In", "1.png").added == 1
        bob.collections.update("In", title="Inside")
    lake.projects.delete("Survey")
    assert lake.collections.get("Inside").project is None
    with as_user(lake, BOB) as bob:
        assert bob.collections.list() == []


def test_a_collection_belongs_to_one_project(lake):
    lake.projects.create("Other", collections="Some")
    with pytest.raises(heron.AlreadyExists, match="belongs to project 'Other' already"):
        lake.projects.add("Survey", collections="Some")
    assert lake.projects.get("Survey").collections == ()
    assert lake.projects.add("Other", collections="Some").collections == ("Some",)


# Annotation


def test_what_was_sent_is_remembered_and_not_sent_again(lake, tmp_path):
    file = tmp_path / "tasks.json"
    planned = lake.annotation.send("Survey", "Some", file, format="label-studio", dry_run=True)
    assert (planned.sent, planned.items, planned.outside) == (None, 2, 1) and not file.exists()
    done = lake.annotation.send("Survey", "Some", file, format="label-studio")
    tasks = json.loads(file.read_text())
    assert [task["data"]["name"] for task in tasks] == ["0.png", "film.mp4"]
    sent = lake.annotation.sent("Survey")[0]
    assert done.sent == sent and sent.sent_by == "owner" and sent.format == "label-studio"
    assert (sent.collection, sent.item_count, sent.file) == ("Some", 2, str(file))
    assert [item.name for item in lake.annotation.items(sent)] == ["0.png", "film.mp4"]
    lake.collections.add("Some", "1.png")
    more = lake.annotation.send("Survey", "Some", tmp_path / "more.json", format="label-studio")
    assert (more.items, more.skipped) == (1, 2)
    nothing = lake.annotation.send("Survey", "Some", tmp_path / "none.json", format="label-studio")
    assert (nothing.sent, nothing.items, nothing.skipped) == (None, 0, 3)
    assert not (tmp_path / "none.json").exists()
    again = lake.annotation.send("Survey", "Some", tmp_path / "all.json", format="label-studio", again=True)
    assert (again.items, again.skipped) == (3, 0)
    assert len(lake.annotation.sent()) == 3
    (line,) = lake.log.list(verb="annotation", limit=1)
    assert (line.verb, line.resource) == ("annotation.send", "Survey")


def test_frames_that_the_format_writes_are_remembered(lake, tmp_path):
    done = lake.annotation.send("Survey", "Some", tmp_path / "t.jsonl", format="jsonl")
    assert (done.items, done.frames) == (2, 2)
    assert [item.frames for item in lake.annotation.items(done.sent.uuid)] == [(), (2, 5)]
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert [len(row.get("frames", ())) for row in rows] == [0, 2]


def test_only_what_the_format_takes_was_sent(lake, tmp_path):
    done = lake.annotation.send("Survey", "Some", tmp_path / "t.xml", format="cvat")
    assert (done.items, done.not_taken, done.outside) == (1, 1, 1)
    assert [item.name for item in lake.annotation.items(done.sent)] == ["0.png"]


def test_a_file_that_cannot_be_written_leaves_nothing(lake, tmp_path):
    with pytest.raises(heron.HeronError, match="cannot be written"):
        lake.annotation.send("Survey", "Some", tmp_path / "no" / "t.json", format="label-studio")
    with pytest.raises(heron.InvalidInput, match="is a folder of files"):
        lake.annotation.send("Survey", "Some", tmp_path / "f", format="copies")
    assert lake.annotation.sent() == []


def test_members_see_what_was_sent_of_what_they_see(lake, tmp_path):
    lake.annotation.send("Survey", "Some", tmp_path / "t.json", format="label-studio")
    with as_user(lake, ADA) as ada:
        assert ada.annotation.sent() == []
        lake.roles.grant("viewer", user=ADA, project="Survey")
        (sent,) = ada.annotation.sent()
        assert sent.item_count == 2
        lake.projects.remove("Survey", datasets="train")
        assert ada.annotation.sent()[0].item_count == 0
        assert [*ada.annotation.items(sent)] == []
    lake.items.delete("0.png")
    assert lake.annotation.sent()[0].item_count == 1


def test_the_command_says_what_was_left_out(lake, tmp_path, capsys):
    code, done = run(
        capsys, ["projects", "send", "Survey", str(tmp_path / "t.xml"), "--collection", "Some", "--format", "cvat"]
    )  # fmt: skip
    assert (code, done["items"], done["not_taken"], done["outside"]) == (0, 1, 1, 1)
    _, listed = run(capsys, ["projects", "sent", "Survey"])
    assert [(s["format"], s["item_count"]) for s in listed["items"]] == [("cvat", 1)]
    _, items = run(capsys, ["projects", "sent", "--items", done["sent"]["uuid"]])
    assert [item["name"] for item in items["items"]] == ["0.png"]
    status(["projects", "send", "Survey", "-", "--collection", "Some", "--format", "cvat"])
    said = capsys.readouterr()
    assert said.out.startswith("There is nothing to send")
    assert "1 item that were sent before" in said.err


# Catalogues of before


def test_an_older_catalogue_gets_the_tables_and_is_read_without_them(tmp_path):
    with heron.open(tmp_path / "lake", discover=False) as ws:
        ws.collections.create("Best")
        ws.projects.create("Survey")
    catalogue = tmp_path / "lake" / ".heron" / "catalog.db"
    with closing(sqlite3.connect(catalogue)) as plain:
        plain.executescript(
            "DROP TABLE sent_items; DROP TABLE sent_tasks; DROP INDEX collections_project;"
            "ALTER TABLE collections DROP COLUMN project_id;"
            "DELETE FROM _sqlite_migrations WHERE name = 'project_work'"
        )
    with closing(sqlite3.connect(f"{catalogue.as_uri()}?mode=ro", uri=True)) as plain:
        imagine(plain, {"project_work"})
        assert plain.execute("SELECT title, project_id FROM collections").fetchall() == [("Best", None)]
        assert plain.execute("SELECT * FROM sent_tasks, sent_items").fetchall() == []
    with heron.open(tmp_path / "lake", discover=False) as ws:
        assert ws.projects.add("Survey", collections="Best").collections == ("Best",)
        assert ws.annotation.sent() == []
