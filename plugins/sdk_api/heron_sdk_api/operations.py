"""The operations of v2: method, path and handler of each, and the search for the one that a request means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from attrs import frozen

from heron_sdk_api.envelopes import Refused

PREFIX = "/v2/public/"

_TABLE = """
GET    organisation/client-metadata-schema          schema.read_v1
POST   organisation/client-metadata-schema          schema.write_v1
GET    organisation/client-metadata-schema-v2       schema.read_v2
POST   organisation/client-metadata-schema-v2       schema.write_v2
GET    storage/folders                              folders.list_top
POST   storage/folders                              folders.create
PATCH  storage/folders/patch-bulk                   folders.patch_many
POST   storage/folders/move                         folders.move
GET    storage/search/folders                       folders.search
GET    storage/folders/{folder}                     folders.get
PATCH  storage/folders/{folder}                     folders.patch
DELETE storage/folders/{folder}                     folders.delete
GET    storage/folders/{folder}/folders             folders.list_below
GET    storage/folders/{folder}/summary             folders.summary
GET    storage/folders/{folder}/groups              sharing.list_folder
POST   storage/folders/{folder}/groups              sharing.add_folder
DELETE storage/folders/{folder}/groups              sharing.remove_folder
GET    storage/folders/{folder}/folder-config       synced.config
POST   storage/folders/{folder}/folder-config       synced.set_config
POST   storage/folders/{folder}/cloud-synced-folder-syncs synced.start
GET    storage/folders/{folder}/cloud-linked-folder-syncs/{job}/long-polling synced.state
GET    storage/folders/{folder}/items               items.list_folder
POST   storage/folders/{folder}/items/delete        items.delete
POST   storage/folders/{folder}/items/move          items.move
PATCH  storage/folders/{folder}/items/{item}        patches.patch
GET    storage/folders/{folder}/items/{item}/summary items.summary
GET    storage/folders/{folder}/items/{item}/child-items items.children
POST   storage/folders/{folder}/upload-signed-urls  uploads.addresses
POST   storage/folders/{folder}/data-upload-jobs    upload_jobs.start
GET    storage/folders/{folder}/data-upload-jobs/{job} upload_jobs.state
POST   storage/folders/{folder}/data-upload-jobs/{job}/cancel upload_jobs.cancel
GET    storage/search/items                         items.search
POST   storage/items/get-bulk                       items.get_many
PATCH  storage/items/patch-bulk                     patches.patch_many
GET    storage/items/{item}                         items.get
GET    presigned-urls                               uploads.addresses_of_dataset
GET    index/collections                            collections.listed
POST   index/collections                            collections.create
PATCH  index/collections/{collection}               collections.update
DELETE index/collections/{collection}               collections.delete
GET    index/collections/{collection}/accessible-items collections.items
GET    index/collections/{collection}/all-items     collections.items
POST   index/collections/{collection}/add-items     collections.add
POST   index/collections/{collection}/remove-items  collections.remove
POST   index/collections/{collection}/add-data-title-items collections.add_titles
POST   index/collections/{collection}/add-preset-items collections.add_preset
POST   index/collections/{collection}/remove-preset-items collections.remove_preset
GET    index/presets                                presets.listed
POST   index/presets                                presets.create
GET    index/presets/{preset}                       presets.get
PATCH  index/presets/{preset}                       presets.update
DELETE index/presets/{preset}                       presets.delete
POST   datasets                                     datasets.create
GET    datasets/list                                datasets.listed
GET    datasets/{dataset}/users                     sharing.list_dataset_users
POST   datasets/{dataset}/users/bulk-delete         sharing.remove_dataset_users
GET    datasets/{dataset}/groups                    sharing.list_dataset
POST   datasets/{dataset}/groups                    sharing.add_dataset
DELETE datasets/{dataset}/groups                    sharing.remove_dataset
GET    organisation/users                           organisation.list_users
POST   organisation/users                           organisation.add_user
DELETE organisation/users/{email}                   organisation.remove_user
GET    user/current-organisation/groups             organisation.list_groups
POST   organisation/groups                          organisation.create_group
GET    organisation/groups/{group}                  organisation.get_group
PATCH  organisation/groups/{group}                  organisation.update_group
DELETE organisation/groups/{group}                  organisation.delete_group
GET    organisation/groups/{group}/users            organisation.list_members
POST   organisation/groups/{group}/users            organisation.add_members
POST   organisation/groups/{group}/users/bulk-delete organisation.remove_members
GET    organisation/organisation-tags               organisation.list_tags
POST   organisation/organisation-tags               organisation.create_tag
DELETE organisation/organisation-tags/{tag}         organisation.delete_tag
GET    cloud-integrations                           organisation.list_integrations
GET    projects                                     projects.listed
GET    projects/{project}                           projects.get
GET    projects/{project}/datasets                  projects.datasets
GET    projects/{project}/tags                      projects.tags
PUT    projects/{project}/tags/{tag}                projects.add_tag
DELETE projects/{project}/tags/{tag}                projects.remove_tag
PUT    projects/{project}/status                    projects.set_status
GET    ontologies                                   projects.ontologies
GET    ontologies/{ontology}                        projects.ontology
"""


@frozen
class Operation:
    """One operation: its method, the segments of its path behind the prefix, and `MODULE.FUNCTION` of its handler."""

    method: str
    path: str
    handler: str

    def load(self) -> Callable[[Any], Any]:
        """The handler, whose module is imported now."""
        module, _, name = self.handler.partition(".")
        found: Callable[[Any], Any] = getattr(import_module(f"heron_sdk_api.{module}"), name)
        return found


OPERATIONS = tuple(Operation(*line.split()) for line in _TABLE.strip().splitlines())
"""All operations. A path with a fixed segment stands before those with a name in its place."""

_BY_LENGTH: dict[int, list[tuple[list[str], Operation]]] = {}
for _operation in OPERATIONS:
    _segments = _operation.path.split("/")
    _BY_LENGTH.setdefault(len(_segments), []).append((_segments, _operation))


def found(method: str, raw_path: str) -> tuple[Operation, Mapping[str, str]]:
    """The operation that a request means and the parts of its path; raises Refused, with 404 or 405.

    The path is split as it was sent: a slash that is quoted belongs to its segment.
    """
    segments = raw_path.removeprefix(PREFIX).rstrip("/").split("/")
    allowed = []
    for operation, parts in _matching(segments):
        if operation.method == method:
            return operation, parts
        allowed.append(operation.method)
    if allowed:
        raise Refused(405, f"{method} is not among what this address does: {', '.join(sorted(set(allowed)))}")
    raise Refused(404, f"there is nothing at {raw_path[:200]}: Heron does not have this part of the API")


def _matching(segments: list[str]) -> Iterator[tuple[Operation, Mapping[str, str]]]:
    for names, operation in _BY_LENGTH.get(len(segments), []):
        parts = {}
        for name, segment in zip(names, segments, strict=True):
            if name.startswith("{"):
                parts[name[1:-1]] = unquote(segment)
            elif name != segment:
                break
        else:
            yield operation, parts
