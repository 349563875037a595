"""What annotation tools import: tasks of Label Studio, images of CVAT, the upload manifest of Encord."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any
from xml.sax.saxutils import quoteattr

from heron import DatasetRow
from heron_export_ml.rows import dumps

_DATA = {"image": "image", "video": "video", "audio": "audio", "text": "text", "pdf": "pdf"}


class LabelStudioExporter:
    """Tasks as https://labelstud.io/guide/tasks: `data` has the URL under the name of the kind, and the metadata.

    Label Studio shows URLs that its server or its browser can read; local files need its local storage.
    """

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write one task for each image, video, audio file, text and PDF, and return their number."""
        count = 0
        stream.write(b"[")
        for row in rows:
            item = row.item
            if item.kind not in _DATA:
                continue
            count += 1
            task = {
                "data": {_DATA[item.kind]: item.url, "name": item.name, "metadata": item.metadata},
                "meta": {"heron_uuid": item.uuid, "folder": item.folder_path},
            }
            stream.write((b"\n" if count == 1 else b",\n") + dumps(task).encode())
        stream.write(b"\n]\n")
        return count


class CvatExporter:
    """The XML of CVAT for images 1.1 (https://docs.cvat.ai/docs/manual/advanced/xml_format/): images without shapes."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the images, numbered from 0, and return their number."""
        count = 0
        stream.write(b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n')
        stream.write(b"  <meta></meta>\n")  # CVAT refuses a dataset of a project without one
        for row in rows:
            facts = row.item.facts
            if row.item.kind != "image" or facts.width is None or facts.height is None:
                continue
            name = quoteattr(row.item.path)
            stream.write(
                f'  <image id="{count}" name={name} width="{facts.width}" height="{facts.height}">\n'
                f"  </image>\n".encode()
            )
            count += 1
        stream.write(b"</annotations>\n")
        return count


_ARRAYS = {
    "image": "images", "video": "videos", "audio": "audio", "text": "text", "pdf": "pdfs", "nifti": "nifti",
    "image_group": "image_groups", "image_sequence": "image_groups", "dicom": "dicom_series",
}  # fmt: skip


class EncordExporter:
    """One object with an array for each kind, as Encord registers cloud data, and as Heron imports manifests."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the items of the kinds that Encord knows, and return their number."""
        count = 0
        with ExitStack() as stack:
            parts: dict[str, IO[bytes]] = {}
            for row in rows:
                array = _ARRAYS.get(row.item.kind)
                if array is None:
                    continue
                if array not in parts:
                    parts[array] = stack.enter_context(tempfile.TemporaryFile())
                before = b",\n" if parts[array].tell() else b"\n"
                parts[array].write(before + dumps(_unit(row)).encode())
                count += 1
            stream.write(b"{")
            for place, (array, part) in enumerate(sorted(parts.items())):
                stream.write((b"," if place else b"") + f'\n"{array}":['.encode())
                part.seek(0)
                while block := part.read(1 << 20):
                    stream.write(block)
                stream.write(b"]")
            stream.write(b"\n}\n")
        return count


def _unit(row: DatasetRow) -> dict[str, Any]:
    item = row.item
    unit: dict[str, Any] = {"title": item.name}
    members = [member.url for member in row.members]
    if item.kind == "dicom" and not members:
        members = [item.url]
    if members:
        unit |= {f"objectUrl_{place}": url for place, url in enumerate(members)}
        if item.kind in ("image_group", "image_sequence"):
            unit["createVideo"] = item.kind == "image_sequence"
    else:
        unit["objectUrl"] = item.url
    if item.metadata:
        unit["clientMetadata"] = item.metadata
    return unit
