"""The built-in importers: Heron's own manifests, and datasets of COCO, YOLO, Label Studio, FiftyOne, Hugging Face, and lists of paths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from heron.hooks import DatasetImporter, hookimpl

if TYPE_CHECKING:
    from heron.hooks import Importer

OWN = "manifest"
"""The name of Heron's own manifests, which are read when no format is named."""

_LABELS = "names of the classes, each once"
_OBJECTS = "the annotations as the file has them, as JSON"


def _load_own() -> Any:
    from heron.ingest.manifest.reading import Manifest

    return Manifest


def _load_coco() -> Importer:
    from heron.ingest.datasets.coco import Coco

    return Coco()


def _load_yolo() -> Importer:
    from heron.ingest.datasets.yolo import Yolo

    return Yolo()


def _load_label_studio() -> Importer:
    from heron.ingest.datasets.label_studio import LabelStudio

    return LabelStudio()


def _load_fiftyone() -> Importer:
    from heron.ingest.datasets.fiftyone import FiftyOne

    return FiftyOne()


def _load_huggingface() -> Importer:
    from heron.ingest.datasets.huggingface import HuggingFace

    return HuggingFace()


def _load_paths() -> Importer:
    from heron.ingest.datasets.paths import Paths

    return Paths()


@hookimpl
def register_importers() -> Iterable[DatasetImporter]:
    """Heron's own manifests, and the formats that most datasets come in."""
    yield DatasetImporter(
        name=OWN,
        summary="Heron's own manifests: JSON, JSONL and CSV",
        suffixes=[".json", ".jsonl", ".ndjson", ".csv"],
        load=_load_own,
    )
    yield DatasetImporter(
        name="coco",
        summary="COCO: one JSON file with images, annotations and categories",
        suffixes=[".json"],
        annotations={
            "labels": _LABELS,
            "objects": _OBJECTS,
            "license": "the name of the license of the image",
            "date_captured": "the time that the file gives",
        },
        load=_load_coco,
    )
    yield DatasetImporter(
        name="yolo",
        summary="YOLO: images beside text files with boxes, and data.yaml or classes.txt",
        suffixes=[".yaml", ".yml"],
        reads_folder=True,
        annotations={
            "labels": _LABELS,
            "objects": "class and numbers of each line, as JSON",
            "split": "train, val or test",
        },
        requires=["PyYAML"],
        extra="yolo",
        load=_load_yolo,
    )
    yield DatasetImporter(
        name="label-studio",
        summary="Label Studio: a JSON export of tasks",
        suffixes=[".json"],
        annotations={
            "labels": _LABELS,
            "objects": _OBJECTS,
            "predictions": "the predictions as the file has them, as JSON",
        },
        load=_load_label_studio,
    )
    yield DatasetImporter(
        name="fiftyone",
        summary="FiftyOne: the folder of a FiftyOneDataset",
        reads_folder=True,
        suffixes=[".json"],
        annotations={"labels": _LABELS, "objects": _OBJECTS, "tags": "the tags of the sample"},
        load=_load_fiftyone,
    )
    yield DatasetImporter(
        name="huggingface",
        summary="Hugging Face: an image, audio or video folder with metadata.csv or metadata.jsonl",
        reads_folder=True,
        suffixes=[".csv", ".jsonl"],
        annotations={
            "labels": "the label of a folder of classes, or the categories of objects",
            "objects": "what is nested in a column, as JSON",
            "split": "train, validation or test",
        },
        load=_load_huggingface,
    )
    yield DatasetImporter(
        name="paths",
        summary="A list of paths or URLs: CSV with a column of them, or text with one a line",
        suffixes=[".csv", ".txt", ".tsv"],
        load=_load_paths,
    )
