"""Exporters that copy files of items, on the command line: what is left out is said, and shards have bounds."""

import json
import tarfile

import pytest
from PIL import Image

import heron
from heron.cli.main import status
from heron.export.folders import whole_folder
from heron.export.media import ItemFiles
from heron.models import MediaFacts, NewItem


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(4):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "in" / f"{number}.png")
    (tmp_path / "in" / "note.txt").write_text("words")
    with heron.open(tmp_path) as workspace:
        workspace.ingest.files([tmp_path / "in"], folder="Lake")
        gone = (tmp_path / "gone.png").as_uri()
        workspace.registration.register(
            [NewItem(gone, MediaFacts("image", "image/png", width=1, height=1))], "Lake"
        )
        workspace.datasets.create("D", items=list(workspace.search.all()))
        yield workspace


def export(lake, tmp_path, format, *more):
    given = ["datasets", "export", "D", "-o", str(tmp_path / "out"), "--format", format, *more]
    return status(["-w", str(lake.root), *given])


@pytest.mark.parametrize(
    ("format", "rows"), [("copies", 5), ("links", 5), ("webdataset", 5), ("huggingface", 4)]
)
def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_whole(lake, tmp_path, capsys, format, rows):
    assert export(lake, tmp_path, format, "--json") == 3
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == rows and report["unreadable"][0].startswith("gone.png: ")
    assert report["left_out"].get("items", 0) == 5 - rows, "what cannot be read is not of another kind"
    assert not list((tmp_path / "out").rglob("gone*"))


def test_the_command_says_what_cannot_be_read(lake, tmp_path, capsys):
    assert export(lake, tmp_path, "copies") == 3
    assert "Left out, it cannot be read: gone.png: " in capsys.readouterr().err


def test_in_python_it_is_raised_unless_a_list_takes_it(lake, tmp_path):
    with pytest.raises(heron.HeronError):
        lake.export("D", tmp_path / "out", format="copies")
    assert not (tmp_path / "out").exists()


def test_what_a_format_does_not_take_is_counted(lake, tmp_path, capsys):
    assert export(lake, tmp_path, "coco") == 0
    assert "coco does not contain 1 item of other kinds; json does" in capsys.readouterr().err


def test_shards_have_a_bound(lake, tmp_path):
    from heron_export_ml.shards import WebDatasetExporter

    with whole_folder(tmp_path / "out", ItemFiles(lake.storage, [])) as folder:
        assert WebDatasetExporter(most=2).write_folder(lake.datasets.rows("D"), folder) == 5
    names = []
    for shard in ("000000", "000001", "000002"):
        with tarfile.open(tmp_path / "out" / f"{shard}.tar") as archive:
            names += [name for name in archive.getnames() if name.endswith("json")]
    assert names == [f"{place:09}.json" for place in range(5)]


@pytest.mark.parametrize("format", ["copies", "links"])
def test_a_name_never_leads_out_of_the_folder_and_two_files_of_one_name_are_two(lake, tmp_path, format):
    named = {"../../a.png": ".._.._a.png", "../../A.png": ".._.._A-2.png", "..": "_.png", "/b.png": "_b.png"}
    items = list(lake.search.all(where="kind = 'image' and name != 'gone.png'"))
    for item, name in zip(items, named, strict=True):
        lake.items.rename(item, name)
    lake.datasets.create("N", items=items)
    before = {path for path in tmp_path.rglob("*") if ".heron" not in path.parts}
    assert lake.export("N", tmp_path / "out", format=format) == 4
    made = {path for path in tmp_path.rglob("*") if ".heron" not in path.parts} - before
    files = {path.relative_to(tmp_path).as_posix() for path in made if not path.is_dir()}
    assert files - {"out/items.jsonl"} == {f"out/Lake/{name}" for name in named.values()}
