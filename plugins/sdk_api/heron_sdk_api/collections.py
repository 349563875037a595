"""Collections, which belong to the workspace as a whole: the top-level folder that a client names is not kept."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from heron import Collection, NotFound
from heron_sdk_api.calls import Call
from heron_sdk_api.envelopes import Refused
from heron_sdk_api.items import MANY
from heron_sdk_api.paging import made, opened, page, size_of, sliced
from heron_sdk_api.presets import of_uuid

NOWHERE = str(UUID(int=0))
"""The folder of what belongs to the workspace as a whole."""

MOST_BYTES = 200_000
"""The most bytes of titles of a request."""


def listed(call: Call) -> Any:
    """Collections by title, or those of some UUIDs."""
    wanted = {str(uuid) for uuid in call.query.uuids("uuids")}
    found = [each for each in call.ws.collections.list() if not wanted or each.uuid in wanted]
    results, token = sliced(found, call.query, f"collections {sorted(wanted)}")
    return page([_wire(each) for each in results], token)


def _wire(collection: Collection) -> dict[str, Any]:
    return {
        "uuid": collection.uuid,
        "topLevelFolderUuid": NOWHERE,
        "name": collection.title,
        "description": collection.description,
        "createdAt": collection.created_at,
        "lastEditedAt": collection.created_at,
    }


def create(call: Call) -> Any:
    """Make a collection."""
    folder = call.query.uuid("topLevelFolderUuid")
    if folder is not None and str(folder) != NOWHERE:
        call.ws.folders.get(folder)
    title, description = call.fields.text("name"), call.fields.text("description", "")
    return call.ws.collections.create(title, description=description).uuid


def update(call: Call) -> Any:
    """Change name or description."""
    call.ws.collections.update(
        call.uuid("collection"),
        title=call.fields.text("name", None),
        description=call.fields.text("description", None),
    )


def delete(call: Call) -> Any:
    """Delete a collection; its items stay."""
    call.ws.collections.delete(call.uuid("collection"))


def items(call: Call) -> Any:
    """The items of a collection; those that the user may not see are in no list of Heron."""
    collection = call.ws.collections.get(call.uuid("collection"))
    of = f"collection {collection.uuid}"
    found = call.ws.search(
        where=f"in_collection('{collection.uuid}')",
        limit=size_of(call.query),
        cursor=opened(call.query.text("pageToken"), of),
    )
    metadata = call.query.flag("includeClientMetadata", True)
    return page(call.wire.items(found, metadata=metadata), made(found.cursor, of) if found.cursor else None)


def add(call: Call) -> Any:
    """Add items; those that are not there are told."""
    collection = call.ws.collections.get(call.uuid("collection"))
    known, failed = _known(call)
    call.ws.collections.add(collection.uuid, known)
    return {"failedItems": failed}


def remove(call: Call) -> Any:
    """Remove items; those that are not there are told."""
    collection = call.ws.collections.get(call.uuid("collection"))
    known, failed = _known(call)
    call.ws.collections.remove(collection.uuid, known)
    return {"failedItems": failed}


def _known(call: Call) -> tuple[list[UUID], list[UUID]]:
    """The items of the body that exist, and those that do not."""
    uuids = call.fields.uuids("itemUuids")
    try:
        call.ws.items.get_all(uuids)
    except NotFound:
        known = [uuid for uuid in uuids if call.ws.items.find(uuid) is not None]
        return known, [uuid for uuid in uuids if uuid not in set(known)]
    return uuids, []


def add_titles(call: Call) -> Any:
    """Add the items of some names; a name that several items have adds none of them."""
    collection = call.ws.collections.get(call.uuid("collection"))
    titles = [*dict.fromkeys(call.fields.texts("dataTitles"))]
    if len(titles) > MANY or sum(len(title.encode()) for title in titles) > MOST_BYTES:
        raise Refused(400, f"at most {MANY:,} titles with {MOST_BYTES:,} bytes in all can be named at once")
    found = {title: call.ws.items.by_name(title) for title in titles}
    matched = [items[0].uuid for items in found.values() if len(items) == 1]
    added = call.ws.collections.add(collection.uuid, matched)
    return {
        "requested": len(titles),
        "matchedTitles": len(matched),
        "itemsAdded": added.added,
        "ambiguousTitles": [title for title, items in found.items() if len(items) > 1],
        "unmatchedTitles": [title for title, items in found.items() if not items],
        "failedItems": [],
    }


def add_preset(call: Call) -> Any:
    """Add what a preset finds, all of it before the answer."""
    collection = call.ws.collections.get(call.uuid("collection"))
    query = of_uuid(call.ws, call.fields.uuid("presetUuid")).query
    call.ws.collections.add(collection.uuid, call.ws.search.all(query))


def remove_preset(call: Call) -> Any:
    """Remove what a preset finds."""
    collection = call.ws.collections.get(call.uuid("collection"))
    query = of_uuid(call.ws, call.fields.uuid("presetUuid")).query
    call.ws.collections.remove(collection.uuid, [item.uuid for item in call.ws.search.all(query)])
