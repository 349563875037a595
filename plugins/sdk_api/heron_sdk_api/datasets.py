"""Datasets, as far as v2 has them."""

from __future__ import annotations

from typing import Any

from heron import AlreadyExists, Dataset, Workspace
from heron_sdk_api.calls import Call
from heron_sdk_api.fields import Query


def create(call: Call) -> Any:
    """Make a dataset, which can have a backing folder of its name."""
    made = make(
        call.ws,
        call.fields.text("title"),
        call.fields.text("description", None) or "",
        call.fields.flag("createBackingFolder", True),
    )
    return {
        "datasetUuid": made.uuid,
        "datasetHash": made.uuid,
        "backingFolderUuid": backing_folder(call, made),
    }


def make(ws: Workspace, title: str, description: str, with_folder: bool) -> Dataset:
    """A new dataset. Its backing folder is at the top and new; a slash in the title is a dash in the folder's name."""
    with ws.atomic():
        folder = None
        if with_folder:
            name = title.replace("/", "-")
            if ws.folders.find(name) is not None:
                raise AlreadyExists(f"there is a folder {name!r} already", hint="choose another title")
            folder = ws.folders.create(name).uuid
        return ws.datasets.create(title, description=description, backing_folder=folder)


def backing_folder(call: Call, dataset: Dataset) -> str | None:
    """The UUID of the folder whose items are the rows of a dataset."""
    if dataset.backing_folder_id is None:
        return None
    folders = call.ws.folders.list()
    return next((each.uuid for each in folders if each.id == dataset.backing_folder_id), None)


def listed(call: Call) -> Any:
    """Datasets by title, as many as fit the filters."""
    folders = {each.id: each.uuid for each in call.ws.folders.list()}
    return {"result": [_wire(call, each, folders) for each in matching(call.ws, call.query)]}


def matching(ws: Workspace, query: Query) -> list[Dataset]:
    """The datasets that fit the filters of a request."""
    found = ws.datasets.list()
    for name, attribute in (("title", "title"), ("description", "description")):
        equal, like = query.text(f"{name}Eq"), query.text(f"{name}Like")
        if equal is not None:
            found = [each for each in found if getattr(each, attribute) == equal]
        if like is not None:
            found = [each for each in found if is_like(getattr(each, attribute), like)]
    for name in ("createdBefore", "editedBefore"):
        if (moment := query.moment(name)) is not None:
            found = [each for each in found if each.created_at <= moment]
    for name in ("createdAfter", "editedAfter"):
        if (moment := query.moment(name)) is not None:
            found = [each for each in found if each.created_at >= moment]
    return found


def is_like(text: str, pattern: str) -> bool:
    """Whether a text is like a pattern of SQL, in which `%` stands for anything and `_` for one character."""
    import re

    parts = re.split("([%_])", pattern)
    regular = "".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regular, text, re.DOTALL | re.IGNORECASE) is not None


def _wire(call: Call, dataset: Dataset, folders: dict[int, str]) -> dict[str, Any]:
    backing = dataset.backing_folder_id
    return {
        "datasetUuid": dataset.uuid,
        "title": dataset.title,
        "description": dataset.description,
        "createdAt": dataset.created_at,
        "lastEditedAt": dataset.created_at,
        "userRole": "admin" if call.ws.user.role != "member" else "user",
        "storageLocation": 0,
        "backingFolderUuid": None if backing is None else folders.get(backing),
    }
