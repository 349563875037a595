"""Members and frames of items: in exports, in `items show` and in lists as JSON; nothing is left out without a word."""

import csv
import io
import json
import tempfile
import tracemalloc
from pathlib import Path

import pytest

import heron
from heron.catalog.datasets import DatasetService
from heron.cli.main import status
from heron.errors import HeronError, InvalidInput
from heron.models import MediaFacts, Member, NewFrame, NewItem
from tests.conftest import draw


@pytest.fixture
def lake(tmp_path, sample_lake):
    """A DICOM series, a group of three pictures, a video with marked frames, and a plain picture, as dataset D."""
    for number in range(3):
        draw(tmp_path / "views" / f"v {number}.png", seed=number)
    with heron.open(tmp_path / "ws") as opened:
        opened.ingest.files([sample_lake / "lake" / "scans" / "head-ct"], folder="S")
        opened.ingest.files([tmp_path / "views"], folder="V", batch_as="group")
        film = opened.ingest.files([sample_lake / "lake" / "media" / "ferry.avi"], folder="F")
        opened.ingest.files([draw(tmp_path / "plain.png")], folder="P")
        assert film.added == 1
        ferry = opened.items.get("ferry.avi")
        opened.frames.set(ferry, {13: {"event": "=horn", "box": [1, 2]}, 17: None})
        opened.frames.set_metadata("views", 1, {"side": "left"})
        opened.datasets.create("D", items=opened.items.list())
        yield opened


def by_kind(rows):
    return {row["kind"]: row for row in rows}


def marked(row):
    return [(f["number"], f["is_key"], f["metadata"]) for f in row.get("frames", ())]


def check(lake, rows):
    """That exported rows have all members in order, and the marked frames."""
    kinds = by_kind(rows)
    for kind in ("dicom", "image_group"):
        [item] = lake.search(where=f"kind = '{kind}'")
        members = lake.items.members(item)
        assert [m["url"] for m in kinds[kind]["members"]] == [m.url for m in members]
        assert [m["size"] for m in kinds[kind]["members"]] == [m.size for m in members]
        assert [m["position"] for m in kinds[kind]["members"]] == list(range(len(members)))
    assert [m["path"].rpartition("/")[2] for m in kinds["image_group"]["members"]] == [
        f"v {number}.png" for number in range(3)
    ], "paths are decoded"
    assert "members" not in kinds["video"]
    assert "members" not in kinds["image"]
    assert "frames" not in kinds["image"]
    assert "frames" not in kinds["dicom"]
    assert marked(kinds["image_group"]) == [(1, False, {"side": "left"})]
    assert marked(kinds["video"]) == [(13, True, {"event": "=horn", "box": [1, 2]}), (17, True, {})]
    assert kinds["video"]["frames"][0]["seconds"] == pytest.approx(13 / 12.5)


@pytest.mark.slow
def test_json_and_json_lines_have_members_and_marked_frames(lake, tmp_path):
    lake.export("D", tmp_path / "d.json")
    lake.export("D", tmp_path / "d.jsonl", format="jsonl")
    rows = json.loads((tmp_path / "d.json").read_text())
    assert [json.loads(line) for line in (tmp_path / "d.jsonl").read_text().splitlines()] == rows
    check(lake, rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("choice", "numbers"), [("none", []), ("metadata", [13]), ("key", [13, 17]), ("marked", [13, 17])]
)
def test_which_frames_are_exported_is_an_option(lake, tmp_path, choice, numbers):
    lake.export("D", tmp_path / "d.json", frames=choice)
    video = by_kind(json.loads((tmp_path / "d.json").read_text()))["video"]
    assert [frame["number"] for frame in video.get("frames", ())] == numbers


@pytest.mark.slow
def test_all_frames_can_be_exported_and_an_unknown_choice_is_refused(lake, tmp_path):
    lake.export("D", tmp_path / "d.json", frames="all")
    kinds = by_kind(json.loads((tmp_path / "d.json").read_text()))
    assert len(kinds["dicom"]["frames"]) == 12
    assert len(kinds["video"]["frames"]) == len(lake.frames.list("ferry.avi"))
    with pytest.raises(InvalidInput, match="marked"):
        lake.export("D", tmp_path / "d.json", frames="some")


@pytest.mark.slow
def test_csv_says_what_it_leaves_out_and_has_tables_of_it(lake, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(lake.root)

    def run(*arguments):
        assert status(["datasets", "export", "D", *arguments]) == 0
        return capsys.readouterr()

    said = run("-o", "d.csv").err
    assert "15 members" in said
    assert "3 frames" in said
    assert "csv-members" in said
    assert "csv-frames" in said
    assert "frames" not in run("-o", "d.csv", "--frames", "none").err
    assert json.loads(run("-o", "d.csv", "--json").out)["left_out"] == {"members": 15, "frames": 3}
    assert run("-o", "d.json").err == ""
    members = list(csv.DictReader(io.StringIO(run("-o", "-", "--format", "csv-members").out)))
    views = [row for row in members if row["name"] == "views"]
    assert len(members) == 15
    assert [row["member.url"] for row in views] == [m.url for m in lake.items.members("views")]
    assert {row["uuid"] for row in views} == {lake.items.get("views").uuid}
    run("-o", "f.csv", "--format", "csv-frames")
    with (lake.root / "f.csv").open(newline="") as stream:
        frames = list(csv.DictReader(stream))
    assert [(row["name"], row["frame.number"], row["frame.metadata.event"]) for row in frames] == [
        ("views", "1", ""),
        ("ferry.avi", "13", "=horn"),
        ("ferry.avi", "17", ""),
    ]
    assert frames[1]["frame.metadata.box"] == "[1,2]"


@pytest.mark.slow
def test_an_item_is_shown_with_its_members_and_marked_frames(lake, monkeypatch, capsys):
    monkeypatch.chdir(lake.root)

    def run(*arguments):
        assert status([*arguments]) == 0
        return capsys.readouterr().out

    shown = run("items", "show", "ferry.avi")
    assert "event==horn" in shown
    assert "2 frames" in shown
    assert "17" in run("items", "show", "ferry.avi", "--frames", "key")
    [series] = lake.search(where="kind = 'dicom'")
    shown = run("items", "show", series.uuid, "--limit", "5")
    assert "12 members" in shown
    assert "and 7 more" in shown
    rows = [json.loads(run("items", "show", item.uuid, "--json")) for item in lake.items.list()]
    check(lake, rows)
    assert all("vectors" in row for row in rows)
    assert len(json.loads(run("items", "show", series.uuid, "--json", "--frames", "all"))["frames"]) == 12


@pytest.mark.slow
def test_lists_have_members_and_frames_on_request(lake, monkeypatch, capsys):
    monkeypatch.chdir(lake.root)

    def run(*arguments, code=0):
        assert status([*arguments]) == code
        return capsys.readouterr().out

    both = ("--json", "--with", "members", "--with", "frames")
    check(lake, json.loads(run("items", *both))["items"])
    check(lake, json.loads(run("search", *both))["items"])
    assert not any("members" in row for row in json.loads(run("items", "--json"))["items"])
    page = json.loads(run("items", "--json", "--with", "members", "--limit", "1"))
    assert page["cursor"]
    assert len(page["items"]) == 1
    run("items", "--with", "members", code=2)


def big(workspace, members, frames=0):
    """An item with many members and frames, as dataset D."""
    item = NewItem(
        "s3://lake/big#image_group-1",
        MediaFacts("image_group", "image/png", frame_count=members),
        name="big",
        members=[Member(f"s3://lake/{n}.png", n) for n in range(members)],
        frames=[NewFrame(n, None, False, {"n": n}) for n in range(frames)],
    )
    workspace.registration.register([item], "A")
    workspace.datasets.create("D", items=workspace.items.list())


class Urls:
    """An exporter that writes the URL of each member, and the number of each frame, as they come."""

    def write(self, rows, stream):
        count = 0
        for row in rows:
            count += 1
            for member in row.members:
                stream.write(member.url.encode() + b"\n")
            for frame in row.frames:
                stream.write(b"%d\n" % frame.number)
        return count


class Names:
    """An exporter of before, which knows only items."""

    def write(self, rows, stream):
        return sum(bool(stream.write(row.item.name.encode())) for row in rows)


class Exporters:
    @heron.hookimpl
    def register_exporters(self):
        yield heron.DatasetExporter(
            name="urls", summary="URLs", suffix=".urls", load=Urls, contains=["members", "frames"]
        )
        yield heron.DatasetExporter(name="names", summary="names", suffix=".names", load=Names)


def test_an_exporter_of_a_plugin_gets_members_and_frames_as_streams(tmp_path):
    with heron.open(tmp_path / "ws", plugins=[Exporters()], discover=False) as opened:
        big(opened, 2500, 3)
        assert opened.export("D", tmp_path / "d.urls", format="urls") == 1
        lines = (tmp_path / "d.urls").read_text().splitlines()
        assert lines == [*(f"s3://lake/{n}.png" for n in range(2500)), "0", "1", "2"]
        assert opened.export("D", tmp_path / "d.names", format="names") == 1
        assert (tmp_path / "d.names").read_text() == "big"
        [row] = opened.datasets.rows("D", frames="all")
        assert len(list(row.members)) == len(list(row.members)) == 2500, "they can be read again"
        assert len(list(row.frames)) == 3


@pytest.mark.parametrize("format", ["json", "jsonl", "csv-members", "urls"])
def test_memory_does_not_grow_with_the_number_of_members(tmp_path, format):
    peaks = []
    for count in (2_000, 20_000):
        with heron.open(tmp_path / f"ws{count}", plugins=[Exporters()], discover=False) as opened:
            big(opened, count)
            opened.export("D", tmp_path / "warm", format=format)
            tracemalloc.start()
            opened.export("D", tmp_path / "out", format=format)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


def test_what_a_format_contains_is_declared_with_known_words():
    with pytest.raises(TypeError, match="members"):
        heron.DatasetExporter(name="x", summary="x", suffix="", load=Urls, contains="members")
    with pytest.raises(TypeError, match="members"):
        heron.DatasetExporter(name="x", summary="x", suffix="", load=Urls, contains=["pages"])


@pytest.mark.parametrize("target", [".heron/catalog.db", ".heron/new.json", "link/new.json", "to-it"])
def test_an_export_into_the_catalogue_is_refused(workspace, target):
    workspace.registration.register([NewItem("s3://lake/a.png", MediaFacts("image", "image/png"))], "A")
    workspace.datasets.create("D", items=workspace.items.list())
    (workspace.root / "link").symlink_to(workspace.root / ".heron")
    (workspace.root / "to-it").symlink_to(workspace.root / ".heron" / "catalog.db")
    with pytest.raises(InvalidInput, match="part of a workspace"):
        workspace.export("D", workspace.root / target, format="json")
    assert workspace.items.count() == 1
    assert not (workspace.root / ".heron" / "new.json").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_temporary_folder_is_named_and_not_the_output(workspace, tmp_path, monkeypatch):
    workspace.registration.register([NewItem("s3://lake/a.png", MediaFacts("image", "image/png"))], "A")
    workspace.datasets.create("D", items=workspace.items.list())
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: Path("/dev/full").open("r+b"))  # noqa: SIM115
    with pytest.raises(
        HeronError, match=r"the temporary folder .* cannot be written: No space left"
    ) as caught:
        workspace.export("D", tmp_path / "d.csv", format="csv")
    assert "TMPDIR" in caught.value.hint
    assert not (tmp_path / "d.csv").exists()


@pytest.mark.slow
def test_what_a_format_leaves_out_is_counted_only_where_it_leaves_something_out(lake, monkeypatch, capsys):
    monkeypatch.chdir(lake.root)
    counted = []
    for name in ("_member_count", "_frame_count"):
        real = getattr(DatasetService, name)
        monkeypatch.setattr(
            DatasetService, name, lambda *args, real=real, name=name: counted.append(name) or real(*args)
        )
    expected = {
        "json": [], "jsonl": [], "csv-members": ["_frame_count"], "csv-frames": ["_member_count"], "csv": ["_member_count", "_frame_count"],
    }  # fmt: skip
    for format, counts in expected.items():
        counted.clear()
        assert status(["datasets", "export", "D", "-o", "x", "--format", format, "--json"]) == 0
        assert counted == counts, format
        assert len(json.loads(capsys.readouterr().out)["left_out"]) == len(counts)


def test_safe_cells_are_texts_for_spreadsheets(tmp_path, monkeypatch, capsys):
    texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1", "'=1", ""]
    with heron.open(tmp_path) as ws:
        monkeypatch.chdir(tmp_path)
        facts = MediaFacts("image", "image/png")
        metadata = {**{f"k{number}": text for number, text in enumerate(texts)}, "n": -1.5, "l": ["=1"]}
        ws.registration.register([NewItem("s3://lake/a", facts, name="=cmd()", metadata=metadata)], "A")
        ws.datasets.create("D", items=ws.items.list())

        def row(*options):
            assert status(["datasets", "export", "D", "-o", "-", "--format", "csv", *options]) == 0
            [found] = csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
            return found

        plain, safe = row(), row("--safe-cells")
        assert (plain["name"], safe["name"]) == ("=cmd()", "'=cmd()")
        assert [plain[f"metadata.k{number}"] for number in range(len(texts))] == texts
        assert [safe[f"metadata.k{number}"] for number in range(len(texts))] == [
            f"'{text}" if number < 6 or text == "'=1" else text for number, text in enumerate(texts)
        ]
        assert (safe["metadata.n"], safe["metadata.l"]) == ("-1.5", '["=1"]')
        assert status(["datasets", "export", "D", "-o", "d.json", "--safe-cells"]) == 1
        assert "safe cells are for csv, not for json" in capsys.readouterr().err
        assert not (tmp_path / "d.json").exists()
