"""Exports of datasets."""

from __future__ import annotations

import csv
import json

import pytest

import heron
from heron.cli.main import status
from heron.errors import AlreadyExists, HeronError, InvalidInput, NotFound, PluginError
from heron.models import MediaFacts, NewItem
from tests.test_datasets import register

# Export


def test_json_export_holds_one_object_for_each_row(workspace, tmp_path):
    items = register(workspace, 2, metadata={"city": "東京", "box": [1, 2]})
    workspace.collections.create("Night", items=items[:1])
    workspace.datasets.create("train", items=reversed(items))
    assert workspace.export("train", tmp_path / "train.json") == 2
    exported = json.loads((tmp_path / "train.json").read_text(encoding="utf-8"))
    assert [(row["position"], row["uuid"], row["name"], row["kind"]) for row in exported] == [
        (0, items[1].uuid, "1.jpg", "image"),
        (1, items[0].uuid, "0.jpg", "image"),
    ]
    assert [row["metadata"] for row in exported] == [{"city": "東京", "box": [1, 2]}] * 2
    assert [row["tags"] for row in exported] == [[], ["Night"]]


def test_json_lines_have_the_rows_of_json(workspace, tmp_path):
    workspace.datasets.create("train", items=register(workspace, 3))
    for format in ("json", "jsonl"):
        assert workspace.export("train", tmp_path / f"train.{format}", format=format) == 3
    lines = (tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == json.loads((tmp_path / "train.json").read_text("utf-8"))


def test_csv_export_has_a_column_for_each_key_that_occurs(workspace, tmp_path):
    items = register(workspace, 2)
    workspace.metadata.replace({items[0].uuid: {"city": "a,\nb"}, items[1].uuid: {"dark": True, "box": [1]}})
    workspace.collections.create("Night", items=items)
    workspace.datasets.create("train", items=items)
    assert workspace.export("train", tmp_path / "train.csv", format="csv") == 2
    with (tmp_path / "train.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["metadata.city"], first["metadata.dark"], first["metadata.box"]) == ("a,\nb", "", "")
    assert (second["metadata.city"], second["metadata.dark"], second["metadata.box"]) == ("", "true", "[1]")
    assert (first["position"], first["uuid"], first["tags"]) == ("0", items[0].uuid, "Night")


def test_csv_export_keeps_metadata_apart_from_fields_of_the_same_name(workspace, tmp_path):
    facts = MediaFacts("image", "image/jpeg", width=640, sample_rate=8, channels=2, note="is odd")
    item = NewItem("s3://lake/a.jpg", facts, metadata={"note": "a note", "width": "wide"})
    workspace.registration.register([item], "A")
    workspace.datasets.create("train", items=workspace.items.list())
    workspace.export("train", tmp_path / "train.csv", format="csv")
    with (tmp_path / "train.csv").open(encoding="utf-8", newline="") as stream:
        [row] = csv.DictReader(stream)
    assert (row["width"], row["metadata.width"], row["metadata.note"]) == ("640", "wide", "a note")
    assert (row["sample_rate"], row["channels"]) == ("8", "2")
    assert "note" not in row


@pytest.mark.parametrize("format", ["json", "jsonl", "csv"])
def test_an_empty_dataset_is_exported_as_an_empty_table(workspace, tmp_path, format):
    workspace.datasets.create("train")
    assert workspace.export("train", tmp_path / "train", format=format) == 0
    text = (tmp_path / "train").read_text()
    start = {"json": "[\n]\n", "jsonl": "", "csv": "position,uuid,"}[format]
    assert text.startswith(start) and (format == "csv" or text == start)


def test_an_export_replaces_an_older_one(workspace, tmp_path):
    workspace.datasets.create("train")
    target = tmp_path / "train.json"
    target.write_text("old")
    workspace.export("train", str(target))
    assert json.loads(target.read_text()) == []


def test_the_suffix_of_the_file_says_the_format(workspace, tmp_path):
    workspace.datasets.create("train", items=register(workspace, 1))
    starts = {"a.csv": "position,uuid", "b.JSONL": '{"position":0', "c.json": "[\n{", "d": "[\n{"}
    for name, start in starts.items():
        workspace.export("train", tmp_path / name)
        assert (tmp_path / name).read_text().startswith(start), name
    workspace.export("train", tmp_path / "e.txt", format="csv")
    workspace.export("train", tmp_path / "f.csv", format="csv-members")
    assert (tmp_path / "e.txt").read_text() == (tmp_path / "a.csv").read_text()


@pytest.mark.parametrize(
    ("name", "format", "message"),
    [
        ("a.csv", "json", "a.csv has the suffix of csv, but the format is json"),
        ("a.jsonl", "json", "a.jsonl has the suffix of jsonl, but the format is json"),
        ("a.xml", None, "a.xml has none in its name"),
    ],
)
def test_a_suffix_and_a_format_that_contradict_each_other_are_refused(
    workspace, tmp_path, name, format, message, capsys
):
    workspace.datasets.create("train", items=register(workspace, 1))
    with pytest.raises(InvalidInput, match=message):
        workspace.export("train", tmp_path / name, format=format)
    options = ["--format", format] if format else []
    file = str(tmp_path / name)
    assert status(["-w", str(workspace.root), "datasets", "export", "train", "-o", file, *options]) == 2
    assert message.lower() in " ".join(capsys.readouterr().err.split()).lower()
    assert not (tmp_path / name).exists()


def listing(folder):
    return sorted(path.name for path in folder.rglob("*") if ".heron" not in path.parts)


def test_a_target_that_cannot_be_written_is_one_sentence_and_leaves_nothing(workspace, tmp_path):
    workspace.datasets.create("train", items=register(workspace, 1))
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "nowhere" / "train.json", tmp_path / "folder"):
        with pytest.raises(HeronError, match=r"cannot be written: ") as refusal:
            workspace.export("train", target)
        assert str(target) in str(refusal.value)
        assert len(str(refusal.value).splitlines()) == 1
    assert listing(tmp_path) == ["folder", "lake"]


def test_an_export_that_breaks_off_leaves_the_older_file_and_no_part(workspace, tmp_path):
    target = tmp_path / "train.json"
    target.write_text("old")
    for refs, format, error in [("nothing", "json", NotFound), ("train", "tape", PluginError)]:
        with pytest.raises(error):
            workspace.export(refs, target, format=format)
    assert target.read_text() == "old"
    assert listing(tmp_path) == ["lake", "train.json"]


class Tape:
    """A plugin with an exporter that breaks in the middle of its work."""

    def write(self, rows, stream):
        stream.write(b"half")
        raise RuntimeError("the tape tore")

    @heron.hookimpl
    def register_exporters(self):
        yield heron.DatasetExporter(name="tape", summary="tears", suffix=".tape", load=Tape)


def test_an_exporter_that_fails_leaves_no_partial_file(tmp_path):
    with heron.open(tmp_path, plugins=[Tape()], discover=False) as workspace:
        workspace.datasets.create("train", items=register(workspace, 1))
        with pytest.raises(
            PluginError,
            match=r"exporter tape \(plugin Tape\) failed in write with RuntimeError: the tape tore",
        ):
            workspace.export("train", tmp_path / "train.tape", format="tape")
    assert listing(tmp_path) == []


# Export into folders


class Cards:
    """A toy exporter that writes a file for each row, named by what `name` gives."""

    def __init__(self, name):
        self.name = name

    def write_folder(self, rows, folder):
        count = 0
        for row in rows:
            with folder.create(self.name(row)) as stream:
                stream.write(row.item.url.encode())
            count += 1
        return count


def cards(workspace, name):
    """Register the exporter, as a plugin does, and make a dataset."""

    class Plugin:
        @heron.hookimpl
        def register_exporters(self):
            yield heron.DatasetExporter(
                name="cards", summary="Cards", suffix="", load=lambda: Cards(name), writes_folder=True
            )

    opened = heron.open(workspace.root, plugins=[Plugin()], discover=False)
    opened.datasets.create("train", items=register(opened))
    return opened


def test_an_exporter_may_write_a_folder_of_files(workspace, tmp_path):
    (tmp_path / "empty").mkdir()
    with cards(workspace, lambda row: f"{row.item.kind}/{row.position}.txt") as opened:
        for target in (tmp_path / "new", tmp_path / "empty"):
            assert opened.export("train", target, format="cards") == 3
            written = {file.name: file.read_text() for file in (target / "image").iterdir()}
            assert written == {f"{n}.txt": f"s3://lake/A/{n}.jpg" for n in range(3)}
    assert not list(tmp_path.glob(".heron-*"))


@pytest.mark.parametrize(
    "name",
    [
        "../out.txt",
        "a/../../out.txt",
        "/out.txt",
        "..\\out.txt",
        "C:\\out.txt",
        "C:out.txt",
        "",
        ".",
        "same.txt",
        "a\0",
    ],
)
def test_a_folder_whose_exporter_fails_or_writes_elsewhere_does_not_appear(workspace, tmp_path, name):
    before = sorted(tmp_path.rglob("out.txt"))
    with cards(workspace, lambda row: name) as opened, pytest.raises(InvalidInput):
        opened.export("train", tmp_path / "new", format="cards")
    assert not (tmp_path / "new").exists()
    assert not list(tmp_path.glob(".heron-*"))
    assert sorted(tmp_path.rglob("out.txt")) == before == []


def test_a_folder_with_something_in_it_and_a_file_are_left_alone(workspace, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with cards(workspace, lambda row: f"{row.position}.txt") as opened:
        for name in ("full", "file"):
            with pytest.raises(AlreadyExists):
                opened.export("train", tmp_path / name, format="cards")
        with pytest.raises(InvalidInput, match="standard output"):
            opened.export("train", "-", format="cards")
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["mine.txt"]
    assert (tmp_path / "file").read_text() == "mine"
