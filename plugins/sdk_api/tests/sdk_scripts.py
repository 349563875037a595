"""Makes the calls of the hosted product's public scripts, in their order: run with an address and a file of a private key.

It is run by tests in a process of its own, with one version of the SDK or another, and prints what it saw as JSON.
"""

from __future__ import annotations

import json
import sys

from encord import EncordUserClient
from encord.client import DatasetAccessSettings
from encord.http.bundle import Bundle
from encord.orm.storage import FoldersSortBy, StorageFolder, StorageItem, StorageItemType  # noqa: F401

DOMAIN, KEY = sys.argv[1:3]
FOLDER, VIDEO, DATASET = sys.argv[3:6]
SEEN = {}


def client():
    return EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=KEY, domain=DOMAIN)


def import_schema(schema):
    client().set_client_metadata_schema_from_dict(schema)


def show_schema():
    return {name: str(kind.value) for name, kind in client().get_client_metadata_schema().items()}


def merge_into(updates):
    user = client()
    for uuid, update in updates.items():
        item = user.get_storage_item(item_uuid=uuid)
        metadata = item.client_metadata.copy()
        metadata.update(update)
        item.update(client_metadata=metadata)


def overwrite(updates):
    user = client()
    user.get_storage_folder(FOLDER)
    for uuid, metadata in updates.items():
        user.get_storage_item(item_uuid=uuid).update(client_metadata=metadata)


def listed():
    folder = client().get_storage_folder(FOLDER)
    return {str(item.uuid): item.client_metadata for item in folder.list_items()}


def overwrite_all(metadata):
    folder = client().get_storage_folder(FOLDER)
    for item in folder.list_items(page_size=5):
        item.update(client_metadata=metadata)


def bundled(metadata_of):
    folder = client().get_storage_folder(FOLDER)
    with Bundle() as bundle:
        for item in folder.list_items():
            item.update(client_metadata=metadata_of(item), bundle=bundle)


def dataset_rows():
    dataset = client().get_dataset(DATASET)
    before = [row.client_metadata for row in dataset.data_rows]
    dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))
    return dataset, before


def show_dataset():
    dataset, before = dataset_rows()
    return before, [dict(row.client_metadata) for row in dataset.data_rows]


def save_one(number, metadata):
    row = dataset_rows()[0].data_rows[number]
    row.client_metadata = metadata
    row.save()
    return dict(row.client_metadata)


def save_all(metadata):
    found = []
    for row in dataset_rows()[0].data_rows:
        row.client_metadata = metadata
        row.save()
        found.append(dict(row.client_metadata))
    return found


SEEN["before"] = listed()
try:
    import_schema({"metadata_1": "data type"})  # S01: the template itself is refused by the client
except NotImplementedError as error:
    SEEN["S01"] = type(error).__name__
import_schema({"captured_at": "datetime", "city": "datetime", "dark": "boolean"})  # S02
SEEN["S03"] = SEEN["S04"] = show_schema()
merge_into({VIDEO: {"keyframes": [3, 7, 9]}})  # S05 to S07
SEEN["S07"] = client().get_storage_item(item_uuid=VIDEO).client_metadata
SEEN["S08"] = SEEN["S09"] = listed()
first, second, third, fourth, *rest = SEEN["S08"]
overwrite({first: {"dark": True}, second: {"light": False}, third: {"count": "100"}})  # S10, S11
overwrite(
    {fourth: {"taken_at": "2024-02-24", "deep": {"list": [1, 2.5, "ä"], "none": None}, "big": 2**53 + 1}}
)
SEEN["S11"] = listed()
merge_into({first: {"light": False}, rest[0]: {"dark": True}})  # S14, S15
SEEN["S15"] = listed()
overwrite_all({"dark": True, "captured_at": "2024-02-24"})  # S12, S13
SEEN["S13"] = listed()
bundled(lambda item: {"metadata-1": "value", "metadata-2": False})  # S16
SEEN["S16"] = listed()
updates = {uuid: {"number": number} for number, uuid in enumerate(SEEN["S16"])}
bundled(lambda item: updates[str(item.uuid)])  # S17
SEEN["S17"] = listed()
SEEN["S18"] = show_dataset()
SEEN["S19"] = save_one(1, {"my": "metadata"})
SEEN["S19 rows"] = show_dataset()[1]
SEEN["S20"] = save_all({"all": "the same"})
SEEN["after"] = listed()
sys.stdout.write(json.dumps(SEEN))
