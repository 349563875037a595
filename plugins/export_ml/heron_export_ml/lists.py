"""COCO: the `images` of the format of https://cocodataset.org/#format-data, without annotations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from heron import DatasetRow
from heron_export_ml.rows import dumps


class CocoExporter:
    """One object with `images`; `annotations` and `categories` are empty. Other kinds of items are left out."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the images as a stream and return their number.

        `id` counts from 1, `file_name` is the path of the file, `coco_url` its URL; metadata stands in `metadata`.
        """
        count = 0
        stream.write(b'{"info":{"description":"exported by Heron"},"licenses":[],"images":[')
        for row in rows:
            item, facts = row.item, row.item.facts
            if item.kind != "image" or facts.width is None or facts.height is None:
                continue
            count += 1
            image = {
                "id": count, "file_name": item.path, "width": facts.width, "height": facts.height,
                "coco_url": item.url,
            }  # fmt: skip
            if facts.captured_at is not None:
                image["date_captured"] = facts.captured_at.strftime("%Y-%m-%d %H:%M:%S")
            image |= {"uuid": item.uuid, "tags": list(item.tags), "metadata": item.metadata}
            if facts.extra:
                image["facts"] = facts.extra
            stream.write((b"\n" if count == 1 else b",\n") + dumps(image).encode())
        stream.write(b'\n],"annotations":[],"categories":[]}\n')
        return count
