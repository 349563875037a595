"""Queries of v1 about projects: making them, and attaching datasets to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from heron import Project
from heron_sdk_api.calls import Call
from heron_sdk_api.envelopes import Refused
from heron_sdk_api.fields import Fields
from heron_sdk_api.wire import made_up


def create_project(call: Call) -> Any:
    """Make a project of datasets, and give its UUID."""
    given = Fields(call.body, "the payload")
    ontology = given.text("ontology_hash", None)
    known = {made_up("ontology", each.uuid) for each in call.ws.projects.list(archived=True)}
    if ontology is not None and ontology not in known:
        raise Refused(404, f"there is no ontology {ontology}")
    description, hashes = given.text("description", None) or "", given.uuids("dataset_hashes", ())
    return call.ws.projects.create(given.text("title"), description=description, datasets=hashes).uuid


def attach(call: Call) -> Any:
    """Attach datasets."""
    given = Fields(call.body, "the payload")
    call.ws.projects.add(_project(call).uuid, datasets=given.uuids("dataset_hashes"))
    return True


def detach(call: Call) -> Any:
    """Detach datasets."""
    hashes = Fields({"uid": call.uid}, "the query").uuids("uid")
    call.ws.projects.remove(_project(call).uuid, datasets=hashes)
    return True


def no_label_rows(call: Call) -> Any:
    """The label rows of a project: there are none."""
    _project(call)
    return []


def project(call: Call) -> Any:
    """One project, with its datasets."""
    found = _project(call)
    return {**_wire(found), "label_rows": [], "datasets": _datasets(call, found)}


def projects(call: Call) -> Any:
    """All projects."""
    role = 0 if call.ws.user.role != "member" else 1
    return [{"project": _wire(each), "user_role": role} for each in call.ws.projects.list()]


def _project(call: Call) -> Project:
    try:
        uuid = UUID(call.path["resource"])
    except ValueError:
        raise Refused(404, "the header ResourceID has to be the UUID of a project") from None
    return call.ws.projects.get(uuid)


def _wire(found: Project) -> dict[str, Any]:
    return {
        "project_hash": found.uuid,
        "title": found.title,
        "description": found.description,
        "created_at": f"{found.created_at:%Y-%m-%d %H:%M:%S}",
        "last_edited_at": f"{found.created_at:%Y-%m-%d %H:%M:%S}",
        "ontology_hash": made_up("ontology", found.uuid),
        "editor_ontology": {"objects": [], "classifications": []},
    }


def _datasets(call: Call, found: Project) -> list[dict[str, Any]]:
    datasets = [call.ws.datasets.get(title) for title in found.datasets]
    return [
        {"dataset_hash": each.uuid, "title": each.title, "description": each.description} for each in datasets
    ]
