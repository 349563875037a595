"""Changes of items, one or up to 1,000 at once: all of them are made, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heron import HeronError, InvalidInput, Item, MetadataError, Workspace
from heron_sdk_api.calls import Call
from heron_sdk_api.fields import Fields, plain_uuid
from heron_sdk_api.items import MANY
from heron_sdk_api.paging import page

KEYFRAMES = "keyframes"
"""The key of the numbers of an item's key frames."""

BLOCKS = {"$heron", "$encord"}
"""The keys of blocks that say how `keyframes` is to be read."""

_ABSENT = ("timeseriesSettings", "sceneViewSettings", "sceneLayout")
"""Settings of the hosted product's viewers, which Heron does not have; null resets them, and so is no change."""


def patch(call: Call) -> Any:
    """Change name or metadata of an item."""
    (changed,) = _apply(call, {str(call.uuid("item")): call.fields})
    return call.wire.item(changed)


def patch_many(call: Call) -> Any:
    """Change many items; the answer has all of them."""
    given = call.fields.object("itemPatches")
    if len(given) > MANY:
        raise InvalidInput(f"at most {MANY:,} items can be changed at once, got {len(given):,}")
    patches = {
        plain_uuid(uuid, f"the key {number} of itemPatches"): Fields(patch, f"the patch of item {uuid}")
        for number, (uuid, patch) in enumerate(given.items())
    }
    if len(patches) < len(given):
        raise InvalidInput("itemPatches names an item twice")
    return page(call.wire.items(_apply(call, patches)))


def _apply(call: Call, patches: Mapping[str, Fields]) -> list[Item]:
    """Apply patches in one transaction, and return the items as they are then."""
    ws = call.ws
    metadata = {uuid: given for uuid, patch in patches.items() if (given := _metadata(patch)) is not None}
    names = {uuid: name for uuid, patch in patches.items() if (name := patch.text("name", None)) is not None}
    with ws.atomic():
        if metadata:
            replace(ws, metadata)
        for uuid, name in names.items():
            try:
                ws.items.rename(uuid, name)
            except HeronError as error:
                error.message = f"item {uuid}: {error.message}"
                raise
    return list(ws.items.get_all([*patches]))


def _metadata(patch: Fields) -> Mapping[str, Any] | None:
    """The metadata of a patch; raises InvalidInput for what Heron does not keep of items."""
    if patch.text("description", ""):
        raise InvalidInput(
            f"{patch.place}: items have no description in Heron", hint="write it into client_metadata"
        )
    for name in _ABSENT:
        if patch.values.get(name) is not None:
            raise InvalidInput(f"{patch.place}: Heron keeps no {name}")
    found: Mapping[str, Any] | None = patch.object("clientMetadata", None)
    return found


def replace(ws: Workspace, metadata: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the metadata of items; with `keyframes`, the frames that it names are the only key frames then.

    A value that stays as it was is not refused for a schema that has changed since: scripts read metadata, add to it, and
    write all of it.
    """
    exact = {uuid: given[KEYFRAMES] for uuid, given in metadata.items() if _has_numbers(given)}
    rest = {uuid: _without_key_frames(given) if uuid in exact else given for uuid, given in metadata.items()}
    with ws.atomic():
        try:
            with ws.atomic():
                ws.metadata.replace(rest)
        except MetadataError:
            ws.metadata.merge(_changes(ws, rest))
        for uuid, numbers in exact.items():
            ws.frames.set(uuid, numbers or (), only_these=True)


def _has_numbers(given: Mapping[str, Any]) -> bool:
    """Whether metadata has key frames by number; what else stands in their place is refused with the metadata, or means something else."""
    if KEYFRAMES not in given or BLOCKS & given.keys():
        return False
    numbers = given[KEYFRAMES]
    return numbers is None or (isinstance(numbers, list) and all(type(number) is int for number in numbers))


def _without_key_frames(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != KEYFRAMES}


def _changes(ws: Workspace, metadata: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What changes for each item: keys that are removed as None, and values that are others than before."""
    changes = {}
    for item in ws.items.get_all([*metadata]):
        given, before = metadata[item.uuid], item.metadata
        removed = dict.fromkeys(key for key in before if key not in given)
        changes[item.uuid] = removed | {
            key: value for key, value in given.items() if key not in before or not _same(before[key], value)
        }
    return changes


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 and true are not."""
    from heron_sdk_api.wire import as_text

    return as_text(one) == as_text(other)
