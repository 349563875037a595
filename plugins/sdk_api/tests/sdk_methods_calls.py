"""Calls every method of the SDK that works against Heron, and checks what comes back: run with an address, a key and a folder of files.

It is run by a test in a process of its own, and prints the names of all public methods of the SDK that were called.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
from pathlib import Path
from uuid import UUID, uuid4

import requests
from encord import EncordUserClient
from encord.collection import Collection
from encord.dataset import Dataset
from encord.exceptions import (
    AuthorisationError,
    EncordException,
    InvalidArgumentsError,
    MethodNotAllowedError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from encord.filter_preset import FilterPreset
from encord.group import Group
from encord.http.bundle import Bundle
from encord.metadata_schema import MetadataSchema
from encord.orm.dataset import DataLinkDuplicatesBehavior, DataRow, DatasetUserRole, StorageLocation
from encord.orm.project import ProjectStatus
from encord.orm.storage import (
    CloudSyncedFolderParams,
    CustomerProvidedImageMetadata,
    DataUploadImage,
    DataUploadItems,
    FoldersSortBy,
    SidecarMatcherSuffix,
    StorageItemType,
    StorageUserRole,
)
from encord.project import Project
from encord.storage import StorageFolder, StorageItem

DOMAIN, KEY, FILES, INTEGRATION, BUCKET = sys.argv[1:6]
CALLED = set()
PHOTOS = sorted(Path(FILES, "photos").glob("*.jpg"))
WAVES, NOTES = Path(FILES, "media", "waves.gif"), Path(FILES, "media", "notes.txt")


def traced(owner):
    """Note which methods of a class are called."""
    for name, value in [*vars(owner).items()]:
        static = isinstance(value, staticmethod | classmethod)
        if name.startswith("_") or not (inspect.isfunction(value) or static):
            continue
        function = value.__func__ if static else value

        @functools.wraps(function)
        def noted(*args, _function=function, _name=f"{owner.__name__}.{name}", **named):
            CALLED.add(_name)
            return _function(*args, **named)

        setattr(owner, name, type(value)(noted) if static else noted)


for each in (
    EncordUserClient,
    StorageFolder,
    StorageItem,
    Collection,
    FilterPreset,
    Dataset,
    DataRow,
    MetadataSchema,
    Group,
    Project,
):
    traced(each)


def refused(kind, call):
    """Check that a call raises an error of a kind."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{call} was not refused")


def names(things):
    return [each.name for each in things]


user = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=KEY, domain=DOMAIN)

# The schema
types = user.get_client_metadata_schema()
assert types["weather"].value == "enum"
user.set_client_metadata_schema_from_dict(types)
schema = user.metadata_schema()
assert schema.get_enum_options("weather") == ["rain", "sun"]
schema.add_scalar("speed", data_type="number")
schema.set_scalar("note", data_type="text")
schema.add_enum("light", values=["day"])
schema.add_embedding("look", size=3)
schema.add_geospatial("place")
schema.save()
schema = user.metadata_schema()
schema.add_enum_options("light", values=["night"])
schema.delete_key("speed")
schema.delete_key("note", hard=True)
schema.save()
schema = user.metadata_schema()
assert schema.get_enum_options("light") == ["day", "night"]
assert (schema.get_embedding_size("look"), schema.get_key_type("place")) == (3, "geospatial")
assert schema.is_key_deleted("speed") and schema.is_key_deleted("note") and schema.has_key("city")
assert "light" in [*schema.keys()]
schema.restore_key("speed")
schema.save()
assert user.metadata_schema().get_key_type("speed") == "number"

# Folders
root = user.create_storage_folder("Root ä-1", description="first", client_metadata={"a": [1, None]})
assert (root.client_metadata, root.parent_uuid, root.is_cloud_synced) == ({"a": [1, None]}, None, False)
refused(ResourceExistsError, lambda: user.create_storage_folder("Root ä-1"))
refused(InvalidArgumentsError, lambda: user.create_storage_folder("a/b"))
sub = root.create_subfolder("Sub")
deep = sub.create_subfolder("Deep")
assert [element.name for element in user.get_storage_folder(deep.uuid).path_to_root] == [
    "Deep",
    "Sub",
    "Root ä-1",
]
root.update(name="Root", description="second", client_metadata={"b": True})
root.refetch_data()
assert (root.name, root.description, root.client_metadata) == ("Root", "second", {"b": True})
with Bundle() as bundle:
    sub.update(description="one", bundle=bundle)
    deep.update(name="Deeper", bundle=bundle)
assert names(root.list_subfolders()) == ["Sub"]
assert names(root.find_subfolders(search="deep")) == ["Deeper"]
assert "Root" in names(user.list_storage_folders()) and "Sub" not in names(user.list_storage_folders())
assert names(user.find_storage_folders(search="DEEPER")) == ["Deeper"]
assert names(user.find_storage_folders(order=FoldersSortBy.NAME, desc=True, page_size=2))[:2] == [
    "photos",
    "media",
]
deep.move_to_folder(root)
assert sorted(names(root.list_subfolders())) == ["Deeper", "Sub"]
deep.delete()
refused(ResourceNotFoundError, lambda: user.get_storage_folder(deep.uuid))

# Uploads
photo = user.get_storage_item(
    root.upload_image(PHOTOS[0], title="One", client_metadata={"city": "Oran", "deep": {"x": None}})
)
assert (photo.name, photo.item_type, photo.client_metadata) == (
    "One",
    StorageItemType.IMAGE,
    {"city": "Oran", "deep": {"x": None}},
)
assert (photo.width, photo.height, photo.mime_type, photo.file_size) == (
    64,
    48,
    "image/jpeg",
    PHOTOS[0].stat().st_size,
)
assert requests.get(photo.get_signed_url(), timeout=30).content == PHOTOS[0].read_bytes()
root.upload_text(NOTES)
group = user.get_storage_item(root.create_image_group(PHOTOS[:2], title="Two"))
assert names(group.get_child_items()) == [path.name for path in PHOTOS[:2]]
sequence = user.get_storage_item(root.create_image_sequence(PHOTOS[:3], title="Three"))
assert (sequence.item_type, sequence.frame_count, sequence.get_signed_url()) == (
    StorageItemType.IMAGE_SEQUENCE,
    3,
    None,
)
for upload, suffix in (
    (root.upload_video, "mp4"), (root.upload_audio, "wav"), (root.upload_nifti, "nii"), (root.upload_pdf, "pdf"),
):  # fmt: skip
    broken = Path(FILES, f"broken.{suffix}")
    broken.write_bytes(b"nothing")
    refused(EncordException, lambda upload=upload, broken=broken: upload(broken))
empty = Path(FILES, "empty.jpg")
empty.write_bytes(b"")
refused(EncordException, lambda: root.upload_image(empty))
refused(EncordException, lambda: root.create_dicom_series([NOTES]))

# Items
assert names(root.list_items()) == ["One", "Three", "Two", "notes.txt"]
assert names(root.list_items(page_size=1, desc=True)) == ["notes.txt", "Two", "Three", "One"]
assert names(root.list_items(order=FoldersSortBy.CREATED_AT)) == ["One", "notes.txt", "Two", "Three"]
assert names(root.list_items(search="o", item_types=[StorageItemType.IMAGE])) == ["One"]
assert names(root.find_items(search="ONE")) == ["One"]
assert names(user.find_storage_items(search="%", item_types=[StorageItemType.IMAGE])) == []
assert next(iter(root.list_items(include_client_metadata=False))).client_metadata == {}
assert next(iter(root.list_items(resolve_client_metadata_locally=True))).client_metadata == {
    "city": "Oran",
    "deep": {"x": None},
}
assert names(user.get_storage_items([group.uuid, photo.uuid])) == ["Two", "One"]
photo.update(name="Eins", client_metadata={"n": 2**53 + 1, "b": False, "t": "ä\n"})
photo.refetch_data(get_signed_url=True)
assert (photo.name, photo.client_metadata) == ("Eins", {"n": 2**53 + 1, "b": False, "t": "ä\n"})
refused(InvalidArgumentsError, lambda: photo.update(client_metadata={"temperature": "warm"}))
refused(InvalidArgumentsError, lambda: photo.update(description="x"))
waves = next(item for item in user.find_storage_items(search="waves", item_types=[StorageItemType.IMAGE]))
waves.update(client_metadata={"keyframes": [1, 4], "city": "Oslo"})
assert user.get_storage_item(waves.uuid).client_metadata == {"city": "Oslo", "keyframes": [1, 4]}
waves.update(client_metadata={"keyframes": [4, 6]})
assert user.get_storage_item(waves.uuid).client_metadata == {"keyframes": [4, 6]}
waves.update(client_metadata={"city": "Oslo"})
assert user.get_storage_item(waves.uuid).client_metadata == {"city": "Oslo", "keyframes": [4, 6]}
waves.update(client_metadata={"keyframes": [], "city": "Oslo"})
assert user.get_storage_item(waves.uuid).client_metadata == {"city": "Oslo"}
assert photo.parent_folder().uuid == root.uuid
photo.move_to_folder(sub)
root.move_items_to_folder(sub, [group.uuid])
assert names(sub.list_items()) == ["Eins", "Two"]
summary = root.get_summary()
assert (summary.files, summary.folders, summary.images, summary.image_groups, summary.plain_texts) == (
    4,
    1,
    1,
    1,
    1,
)
group.delete()
root.delete_storage_items([sequence.uuid])
refused(ResourceNotFoundError, lambda: user.get_storage_item(group.uuid))

# Registering
known = CustomerProvidedImageMetadata(mime_type="image/jpeg", file_size=1, height=2, width=3)
given = DataUploadItems(images=[DataUploadImage(object_url="s3://x/a.jpg", title="A", image_metadata=known)])
job = root.add_private_data_to_folder_start(integration_id=None, private_files=given)
done = root.add_private_data_to_folder_get_result(job, timeout_seconds=300)
assert ([item.name for item in done.items_with_names], done.units_done_count, done.units_error_count) == (
    ["A"],
    1,
    0,
)
manifest = {
    "images": [{"objectUrl": "s3://x/b.jpg", "imageMetadata": {"width": 3, "height": 2}}, {"title": "no URL"}]
}
job = root.add_private_data_to_folder_start(None, manifest, ignore_errors=True)
done = root.add_private_data_to_folder_get_result(job, timeout_seconds=300)
assert ([item.name for item in done.items_with_names], done.units_error_count) == (["b.jpg"], 1)
assert done.unit_errors[0].error and "$.images[1]" in done.unit_errors[0].error
job = root.add_private_data_to_folder_start(None, json.dumps(manifest))
assert root.add_private_data_to_folder_get_result(job, timeout_seconds=300).status.value == "ERROR"
assert root.add_data_to_folder_job_cancel(job).units_cancelled_count == 0
refused(
    InvalidArgumentsError,
    lambda: root.add_private_data_to_folder_start(None, {"images": [{"objectUrl": "/etc/passwd"}]}),
)

# Synced folders
(integration,) = user.get_cloud_integrations(filter_integration_titles=[INTEGRATION])
parameters = CloudSyncedFolderParams(integration_uuid=UUID(str(integration.id)), remote_url=BUCKET)
synced = user.create_storage_folder("Synced", cloud_synced_folder_params=parameters)
assert (synced.is_cloud_synced, str(synced.integration_hash), synced.remote_url) == (
    True,
    str(integration.id),
    BUCKET,
)
synced.enable_metadata_ingestion(SidecarMatcherSuffix(suffix=".side.json"))
assert synced.get_folder_config().metadata_ingestion.matcher.suffix == ".side.json"
job = synced.sync_private_data_with_cloud_synced_folder_start()
state = synced.sync_private_data_with_cloud_synced_folder_get_result(job, timeout_seconds=300)
assert state.status.value == "done", state
assert synced.get_summary().files == 2

# Datasets
user.create_private_dataset("Private", StorageLocation.AWS)
made = user.create_dataset(
    "Rows", StorageLocation.CORD_STORAGE, create_backing_folder=False, dataset_description="d"
)
refused(
    ResourceExistsError,
    lambda: user.create_dataset("Rows", StorageLocation.CORD_STORAGE, create_backing_folder=False),
)
dataset = user.get_dataset(made.dataset_hash)
assert (dataset.title, dataset.description, dataset.data_rows) == ("Rows", "d", [])
linked = dataset.link_items([photo.uuid, waves.uuid])
assert [row.title for row in linked] == ["Eins", "waves.gif"]
refused(
    ResourceExistsError,
    lambda: dataset.link_items([photo.uuid], duplicates_behavior=DataLinkDuplicatesBehavior.FAIL),
)
dataset.refetch_data()
row = dataset.data_rows[0]
assert [each.title for each in photo.get_summary().accessible_datasets] == ["Rows"]
assert (row.title, row.client_metadata, row.backing_item_uuid) == ("Eins", None, photo.uuid)
row.refetch_data(signed_url=True, client_metadata=True)
assert row.client_metadata["n"] == 2**53 + 1
assert requests.get(row.signed_url, timeout=30).content == PHOTOS[0].read_bytes()
row.title = "Ein"
row.client_metadata = {"x": 1}
row.save()
assert user.get_storage_item(photo.uuid).client_metadata == {"x": 1}
assert [found.title for found in dataset.list_data_rows(title_like="Ei%")] == ["Ein"]
assert [found.title for found in dataset.list_data_rows(data_hashes=[str(waves.uuid)])] == ["waves.gif"]
dataset.update_data_item(row.uid, "Eins")
dataset.delete_data([row.uid])
from encord.client import DatasetAccessSettings  # noqa: E402

dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))
assert [found.client_metadata["city"] for found in dataset.get_dataset().data_rows] == ["Oslo"]
backed = user.get_dataset(user.create_dataset("Backed", StorageLocation.CORD_STORAGE).dataset_hash)
backed.upload_image(PHOTOS[1], title="Up")
backed.create_image_group(PHOTOS[:2], title="Pair")
refused(EncordException, lambda: backed.upload_video(NOTES))
refused(EncordException, lambda: backed.create_dicom_series([NOTES]))
entry = {"images": [{"objectUrl": "s3://x/c.jpg", "imageMetadata": {"width": 3, "height": 2}}]}
job = backed.add_private_data_to_dataset_start(str(integration.id), entry)
assert backed.add_private_data_to_dataset_get_result(job, timeout_seconds=300).status.value == "DONE"
entry["images"][0]["objectUrl"] = "s3://x/d.jpg"
assert len(backed.add_private_data_to_dataset(str(integration.id), entry).dataset_data_list) == 1
assert sorted(row.title for row in user.get_dataset(backed.dataset_hash).data_rows) == [
    "Pair",
    "Up",
    "c.jpg",
    "d.jpg",
]
assert backed.get_cloud_integrations()
assert [found["dataset"].title for found in user.get_datasets(title_like="Ro%")] == ["Rows"]
assert user.get_dataset_client(made.dataset_hash).get_dataset().title == "Rows"

# Collections and presets
collection = user.create_collection(root.uuid, "Best", "d")
assert user.get_collection(collection.uuid).name == "Best"
refused(AuthorisationError, lambda: user.get_collection(uuid4()))
missing = uuid4()
assert collection.add_items([photo.uuid, waves.uuid, missing]).failed_items == [missing]
collection.remove_items([waves.uuid])
titles = collection.add_items_by_title(["waves.gif", "nothing", "notes.txt"])
assert (titles.items_added, titles.unmatched_titles, titles.ambiguous_titles) == (
    1,
    ["nothing"],
    ["notes.txt"],
)
assert sorted(names(collection.list_items(page_size=1))) == ["Eins", "waves.gif"]
assert len([*collection.list_items_include_inaccessible()]) == 2
filters = {
    "local_filters": {},
    "global_filters": {
        "filters": [{"key": "weather", "type": "metadata", "include": True, "values": ["rain"]}]
    },
}
preset = user.create_preset("Rain", filters, description="d")
refused(
    InvalidArgumentsError, lambda: user.create_preset("Odd", {"global_filters": {"filters": [{"key": "x"}]}})
)
collection.add_preset_items(preset.uuid)
assert len([*collection.list_items()]) == 6
collection.remove_preset_items(preset.uuid)
assert len([*collection.list_items()]) == 2
user.get_filter_preset(preset.uuid).update_preset(description="other")
assert preset.get_filter_preset_json().global_filters.filters[0]["query"]["where"] == "(weather IN ('rain'))"
assert names(user.list_presets()) == names(user.get_filter_presets([preset.uuid])) == ["Rain"]
user.delete_preset(preset.uuid)
collection.update_collection(name="The best", description="e")
assert names(user.list_collections()) == ["The best"]
user.delete_collection(collection.uuid)

# The organisation
user.add_organisation_user("ada@example.org", role_mnemonic_name="MEMBER", member_type="internal")
assert {each.email for each in user.list_organisation_users()} >= {"ada@example.org"}
team = user.create_group("Team", "d")
team.update_group(name="The team")
team.add_users(["ada@example.org"])
assert [each.user_email for each in team.list_users()] == ["ada@example.org"]
assert [each.name for each in user.list_groups()] == [user.get_group(team.group_hash).name] == ["The team"]
root.add_group(team.group_hash, StorageUserRole.USER)
assert [each.name for each in root.list_groups()] == ["The team"]
root.remove_group(team.group_hash)
dataset.add_group(team.group_hash, DatasetUserRole.ADMIN)
assert [each.user_role for each in dataset.list_groups()] == [DatasetUserRole.ADMIN]
dataset.remove_group(team.group_hash)
dataset.add_users(["ada@example.org"], DatasetUserRole.USER)
assert [each.user_email for each in dataset.list_users()] == ["ada@example.org"]
dataset.remove_users(["ada@example.org"])
assert [*dataset.list_users()] == []
team.remove_users(["ada@example.org"])
user.delete_group(team.group_hash)
user.remove_organisation_user("ada@example.org")

# Projects
project = user.get_project(user.create_project("Survey", [made.dataset_hash]))
assert [each.title for each in project.list_datasets()] == ["Rows"]
project.remove_datasets([made.dataset_hash])
project.add_datasets([made.dataset_hash])
project.refetch_data()
project.refetch_ontology()
assert user.get_ontology(project.ontology_hash).title == "Survey"
assert len(user.get_ontologies()) == 1 and user.get_project_client(project.project_hash)
tag = user.create_organisation_tag("urgent")
project.add_organisation_tag(tag)
assert names(project.get_organisation_tags()) == names(project.get_tags()) == ["urgent"]
assert names(user.list_organisation_tags()) == names(user.list_project_tags()) == ["urgent"]
assert [each.title for each in user.list_projects(tags_anyof=["urgent"])] == ["Survey"]
project.remove_organisation_tag(tag)
user.delete_organisation_tag(tag)
project.set_status(ProjectStatus.IN_PROGRESS)
refused(InvalidArgumentsError, lambda: project.set_status(ProjectStatus.PAUSED))
assert [each["project"].title for each in user.get_projects()] == ["Survey"]
assert project.list_label_rows_v2() == [] and project.get_project()
refused((MethodNotAllowedError, ResourceNotFoundError), user.get_bearer_token)
refused(
    (MethodNotAllowedError, ResourceNotFoundError), lambda: root.re_encode_videos([photo.uuid], "x", False)
)
refused((MethodNotAllowedError, ResourceNotFoundError), lambda: root.create_data_group([photo.uuid]))

sys.stdout.write(json.dumps(sorted(CALLED)))
