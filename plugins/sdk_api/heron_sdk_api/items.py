"""The items of storage: lists, single ones, and what is done to them beside patches.

The folder in the path of an item is not looked at: a client that has moved an item still names the folder of before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from heron import Item
from heron_sdk_api.calls import Call
from heron_sdk_api.envelopes import Refused
from heron_sdk_api.folders import ORDERS
from heron_sdk_api.kinds import OTHER, condition_of_types, item_type
from heron_sdk_api.paging import made, opened, page, size_of
from heron_sdk_api.wire import made_up

MANY = 1000
"""The most items that a request can name."""


def list_folder(call: Call) -> Any:
    """The items of a folder."""
    folder = call.ws.folders.get(call.uuid("folder"))
    return _listed(call, folder.path, call.query.flag("isRecursive", False))


def search(call: Call) -> Any:
    """Items anywhere."""
    return _listed(call, None, True)


def _listed(call: Call, folder: str | None, recursive: bool) -> Any:
    """The page of items that a request asks for, in an order that changes of metadata do not touch."""
    query, ws = call.query, call.ws
    words, in_dataset = query.text("search"), query.flag("isInDataset", None)
    conditions = [condition_of_types(query.texts("itemTypes"))]
    if words:
        conditions.append(f"item.name ILIKE {_quoted('%' + _escaped(words) + '%')} ESCAPE '\\'")
    if in_dataset is not None:
        titles = [f"in_dataset({_quoted(each.uuid)})" for each in ws.datasets.list()]
        any_of = f"({' OR '.join(titles)})" if titles else "item.kind = ''"
        conditions.append(any_of if in_dataset else f"NOT {any_of}")
    where = " AND ".join(condition for condition in conditions if condition) or None
    order = query.one_of("order", ORDERS, "name")
    sort = f"-{order}" if query.flag("desc") else order
    of = f"items {folder} {recursive} {where} {sort}"
    place = opened(query.text("pageToken"), of)
    if where is None and folder is not None and not recursive:
        way: Any = sort.replace("created_at", "added")
        found = ws.items.page(folder=folder, recursive=False, limit=size_of(query), cursor=place, sort=way)
    else:
        found = ws.search(
            where=where, folder=folder, recursive=recursive, sort=sort, limit=size_of(query), cursor=place
        )
    return page(shown(call, found), made(found.cursor, of) if found.cursor else None)


def shown(call: Call, items: Sequence[Item]) -> list[dict[str, Any]]:
    """Items with what the parameters of a list ask for."""
    signed, metadata = call.query.flag("signUrls"), call.query.flag("includeClientMetadata", True)
    by_address = call.query.flag("clientMetadataAsSignedUrl")
    results = call.wire.items(items, signed=signed, metadata=metadata and not by_address)
    if by_address:
        for result in results:
            result["clientMetadataSignedUrl"] = call.signed(f"/v2/public/heron/metadata/{result['uuid']}")
    return results


def get(call: Call) -> Any:
    """One item."""
    return call.wire.item(call.ws.items.get(call.uuid("item")), signed=call.query.flag("signUrl"))


def get_many(call: Call) -> Any:
    """Items by UUID."""
    uuids = _many(call, "itemUuids")
    return page(call.wire.items(call.ws.items.get_all(uuids), signed=call.fields.flag("signUrls", False)))


def delete(call: Call) -> Any:
    """Delete items from the catalogue; files stay."""
    uuids = _many(call, "childUuids")
    with call.ws.atomic():
        removed = call.ws.items.delete(uuids)
    return {"removedItemsCount": removed, "removedFoldersCount": 0}


def move(call: Call) -> Any:
    """Move items into a folder."""
    target = call.fields.uuid("newParentUuid")
    uuids = _many(call, "itemUuids")
    with call.ws.atomic():
        call.ws.items.move(uuids, target)


def children(call: Call) -> Any:
    """The files of an item of several files, as items; they have no address of their own in Heron."""
    item = call.ws.items.get(call.uuid("item"))
    results = []
    for number, member in enumerate(call.ws.items.members(item)):
        result = call.wire.item(item, metadata=False)
        name = member.url.rstrip("/").rpartition("/")[2]
        kind = "dicomFile" if item.facts.kind == "dicom" else "image"
        result |= {"uuid": made_up("member", f"{item.uuid}/{number}"), "itemType": kind, "name": name}
        result |= {"url": member.url, "fileSize": member.size, "frameCount": member.frame_count}
        results.append(result)
    return {"results": results}


def summary(call: Call) -> Any:
    """In which groups and datasets an item is."""
    item = call.ws.items.get(call.uuid("item"))
    datasets = [
        {
            "datasetHash": dataset.uuid,
            "backingFolderUuid": None,
            "title": dataset.title,
            "dataHashes": [item.uuid],
            "dataUnitsCreatedAt": item.created_at,
        }
        for dataset in call.ws.datasets.list()
        if call.ws.search.count(where=f"uuid = '{item.uuid}' AND in_dataset('{dataset.uuid}')")
    ]
    layout = None
    if item_type(item.facts.kind) == OTHER:
        settings = {"type": "data_unit_list", "keys": [], "carouselPosition": "bottom", "carouselSize": 20}
        layout = {"layoutContents": {}, "layout": settings, "layoutSettings": {}, "timeline": []}
    return {
        "frameInGroups": 0,
        "accessibleGroupItems": [],
        "usedInDatasets": len(datasets),
        "accessibleDatasets": datasets,
        "groupLayout": layout,
    }


def _many(call: Call, name: str) -> list[UUID]:
    uuids = call.fields.uuids(name)
    if len(uuids) > MANY:
        raise Refused(400, f"at most {MANY:,} items can be named at once, got {len(uuids):,}")
    return uuids


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
