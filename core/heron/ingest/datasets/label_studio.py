"""Label Studio: a JSON export, which is an array of tasks (https://labelstud.io/guide/export#JSON)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from heron.errors import InvalidInput
from heron.hooks import ImportEntry, ImportSource
from heron.models import Json

_TASK = re.compile(r"\$\[\d+\]")
_MEDIA = ("image", "video", "audio", "text", "pdf", "img", "url", "file", "path", "ocr")
"""Names of the member of `data` with the file, the likely ones first; else it is the only one that looks like a file."""

_LOCAL = "/data/local-files/"
_UPLOADED = "/data/upload/"
_FILE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+://|/).+|[^\s]+\.[A-Za-z0-9]{2,5}")


class LabelStudio:
    """Each task with its file; the other members of its data are metadata."""

    def entries(self, source: ImportSource) -> Iterator[ImportEntry]:
        """The tasks in their order."""
        found = False
        for path, task in source.elements(source.path.name):
            if not _TASK.fullmatch(path):
                raise InvalidInput(
                    f"{source.path.name}: expected an array of tasks, so it is no JSON export of Label Studio"
                )
            found = True
            yield _entry(f"task {path[2:-1]}", task)
        if not found:
            raise InvalidInput(f"{source.path.name} has no tasks")


def _entry(place: str, task: Json) -> ImportEntry:
    if not isinstance(task, dict) or not isinstance(data := task.get("data", task), dict):
        return ImportEntry(place, problem="expected an object with data")
    key = _media_key(data)
    if key is None:
        return ImportEntry(place, problem="none of its data is a file", notes=())
    is_minimal = data is task
    names, objects, notes = _results(task, is_minimal)
    own = {
        "id",
        "annotations",
        "predictions",
        "completions",
        "annotator",
        "annotation_id",
        "created_at",
        "updated_at",
        "lead_time",
    }
    metadata = {
        name: value
        for name, value in data.items()
        if name != key and not (is_minimal and name in own) and _is_plain(value)
    }
    nested = [
        name
        for name, value in data.items()
        if name != key and value is not None and not _is_plain(value) and not is_minimal
    ]
    if nested:
        notes.append(f"data.{nested[0]} is nested, and not kept")
    file, problem = _file(str(data[key]))
    annotations: dict[str, Json] = {
        "labels": names,
        "objects": objects,
        "predictions": task.get("predictions"),
    }
    return ImportEntry(
        place, file=file, metadata=metadata, annotations=annotations, problem=problem, notes=notes
    )


def _media_key(data: Mapping[str, Any]) -> str | None:
    for name in _MEDIA:
        if isinstance(value := data.get(name), str) and _FILE.fullmatch(value.strip()):
            return name
    found = [
        name for name, value in data.items() if isinstance(value, str) and _FILE.fullmatch(value.strip())
    ]
    return found[0] if len(found) == 1 else None


def _results(task: Mapping[str, Any], is_minimal: bool) -> tuple[list[str], list[Json], list[str]]:
    """The labels, the results, and what is to be said of them; several annotations of one task are all taken."""
    given = task.get("annotations", task.get("completions"))
    if is_minimal:
        objects = [
            {"from_name": name, "value": value}
            for name, value in task.items()
            if isinstance(value, list | dict) and name not in ("annotations", "predictions")
        ]
        labels = [text for each in objects for text in _labels(each["value"])]
        return list(dict.fromkeys(labels)), objects, []
    found = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    kept = [each for each in found if not each.get("was_cancelled")]
    notes = [f"{len(found) - len(kept)} cancelled annotations are not kept"] if len(kept) < len(found) else []
    results = [result for each in kept for result in each.get("result") or () if isinstance(result, dict)]
    labels = [text for result in results for text in _labels(result.get("value"))]
    return list(dict.fromkeys(labels)), results, notes


def _labels(value: Any) -> Iterator[str]:
    """The names in a value: those of `choices`, `rectanglelabels` and others that end with labels."""
    if isinstance(value, dict):
        for name, part in value.items():
            if (name.endswith("labels") or name == "choices") and isinstance(part, list):
                yield from (each for each in part if isinstance(each, str))
            elif name == "choices" and isinstance(part, str):
                yield part
    elif isinstance(value, list):
        for part in value:
            yield from _labels(part)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _file(text: str) -> tuple[str, str | None]:
    """The file that a task names, and why it cannot be found."""
    text = text.strip()
    if text.startswith(_LOCAL):
        place = parse_qs(urlsplit(text).query).get("d", [""])[0]
        return place, None if place else f"{text[:200]} names no file"
    if text.startswith(_UPLOADED):
        return unquote(text.removeprefix(_UPLOADED)), None
    return text, None
