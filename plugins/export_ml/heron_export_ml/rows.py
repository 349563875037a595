"""What all formats have in common: JSON, plain values of items, and file names that are safe and used once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from heron import DatasetRow, Frame, Item, Member

_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_RESERVED = re.compile(r"CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9]", re.IGNORECASE)
"""Names that Windows keeps for devices."""

_LONGEST = 150


def dumps(value: Any) -> str:
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


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


class Names:
    """Gives each file a name below a folder that no other file has, also where the case of letters does not count."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        """The names that are taken, each with the number that its next copy tries first."""

    def of(self, item: Item, member: Member | None = None, *, flat: bool = False) -> str:
        """The folder and name of an item, or of a file within an item of several; if `flat`, without the folder."""
        parts = [] if flat else [part for part in item.folder_path.split("/") if part]
        if member is None:
            parts.append(item.name)
        else:
            parts += [item.name, PurePosixPath(member.path or member.url).name]
        name = "/".join(_safe(part) for part in parts)
        if member is None and not PurePosixPath(name).suffix:
            name += PurePosixPath(_path(item.url)).suffix.lower()
        return self.unique(name)

    def unique(self, name: str) -> str:
        """The name, or if it is taken the name with the next number."""
        path, found, number = PurePosixPath(name), name, self._taken.get(name.casefold(), 2)
        while found.casefold() in self._taken:
            found = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
            number += 1
        self._taken[name.casefold()] = number
        self._taken.setdefault(found.casefold(), 2)
        return found


def _path(url: str) -> str:
    return url.partition("#zip=")[2] or url.partition("#")[0].partition("?")[0]


def _safe(part: str) -> str:
    """A part of a path as file systems of all kinds take it."""
    cleaned = _UNFIT.sub("_", part.replace("/", "_")).strip().rstrip(".")
    if len(cleaned.encode()) > _LONGEST:
        suffix = PurePosixPath(cleaned).suffix[:20]
        cleaned = cleaned.encode()[: _LONGEST - len(suffix.encode())].decode("utf-8", "ignore") + suffix
    if _RESERVED.fullmatch(cleaned.partition(".")[0]):
        cleaned = f"_{cleaned}"
    return cleaned if cleaned not in ("", ".", "..") else "_"


def scalar(value: Any) -> Any:
    """A value for a cell of a table: lists and objects as JSON."""
    return dumps(value) if isinstance(value, list | Mapping) else value
