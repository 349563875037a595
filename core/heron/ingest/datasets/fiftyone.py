"""FiftyOne: the folder of a `FiftyOneDataset`, with samples.json and the files (https://docs.voxel51.com/user_guide/export_datasets.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from heron.errors import InvalidInput
from heron.hooks import ImportEntry, ImportSource
from heron.models import Json

_SAMPLE = re.compile(r"\$\.samples\[\d+\]")
_LISTS = {
    "Detections": "detections",
    "Classifications": "classifications",
    "Polylines": "polylines",
    "Keypoints": "keypoints",
}
_OWN = (
    "filepath",
    "tags",
    "metadata",
    "_media_type",
    "_rand",
    "_dataset_id",
    "_id",
    "id",
    "created_at",
    "last_modified_at",
    "_cls",
)


class FiftyOne:
    """Each sample with its file; plain fields are metadata, fields with labels are annotations."""

    def entries(self, source: ImportSource) -> Iterator[ImportEntry]:
        """The samples in their order."""
        name = "samples.json" if source.path.is_dir() else source.path.name
        if not source.exists(name):
            raise InvalidInput(f"{source.path.name} has no samples.json, so it is no FiftyOneDataset")
        found = False
        for path, sample in source.elements(name):
            if _SAMPLE.fullmatch(path):
                found = True
                yield _entry(path[2:], sample, source)
        if not found:
            raise InvalidInput(f"{name} has no samples")


def _entry(place: str, sample: Json, source: ImportSource) -> ImportEntry:
    if not isinstance(sample, dict) or not isinstance(file := sample.get("filepath"), str):
        return ImportEntry(place, problem="it has no filepath")
    notes = []
    if file.startswith("/") or "\\" in file or ":" in file[:3]:
        name = re.split(r"[/\\]", file)[-1]
        if not source.has_file(f"data/{name}"):
            return ImportEntry(
                place, problem=f"{file[:200]} is a path of another machine, and there is no data/{name[:100]}"
            )
        file = f"data/{name}"
    labels: dict[str, None] = {}
    objects: dict[str, Json] = {}
    metadata: dict[str, Json] = {}
    left = []
    for name, value in sample.items():
        if name in _OWN or value is None:
            continue
        if isinstance(value, dict) and "_cls" in value:
            objects[name] = value
            labels.update(dict.fromkeys(_labels(value)))
        elif isinstance(value, dict) and {*value} == {"$date"}:
            metadata[name] = _date(value["$date"])
        elif isinstance(value, str | int | float | bool) or (
            isinstance(value, list) and all(isinstance(part, str) for part in value)
        ):
            metadata[name] = value
        else:
            left.append(name)
    if left:
        notes.append(f"{', '.join(left)} is nested, and not kept")
    annotations: dict[str, Json] = {
        "labels": [*labels],
        "objects": objects,
        "tags": [str(tag) for tag in sample.get("tags") or ()],
    }
    return ImportEntry(place, file=file, metadata=metadata, annotations=annotations, notes=notes)


def _labels(value: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(label := value.get("label"), str):
        yield label
    for part in value.get(_LISTS.get(str(value.get("_cls")), "")) or ():
        if isinstance(part, dict) and isinstance(label := part.get("label"), str):
            yield label


def _date(value: Any) -> Json:
    """A date of MongoDB as ISO 8601 in UTC: milliseconds since 1970, or text."""
    if isinstance(value, int | float):
        from datetime import UTC, datetime, timedelta

        from heron.times import utc_iso

        return utc_iso(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value))
    return str(value)
