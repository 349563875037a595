"""Groups and sequences of images: local folders as one item, their members as frames, and those of manifests."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import heron
from heron.catalog.contents import Contents
from heron.catalog.full_text import SPACED, spaced
from heron.cli.main import status
from heron.ingest.batches import natural

COUNTED = ("imports", "import_problems", "log", "sqlite_sequence")


def flat(path, level, size=(40, 30)):
    """A picture of one grey, written without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level,) * 3).save(path)
    return path


@pytest.fixture
def views(tmp_path):
    """A folder with twelve pictures, each of its own grey, whose names sort by number alone."""
    for number in range(12):
        flat(tmp_path / "views" / f"v{number}.png", 10 * number)
    return tmp_path / "views"


def members(workspace, item):
    return [member.url.rpartition("/")[2] for member in workspace.items.members(item)]


def state(workspace):
    """All that the catalogue holds as text, but its jobs."""
    marks = tuple(f'INSERT INTO "{table}"' for table in COUNTED)
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        plain.create_function(SPACED, 1, spaced)
        return "\n".join(line for line in plain.iterdump() if not line.startswith(marks))


def level(picture):
    """The grey in the middle of a picture."""
    return picture.getpixel((picture.width // 2, picture.height // 2))[0]


# Local folders


@pytest.mark.parametrize(("batch_as", "kind"), [("group", "image_group"), ("sequence", "image_sequence")])
def test_a_folder_is_one_item_whose_frames_are_its_pictures_in_natural_order(
    workspace, views, batch_as, kind
):
    report = workspace.ingest.files([views], folder="A", batch_as=batch_as, thumbnails=True)
    [item] = workspace.items.list()
    assert (report.added, item.kind, item.name) == (1, kind, "views")
    assert members(workspace, item) == [f"v{number}.png" for number in range(12)]
    assert (item.facts.width, item.facts.height, item.facts.frame_count) == (40, 30, 12)
    assert item.size == sum(path.stat().st_size for path in views.iterdir())
    frames = list(workspace.frames.list(item))
    assert [(f.number, f.seconds, f.is_key) for f in frames] == [(n, None, False) for n in range(12)]
    assert [level(picture) for _, picture in workspace.pictures.frames(item, range(12))] == list(
        range(0, 120, 10)
    )
    thumbnail = Image.open(io.BytesIO(workspace.thumbnails.find(item)))
    corners = [(5, 5), (-5, 5), (5, -5), (-5, -5)]
    found = [thumbnail.getpixel((x % thumbnail.width, y % thumbnail.height))[0] for x, y in corners]
    assert found == pytest.approx([0, 10, 20, 30], abs=2), "the first four, row by row"


def test_each_folder_is_an_item_of_its_own_and_what_is_no_image_is_passed_over(workspace, views):
    flat(views / "deep" / "er" / "a.jpg", 1)
    flat(views / "deep" / ".hidden.jpg", 1)
    (views / "notes.txt").write_text("words")
    (views / "deep" / "table.csv").write_text("a,b")
    report = workspace.ingest.files([views], folder="A", batch_as="group", ignore_errors=True)
    assert (report.added, report.failed) == (2, 0)
    assert {item.name: members(workspace, item) for item in workspace.items.list()} == {
        "views": [f"v{number}.png" for number in range(12)],
        "er": ["a.jpg"],
    }


def test_loose_files_are_one_item_in_the_order_given(workspace, views):
    chosen = [views / "v7.png", views / "v1.png", views / "v10.png", views / "v7.png"]
    report = workspace.ingest.files([*chosen, views], folder="A", batch_as="group")
    loose, whole = workspace.items.list()
    assert report.added == 2
    assert members(workspace, loose) == ["v7.png", "v1.png", "v10.png"], "each once"
    assert members(workspace, whole) == [f"v{number}.png" for number in range(12)]


def test_unequal_sizes_make_a_group_and_no_sequence(workspace, views):
    flat(views / "v12.png", 0, size=(41, 30))
    before = state(workspace)
    with pytest.raises(heron.ImportAborted) as aborted:
        workspace.ingest.files([views], folder="A", batch_as="sequence")
    last = (views / "v12.png").as_uri()
    assert f"member 12: {last} is 41x30, the first picture of the sequence 40x30" in str(aborted.value)
    assert state(workspace) == before
    assert workspace.ingest.files([views], folder="A", batch_as="group").added == 1


BROKEN = {
    "runcated": lambda path: path.write_bytes(path.read_bytes()[:45]),
    "is text/plain, expected an image": lambda path: path.write_text("words"),
    "is empty": lambda path: path.write_bytes(b""),
    "is not there": lambda path: (path.unlink(), path.symlink_to("gone.png")),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_member_that_cannot_be_read_fails_its_folder_alone_and_says_which(workspace, views, reason):
    flat(views.parent / "good" / "a.png", 0)
    BROKEN[reason](views / "v3.png")
    sources = [views, views.parent / "good"]
    report = workspace.ingest.files(sources, folder="A", batch_as="group", ignore_errors=True)
    [problem] = report.problems
    assert (report.added, report.failed, problem.place) == (1, 1, str(views))
    assert problem.reason.startswith("member 3: ")
    assert "v3.png" in problem.reason
    assert reason in problem.reason
    assert [item.name for item in workspace.items.list()] == ["good"]


def test_a_second_run_skips_what_is_there_and_a_grown_folder_is_another_item(workspace, views):
    assert workspace.ingest.files([views], folder="A", batch_as="group").added == 1
    before = state(workspace)
    again = workspace.ingest.files([views], folder="A", batch_as="group")
    assert (again.added, again.skipped) == (0, 1)
    assert state(workspace) == before
    assert workspace.ingest.files([views], folder="A", batch_as="sequence").added == 1
    flat(views / "v12.png", 0)
    assert workspace.ingest.files([views], folder="A", batch_as="group").added == 1


def test_a_dry_run_tells_what_would_happen_and_changes_nothing(workspace, views):
    before = state(workspace)
    report = workspace.ingest.files([views], folder="A", batch_as="group", dry_run=True)
    assert (report.added, report.is_kept) == (1, False)
    assert state(workspace) == before
    assert workspace.imports.list() == []


def test_a_folder_without_images_is_refused(workspace, tmp_path):
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(heron.NotFound, match="there is no image below"):
        workspace.ingest.files([tmp_path], folder="A", batch_as="group")


def test_objects_of_a_storage_are_not_batched(workspace):
    with pytest.raises(heron.HeronError, match=r"only files of this machine can be imported as a|no storage"):
        workspace.ingest.files(["s3://lake/views/"], folder="A", batch_as="group")


def test_names_with_blanks_and_signs_are_found_again(workspace, tmp_path):
    names = ["a #1?.png", "a 100%25.png", "größe.png", "x²3.png"]
    for number, name in enumerate(names):
        flat(tmp_path / "in" / name, 50 * number)
    workspace.ingest.files([tmp_path / "in"], folder="A", batch_as="group")
    [item] = workspace.items.list()
    assert [level(picture) for _, picture in workspace.pictures.frames(item, range(4))] == [50, 0, 100, 150]


# Natural order


NAMES = st.text(st.sampled_from("aB12²३0_.-é"), min_size=1, max_size=8)


@given(st.lists(NAMES, min_size=2, max_size=6, unique=True))
def test_natural_order_is_total(names):
    ordered = sorted(names, key=natural)
    assert all(natural(before) < natural(after) for before, after in pairwise(ordered))


@pytest.mark.parametrize(
    "ordered",
    [
        ["f1", "f2", "f10", "f100"], ["a", "B", "c"], ["2", "10", "a"], ["f1a2", "f1a10", "f2a1"], ["1²3", "2"],
        ["f01", "f1", "f2"], ["x", "x1"], ["x.png", "x1.png", "x2.jpg", "x10.png"], ["1.png", "a.png"],
    ],
)  # fmt: skip
def test_numbers_in_names_count_by_their_value(ordered):
    assert sorted(sorted(ordered, reverse=True), key=natural) == ordered


# Manifests


@pytest.mark.parametrize(("create_video", "kind"), [(False, "image_group"), (True, "image_sequence")])
def test_groups_of_a_manifest_have_frames_and_thumbnails_too(workspace, views, tmp_path, create_video, kind):
    urls = {f"objectUrl_{place}": (views / f"v{n}.png").as_uri() for place, n in enumerate((5, 11, 2))}
    metadata = {"$heron": {"frames": {"1": {"side": "left"}}}, "city": "Oran"}
    group = {"title": "Pair", "createVideo": create_video, "clientMetadata": metadata, **urls}
    manifest = tmp_path / "m.json"
    manifest.write_text(json.dumps({"image_groups": [group]}))
    assert workspace.ingest.manifest(manifest, folder="A", thumbnails=True).added == 1
    [item] = workspace.items.list()
    assert (item.kind, item.name, item.metadata) == (kind, "Pair", {"city": "Oran"})
    frames = list(workspace.frames.list(item))
    assert [(f.number, f.is_key, f.metadata) for f in frames] == [
        (0, False, {}), (1, True, {"side": "left"}), (2, False, {}),
    ]  # fmt: skip
    assert [level(picture) for _, picture in workspace.pictures.frames(item, [2, 0, 1])] == [50, 110, 20]
    assert workspace.thumbnails.find(item).startswith(b"\xff\xd8")


def test_a_key_frame_behind_the_last_member_fails_the_group(workspace, views, tmp_path):
    group = {"images": [(views / "v1.png").as_uri()], "clientMetadata": {"keyframes": [1]}}
    manifest = tmp_path / "m.json"
    manifest.write_text(json.dumps({"image_groups": [group]}))
    report = workspace.ingest.manifest(manifest, folder="A", ignore_errors=True)
    assert "views: there is no frame 1, it has 1 frames" in report.problems[0].reason
    assert workspace.items.count() == 0


# Command line


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line in a new workspace; returns what it printed, and checks its exit status."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, exit_status=0):
        assert status(["--no-plugins", *map(str, arguments)]) == exit_status, capsys.readouterr()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert exit_status == 0 or len(err.strip().splitlines()) == 1 or exit_status == 2
        return out if exit_status == 0 else err

    call("init")
    return call


def test_a_frame_of_a_group_is_shown_by_its_number(run, views, tmp_path):
    assert "1 new" in run("import", views, "--folder", "A", "--as", "group")
    assert "frame.png (40 x 30)" in run("show", "views", "--frame", "11", "-o", "frame.png")
    assert level(Image.open(tmp_path / "frame.png")) == 110
    assert run("show", "views", "--frame", "12", "-o", "no.png", exit_status=1) == (
        "Error: views has 12 frames, there is no frame 12\n"
    )
    assert not (tmp_path / "no.png").exists()
    run("show", "views", "-o", "all.png", "--size", "100")
    assert max(Image.open(tmp_path / "all.png").size) <= 100
    assert "12 frames" in run("thumbnails", "--folder", "A", "--frames")
    found = json.loads(run("search", "--frames", "--where", "metric.brightness > 0.4", "--json"))["items"]
    assert [frame["number"] for frame in found] == [11]


def test_the_first_members_and_frames_are_printed_and_the_rest_is_counted(run, views, monkeypatch):
    run("import", views, "--folder", "A", "--as", "group")
    read = {"members": 0, "frames": 0}

    def counting(name, stream):
        def counted(self, *given):
            for row in stream(self, *given):
                read[name] += 1
                yield row

        return counted

    for name in read:
        monkeypatch.setattr(Contents, name, counting(name, getattr(Contents, name)))
    said = run("items", "show", "views", "--limit", "5", "--frames", "all")
    assert "12 members" in said and "12 frames (all that are in the catalogue)" in said
    assert read == {"members": 5, "frames": 5}
    hints = re.findall("… and 7 more: --limit prints more, heron (items show .*) all of them", said)
    for part, hint in zip(read, hints, strict=True):
        assert len(json.loads(run(*hint.split()))[part]) == 12


def test_what_is_counted_is_what_is_read(workspace, views):
    workspace.ingest.files([views], folder="A", batch_as="group")
    [item] = workspace.items.list()
    workspace.frames.set(item, {3: {"side": "left"}, 5: {}})
    contents = workspace.items._contents
    assert contents.member_count(item) == len(list(contents.members(item))) == 12
    for choice, count in {"none": 0, "metadata": 1, "key": 2, "marked": 2, "all": 12}.items():
        assert contents.frame_count(item, choice) == len(list(contents.frames(item, choice))) == count


def test_options_that_do_not_go_together_are_told(run, views, tmp_path):
    run("import", views, "--folder", "A", "--as", "group")
    assert "--frame goes with -o" in run("show", "views", "--frame", "1", exit_status=2)
    (tmp_path / "m.json").write_text("{}")
    told = run("import", "--manifest", "m.json", "--folder", "A", "--as", "group", exit_status=2)
    assert "do not go with --manifest" in told
