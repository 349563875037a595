"""Makes the objects of the API of Heron's records, with what is around them read once for each request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from heron import DatasetRow, Folder, HeronError, InvalidInput, Item
from heron_sdk_api.kinds import data_type, dicom_uids, item_type, location, location_number, sound

if TYPE_CHECKING:
    from heron_sdk_api.calls import Call

FRAMED = 1
"""An item with more frames than this can have key frames."""

_NO_UIDS = dict.fromkeys(("dicomInstanceUid", "dicomStudyUid", "dicomSeriesUid"))
_NO_SOUND = dict.fromkeys(("audioSampleRate", "audioBitDepth", "audioCodec", "audioNumChannels"))


class Wire:
    """Makes the objects of one answer; what they need beside the records is read when it is first needed."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._ws = call.ws
        self._folders: dict[str, Folder | None] = {}

    # Folders

    def folder(self, folder: Folder) -> dict[str, Any]:
        """A Folder."""
        parents = self._above(folder)
        synced = self._synced.get(folder.path)
        integration = self._integration_uuids_by_name.get(synced.integration or "") if synced else None
        path = [folder, *parents]
        return {
            "uuid": folder.uuid,
            "parent": parents[0].uuid if parents else None,
            "name": folder.name,
            "description": folder.description,
            "clientMetadata": as_text(folder.metadata),
            "owner": self._owner,
            "createdAt": folder.created_at,
            "lastEditedAt": folder.created_at,
            "userRole": self._role(folder),
            "syncedDatasetHash": self._backed.get(folder.id),
            "pathToRoot": [
                {
                    "uuid": each.uuid,
                    "parentUuid": path[at + 1].uuid if at + 1 < len(path) else None,
                    "name": each.name,
                    "syncedDatasetHash": self._backed.get(each.id),
                }
                for at, each in enumerate(path)
            ],
            "folderType": "cloudLinked" if synced else "generic",
            "integrationHash": integration,
            "remoteUrl": synced.prefix if synced else None,
        }

    def folders(self, folders: Sequence[Folder]) -> list[dict[str, Any]]:
        """Many of them."""
        self._folders.update((folder.path, folder) for folder in folders)
        return [self.folder(folder) for folder in folders]

    def _above(self, folder: Folder) -> list[Folder]:
        """The folders above one that the user sees, the nearest first."""
        found, path = [], folder.path
        while "/" in path:
            path = path.rpartition("/")[0]
            above = self._at(path)
            if above is not None:
                found.append(above)
        return found

    def _at(self, path: str) -> Folder | None:
        if path not in self._folders:
            self._folders[path] = self._ws.folders.find(path)
        return self._folders[path]

    @cached_property
    def _owner(self) -> str:
        return next(
            (user.email for user in self._ws.users.list() if user.role == "owner"), self._ws.user.email
        )

    @cached_property
    def _synced(self) -> Mapping[str, Any]:
        return {synced.folder: synced for synced in self._ws.synced.list()}

    @cached_property
    def _backed(self) -> Mapping[int, str]:
        datasets = self._ws.datasets.list()
        return {each.backing_folder_id: each.uuid for each in datasets if each.backing_folder_id is not None}

    @cached_property
    def _integration_uuids(self) -> Mapping[int, str]:
        return {each.id: each.uuid for each in self._ws.integrations.list()}

    @cached_property
    def _integration_uuids_by_name(self) -> Mapping[str, str]:
        return {each.name: each.uuid for each in self._ws.integrations.list()}

    @cached_property
    def _administered(self) -> list[str]:
        """The paths of folders on which a member, or a group of theirs, has the role admin."""
        grants = self._ws.roles.list()
        mine = {group.name for group in self._ws.groups.list() if self._ws.user.email in group.users}
        return [
            grant.resource
            for grant in grants
            if grant.noun == "folder"
            and grant.role == "admin"
            and (grant.user == self._ws.user.email or grant.group in mine)
        ]

    def _role(self, folder: Folder) -> str:
        if self._ws.user.role != "member":
            return "admin"
        return "admin" if any(_is_in(folder.path, path) for path in self._administered) else "user"

    # Items

    def item(self, item: Item, *, signed: bool = False, metadata: bool = True) -> dict[str, Any]:
        """An Item."""
        facts = item.facts
        return {
            "uuid": item.uuid,
            "parent": self.parent(item),
            "itemType": item_type(facts.kind),
            "name": item.name,
            "description": "",
            "clientMetadata": as_text(self.metadata(item)) if metadata else "{}",
            "owner": self._owner,
            "createdAt": item.created_at,
            "lastEditedAt": item.updated_at,
            "isTombstone": item.deleted_at is not None,
            "isPlaceholder": False,
            "backedDataUnitsCount": 1,
            "storageLocation": location(item.url),
            "integrationHash": None
            if item.integration_id is None
            else self._integration_uuids.get(item.integration_id),
            "url": item.url,
            "signedUrl": self.signed_url(item) if signed else None,
            "fileSize": item.size,
            "mimeType": facts.media_type,
            "duration": facts.duration,
            "fps": facts.fps,
            "height": facts.height,
            "width": facts.width,
            "frameCount": facts.frame_count,
            **(dicom_uids(item) if facts.kind == "dicom" else _NO_UIDS),
            **(sound(item) if facts.kind == "audio" else _NO_SOUND),
        }

    def items(
        self, items: Iterable[Item], *, signed: bool = False, metadata: bool = True
    ) -> list[dict[str, Any]]:
        """Many of them."""
        return [self.item(item, signed=signed, metadata=metadata) for item in items]

    def parent(self, item: Item) -> str:
        """The UUID of an item's folder; a made up one if the user sees the item by a dataset, and not the folder."""
        folder = self._at(item.folder_path)
        return folder.uuid if folder else made_up("folder", item.folder_path)

    def metadata(self, item: Item) -> Mapping[str, Any]:
        """The metadata of an item as a client writes it: with `keyframes`, which Heron keeps as frames."""
        if (item.facts.frame_count or 0) <= FRAMED:
            return item.metadata
        keys = [frame.number for frame in self._ws.frames.list(item, only="key")]
        return {**item.metadata, "keyframes": keys} if keys else item.metadata

    def signed_url(self, item: Item) -> str | None:
        """An address from which the file of an item can be read without a key; None for an item of several files."""
        if item.facts.kind in ("image_group", "image_sequence", "dicom") and self._ws.items.members(item):
            return None
        if not item.url.startswith("file:"):
            try:
                return self._ws.storage.sign(item, expires=3600)
            except InvalidInput:
                pass
            except HeronError:
                return None
        return self._call.signed(f"/v2/public/heron/files/{item.uuid}")

    # Rows of datasets, of v1

    def row(self, row: DatasetRow | Item, *, metadata: bool = False, signed: bool = False) -> dict[str, Any]:
        """A DataRow, whose keys have underscores; its metadata is an object."""
        item = row.item if isinstance(row, DatasetRow) else row
        facts = item.facts
        return {
            "data_hash": item.uuid,
            "data_title": item.name,
            "data_type": data_type(facts.kind),
            "created_at": item.created_at,
            "last_edited_at": item.updated_at,
            "width": facts.width,
            "height": facts.height,
            "file_link": item.url,
            "file_size": item.size,
            "file_type": facts.media_type,
            "storage_location": location_number(item.url),
            "frames_per_second": facts.fps,
            "duration": facts.duration,
            "client_metadata": self.metadata(item) if metadata else None,
            "signed_url": self.signed_url(item) if signed else None,
            "is_optimised_image_group": facts.kind == "image_sequence"
            if facts.kind in ("image_group", "image_sequence")
            else None,
            "backing_item_uuid": item.uuid,
            "images_data": None,
        }


def as_text(value: Any) -> str:
    """JSON as a text, as metadata travels in answers."""
    return orjson.dumps(value).decode()


def made_up(noun: str, name: str) -> str:
    """A UUID for what has none in Heron; it is always the same for a name."""
    return str(uuid5(NAMESPACE_URL, f"heron:{noun}:{name}"))


def named(noun: str, name: str, uuid: UUID) -> bool:
    """Whether a UUID is the one made up for a name."""
    return made_up(noun, name) == str(uuid)


def _is_in(path: str, above: str) -> bool:
    return path == above or path.startswith(above + "/")
