"""Queries of v1 about datasets and their rows, each of which is an item; the row's hash is the UUID of the item."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from heron import Dataset, InvalidInput, Item, NotFound, Workspace
from heron_sdk_api import upload_jobs, uploads
from heron_sdk_api.calls import Call
from heron_sdk_api.datasets import backing_folder, is_like, make
from heron_sdk_api.envelopes import Refused
from heron_sdk_api.fields import Fields, Query, as_uuid
from heron_sdk_api.kinds import data_type
from heron_sdk_api.manifests import manifest_of
from heron_sdk_api.patches import replace
from heron_sdk_api.sharing import dataset_role

_BEHAVIOURS = {"SKIP": "skip", "FAIL": "fail", "DUPLICATE": "add"}


def dataset(call: Call) -> Any:
    """A dataset with its rows; their metadata only if the access settings ask for it."""
    found = _dataset(call)
    with_rows, with_metadata = _settings(call)
    rows = call.ws.datasets.rows(found.uuid) if with_rows else ()
    return {
        "title": found.title,
        "description": found.description,
        "dataset_type": "CORD_STORAGE",
        "dataset_hash": found.uuid,
        "backing_folder_uuid": backing_folder(call, found),
        "data_rows": [call.wire.row(row, metadata=with_metadata) for row in rows],
    }


def rows(call: Call) -> Any:
    """The rows of a dataset that fit the filters."""
    found, given = _dataset(call), Fields(call.body or {}, "the payload")
    _, with_metadata = _settings(call)
    equal, like = given.text("title_eq", None), given.text("title_like", None)
    types = given.texts("data_types", ()) or None
    hashes = {str(uuid) for uuid in given.uuids("data_hashes", ())} or None
    before, after = (_moment(given, f"created_{word}") for word in ("before", "after"))
    return [
        call.wire.row(row, metadata=with_metadata)
        for row in call.ws.datasets.rows(found.uuid)
        if (equal is None or row.item.name == equal)
        and (like is None or is_like(row.item.name, like))
        and (types is None or data_type(row.item.kind) in types)
        and (hashes is None or row.item.uuid in hashes)
        and (before is None or row.item.created_at <= before)
        and (after is None or row.item.created_at >= after)
    ]


def row(call: Call) -> Any:
    """One row, with what is asked for."""
    item = _item(call)
    wanted = Fields(Fields(call.body or {}, "the payload").object("additional_data", {}), "additional_data")
    return call.wire.row(
        item, metadata=wanted.flag("client_metadata", False), signed=wanted.flag("signed_url", False)
    )


def save(call: Call) -> Any:
    """Change the metadata, or the name, of the item of a row."""
    item, given = _item(call), Fields(call.body, "the payload")
    more = [name for name in given.values if name not in ("client_metadata", "data_title")]
    if more:
        raise InvalidInput(f"Heron does not change {', '.join(more)} of a row")
    metadata, name = given.object("client_metadata", None), given.text("data_title", None)
    with call.ws.atomic():
        if metadata is not None:
            replace(call.ws, {item.uuid: metadata})
        if name is not None:
            call.ws.items.rename(item.uuid, name)
    changed = call.ws.items.get(item.uuid)
    return {"updated_fields": [*given.values], "data_row": call.wire.row(changed, metadata=True)}


def link(call: Call) -> Any:
    """Add items to a dataset, and give their rows."""
    found, given = _dataset(call), Fields(call.body, "the payload")
    uuids = given.uuids("item_uuids")
    behaviour = _BEHAVIOURS[given.one_of("duplicates_behavior", (*_BEHAVIOURS,), "SKIP")]
    call.ws.datasets.add(found.uuid, uuids, duplicates=behaviour)  # type: ignore[arg-type]
    return [call.wire.row(item) for item in call.ws.items.get_all(uuids)]


def rename(call: Call) -> Any:
    """Rename the items of rows."""
    with call.ws.atomic():
        for number, each in enumerate(call.body if isinstance(call.body, list) else [call.body]):
            given = Fields(each, f"the payload, entry {number}")
            item = _item_of(call, given.uuid("video_hash"))
            call.ws.items.rename(item.uuid, given.text("title"))
    return {"success": True}


def delete(call: Call) -> Any:
    """Take rows out of a dataset; their items stay. From a dataset that follows a folder, the items are deleted."""
    found = _dataset(call)
    uuids = Fields({"uid": call.uid}, "the query").uuids("uid")
    items = [_item_of(call, uuid) for uuid in uuids]
    if found.backing_folder_id is not None:
        with call.ws.atomic():
            return {"removed": call.ws.items.delete(items)}
    return {"removed": call.ws.datasets.remove(found.uuid, items)}


def add_users(call: Call) -> Any:
    """Give users a role on a dataset."""
    found, given = _dataset(call), Fields(call.body, "the payload")
    number = given.whole("user_role")
    role, emails = dataset_role(number), given.texts("user_emails")
    with call.ws.atomic():
        for email in emails:
            call.ws.roles.grant(role, user=email, dataset=found.uuid)
    return [{"user_email": email, "user_role": number, "dataset_hash": found.uuid} for email in emails]


def create_dataset(call: Call) -> Any:
    """Make a dataset, as versions up to 0.1.152 do."""
    given = Fields(call.body, "the payload")
    title, description = given.text("title"), given.text("description", None) or ""
    made = make(call.ws, title, description, given.flag("create_backing_folder", True))
    folder = backing_folder(call, made)
    return {
        "title": made.title,
        "type": 0,
        "dataset_hash": made.uuid,
        "user_hash": call.user or "",
        "backing_folder_uuid": folder,
    }


def datasets(call: Call) -> Any:
    """Datasets by title, as versions up to 0.1.152 ask for them."""
    given = Fields(Fields(call.body or {}, "the payload").object("filter", {}), "the filter")
    known = (
        "title_eq",
        "title_like",
        "desc_eq",
        "desc_like",
        "created_before",
        "created_after",
        "edited_before",
        "edited_after",
    )
    more = [name for name in given.values if name not in known]
    if more:
        raise InvalidInput(f"datasets have no filter {', '.join(more)}")
    found = call.ws.datasets.list()
    for name, attribute in (("title", "title"), ("desc", "description")):
        if (equal := given.text(f"{name}_eq", None)) is not None:
            found = [each for each in found if getattr(each, attribute) == equal]
        if (like := given.text(f"{name}_like", None)) is not None:
            found = [each for each in found if is_like(getattr(each, attribute), like)]
    for word in ("created", "edited"):
        if (before := _moment(given, f"{word}_before")) is not None:
            found = [each for each in found if each.created_at <= before]
        if (after := _moment(given, f"{word}_after")) is not None:
            found = [each for each in found if each.created_at >= after]
    role = 0 if call.ws.user.role != "member" else 1
    return [
        {
            "dataset": {
                "dataset_hash": each.uuid,
                "user_hash": call.user or "",
                "title": each.title,
                "description": each.description,
                "type": 0,
                "created_at": each.created_at,
                "last_edited_at": each.created_at,
                "backing_folder_uuid": backing_folder(call, each),
            },
            "user_role": role,
        }
        for each in found
    ]


def start(call: Call) -> Any:
    """Start a job that registers files and makes them rows of a dataset."""
    found, given = _dataset(call), Fields(call.body, "the payload")
    folder = given.uuid("folderUuid", None)
    target = (
        call.ws.folders.get(folder).uuid
        if folder
        else backing_folder(call, found) or _own_folder(call.ws, found)
    )
    made = manifest_of(call.ws, call.site.path, given.object("dataItems", None), given.object("files", None))

    def add_rows(ws: Workspace, items: list[Item]) -> None:
        if found.backing_folder_id is None or (folder is not None and target != backing):
            ws.datasets.add(found.uuid, items)

    backing = backing_folder(call, found)
    integration = given.uuid("integrationId", None)
    job = upload_jobs.begin(
        call,
        given,
        made,
        target,
        f"sdk dataset {found.uuid}",
        integration=integration,
        then=add_rows,
    )
    return {"process_hash": job}


def _own_folder(ws: Workspace, found: Dataset) -> str:
    """The folder for uploads to a dataset that follows none: one of its title, made when it is first needed."""
    return ws.folders.ensure(f"Uploads/{found.title.replace('/', '-')}").uuid


def state(call: Call) -> Any:
    """The state of such a job; a client waits for its end in one request."""
    given = Fields(call.body, "the payload")
    uuid, kind = given.uuid("process_hash"), f"sdk dataset {_dataset(call).uuid}"

    def now(call: Call) -> Any:
        return _shown(upload_jobs.state_of(upload_jobs.job_of(call, uuid, kind)))

    call.query = Query(f"timeoutSeconds={given.whole('timeout_seconds', 60, most=10**9)}")
    return upload_jobs.polled(call, now)


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    """The state of a job, as v1 says it."""
    names = (
        "status",
        "errors",
        "units_pending_count",
        "units_done_count",
        "units_error_count",
        "units_cancelled_count",
        "file_name",
    )
    camel = {
        name: name.split("_")[0] + "".join(part.title() for part in name.split("_")[1:]) for name in names
    }
    return {
        **{name: found[camel[name]] for name in names},
        "data_hashes_with_titles": [
            {"data_hash": each["itemUuid"], "title": each["name"], "backing_item_uuid": each["itemUuid"]}
            for each in found["itemsWithNames"]
        ],
        "data_unit_errors": [
            {
                "object_urls": each["objectUrls"],
                "error": each["error"],
                "subtask_uuid": each["subtaskUuid"],
                "action_description": each["actionDescription"],
            }
            for each in found["unitErrors"]
        ],
    }


def address(call: Call) -> Any:
    """An address for the upload of one file, as versions up to 0.1.165 ask for it."""
    return _address(call, str(call.uid))


def addresses(call: Call) -> Any:
    """Addresses for the upload of several files."""
    return [_address(call, str(name)) for name in (call.uid if isinstance(call.uid, list) else [call.uid])]


def _address(call: Call, name: str) -> dict[str, Any]:
    _dataset(call)
    (one,) = uploads.made(call, 1)
    return {
        "signed_url": one["signedUrl"],
        "data_hash": one["itemUuid"],
        "title": name,
        "file_link": one["objectKey"],
    }


def _dataset(call: Call) -> Dataset:
    try:
        uuid = UUID(call.path["resource"])
    except ValueError:
        raise Refused(404, "the header ResourceID has to be the UUID of a dataset") from None
    return call.ws.datasets.get(uuid)


def _settings(call: Call) -> tuple[bool, bool]:
    """Whether rows are wanted, and their metadata."""
    settings = Fields(call.body or {}, "the payload").object("dataset_access_settings", {})
    given = Fields(settings, "dataset_access_settings")
    return given.flag("fetch_rows", True), given.flag("fetch_client_metadata", False)


def _item(call: Call) -> Item:
    return _item_of(call, as_uuid(call.uid, "the uid of the query"))


def _item_of(call: Call, uuid: UUID) -> Item:
    """The item of a row; raises NotFound for one that is not in the dataset, for v1 does not sign the dataset."""
    found = _dataset(call)
    for item in call.ws.search(where=f"uuid = '{uuid}' AND in_dataset('{found.uuid}')", limit=1):
        return item
    raise NotFound(f"dataset {found.title!r} has no row {uuid}")


def _moment(given: Fields, name: str) -> Any:
    text = given.text(name, None)
    return None if text is None else Query(f"at={text.replace('+', '%2B')}").moment("at")
