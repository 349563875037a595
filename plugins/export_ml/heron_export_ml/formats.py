"""The formats, each with what it keeps; an exporter is imported when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

import heron

_MEDIA = ["image", "video"]
_IMAGES = ["image"]
_ALL = ["metadata", "tags", "facts", "members", "frames", "vectors", "files"]


def exporters() -> Iterator[heron.DatasetExporter]:
    """The records of all formats."""
    yield _record(
        "coco", "COCO: a list of images with their sizes, without annotations", "lists", "CocoExporter",
        contains=["metadata", "tags", "facts"], kinds=_IMAGES, read_with="pycocotools, LightlyStudio",
    )  # fmt: skip
    yield _record(
        "label-studio", "tasks that Label Studio imports", "annotation", "LabelStudioExporter",
        contains=["metadata"], kinds=["image", "video", "audio", "text", "pdf"], read_with="Label Studio",
    )  # fmt: skip
    yield _record(
        "cvat", "CVAT for images 1.1: the images to annotate", "annotation", "CvatExporter",
        kinds=_IMAGES, read_with="CVAT",
    )  # fmt: skip
    yield _record(
        "encord", "the upload manifest of Encord, which Heron imports too", "annotation", "EncordExporter",
        contains=["metadata", "members"], read_with="Encord, `heron import --manifest`",
    )  # fmt: skip
    yield _record(
        "copies", "copies of the files in their folders, with items.jsonl beside", "files", "FilesExporter",
        writes_folder=True, contains=_ALL, read_with="any program, LightlyStudio", takes_template=True, resumes=True,
    )  # fmt: skip
    yield _record(
        "links", "links to local files in their folders, with items.jsonl beside", "files", "LinksExporter",
        writes_folder=True, contains=[part for part in _ALL if part != "files"], read_with="any program",
        takes_template=True,
    )  # fmt: skip
    yield _record(
        "fiftyone", "a folder that FiftyOne imports as FiftyOneDataset", "files", "FiftyOneExporter",
        writes_folder=True, contains=["metadata", "tags", "facts", "vectors", "files"], kinds=_MEDIA,
        read_with="FiftyOne", takes_template=True, resumes=True,
    )  # fmt: skip
    yield _record(
        "huggingface", "a folder that Hugging Face datasets loads", "files", "HuggingFaceExporter",
        writes_folder=True, contains=["metadata", "tags", "facts", "vectors", "files"],
        kinds=["image", "audio", "video"], read_with="Hugging Face datasets",
        takes_template=True, resumes=True,
    )  # fmt: skip
    yield _record(
        "webdataset", "tar files of at most 10,000 items or 1 GB", "shards", "WebDatasetExporter",
        writes_folder=True, contains=_ALL, read_with="webdataset",
    )  # fmt: skip
    yield _record(
        "croissant", "a table with its description in Croissant 1.0", "croissant", "CroissantExporter",
        writes_folder=True, contains=["metadata", "tags", "facts"], read_with="mlcroissant",
    )  # fmt: skip


def _record(name: str, summary: str, module: str, exporter: str, **more: Any) -> heron.DatasetExporter:
    return heron.DatasetExporter(
        name=name, summary=summary, suffix="", load=partial(_make, module, exporter), **more
    )


def _make(module: str, name: str) -> Any:
    """An exporter; its module is imported when it is used."""
    return getattr(import_module(f"heron_export_ml.{module}"), name)()
