"""YOLO: images below a folder `images`, and for each a text file below `labels` beside it (https://docs.ultralytics.com/datasets/detect)."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heron.errors import InvalidInput
from heron.hooks import ImportEntry, ImportSource
from heron.models import Json

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".avif")
SPLITS = ("train", "val", "test")
_LARGEST = 1 << 20
_MOST = 100_000
"""The most lines of one file with labels."""


class Yolo:
    """The images of each split with the lines of their text files: detection, segmentation, oriented boxes or key points."""

    def entries(self, source: ImportSource) -> Iterator[ImportEntry]:
        """The images, split by split."""
        settings, name = _settings(source)
        names = _names(settings, source)
        found = False
        for split, places, notes in _splits(settings, source):
            for place in places:
                for file in _files(place, source):
                    found = True
                    yield _entry(file, split, names, notes, source)
                    notes = []
        if not found:
            raise InvalidInput(
                f"{name}: there are no images in its splits", hint="its paths are relative to its folder"
            )


def _settings(source: ImportSource) -> tuple[dict[str, Any], str]:
    """The content of data.yaml, and its name; empty if there is none."""
    name = source.path.name
    if source.path.is_dir():
        name = next((each for each in ("data.yaml", "data.yml", "dataset.yaml") if source.exists(each)), "")
        if not name:
            return {}, source.path.name
    import yaml

    with source.open(name) as stream:
        text = stream.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise InvalidInput(f"{name} is longer than 1 MB, so it is no data.yaml")
    try:
        settings = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InvalidInput(f"{name} is not valid YAML: {str(error).splitlines()[0]:.200}") from error
    if not isinstance(settings, dict):
        raise InvalidInput(f"{name}: expected a mapping with names and splits")
    return settings, name


def _names(settings: Mapping[str, Any], source: ImportSource) -> dict[int, str]:
    """The names of classes by number."""
    given = settings.get("names")
    if given is None and source.exists("classes.txt"):
        with source.open("classes.txt") as stream:
            given = stream.read(_LARGEST).decode("utf-8-sig", "replace").splitlines()
    if isinstance(given, Sequence) and not isinstance(given, str):
        return {number: str(name).strip() for number, name in enumerate(given)}
    if isinstance(given, Mapping):
        return {int(number): str(name) for number, name in given.items() if str(number).isdecimal()}
    return {}


def _splits(
    settings: Mapping[str, Any], source: ImportSource
) -> Iterator[tuple[str | None, list[str], list[str]]]:
    """Each split with the folders and lists of its images, and what is to be said of it."""
    notes = []
    base = settings.get("path")
    if base not in (None, "", "."):
        base = str(base)
        inside = not base.startswith(("/", "..")) and any(True for _ in _below(base, source))
        if not inside:
            notes.append(f"path {base!r:.120} is ignored: the dataset is read where its file lies")
            base = None
    named = [split for split in SPLITS if settings.get(split)]
    for split in named:
        given = settings[split]
        places = [given] if isinstance(given, str) else list(given) if isinstance(given, list) else []
        found = []
        for place in places:
            plain = str(place)
            while plain.startswith("../"):  # Roboflow writes ../train/images for train/images
                plain = plain.removeprefix("../")
            found.append(posixpath.join(base, plain) if base else plain)
        yield split, found, notes
        notes = []
    if not named:
        yield None, [""], notes


def _below(folder: str, source: ImportSource) -> Iterator[str]:
    try:
        yield from source.names(folder, IMAGES)
    except InvalidInput:
        return


def _files(place: str, source: ImportSource) -> Iterator[str]:
    """The images of a folder, or of a text file with one path a line."""
    if not place.lower().endswith(".txt"):
        yield from (name for name in source.names(place, IMAGES) if place or "/labels/" not in f"/{name}")
        return
    with source.open(place) as stream:
        for line in stream:
            text = line.decode("utf-8", "replace").strip()
            if text:
                yield (
                    posixpath.normpath(posixpath.join(posixpath.dirname(place), text))
                    if text.startswith("./")
                    else text
                )


def _entry(
    file: str, split: str | None, names: Mapping[int, str], notes: list[str], source: ImportSource
) -> ImportEntry:
    head, mark, tail = f"/{file}".rpartition("/images/")
    label = posixpath.splitext(f"{head}/labels/{tail}" if mark else f"/{file}")[0].lstrip("/") + ".txt"
    objects: list[Json] = []
    labels: dict[str, None] = {}
    try:
        if source.exists(label):
            with source.open(label) as stream:
                for number, line in enumerate(stream, start=1):
                    if line.strip():
                        found = _object(line, f"{label}, line {number}", names)
                        labels[str(found["class"])] = None
                        objects.append(found)
                    if number > _MOST:
                        raise InvalidInput(f"{label} has more than {_MOST:,} lines")
        else:
            notes = [*notes, f"there is no {label}: it has no objects"] if notes or not mark else notes
    except InvalidInput as error:
        return ImportEntry(file, problem=str(error), notes=notes)
    values: dict[str, Json] = {"labels": list(labels), "objects": objects, "split": split}
    return ImportEntry(file, file=file, annotations=values, notes=notes)


def _object(line: bytes, place: str, names: Mapping[int, str]) -> dict[str, Json]:
    """The class and the numbers of a line."""
    parts = line.decode("utf-8", "replace").split()
    try:
        number = int(parts[0])
        numbers = [float(part) for part in parts[1:]]
    except ValueError as error:
        raise InvalidInput(f"{place}: expected the number of a class, and numbers") from error
    if len(numbers) < 4 or not all(map(math.isfinite, numbers)):
        raise InvalidInput(f"{place}: expected at least four finite numbers behind the class")
    if names and number not in names:
        raise InvalidInput(f"{place}: there is no class {number} among the {len(names)} names")
    kind = "box" if len(numbers) <= 5 else "points"
    return {"class": names.get(number, str(number)), kind: list(numbers)}
