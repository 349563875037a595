"""What all formats have in common: JSON, plain values of items, and file names that are safe and used once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from heron import Item, Member

_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_RESERVED = re.compile(r"CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9]", re.IGNORECASE)
"""Names that Windows keeps for devices."""

_LONGEST = 150


def dumps(value: Any) -> str:
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


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


def flat(item: Item) -> dict[str, Any]:
    """All that is known of an item with its metadata by key; a key that is also the name of a field becomes `metadata.KEY`."""
    values = known(item)
    for key, value in item.metadata.items():
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
