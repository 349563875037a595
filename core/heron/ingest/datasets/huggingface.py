"""Hugging Face: a folder of images, sounds or films with metadata (https://huggingface.co/docs/datasets/image_dataset#imagefolder)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from heron.errors import InvalidInput
from heron.hooks import ImportEntry, ImportSource
from heron.models import Json

_METADATA = ("metadata.csv", "metadata.jsonl")
_FILES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".wav", ".mp3", ".flac", ".ogg", ".m4a", ".mp4",
    ".mov", ".webm", ".mkv", ".avi", ".pdf", ".txt", ".nii",
)  # fmt: skip
_SPLITS = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
}  # fmt: skip


class HuggingFace:
    """The rows of each metadata file, or without one the files, whose folders are their labels."""

    def entries(self, source: ImportSource) -> Iterator[ImportEntry]:
        """The entries of the metadata files in the order of their names."""
        if source.path.is_dir():
            tables = [
                name
                for name in source.names(suffixes=(".csv", ".jsonl"))
                if posixpath.basename(name) in _METADATA
            ]
            if not tables:
                yield from _classes(source)
                return
        else:
            tables = [source.path.name]
        for table in tables:
            folder = posixpath.dirname(table)
            rows = source.lines(table) if table.endswith(".jsonl") else source.rows(table)
            for place, row in rows:
                yield _entry(place, row, folder)


def _entry(place: str, row: Any, folder: str) -> ImportEntry:
    if not isinstance(row, dict):
        return ImportEntry(place, problem="expected an object")
    name = next(
        (
            each
            for each in ("file_name", "image_file_name", "audio_file_name", "video_file_name")
            if row.get(each)
        ),
        None,
    )
    others = [
        each for each in row if each.endswith(("file_name", "file_names")) and each != name and row.get(each)
    ]
    if name is None or not isinstance(file := row[name], str):
        return ImportEntry(place, problem="it has no file_name")
    notes = [f"{others[0]} names a second file, which is not imported"] if others else []
    metadata: dict[str, Json] = {}
    nested: dict[str, Json] = {}
    for key, value in row.items():
        if key == name or key in others or value in (None, ""):
            continue
        (nested if isinstance(value, dict | list) else metadata)[key] = value
    path = posixpath.join(folder, file) if folder else file
    annotations: dict[str, Json] = {"labels": _categories(nested), "objects": nested, "split": _split(path)}
    return ImportEntry(place, file=path, metadata=metadata, annotations=annotations, notes=notes)


def _categories(nested: Mapping[str, Json]) -> list[Json]:
    """The categories of objects, each once; numbers stay numbers, since their names are not in the folder."""
    found: dict[Json, None] = {}
    for value in nested.values():
        for name in ("categories", "category", "label", "labels"):
            if isinstance(value, dict) and isinstance(value.get(name), list):
                found.update(dict.fromkeys(str(each) for each in value[name] if isinstance(each, str | int)))
    return [*found]


def _classes(source: ImportSource) -> Iterator[ImportEntry]:
    """The files of a folder without metadata: each with the name of its folder, unless that is a split, as its label."""
    found = False
    for name in source.names(suffixes=_FILES):
        found = True
        folders = [part for part in posixpath.dirname(name).split("/") if part]
        label = folders[-1] if folders and folders[-1].lower() not in {*_SPLITS, "data"} else None
        annotations: dict[str, Json] = {"labels": [label] if label else [], "split": _split(name)}
        yield ImportEntry(name, file=name, annotations=annotations)
    if not found:
        hint = None
        if any(True for _ in source.names(suffixes=(".arrow", ".parquet"))):
            hint = "files of Arrow and Parquet hold the bytes themselves: save the files, as with imagefolder"
        raise InvalidInput(f"{source.path.name} has no files of media", hint=hint)


def _split(path: str) -> str | None:
    """The split that the outermost folder of this name says."""
    return next(
        (_SPLITS[part.lower()] for part in posixpath.dirname(path).split("/") if part.lower() in _SPLITS),
        None,
    )
