"""Each format is written from a lake of images, sound, a group and a broken entry, and read back as its own tool reads it."""

import hashlib
import json
import struct
import wave
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

import heron
from heron import MediaFacts, NewItem


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    root = tmp_path_factory.mktemp("lake")
    for number, folder in enumerate(("a", "b")):
        (root / "in" / folder).mkdir(parents=True)
        Image.new("RGB", (40, 30), (number * 90, 10, 10)).save(root / "in" / folder / "same.png")
    Image.new("RGB", (20, 10)).save(root / "in" / "é <x>.png")
    with wave.open(str(root / "in" / "tone.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "none"))
        sound.writeframes(struct.pack("<800h", *range(800)))
    for place in (0, 1):
        Image.new("RGB", (8, 8), (place, 0, 0)).save(root / f"part{place}.png")
    group = {"title": "pair", **{f"objectUrl_{p}": (root / f"part{p}.png").as_uri() for p in (0, 1)}}
    (root / "group.json").write_text(json.dumps({"image_groups": [group]}))
    with heron.open(root) as workspace:
        workspace.schema.add_scalar("city", "varchar")
        workspace.schema.add_scalar("score", "number")
        workspace.ingest.files([root / "in"], folder="Lake")
        workspace.ingest.manifest(root / "group.json", folder="Lake")
        for place, item in enumerate(list(workspace.search.all())):
            workspace.metadata.merge_all([item], {"city": f"city, {place}", "score": place + 0.5})
        workspace.datasets.create("D", items=list(workspace.search.all()))
        yield workspace


def written(lake, tmp_path, format, name="out"):
    count = lake.export("D", tmp_path / name, format=format)
    return count, tmp_path / name


def test_coco_has_the_images(lake, tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    count, file = written(lake, tmp_path, "coco", "c.json")
    found = coco.COCO(str(file))
    images = found.loadImgs(found.getImgIds())
    assert (count, sorted((i["width"], i["height"]) for i in images)) == (3, [(20, 10), (40, 30), (40, 30)])
    assert {i["file_name"] for i in images} == {"in/a/same.png", "in/b/same.png", "in/é <x>.png"}
    assert all(i["metadata"]["city"].startswith("city, ") for i in images)


def test_label_studio_has_a_task_for_each_file(lake, tmp_path):
    count, file = written(lake, tmp_path, "label-studio", "tasks.json")
    tasks = json.loads(file.read_text())
    assert count == len(tasks) == 4
    assert sorted(key for task in tasks for key in task["data"] if key in ("image", "audio")) == ["audio", *3 * ["image"]]  # fmt: skip


def test_cvat_numbers_the_images(lake, tmp_path):
    count, file = written(lake, tmp_path, "cvat", "c.xml")
    root = ET.parse(file).getroot()
    images = root.findall("image")
    assert [part.tag for part in root][:3] == ["version", "meta", "image"], "CVAT asks for meta"
    assert [image.get("id") for image in images] == ["0", "1", "2"] and count == 3
    assert {image.get("name") for image in images} >= {"in/é <x>.png"}


def test_encord_manifest_is_imported_again(lake, tmp_path):
    count, file = written(lake, tmp_path, "encord", "m.json")
    assert count == 5
    with heron.open(tmp_path / "other") as other:
        other.ingest.manifest(file, folder="Back")
        back = {item.name: item for item in other.search.all()}
        assert {name: item.metadata for name, item in back.items() if name == "pair"} == {
            item.name: item.metadata for item in lake.search.all() if item.name == "pair"
        }
        assert [m.path for m in other.items.members(back["pair"])] == [str(lake.root / f"part{p}.png") for p in (0, 1)]  # fmt: skip
        assert len(back) == 4 and other.search.count() == 5


@pytest.mark.parametrize("format", ["copies", "links"])
def test_files_are_the_same_and_in_their_folders(lake, tmp_path, format):
    count, folder = written(lake, tmp_path, format)
    lines = [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]
    assert count == len(lines) == 5
    by_uuid = {item.uuid: item for item in lake.search.all()}
    for line in lines:
        item = by_uuid[line["uuid"]]
        sources = [member.path for member in lake.items.members(item)] or [item.path]
        assert [hashlib.sha256((folder / name).read_bytes()).digest() for name in line["files"]] == [
            hashlib.sha256((lake.root / source).read_bytes()).digest() for source in sources
        ]
        assert (folder / line["files"][0]).is_symlink() == (format == "links")
        assert line["metadata"] == item.metadata
    assert "Lake/a/same.png" in {name for line in lines for name in line["files"]}


def test_webdataset_samples_have_their_files_and_json(lake, tmp_path):
    wds = pytest.importorskip("webdataset")
    count, folder = written(lake, tmp_path, "webdataset")
    samples = list(wds.WebDataset(str(folder / "000000.tar"), shardshuffle=False))
    assert count == len(samples) == 5
    by_uuid = {json.loads(sample["json"])["uuid"]: sample for sample in samples}
    for item in lake.search.all():
        parts = [member.path for member in lake.items.members(item)] or [item.path]
        data = [value for key, value in sorted(by_uuid[item.uuid].items()) if key.endswith(("png", "wav"))]
        assert data == [(lake.root / part).read_bytes() for part in parts]


def test_huggingface_loads_the_folder(lake, tmp_path):
    datasets = pytest.importorskip("datasets")
    lake.collections.create("Pictures", items=list(lake.search.all(where="kind = 'image'")))
    lake.datasets.create("P", items=list(lake.search.all(where="kind = 'image'")))
    assert lake.export("P", tmp_path / "out", format="huggingface") == 3
    found = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "c")
    )
    rows = list(found["train"])
    assert sorted(row["image"].size for row in rows) == [(20, 10), (40, 30), (40, 30)]
    expected = {item.uuid: item.metadata for item in lake.search.all(where="kind = 'image'")}
    assert {row["uuid"]: {"city": row["city"], "score": row["score"]} for row in rows} == expected


def test_croissant_is_valid_and_gives_the_records(lake, tmp_path):
    mlcroissant = pytest.importorskip("mlcroissant")
    count, folder = written(lake, tmp_path, "croissant")
    found = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    records = list(found.records(record_set="item"))
    assert count == len(records) == 5
    scores = {record["item/uuid"].decode(): record["item/score"] for record in records}
    assert scores == {item.uuid: item.metadata["score"] for item in lake.search.all()}


def test_fiftyone_samples_name_files_that_are_there(lake, tmp_path):
    count, folder = written(lake, tmp_path, "fiftyone")
    samples = json.loads((folder / "samples.json").read_text())["samples"]
    assert count == len(samples) == 3
    assert len({sample["filepath"] for sample in samples}) == 3
    assert all((folder / sample["filepath"]).is_file() and sample["city"] for sample in samples)


def test_files_that_cannot_be_read_are_named_and_the_rest_is_whole(lake, tmp_path, capsys):
    gone = NewItem((lake.root / "gone.png").as_uri(), MediaFacts("image", "image/png", width=1, height=1))
    lake.registration.register([gone], "Gone")
    lake.datasets.create(
        "G", items=[*lake.search.all(where="folder = 'Gone'"), *lake.search.all(folder="Lake")]
    )
    for format, expected in (
        ("copies", 5),
        ("webdataset", 5),
        ("huggingface", 4),
        ("fiftyone", 3),
        ("links", 5),
    ):
        unreadable = []
        assert lake.export("G", tmp_path / format, format=format, unreadable=unreadable) == expected
        assert len(unreadable) == 1 and unreadable[0].startswith("gone.png: ")
    with pytest.raises(heron.HeronError):
        lake.export("G", tmp_path / "none", format="copies")
    assert not (tmp_path / "none").exists()
    lake.items.delete(list(lake.search.all(where="folder = 'Gone'")))


def test_two_keys_that_fiftyone_would_call_alike_stay_two(lake, tmp_path):
    [item] = lake.search(where="kind = 'image'", limit=1)
    lake.metadata.merge_all([item], {"a b": 1, "a-b": 2, "tags": 3})
    lake.datasets.create("K", items=[item])
    assert lake.export("K", tmp_path / "out", format="fiftyone") == 1
    [sample] = json.loads((tmp_path / "out" / "samples.json").read_text())["samples"]
    assert (sample["a_b"], sample["a_b_2"], sample["tags_2"], sample["tags"]) == (1, 2, 3, list(item.tags))
    lake.metadata.merge_all([item], {"a b": None, "a-b": None, "tags": None})


def test_nothing_stays_of_an_item_of_which_a_file_cannot_be_read(lake, tmp_path):
    (lake.root / "part1.png").rename(lake.root / "away.png")
    try:
        for format in ("copies", "links", "webdataset"):
            unreadable = []
            assert lake.export("D", tmp_path / format, format=format, unreadable=unreadable) == 4
            assert len(unreadable) == 1 and unreadable[0].startswith("part1.png: ")
            assert not list((tmp_path / format).rglob("part0*"))
    finally:
        (lake.root / "away.png").rename(lake.root / "part1.png")
