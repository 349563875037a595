"""Changes of items, one or up to 1,000 at once: all of them are made, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heron import HeronError, InvalidInput, Item, MetadataError, Workspace
from heron_sdk_api.calls import Call
from heron_sdk_api.fields import Fields, plain_uuid
from heron_sdk_api.items import MANY
from heron_sdk_api.paging import page

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
    """Replace the metadata of items.

    A value that stays as it was is not refused for a schema that has changed since: scripts read metadata, add to it, and
    write all of it.
    """
    try:
        with ws.atomic():
            ws.metadata.replace(metadata)
    except MetadataError:
        changes = {}
        for item in ws.items.get_all([*metadata]):
            given, before = metadata[item.uuid], item.metadata
            changed = {
                key: value
                for key, value in given.items()
                if key not in before or not _same(before[key], value)
            }
            changes[item.uuid] = {**dict.fromkeys(key for key in before if key not in given), **changed}
        ws.metadata.merge({uuid: _named(metadata[uuid], change) for uuid, change in changes.items()})


def _named(given: Mapping[str, Any], change: Mapping[str, Any]) -> Mapping[str, Any]:
    """A change that has also the key frames of the metadata that was given, if they are among it."""
    return {**change, **({"keyframes": given["keyframes"]} if "keyframes" in given else {})}


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 and true are not."""
    from heron_sdk_api.wire import as_text

    return as_text(one) == as_text(other)
