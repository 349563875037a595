"""Importers read datasets of other tools: every file is found, nothing outside of the dataset is, and what is not kept is said."""

from __future__ import annotations

import json

import pytest

import heron
from heron.cli.main import status
from heron.ingest.datasets.builtin import register_importers
from heron.testing import ImporterContract
from tests.conftest import draw


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.fixture
def lake(tmp_path):
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        workspace.schema.add_scalar("labels", "text")
        workspace.schema.add_scalar("objects", "text")
        workspace.schema.add_enum("split", ["train", "val", "test", "validation"])
        yield workspace


def found(workspace, *keys):
    return {item.name: tuple(item.metadata.get(key) for key in keys) for item in workspace.items.list()}


COCO = {
    "info": {"description": "two pictures"},
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 9, "bbox": [1, 2, 3, 4]},
        {"id": 3, "image_id": 7, "category_id": 3, "bbox": [5, 6, 7, 8]},
        {"id": 4, "image_id": 99, "category_id": 3, "bbox": [5, 6, 7, 8]},
    ],
    "images": [
        {"id": 7, "file_name": "a.png", "width": 64, "height": 48, "license": 1},
        {"id": 8, "file_name": "deep/b.png"},
        {"id": 9},
    ],
    "licenses": [{"id": 1, "name": "CC0", "url": "x"}],
    "categories": [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}],
}


@pytest.fixture
def coco(tmp_path):
    draw(tmp_path / "in/images/a.png")
    draw(tmp_path / "in/images/deep/b.png", seed=1)
    return write(tmp_path / "in/instances.json", COCO)


def test_coco_keeps_what_has_a_key_and_says_the_rest(lake, coco):
    root = coco.parent / "images"
    report = lake.ingest.manifest(coco, folder="C", format="coco", root=root, ignore_errors=True)
    assert (report.added, report.failed) == (2, 2)
    assert found(lake, "labels") == {"a.png": ("cat, 9",), "b.png": (None,)}
    objects = json.loads(found(lake, "objects")["a.png"][0])
    assert [(each["category"], each["bbox"]) for each in objects][2] == ("cat", [5, 6, 7, 8])
    said = " ".join(problem.reason for problem in report.problems)
    assert "no category 9" in said and "image 99 which is not among the images" in said
    assert "'license' is not kept" in said and "it has no file_name" in said
    again = lake.ingest.manifest(coco, folder="C", format="coco", root=root, ignore_errors=True)
    assert (again.added, again.skipped) == (0, 2)


def test_annotations_go_to_the_key_that_is_named(lake, coco):
    lake.schema.add_scalar("rights", "varchar")
    given = {"format": "coco", "root": coco.parent / "images", "ignore_errors": True}
    lake.ingest.manifest(coco, folder="C", keys={"license": "rights"}, **given)
    assert found(lake, "rights")["a.png"] == ("CC0",)
    with pytest.raises(heron.InvalidInput, match="has no 'boxes'"):
        lake.ingest.manifest(coco, folder="C", keys={"boxes": "labels"}, **given)
    with pytest.raises(heron.NotFound, match="nope"):
        lake.ingest.manifest(coco, folder="C", keys={"labels": "nope"}, **given)


def test_a_strict_import_lands_whole_or_not_at_all(lake, coco):
    with pytest.raises(heron.ImportAborted):
        lake.ingest.manifest(coco, folder="C", format="coco", root=coco.parent / "images")
    assert lake.items.count() == 0


BUILT_IN = {record.name: record for record in register_importers()}


class TestCoco(ImporterContract):
    importer = BUILT_IN["coco"]
    module = "heron.ingest.datasets.builtin"
    files = (
        ("a.png", {"labels": ["cat"], "objects": [{"image_id": 1, "category_id": 3, "category": "cat"}]}),
        ("b.png", {}),
    )

    def dataset(self, folder):
        images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}]
        annotations = [{"image_id": 1, "category_id": 3}]
        return write(
            folder / "c.json",
            {"images": images, "annotations": annotations, "categories": COCO["categories"]},
        )


class TestYolo(ImporterContract):
    importer = BUILT_IN["yolo"]
    module = "heron.ingest.datasets.builtin"
    files = (
        ("images/a.png", {"labels": ["cat"], "objects": [{"class": "cat", "box": [0.5, 0.5, 0.1, 0.1]}]}),
    )

    def dataset(self, folder):
        draw(folder / "images/a.png")
        write(folder / "labels/a.txt", "0 0.5 0.5 0.1 0.1\n")
        write(folder / "classes.txt", "cat\ndog\n")
        return folder


class TestLabelStudio(ImporterContract):
    importer = BUILT_IN["label-studio"]
    module = "heron.ingest.datasets.builtin"
    files = (("s3://lake/a.png", {"labels": ["cat"], "objects": [{"value": {"choices": ["cat"]}}]}),)

    def dataset(self, folder):
        result = [{"value": {"choices": ["cat"]}}]
        return write(
            folder / "t.json", [{"data": {"image": "s3://lake/a.png"}, "annotations": [{"result": result}]}]
        )


class TestFiftyOne(ImporterContract):
    importer = BUILT_IN["fiftyone"]
    module = "heron.ingest.datasets.builtin"
    files = (("data/a.png", {"tags": ["good"]}),)

    def dataset(self, folder):
        write(folder / "samples.json", {"samples": [{"filepath": "data/a.png", "tags": ["good"]}]})
        return folder


class TestHuggingFace(ImporterContract):
    importer = BUILT_IN["huggingface"]
    module = "heron.ingest.datasets.builtin"
    files = (("train/a.png", {"split": "train"}),)

    def dataset(self, folder):
        write(folder / "train/metadata.jsonl", '{"file_name": "a.png", "caption": "x"}\n')
        return folder


class TestPaths(ImporterContract):
    importer = BUILT_IN["paths"]
    module = "heron.ingest.datasets.builtin"
    files = (("a.png", {}), ("s3://lake/b.png", {}))

    def dataset(self, folder):
        return write(folder / "list.csv", "path,city\na.png,Rome\ns3://lake/b.png,\n")


OUTSIDE = [
    "/etc/hostname",
    "../secret.png",
    "a/../../secret.png",
    "C:/secret.png",
    "..\\secret.png",
    "file:///etc/hostname",
    "link.png",
    "",
    "a\0.png",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_path_that_leads_out_of_the_dataset_is_refused(lake, tmp_path, name):
    draw(tmp_path / "secret.png")
    draw(tmp_path / "in/good.png")
    (tmp_path / "in/link.png").symlink_to(tmp_path / "secret.png")
    images = [{"id": 1, "file_name": name}, {"id": 2, "file_name": "good.png"}]
    file = write(tmp_path / "in/c.json", {"images": images, "annotations": [], "categories": []})
    report = lake.ingest.manifest(file, folder="C", format="coco", ignore_errors=True)
    assert [item.name for item in lake.items.list()] == ["good.png"]
    [problem] = [each for each in report.problems if each.severity == "failure"]
    assert "images[0]" in problem.reason


YOLO = "path: ../datasets/x\ntrain: images/train\nval: ../images/val\nnames:\n  0: cat\n  1: dog\n"


@pytest.fixture
def yolo(tmp_path):
    for split, name in (("train", "a"), ("train", "b"), ("val", "c")):
        draw(tmp_path / f"y/images/{split}/{name}.png", seed=ord(name))
    write(tmp_path / "y/labels/train/a.txt", "0 0.5 0.5 0.1 0.2\n1 0.1 0.1 0.9 0.1 0.9 0.9\n")
    write(tmp_path / "y/labels/val/c.txt", "0 0.5 0.5 0.1 nan\n")
    write(tmp_path / "y/data.yaml", YOLO)
    return tmp_path / "y"


def test_yolo_reads_splits_classes_boxes_and_polygons(lake, yolo):
    report = lake.ingest.manifest(yolo, folder="Y", format="yolo", ignore_errors=True)
    assert (report.added, report.failed) == (2, 1)
    assert found(lake, "labels", "split") == {"a.png": ("cat, dog", "train"), "b.png": (None, "train")}
    objects = json.loads(found(lake, "objects")["a.png"][0])
    assert objects == [
        {"class": "cat", "box": [0.5, 0.5, 0.1, 0.2]},
        {"class": "dog", "points": [0.1, 0.1, 0.9, 0.1, 0.9, 0.9]},
    ]
    said = " ".join(problem.reason for problem in report.problems)
    assert "path '../datasets/x' is ignored" in said and "c.txt, line 1" in said


@pytest.mark.parametrize(
    "text", ["a: [", "- 1\n", "names: [a]\ntrain: nowhere\n", "!!python/object/apply:os.getcwd []"]
)
def test_a_bad_data_yaml_is_one_sentence(lake, yolo, text):
    write(yolo / "data.yaml", text)
    with pytest.raises(heron.InvalidInput):
        lake.ingest.manifest(yolo / "data.yaml", folder="Y", format="yolo")
    assert lake.items.count() == 0


def test_label_studio_keeps_data_as_metadata_and_results_as_annotations(lake, tmp_path):
    draw(tmp_path / "s/a.png")
    draw(tmp_path / "s/b c.png", seed=1)
    choice = {"type": "choices", "from_name": "animal", "value": {"choices": ["cat"]}}
    box = {"type": "rectanglelabels", "value": {"x": 1, "y": 2, "rectanglelabels": ["dog"]}}
    tasks = [
        {"id": 1, "data": {"image": "/data/local-files/?d=a.png", "city": "Rome", "more": {"x": 1}},
         "annotations": [{"result": [choice, box]}, {"result": [choice], "was_cancelled": True}]},
        {"id": 2, "data": {"image": "/data/upload/b%20c.png"}, "annotations": []},
        {"id": 3, "data": {"image": "/data/upload/../../a.png"}},
        {"id": 4, "data": {"words": "no file here"}},
    ]  # fmt: skip
    file = write(tmp_path / "s/export.json", tasks)
    report = lake.ingest.manifest(file, folder="L", format="label-studio", ignore_errors=True)
    assert (report.added, report.failed) == (2, 2)
    assert found(lake, "labels", "city") == {"a.png": ("cat, dog", "Rome"), "b c.png": (None, None)}
    said = " ".join(problem.reason for problem in report.problems)
    assert "1 cancelled" in said and "data.more is nested" in said and "none of its data is a file" in said


def test_label_studio_minimal_form(lake, tmp_path):
    draw(tmp_path / "s/a.png")
    file = write(
        tmp_path / "s/min.json",
        [{"image": "a.png", "id": 1, "label": [{"rectanglelabels": ["cat"]}], "city": "Rome"}],
    )
    lake.ingest.manifest(file, folder="L", format="label-studio")
    assert found(lake, "labels", "city") == {"a.png": ("cat", "Rome")}


def test_fiftyone_reads_samples_of_this_and_other_machines(lake, tmp_path):
    draw(tmp_path / "f/data/a.png")
    draw(tmp_path / "f/data/b.png", seed=1)
    detections = {
        "_cls": "Detections",
        "detections": [{"_cls": "Detection", "label": "cat", "bounding_box": [0, 0, 1, 1]}],
    }
    samples = [
        {"filepath": "data/a.png", "tags": ["good"], "metadata": None, "ground_truth": detections, "score": 0.5,
         "when": {"$date": 0}, "grid": [[1]]},
        {"filepath": "/media/x/fiftyone/data/b.png", "tags": [], "kind": {"_cls": "Classification", "label": "dog"}},
        {"filepath": "/media/x/gone.png"},
    ]  # fmt: skip
    write(tmp_path / "f/metadata.json", {"name": "x"})
    write(tmp_path / "f/samples.json", {"samples": samples})
    lake.schema.add_scalar("tags", "varchar")
    report = lake.ingest.manifest(tmp_path / "f", folder="F", format="fiftyone", ignore_errors=True)
    assert (report.added, report.failed) == (2, 1)
    assert found(lake, "labels", "tags", "score", "when") == {
        "a.png": ("cat", "good", 0.5, "1970-01-01T00:00:00.000000Z"),
        "b.png": ("dog", None, None, None),
    }
    said = " ".join(problem.reason for problem in report.problems)
    assert "grid is nested" in said and "path of another machine" in said


def test_huggingface_reads_tables_and_classes(lake, tmp_path):
    for name in ("train/a.png", "test/b.png"):
        draw(tmp_path / "h" / name, seed=len(name))
    write(tmp_path / "h/train/metadata.csv", "file_name,caption\na.png,a cat\n")
    row = {"file_name": "b.png", "n": 3, "objects": {"bbox": [[1, 2, 3, 4]], "categories": ["dog"]}}
    write(tmp_path / "h/test/metadata.jsonl", json.dumps(row) + "\n")
    report = lake.ingest.manifest(tmp_path / "h", folder="H", format="huggingface")
    assert report.added == 2
    assert found(lake, "caption", "n", "labels", "split") == {
        "a.png": ("a cat", None, None, "train"),
        "b.png": (None, 3, "dog", "test"),
    }
    for name in ("cat/x.png", "dog/y.png"):
        draw(tmp_path / "classes/train" / name, seed=len(name))
    lake.ingest.manifest(tmp_path / "classes", folder="K", format="huggingface")
    assert found(lake, "labels", "split")["x.png"] == ("cat", "train")


def test_paths_of_a_table_and_of_a_text(lake, tmp_path):
    draw(tmp_path / "p/a.png")
    draw(tmp_path / "p/b.png", seed=1)
    table = write(tmp_path / "p/list.csv", "city;Path\nRome;a.png\nParis;\n")
    report = lake.ingest.manifest(table, folder="P", format="paths", ignore_errors=True)
    assert (report.added, report.failed) == (1, 1)
    assert found(lake, "city") == {"a.png": ("Rome",)}
    lake.ingest.manifest(write(tmp_path / "p/list.txt", "b.png\n\n"), folder="P", format="paths")
    assert lake.items.count() == 2
    with pytest.raises(heron.InvalidInput, match="no column of paths"):
        lake.ingest.manifest(write(tmp_path / "p/no.csv", "x,y\n1,2\n"), folder="P", format="paths")


def test_what_is_not_of_the_format_is_refused_in_one_sentence(lake, tmp_path):
    empty = write(tmp_path / "e.json", {"images": []})
    (tmp_path / "nothing").mkdir()
    for format in ("coco", "label-studio", "fiftyone", "yolo", "huggingface", "paths"):
        for place in (empty, tmp_path / "nothing"):
            if (format, place) == ("coco", empty):
                continue
            with pytest.raises(heron.InvalidInput):
                lake.ingest.manifest(place, folder="X", format=format)
    with pytest.raises(heron.PluginError, match="did you mean coco"):
        lake.ingest.manifest(empty, folder="X", format="cocco")
    with pytest.raises(heron.InvalidInput, match="give their format too"):
        lake.ingest.manifest(empty, folder="X", root=tmp_path)
    with pytest.raises(heron.NotFound):
        lake.ingest.manifest(tmp_path / "gone", folder="X", format="coco")


class Bad:
    def __init__(self, ends):
        self.ends = ends

    def entries(self, source):
        yield heron.ImportEntry("first", "a.png")
        yield self.ends()


@pytest.mark.parametrize("ends", [lambda: exit(3), lambda: 1 / 0, lambda: {"file": "a.png"}])
def test_an_importer_that_fails_is_named(tmp_path, ends):
    class Plugin:
        @heron.hookimpl
        def register_importers(self):
            yield heron.DatasetImporter(name="bad", summary="x", load=lambda: Bad(ends), suffixes=[".x"])

    draw(tmp_path / "a.png")
    file = write(tmp_path / "d.x", "")
    with heron.open(tmp_path, plugins=[Plugin()], discover=False) as workspace:
        with pytest.raises(heron.HeronError, match=r"importer bad \(plugin Plugin\)"):
            workspace.ingest.manifest(file, folder="P", format="bad")
        assert workspace.items.count() == 0


def test_an_interrupted_import_goes_on_at_its_position(tmp_path, coco, monkeypatch):
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        calls = []

        def stop(progress):
            calls.append(progress)
            raise KeyboardInterrupt

        given = {"format": "coco", "root": coco.parent / "images", "ignore_errors": True}
        with pytest.raises(KeyboardInterrupt):
            workspace.ingest.manifest(coco, folder="C", progress=stop, **given)
        [job] = workspace.imports.list()
        report = workspace.ingest.resume(job)
        assert report.job.state == "done" and workspace.items.count() == 2


def test_the_command_imports_checks_and_lists_formats(tmp_path, coco, capsys):
    where = ["-w", str(tmp_path / "lake"), "--no-plugins"]
    assert status([*where, "init", str(tmp_path / "lake")]) == 0
    options = ["--format", "coco", "--root", str(coco.parent / "images")]
    assert status([*where, "manifest", "check", str(coco), *options]) == 1
    assert "2 faults found" in capsys.readouterr().out
    assert (
        status([*where, "import", "--manifest", str(coco), *options, "--folder", "C", "--ignore-errors"]) == 3
    )
    assert "2 new" in capsys.readouterr().out
    assert status([*where, "manifest", "formats", "--json"]) == 0
    names = [each["name"] for each in json.loads(capsys.readouterr().out)["items"]]
    assert names == ["manifest", "coco", "yolo", "label-studio", "fiftyone", "huggingface", "paths"]
    assert (
        status([*where, "import", "--manifest", str(coco), *options, "--folder", "C", "--key", "labels"]) == 2
    )
