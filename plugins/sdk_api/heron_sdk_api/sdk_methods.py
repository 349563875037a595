"""What each public method of the SDK's classes does against Heron: works, differs in some way, or is absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from heron_sdk_api.operations import OPERATIONS
from heron_sdk_api.rpc_table import QUERIES

_TABLE = """
EncordUserClient
get_bearer_token                    -
get_dataset                         rows.dataset
get_project                         projects.get projects.ontology | the ontology of a project is empty
get_ontology                        projects.ontology | it is empty
create_private_dataset              datasets.create
create_dataset                      datasets.create | the backing folder is at the top, and its name must be free
get_datasets                        datasets.listed | what was edited after a time is what was created after it
create_with_ssh_private_key         client
create_with_bearer_token            client
get_projects                        attachments.projects
list_projects                       projects.listed | what was edited after a time is what was created after it
list_organisation_tags              organisation.list_tags
list_project_tags                   organisation.list_tags
create_organisation_tag             organisation.create_tag | tags have no description
delete_organisation_tag             organisation.delete_tag
create_project                      attachments.create_project | projects have datasets and tags, and no workflow
get_dataset_client                  rows.dataset
get_project_client                  attachments.project
create_project_from_cvat_start      -
create_project_from_cvat_get_result -
create_project_from_cvat            -
get_cloud_integrations              organisation.list_integrations
get_ontologies                      projects.ontologies | one for each project, and empty
create_ontology                     -
list_groups                         organisation.list_groups
create_group                        organisation.create_group
get_group                           organisation.get_group
delete_group                        organisation.delete_group
list_organisation_users             organisation.list_users
add_organisation_user               organisation.add_user | with the roles ADMIN and MEMBER; the user needs a key to enter
remove_organisation_user            organisation.remove_user
deidentify_dicom_files_start        -
deidentify_dicom_files_get_result   -
deidentify_dicom_files              -
create_storage_folder               folders.create
get_storage_folder                  folders.get
get_storage_item                    items.get
get_storage_items                   items.get_many
list_storage_folders                folders.list_top | folders have no tags to filter by
find_storage_folders                folders.search | folders have no tags to filter by
find_storage_items                  items.search | searches in names
get_client_metadata_schema          schema.read_v1 | types of plugins are left out
set_client_metadata_schema_from_dict schema.write_v1 | an enum or embedding must exist already, since v1 has no options and no size
metadata_schema                     schema.read_v2 | types of plugins are left out
get_collection                      collections.listed
list_collections                    collections.listed | collections belong to the workspace, whatever folder is named
delete_collection                   collections.delete
create_collection                   collections.create | collections belong to the workspace; a title is free or taken
get_filter_preset                   presets.listed
get_filter_presets                  presets.listed
list_presets                        presets.listed
create_preset                       presets.create | filters with key, include and values, and queries of Heron; others are refused
delete_preset                       presets.delete

StorageFolder
list_items                          items.list_folder
delete                              folders.delete
upload_image                        uploads.addresses upload_jobs.start upload_jobs.state
upload_video                        uploads.addresses upload_jobs.start upload_jobs.state
re_encode_videos                    -
get_re_encoding_status              -
create_dicom_series                 uploads.addresses upload_jobs.start upload_jobs.state
create_image_group                  uploads.addresses upload_jobs.start upload_jobs.state
create_image_sequence               uploads.addresses upload_jobs.start upload_jobs.state | no video is made; the images must have one size
upload_nifti                        uploads.addresses upload_jobs.start upload_jobs.state
upload_audio                        uploads.addresses upload_jobs.start upload_jobs.state
upload_time_series                  -
upload_text                         uploads.addresses upload_jobs.start upload_jobs.state
upload_pdf                          uploads.addresses upload_jobs.start upload_jobs.state
upload_scene_file                   -
upload_scene                        -
add_private_data_to_folder_start    upload_jobs.start | the manifest is read by Heron's rules; members name an integration
sync_private_data_with_cloud_synced_folder_start synced.start
sync_private_data_with_cloud_synced_folder_get_result synced.state
get_folder_config                   synced.config
enable_metadata_ingestion           synced.set_config
add_private_data_to_folder_get_result upload_jobs.state | a job is known until the server stops
list_subfolders                     folders.list_below | folders have no tags to filter by
find_subfolders                     folders.list_below | folders have no tags to filter by
create_subfolder                    folders.create
find_items                          items.list_folder | searches in names
get_summary                         folders.summary
update                              folders.patch folders.patch_many
move_to_folder                      folders.move
create_data_group                   -
create_data_groups                  -
move_items_to_folder                items.move
delete_storage_items                items.delete | the files stay, and so do uploaded ones
list_groups                         sharing.list_folder
add_group                           sharing.add_folder
remove_group                        sharing.remove_folder
refetch_data                        folders.get
add_data_to_folder_job_cancel       upload_jobs.cancel

StorageItem
parent_folder                       folders.get
get_signed_url                      items.get | None for an item of several files
get_summary                         items.summary
get_child_items                     items.children | the files of a group or series; they are no items of their own
update                              patches.patch patches.patch_many | items have no description; see below for values
delete                              items.delete | the files stay, and so do uploaded ones
move_to_folder                      items.move
refetch_data                        items.get

Collection
update_collection                   collections.update
list_items                          collections.items
list_items_include_inaccessible     collections.items | without items that the user may not see
add_items                           collections.add
remove_items                        collections.remove
add_items_by_title                  collections.add_titles
add_preset_items                    collections.add_preset | done when the call returns
remove_preset_items                 collections.remove_preset | done when the call returns

FilterPreset
get_filter_preset_json              presets.get | comes back as a query of Heron
update_preset                       presets.update | with its name, a preset changes its UUID

Dataset
list_data_rows                      rows.rows
refetch_data                        rows.dataset
get_dataset                         rows.dataset
set_access_settings                 client
add_users                           rows.add_users
list_users                          sharing.list_dataset_users
remove_users                        sharing.remove_dataset_users
list_groups                         sharing.list_dataset
add_group                           sharing.add_dataset
remove_group                        sharing.remove_dataset
upload_video                        uploads.addresses_of_dataset rows.start rows.state
create_image_group                  uploads.addresses_of_dataset rows.start rows.state
create_dicom_series                 uploads.addresses_of_dataset rows.start rows.state
upload_image                        uploads.addresses_of_dataset rows.start rows.state
link_items                          rows.link | not for a dataset with a backing folder, whose rows are the items of the folder
delete_data                         rows.delete | with a backing folder, the items are deleted
add_private_data_to_dataset         rows.start rows.state
add_private_data_to_dataset_start   rows.start
add_private_data_to_dataset_get_result rows.state | a job is known until the server stops
update_data_item                    rows.rename
re_encode_data                      -
re_encode_data_status               -
get_cloud_integrations              organisation.list_integrations

DataRow
refetch_data                        rows.row | images_data stays None
save                                rows.save
from_dict                           client
from_dict_list                      client

MetadataSchema
save                                schema.write_v2 | embeddings by a service are refused
add_embedding                       client
add_geospatial                      client
add_enum                            client
add_enum_options                    client
add_scalar                          client
set_scalar                          client
delete_key                          client
restore_key                         client
keys                                client
has_key                             client
is_key_deleted                      client
get_key_type                        client
get_embedding_size                  client
get_enum_options                    client

Group
update_group                        organisation.update_group
list_users                          organisation.list_members
add_users                           organisation.add_members
remove_users                        organisation.remove_members

Project
refetch_data                        projects.get
refetch_ontology                    projects.ontology | it is empty
get_project                         attachments.project
list_label_rows_v2                  attachments.no_label_rows | there are none
list_datasets                       projects.datasets
add_datasets                        attachments.attach
remove_datasets                     attachments.detach
get_organisation_tags               projects.tags
get_tags                            projects.tags
add_organisation_tag                projects.add_tag
remove_organisation_tag             projects.remove_tag
set_status                          projects.set_status | the statuses notStarted, inProgress and completed
"""


@frozen
class Method:
    """One method of a class of the SDK: the handlers of the operations that it calls, and how it differs.

    `handlers` is empty for a method that is absent, and `client` for one that sends no request.
    """

    owner: str
    name: str
    handlers: tuple[str, ...]
    differs: str

    @property
    def verdict(self) -> str:
        """Works, differs, or absent."""
        return "absent" if not self.handlers else "differs" if self.differs else "works"


def _read() -> Iterator[Method]:
    owner = ""
    for line in _TABLE.strip().splitlines():
        words, _, differs = line.partition(" | ")
        name, *handlers = words.split() or [""]
        if not name:
            continue
        if not handlers:
            owner = name
            continue
        yield Method(owner, name, () if handlers == ["-"] else tuple(handlers), differs)


METHODS = tuple(_read())
"""All methods that are in the table. Of `Project` the table has only those that work or differ; all others are absent."""

ALL_OTHERS_ABSENT = ("Project",)
"""Classes of which methods that are not in the table are absent."""


def addresses() -> Mapping[str, str]:
    """What each handler answers: method and path of v2, or type and method of v1."""
    found: dict[str, str] = {}
    for operation in OPERATIONS:
        found.setdefault(operation.handler, f"`{operation.method} {operation.path}`")
    for query in QUERIES:
        found.setdefault(query.handler, f"v1 `{query.type} {query.method}`")
    return found


def table() -> str:
    """The table of methods for the docs."""
    lines, known = [], addresses()
    for owner in dict.fromkeys(method.owner for method in METHODS):
        lines += [f"### {owner}", "", "| method | verdict | by |", "|---|---|---|"]
        for method in METHODS:
            if method.owner == owner:
                by = ", ".join(known.get(handler, "the client alone") for handler in method.handlers)
                verdict = f"differs: {method.differs}" if method.differs else method.verdict
                lines.append(f"| `{method.name}` | {verdict} | {by} |")
        if owner in ALL_OTHERS_ABSENT:
            lines.append("| all others | absent | |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
