"""Croissant 1.0 of ML Commons (https://docs.mlcommons.org/croissant/docs/croissant-spec.html): a table and its description."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from heron import DatasetRow, ExportFolder
from heron_export_ml.rows import dumps, flat, scalar

_TYPES = {bool: "sc:Boolean", int: "sc:Integer", float: "sc:Float"}
_TABLE = "items.csv"


class CroissantExporter:
    """`items.csv` with one row for each item, and `croissant.json` that describes its columns. Files stay where they are."""

    def write_folder(self, rows: Iterator[DatasetRow], folder: ExportFolder) -> int:
        """Write the items and return their number; the columns are known at the end, so a first pass is kept in a file."""
        count, types = 0, dict[str, set[type]]()
        with tempfile.TemporaryFile() as kept:
            for row in rows:
                values = flat(row)
                for name, value in values.items():
                    types.setdefault(name, set()).add(type(value))
                kept.write(dumps(values).encode() + b"\n")
                count += 1
            kept.seek(0)
            digest = hashlib.sha256()
            with folder.create(_TABLE) as table:
                _write(table, digest, types, None)
                for line in kept:
                    _write(table, digest, types, json.loads(line))
        with folder.create("croissant.json") as description:
            described = _description(types, digest.hexdigest())
            description.write(json.dumps(described, ensure_ascii=False, indent=2).encode() + b"\n")
        return count


def _write(table: Any, digest: Any, types: Mapping[str, set[type]], values: Mapping[str, Any] | None) -> None:
    """Write the head of the table, or the row of one item."""
    text = io.StringIO()
    cells = list(types) if values is None else [_cell(values.get(name)) for name in types]
    csv.writer(text, lineterminator="\n").writerow(cells)
    data = text.getvalue().encode()
    table.write(data)
    digest.update(data)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else scalar(value)


def _description(types: Mapping[str, set[type]], digest: str) -> dict[str, Any]:
    """The JSON-LD of the description."""
    return {
        "@context": {
            "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
            "dct": "http://purl.org/dc/terms/", "citeAs": "cr:citeAs", "column": "cr:column",
            "conformsTo": "dct:conformsTo", "data": {"@id": "cr:data", "@type": "@json"},
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "extract": "cr:extract", "field": "cr:field",
            "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet",
            "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
            "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField",
            "path": "cr:path", "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex",
            "repeated": "cr:repeated", "replace": "cr:replace", "separator": "cr:separator", "source": "cr:source",
            "subField": "cr:subField", "transform": "cr:transform",
            "examples": {"@id": "cr:examples", "@type": "@json"},
        },
        "@type": "sc:Dataset",
        "name": "heron-dataset",
        "description": "A dataset exported by Heron: one record for each item, with the URL of its file.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": [
            {
                "@type": "cr:FileObject", "@id": "items", "name": "items", "contentUrl": _TABLE,
                "encodingFormat": "text/csv", "sha256": digest,
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet", "@id": "item", "name": "item",
                "field": [
                    {
                        "@type": "cr:Field", "@id": f"item/{name}", "name": f"item/{name}", "dataType": _type(found),
                        "source": {"fileObject": {"@id": "items"}, "extract": {"column": name}},
                    }
                    for name, found in types.items()
                ],
            }
        ],
    }  # fmt: skip


def _type(found: set[type]) -> str:
    """The type of a column; whole numbers beside others are floats, all other mixtures are text."""
    if found == {int, float}:
        return "sc:Float"
    return _TYPES.get(next(iter(found)), "sc:Text") if len(found) == 1 else "sc:Text"
