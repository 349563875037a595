"""What all formats have in common: JSON, and plain values of items."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from heron import DatasetRow, Frame, Item


def dumps(value: Any) -> str:
    """JSON in one line."""
    return _JSON.encode(value)


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def described(row: DatasetRow) -> dict[str, Any]:
    """All that is known of an item, with its metadata, its chosen frames, and the vectors that were asked for."""
    item = row.item
    values = {**known(item), "metadata": item.metadata}
    if item.facts.extra:
        values["facts"] = item.facts.extra
    frames = [_frame(frame) for frame in row.frames]
    if frames:
        values["frames"] = frames
    return {**values, "vectors": lists(row.vectors)} if row.vectors else values


def _frame(frame: Frame) -> dict[str, Any]:
    values = {
        "number": frame.number,
        "seconds": frame.seconds,
        "is_key": frame.is_key,
        "metadata": frame.metadata,
    }
    values |= {"metrics": frame.metrics} if frame.metrics else {}
    return {**values, "vectors": lists(frame.vectors)} if frame.vectors else values


def lists(vectors: Mapping[str, Any]) -> dict[str, list[float]]:
    """Vectors as lists of numbers, by key."""
    return {key: vector.tolist() for key, vector in vectors.items()}


def facts(item: Item) -> dict[str, Any]:
    """The facts of namespaces by their names, such as `exif.Model`."""
    found: dict[str, Any] = {}
    for space, values in item.facts.extra.items():
        if isinstance(values, Mapping):
            found.update((f"{space}.{name}", value) for name, value in values.items())
        else:
            found[space] = values
    return found


def known(item: Item) -> dict[str, Any]:
    """What identifies and describes an item, without its metadata; unknown values are left out."""
    facts = item.facts
    values = {
        "uuid": item.uuid, "name": item.name, "folder": item.folder_path, "url": item.url, "kind": item.kind,
        "media_type": facts.media_type, "size": item.size, "width": facts.width, "height": facts.height,
        "duration": facts.duration, "fps": facts.fps,
        "captured_at": facts.captured_at.isoformat() if facts.captured_at else None, "tags": list(item.tags),
    }  # fmt: skip
    return {name: value for name, value in values.items() if value is not None}


def flat(row: DatasetRow) -> dict[str, Any]:
    """All that is known of an item with its metadata by key; a key that is also another name becomes `metadata.KEY`.

    Facts have their names, such as `exif.Model`, and vectors are `vector.KEY`.
    """
    values = known(row.item)
    values |= {f"facts.{name}" if name in values else name: value for name, value in facts(row.item).items()}
    values |= {f"vector.{key}": numbers for key, numbers in lists(row.vectors).items()}
    for key, value in row.item.metadata.items():
        values[f"metadata.{key}" if key in values or key == "file_name" else key] = value
    return values


def scalar(value: Any) -> Any:
    """A value for a cell of a table: lists and objects as JSON."""
    return dumps(value) if isinstance(value, list | Mapping) else value
