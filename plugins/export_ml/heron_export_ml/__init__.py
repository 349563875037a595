"""Exporters for training and annotation: each writes a dataset in the form that the next tool reads."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from importlib import import_module
from typing import Any

import heron


def _make(module: str, name: str) -> Any:
    """An exporter; its module is imported when it is used."""
    return getattr(import_module(f"heron_export_ml.{module}"), name)()


_FILES = {
    "coco": ("COCO: a list of images with their sizes, without annotations", "lists", "CocoExporter"),
    "label-studio": ("tasks that Label Studio imports", "annotation", "LabelStudioExporter"),
    "cvat": ("CVAT for images 1.1: the images to annotate", "annotation", "CvatExporter"),
    "encord": ("the upload manifest of Encord, which Heron imports too", "annotation", "EncordExporter"),
}
_FOLDERS = {
    "copies": ("copies of the files in their folders, with items.jsonl beside", "files", "FilesExporter"),
    "links": ("links to local files in their folders, with items.jsonl beside", "files", "LinksExporter"),
    "fiftyone": ("a folder that FiftyOne imports as FiftyOneDataset", "files", "FiftyOneExporter"),
    "huggingface": ("a folder that Hugging Face datasets loads", "files", "HuggingFaceExporter"),
    "webdataset": ("tar files of at most 10,000 items or 1 GB", "shards", "WebDatasetExporter"),
    "croissant": ("a table with its description in Croissant 1.0", "croissant", "CroissantExporter"),
}
_WITH_MEMBERS = ("copies", "links", "webdataset", "encord")


@heron.hookimpl
def register_exporters() -> Iterable[heron.DatasetExporter]:
    """Formats of one file, and formats that are a folder."""
    for writes_folder, formats in ((False, _FILES), (True, _FOLDERS)):
        for name, (summary, module, exporter) in formats.items():
            yield heron.DatasetExporter(
                name=name,
                summary=summary,
                suffix="",
                load=partial(_make, module, exporter),
                writes_folder=writes_folder,
                contains=["members"] if name in _WITH_MEMBERS else [],
            )
