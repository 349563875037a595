"""What has changed of an item between two frozen rows: metadata by key, fields, frames, and the content of its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heron.catalog.items import ITEM_COLUMNS
from heron.catalog.versions.blocks import Values
from heron.convert import is_same, loads
from heron.models import Json
from heron.versions import ChangedItem

Pair = tuple[Json, Json]

_PLACES = {name: place for place, name in enumerate(ITEM_COLUMNS.names)}
_CONTENT = ("content_hash", "size", "etag", "modified_at")
_OTHERS = {
    "id", "uuid", "folder_id", "path", "tags", "created_at", "updated_at", "deleted_at", "integration_id", "metadata",
    "facts", *_CONTENT,
}  # fmt: skip
"""Columns that are no field to compare: what the catalogue has for itself, tags of collections, and what is compared otherwise."""
_FIELDS = [name for name in ITEM_COLUMNS.names if name not in _OTHERS]


def change_of(uuid: str, old: Values, new: Values) -> ChangedItem | None:
    """The change of an item; None if only what does not count is different."""
    fields = {
        name: (old[_PLACES[name]], new[_PLACES[name]])
        for name in _FIELDS
        if old[_PLACES[name]] != new[_PLACES[name]]
    }
    facts = (_leaves(loads(values[_PLACES["facts"]] or "{}")) for values in (old, new))
    fields |= _pairs(*map(dict, facts))
    metadata = _pairs(*(loads(values[_PLACES["metadata"]] or "{}") for values in (old, new)))
    frames = _frames(old[-1] or (), new[-1] or ())
    content = _content(old, new)
    if not (fields or metadata or frames or content):
        return None
    return ChangedItem(name_of(new), uuid, metadata, frames, fields, content)


def name_of(values: Values) -> str:
    """The name of the item of a row."""
    return str(values[_PLACES["name"]])


def _pairs(old: Mapping[str, Json], new: Mapping[str, Json]) -> dict[str, Pair]:
    return {
        key: (old.get(key), new.get(key))
        for key in dict.fromkeys((*old, *new))
        if not is_same(old.get(key), new.get(key))
    }


def _leaves(facts: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Facts by name, such as `exif.Model`."""
    for space, values in facts.items():
        if isinstance(values, Mapping):
            yield from ((f"{space}.{name}", value) for name, value in values.items())
        else:
            yield space, values


def _frames(old: Sequence[Values], new: Sequence[Values]) -> dict[int, dict[str, Pair]]:
    """The frames whose metadata, or whether they are a key frame, has changed; one that came or went has the key ``."""
    before, after = ({frame[0]: frame for frame in frames} for frames in (old, new))
    found: dict[int, dict[str, Pair]] = {}
    for number in sorted({*before, *after}):
        first, second = before.get(number), after.get(number)
        if first == second:
            continue
        pairs = _pairs(*(loads(frame[3]) if frame else {} for frame in (first, second)))
        if first is None or second is None:
            pairs = {"": (first is not None, second is not None), **pairs}
        elif first[2] != second[2]:
            pairs["is_key"] = (bool(first[2]), bool(second[2]))
        if pairs:
            found[number] = pairs
    return found


def _content(old: Values, new: Values) -> dict[str, Pair]:
    """What tells that the content of an item's files has changed; empty if nothing does."""
    found = changed_content(*({name: values[_PLACES[name]] for name in _CONTENT} for values in (old, new)))
    before, after = (_by_place(values[-2] or ()) for values in (old, new))
    gone, came = sorted({*before} - {*after}), sorted({*after} - {*before})
    changed = [url for url in before if url in after and changed_content(before[url], after[url])]
    if gone or came or changed:
        found["members"] = ([*gone, *changed], [*came, *changed])
    return found


def changed_content(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Pair]:
    """The values that tell that a file has changed: its hash if both are known, else its size, else its ETag, else its time."""
    for name in ("content_hash", "size", "etag", "modified_at"):
        first, second = old.get(name), new.get(name)
        if first is None or second is None:
            continue
        if first != second:
            return {name: (first, second)}
        if name != "size":
            return {}
    return {}


def _by_place(members: Sequence[Values]) -> dict[str, dict[str, Any]]:
    return {
        url: {"size": size, "etag": etag, "content_hash": content} for url, size, etag, _, content in members
    }
