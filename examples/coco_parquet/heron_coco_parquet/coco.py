"""COCO (https://cocodataset.org/#format-data): images as they come, then boxes, which wait in a temporary file, and categories."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from typing import IO, Any

import heron


class Coco:
    """Boxes are `{"label": "cat", "x": 1, "y": 2, "width": 3, "height": 4}`, as JSON in a text key named `boxes`."""

    def write(self, rows: Iterator[heron.DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows; returns their number."""
        categories: dict[str, int] = {}
        count = boxes = 0
        with tempfile.TemporaryFile() as waiting:
            stream.write(b'{"images": [')
            for count, row in enumerate(rows, start=1):
                facts = row.item.facts
                image = {"id": count, "file_name": row.item.url, "width": facts.width, "height": facts.height}
                stream.write((b",\n" if count > 1 else b"\n") + json.dumps(image).encode())
                for box in _boxes(row.item):
                    boxes += 1
                    label = categories.setdefault(str(box["label"]), len(categories) + 1)
                    x, y, width, height = (float(box[name]) for name in ("x", "y", "width", "height"))
                    made = {
                        "id": boxes, "image_id": count, "category_id": label, "bbox": [x, y, width, height],
                        "area": width * height, "iscrowd": 0,
                    }  # fmt: skip
                    waiting.write((b",\n" if boxes > 1 else b"\n") + json.dumps(made).encode())
            stream.write(b'],\n"annotations": [')
            waiting.seek(0)
            shutil.copyfileobj(waiting, stream)
        named = [{"id": number, "name": name} for name, number in categories.items()]
        stream.write(b'],\n"categories": ' + json.dumps(named).encode() + b"}\n")
        return count


def _boxes(item: heron.Item) -> list[dict[str, Any]]:
    given = item.metadata.get("boxes")
    if given is None:
        return []
    try:
        boxes = json.loads(given) if isinstance(given, str) else given
        for box in boxes:
            [float(box[name]) for name in ("x", "y", "width", "height")] + [box["label"]]
    except (ValueError, TypeError, KeyError) as error:
        raise heron.InvalidInput(
            f"{item.name}: its boxes are no list of label, x, y, width and height"
        ) from error
    return list(boxes)
