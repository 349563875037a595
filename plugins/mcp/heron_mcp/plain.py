"""Records as plain values that JSON has, without what is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import attrs

import heron

_FACTS = (
    "media_type", "width", "height", "frame_count", "seconds", "fps", "sample_rate", "channels", "pages", "captured_at", "extra",
)  # fmt: skip

LONGEST = 2_000
"""The most characters of one text, so that a page of documents does not fill what a model can read."""


def plain(value: Any) -> Any:
    """A value as JSON has it; fields of records that are empty are left out."""
    if attrs.has(type(value)):
        fields = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
        return {name: plain(part) for name, part in fields.items() if part is not None and name != "id"}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}… ({len(value):,} characters)"
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, Path) else repr(value)


def plain_item(item: heron.Item) -> dict[str, Any]:
    """What a model needs to know of an item."""
    facts = {name: getattr(item.facts, name, None) for name in _FACTS}
    found = {
        "uuid": item.uuid,
        "name": item.name,
        "kind": item.kind,
        "folder": item.folder_path,
        "path": item.path,
        "size": item.size,
        **facts,
        "tags": item.tags,
        "metadata": item.metadata,
    }
    return {name: plain(value) for name, value in found.items() if value not in (None, "", (), {})}
