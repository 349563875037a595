"""Trees of folders: subfolders of a source become folders, and no second import doubles what lies in them."""

import json
import os

import pytest

import heron
from heron.ingest.tree import Tree, folder_name, roots_of
from heron.ingest.units import Unit
from heron.models import Member
from tests.conftest import draw
from tests.test_series import scan
from tests.toy_media import ToyMedia

FILES = ("train/cat/1.png", "train/dog/1.png", "val/cat/1.png", "root.png")


@pytest.fixture
def data(tmp_path):
    for number, name in enumerate(FILES):
        draw(tmp_path / "data" / name, seed=number)
    (tmp_path / "data" / "empty" / "deep").mkdir(parents=True)
    return tmp_path / "data"


def tree(ws, folder=None):
    """The folder of each item, by the path of its file below `data`."""
    return sorted(
        f"{item.folder_path}: {item.url.rpartition('/data/')[2]}" for item in ws.items.list(folder=folder)
    )


KEPT = [
    "P/train/cat: train/cat/1.png",
    "P/train/dog: train/dog/1.png",
    "P/val/cat: val/cat/1.png",
    "P: root.png",
]
FLAT = sorted(f"P: {name}" for name in FILES)


@pytest.mark.parametrize("ignore_errors", [False, True])
def test_subfolders_become_folders(workspace, data, ignore_errors):
    report = workspace.ingest.files([data], folder="P", ignore_errors=ignore_errors)
    assert (report.added, report.problems) == (4, ()) and tree(workspace) == KEPT
    assert [folder.path for folder in workspace.folders.list()] == [
        "P", "P/train", "P/train/cat", "P/train/dog", "P/val", "P/val/cat",
    ]  # fmt: skip


def test_flat_puts_all_into_the_folder(workspace, data):
    workspace.ingest.files([data], folder="P", flat=True)
    assert tree(workspace) == FLAT and [folder.path for folder in workspace.folders.list()] == ["P"]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_a_second_import_doubles_nothing_and_moves_nothing(workspace, data, first, second):
    workspace.ingest.files([data], folder="P", flat=first)
    before = tree(workspace)
    report = workspace.ingest.files([data], folder="P", flat=second, ignore_errors=True)
    assert (report.added, report.skipped) == (0, 4) and tree(workspace) == before
    workspace.items.move(workspace.items.list(folder="P"), workspace.folders.ensure("P/by hand"))
    assert workspace.ingest.files([data], folder="P", flat=second).skipped == 4
    assert workspace.ingest.files([data / "train"], folder="P").skipped == 2
    assert workspace.ingest.files([data / "train"], folder="Q").added == 2


def test_again_adds_the_files_again(workspace, data):
    workspace.ingest.files([data], folder="P")
    assert workspace.ingest.files([data], folder="P", skip_duplicates=False).added == 4
    assert tree(workspace) == sorted(KEPT * 2)


def test_several_folders_keep_their_names(workspace, data):
    workspace.ingest.files([data / "train", data / "val", data / "root.png"], folder="P")
    assert tree(workspace) == KEPT


def test_folders_of_one_name_are_told_apart_by_those_above_them(workspace, data):
    workspace.ingest.files([data / "train" / "cat", data / "val" / "cat"], folder="P")
    assert tree(workspace) == [line for line in KEPT if "/cat" in line]


def test_files_named_one_by_one_land_in_the_folder_itself(workspace, data):
    workspace.ingest.files([data / "train" / "cat" / "1.png", data / "val" / "cat" / "1.png"], folder="P")
    assert tree(workspace) == ["P: train/cat/1.png", "P: val/cat/1.png"]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["file:///a/"], {"file:///a/": []}),
        (["file:///a/", "file:///a/b/"], {"file:///a/": []}),
        (["file:///a/", "file:///b/"], {"file:///a/": ["a"], "file:///b/": ["b"]}),
        (["file:///a/x/", "file:///b/x/"], {"file:///a/x/": ["a", "x"], "file:///b/x/": ["b", "x"]}),
        (["file:///x/", "file:///b/x/"], {"file:///x/": ["x"], "file:///b/x/": ["b", "x"]}),
        (["s3://lake/a%20b/", "file:///c/"], {"s3://lake/a%20b/": ["a b"], "file:///c/": ["c"]}),
        (["s3://lake/", "s3://pond/"], {"s3://lake/": ["lake"], "s3://pond/": ["pond"]}),
        ([], {}),
    ],
)
def test_the_names_of_sources(given, names):
    assert roots_of(given) == names


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("a%20b", "a b"), ("%E6%97%A5", "日"), ("100%25", "100%"), ("line%0Abreak", "line%0Abreak"), ("%00", "%00"), (".", "%2E"),
        ("..", "%2E%2E"), ("%20", "%20"), ("%E9", "%E9"), ("%E3%80%80", "%E3%80%80"), ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 283 + "~e4c11e4fa5423893"),
    ],
)  # fmt: skip
def test_what_cannot_be_the_name_of_a_folder_is_escaped_or_cut(workspace, part, name):
    assert folder_name(part) == name
    assert workspace.folders.create(folder_name(part)).name == folder_name(part)


def test_folders_of_odd_names(workspace, tmp_path):
    for name in ("a b", "100%", "日", "line\nbreak", "x" * 250, " "):
        draw(tmp_path / "data" / name / "1.png")
    draw(tmp_path / "data" / os.fsdecode(b"latin-\xe9") / "1.png")
    report = workspace.ingest.files([tmp_path / "data"], folder="P", ignore_errors=True)
    assert {folder.name for folder in workspace.folders.list("P")} == {
        "a b",
        "100%",
        "日",
        "line%0Abreak",
        "x" * 250,
        "%20",
    }
    assert report.failed == 1 and "not valid Unicode" in report.problems[0].reason


def test_trees_that_are_too_deep_end_in_the_deepest_folder(workspace, tmp_path):
    for depth in (98, 99, 120):
        draw(tmp_path.joinpath("data", *["d"] * depth, f"{depth}.png"), seed=depth)
    report = workspace.ingest.files([tmp_path / "data"], folder="P", ignore_errors=True)
    depths = {item.name: item.folder_path.count("/") for item in workspace.items.list()}
    assert report.added == 3 and depths == {"98.png": 98, "99.png": 99, "120.png": 99}
    assert [problem.reason.startswith("it lies too many folders deep") for problem in report.problems] == [
        True
    ]
    assert workspace.folders.delete("P").items == 3


def test_a_folder_without_valid_items_is_not_made(workspace, data):
    workspace.schema.add_scalar("speed", "number")
    (data / "val" / "cat" / "1.png.metadata.json").write_text('{"speed": "fast"}')
    report = workspace.ingest.files([data], folder="P", ignore_errors=True)
    assert (report.added, report.failed) == (3, 1)
    assert [folder.path for folder in workspace.folders.list()] == [
        "P",
        "P/train",
        "P/train/cat",
        "P/train/dog",
    ]


def test_a_dry_run_makes_no_folders(workspace, data):
    assert workspace.ingest.files([data], folder="P", dry_run=True).added == 4
    assert workspace.folders.list() == []


def test_an_import_goes_on_in_a_folder_that_was_renamed(workspace, data):
    workspace.ingest.files([data / "train"], folder="P")
    workspace.folders.rename("P", "Q")
    workspace.ingest.files([data], folder="Q")
    assert {folder.path for folder in workspace.folders.list("Q")} == {
        "Q/cat",
        "Q/dog",
        "Q/train",
        "Q/val",
        "Q/val/cat",
    } - {"Q/train"}


# Groups and series


def test_a_group_stands_for_its_folder_and_lands_beside_it(workspace, data):
    workspace.ingest.files([data], folder="P", batch_as="group")
    assert sorted((item.folder_path, item.name) for item in workspace.items.list()) == [
        ("P", "data"), ("P/train", "cat"), ("P/train", "dog"), ("P/val", "cat"),
    ]  # fmt: skip
    assert workspace.ingest.files([data], folder="P", batch_as="group", flat=True).skipped == 4


def test_what_has_several_files_lands_in_the_folder_that_holds_all():
    kept = Tree({"file:///d/": []})
    members = [Member(f"file:///d/{place}") for place in ("a/b/1", "a/b/2", "a/c/1")]
    assert kept.of(Unit("", "file:///d/a/b/1#image_group-1", members=tuple(members[:2]))) == ("a", "b")
    assert kept.of(Unit("", "file:///d/a/b/1#image_group-1", members=tuple(members))) == ("a",)
    assert kept.of(Unit("", "file:///d/x.zip#series=1")) == ()
    assert kept.of(Unit("", "file:///e/a/b")) == () and kept.of(Unit("", "file:///d/%2E%2E/b")) == ("%2E%2E",)


def test_a_series_over_subfolders_is_one_item_in_the_folder_that_holds_it(tmp_path):
    with heron.open(tmp_path / "lake", plugins=[ToyMedia()], discover=False) as ws:
        for number, place in enumerate(("study/a", "study/a", "study/b", "other")):
            scan(tmp_path / "data" / place / f"{number}.scan", "S" if place != "other" else "T", number)
        for flat, added in ((False, 2), (True, 0), (False, 0)):
            assert ws.ingest.files([tmp_path / "data"], folder="P", flat=flat).added == added
            found = {item.folder_path: len(ws.items.members(item)) for item in ws.items.list()}
            assert found == {"P/study": 3, "P/other": 1}
        scan(tmp_path / "data" / "far" / "9.scan", "S", 9)
        assert ws.ingest.files([tmp_path / "data"], folder="P").job.updated == 1
        assert {item.folder_path: len(ws.items.members(item)) for item in ws.items.list()} == {
            "P/study": 4,
            "P/other": 1,
        }


def test_sidecars_are_found_in_the_tree(workspace, data):
    (data / "val" / "cat" / "1.png.metadata.json").write_text('{"city": "Oslo"}')
    workspace.ingest.follow("P", str(data))
    job = workspace.ingest.sync("P").job
    assert (job.added, job.updated) == (4, 0)
    [item] = workspace.search(where="city = 'Oslo'")
    assert item.folder_path == "P/val/cat"
    assert workspace.ingest.sync("P").job.updated == 0
    (data / "val" / "cat" / "1.png.metadata.json").write_text('{"city": "Bergen"}')
    assert workspace.ingest.sync("P").job.updated == 1


# Commands


@pytest.fixture
def lake(workspace):
    """Where `run` runs commands."""
    return workspace


def test_commands(lake, data, run):
    assert "4 new" in run("import", str(data), "--folder", "P") and tree(lake) == KEPT
    assert "4 there already" in run("import", str(data), "--folder", "P", "--flat")
    run("import", str(data), "--folder", "Q", "--flat")
    assert tree(lake, "Q") == [line.replace("P", "Q", 1) for line in FLAT]
    (
        run("folders", "create", "S", "--sync", str(data)),
        run("folders", "create", "T", "--sync", str(data), "--flat"),
    )
    run("sync")
    assert tree(lake, "S") == [line.replace("P", "S", 1) for line in KEPT]
    assert tree(lake, "T") == [line.replace("P", "T", 1) for line in FLAT]
    assert "none, it is flat" in run("folders", "show", "T") and "as they are nested there" in run(
        "folders", "show", "S"
    )
    counts = {
        folder["path"]: folder["item_count"] for folder in json.loads(run("folders", "--json"))["items"]
    }
    assert counts["P"] == counts["T"] == 4 and counts["P/train"] == 2 and counts["P/val/cat"] == 1
    assert "go with --sync" in run("folders", "create", "U", "--flat", code=2)
    (data / "m.csv").write_text(f"ObjectURL,Image title\n{(data / FILES[0]).as_uri()},x\n")
    run("import", "--manifest", str(data / "m.csv"), "--folder", "M", "--tree", str(data))
    assert tree(lake, "M") == ["M/train/cat: train/cat/1.png"]
    assert "go with --manifest" in run("import", str(data), "--folder", "M", "--tree", str(data), code=2)
    assert "do not go with --manifest" in run(
        "import", "--manifest", str(data / "m.csv"), "--folder", "M", "--flat", code=2
    )


def test_folders_count_their_items(workspace, data):
    workspace.ingest.files([data], folder="P")
    workspace.folders.create("P 0/deep")  # ' ' and '0' stand before and behind '/'
    workspace.folders.create("P0")
    workspace.items.delete([next(workspace.items.stream(folder="P"))])
    folders = workspace.folders.list()
    counts = {folder.uuid: workspace.items.count(folder=folder) for folder in folders}
    assert workspace.folders._counts() == counts
    assert workspace.folders._counted(None, 0) == [(folder, counts[folder.uuid]) for folder in folders]
    assert workspace.folders._counted(2, 1) == [(f, counts[f.uuid]) for f in folders[1:3]]


def test_a_page_of_folders_reads_no_others(workspace, data):
    workspace.ingest.files([data], folder="P")
    plans = []
    with_plan = workspace._database.rows

    def rows(sql, parameters=()):
        plans.extend(row["detail"] for row in with_plan(f"EXPLAIN QUERY PLAN {sql}", parameters))
        return with_plan(sql, parameters)

    workspace._database.rows = rows
    workspace.folders._counted(None, 0)
    assert len([plan for plan in plans if "place" in plan]) < 10, (
        "few statements, however many folders there are"
    )
    plans.clear()
    workspace.folders._counted(2, 0)
    assert "SCAN folders USING INDEX sqlite_autoindex_folders_2" in plans, "in the order of the paths"
    assert not [
        plan for plan in plans if plan.startswith("SCAN") and "INDEX" not in plan and "given" not in plan
    ]
