"""The exporters keep Heron's contract, and boxes arrive."""

import json

import heron_coco_parquet
import pyarrow.parquet as pq
import pytest
from PIL import Image

import heron
from heron.testing import ExporterContract

COCO, PARQUET = heron_coco_parquet.register_exporters()


class TestCoco(ExporterContract):
    exporter = COCO

    def read(self, path):
        return [image["file_name"] for image in json.loads(path.read_bytes())["images"]]


class TestParquet(ExporterContract):
    exporter = PARQUET

    def read(self, path):
        return pq.read_table(path)["url"].to_pylist()


def test_boxes_become_annotations(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    with heron.open(tmp_path, plugins=[heron_coco_parquet], discover=False) as workspace:
        workspace.ingest.files([tmp_path / "a.png"], folder="A")
        workspace.schema.add_scalar("boxes", "varchar")
        [item] = workspace.items.list()
        boxes = [{"label": "cat", "x": 1, "y": 2, "width": 3, "height": 4}]
        workspace.metadata.replace({item.uuid: {"boxes": json.dumps(boxes)}})
        workspace.datasets.create("D", items=[item])
        workspace.export("D", tmp_path / "d.json", format="coco-boxes")
        found = json.loads((tmp_path / "d.json").read_text())
        assert found["annotations"][0]["bbox"] == [1, 2, 3, 4]
        assert found["categories"] == [{"id": 1, "name": "cat"}]
        workspace.metadata.replace({item.uuid: {"boxes": "[1]"}})
        with pytest.raises(heron.InvalidInput, match=r"a\.png: its boxes are no list"):
            workspace.export("D", tmp_path / "e.json", format="coco-boxes")
