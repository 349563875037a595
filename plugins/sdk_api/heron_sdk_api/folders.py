"""The folders of storage."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from heron import Folder, HeronError, InvalidInput
from heron_sdk_api.calls import Call
from heron_sdk_api.fields import Fields
from heron_sdk_api.kinds import item_type
from heron_sdk_api.paging import page, sliced
from heron_sdk_api.places import as_remote

ORDERS = {"name": "name", "createdAt": "created_at"}
"""The sorts that lists can be asked for."""

_COUNTED = {
    "video": "videos",
    "image": "images",
    "imageGroup": "imageGroups",
    "imageSequence": "imageSequences",
    "dicomSeries": "dicomSeries",
    "nifti": "niftis",
    "audio": "audios",
    "pdf": "pdfs",
    "plainText": "plainTexts",
}


def list_top(call: Call) -> Any:
    """The folders at the top."""
    return _listed(call, call.ws.folders.list(recursive=False))


def search(call: Call) -> Any:
    """Folders anywhere."""
    return _listed(call, call.ws.folders.list())


def list_below(call: Call) -> Any:
    """The folders in a folder, or everywhere below it."""
    recursive = call.query.flag("isRecursive", False)
    return _listed(call, call.ws.folders.list(call.uuid("folder"), recursive=recursive))


def _listed(call: Call, folders: list[Folder]) -> Any:
    """The page of folders that a request asks for."""
    if call.query.texts("organisationTagNamesAllof"):
        raise InvalidInput("folders have no tags in Heron", hint="leave out organisation_tags_allof")
    words = (call.query.text("search") or "").casefold()
    synced = call.query.flag("datasetSynced", None)
    found = [folder for folder in folders if words in folder.name.casefold()]
    if synced is not None:
        backing = {each.backing_folder_id for each in call.ws.datasets.list()}
        found = [folder for folder in found if (folder.id in backing) == synced]
    order = call.query.one_of("order", ORDERS, "name")
    found.sort(key=lambda folder: (getattr(folder, order), folder.path), reverse=call.query.flag("desc"))
    results, token = sliced(
        found, call.query, f"folders {call.path} {words} {synced} {order} {call.query.flag('desc')}"
    )
    return page(call.wire.folders(results), token)


def create(call: Call) -> Any:
    """Make a folder, which can be a synced one."""
    name, parent = call.fields.text("name"), call.fields.uuid("parent", None)
    if "/" in name:
        raise InvalidInput(f"folder name {name!r} cannot contain '/'")
    path = f"{call.ws.folders.get(parent).path}/{name}" if parent else name
    synced = call.fields.object("cloudSyncedFolderParams", None)
    with call.ws.atomic():
        folder = call.ws.folders.create(
            path,
            description=call.fields.text("description", ""),
            metadata=_metadata(call.fields.text("clientMetadata", None)),
        )
        if synced is not None:
            given = Fields(synced, "the body.cloudSyncedFolderParams")
            integration = call.ws.integrations.get(given.uuid("integrationUuid"))
            call.ws.ingest.follow(
                folder.uuid, as_remote(given.text("remoteUrl")), integration=integration.uuid
            )
    return call.wire.folder(folder)


def get(call: Call) -> Any:
    """One folder."""
    return call.wire.folder(call.ws.folders.get(call.uuid("folder")))


def patch(call: Call) -> Any:
    """Change name, description or metadata of a folder."""
    with call.ws.atomic():
        folder = _patched(call, call.ws.folders.get(call.uuid("folder")), call.fields)
    return call.wire.folder(folder)


def patch_many(call: Call) -> Any:
    """Change many folders, or none of them if one is wrong."""
    patches = call.fields.object("folderPatches")
    if len(patches) > 1000:
        raise InvalidInput(f"at most 1,000 folders can be changed at once, got {len(patches):,}")
    folders = []
    with call.ws.atomic():
        for uuid, given in patches.items():
            try:
                folder = call.ws.folders.get(Fields({"uuid": uuid}).uuid("uuid"))
                folders.append(_patched(call, folder, Fields(given, f"the patch of {uuid}")))
            except HeronError as error:
                if uuid not in error.message:
                    error.message = f"folder {uuid}: {error.message}"
                raise
    return page(call.wire.folders(folders))


def _patched(call: Call, folder: Folder, given: Fields) -> Folder:
    """Apply one patch."""
    name, metadata = given.text("name", None), given.object("clientMetadata", None)
    description = given.text("description", None)
    if name is not None and name != folder.name:
        folder = call.ws.folders.rename(folder.uuid, name)
    if description is not None and description != folder.description:
        folder = call.ws.folders.update(folder.uuid, description=description)
    if metadata is not None:
        folder = call.ws.folders.set_metadata(folder.uuid, metadata)
    return folder


def delete(call: Call) -> Any:
    """Delete a folder with everything in it; files stay."""
    call.ws.folders.delete(call.uuid("folder"))


def move(call: Call) -> Any:
    """Move folders into another one, or to the top."""
    parent = call.fields.uuid("newParentUuid", None)
    with call.ws.atomic():
        for uuid in call.fields.uuids("folderUuids"):
            call.ws.folders.move(uuid, parent)


def summary(call: Call) -> Any:
    """How many items of each type lie in a folder and below it, and how large they are."""
    folder = call.ws.folders.get(call.uuid("folder"))
    counts = Counter(dict.fromkeys(_COUNTED.values(), 0))
    for facet in call.ws.facets("item.kind", folder=folder.path, most=1000):
        for bucket in facet.buckets:
            counts[_COUNTED.get(item_type(str(bucket.value)), "others")] += bucket.count
    files = sum(counts.values())
    counts.pop("others", None)
    (sizes,) = call.ws.stats("item.size", folder=folder.path)
    return {
        **counts,
        "files": files,
        "folders": len(call.ws.folders.list(folder.uuid)),
        "dicomFiles": 0,
        "tombstones": 0,
        "uploadJobs": 0,
        "totalSize": round((sizes.mean or 0) * sizes.present),
    }


def _metadata(text: str | None) -> dict[str, Any] | None:
    """Metadata that travels as a text of JSON."""
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except ValueError as error:
        raise InvalidInput(f"the body.clientMetadata is not JSON: {error}") from None
    return Fields(value, "the body.clientMetadata").values
