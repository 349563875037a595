"""Projects, as far as datasets are attached to them, each with an ontology that is empty."""

from __future__ import annotations

from typing import Any

from heron import InvalidInput, NotFound, Project
from heron_sdk_api.calls import Call
from heron_sdk_api.datasets import is_like
from heron_sdk_api.paging import page, sliced
from heron_sdk_api.wire import made_up

_STATUSES = {"not_started": "notStarted", "in_progress": "inProgress", "completed": "completed"}


def listed(call: Call) -> Any:
    """Projects by title, as many as fit the filters."""
    query = call.query
    any_of, all_of = set(query.texts("tagsAnyof")), set(query.texts("tagsAllof"))
    found = [
        each
        for each in call.ws.projects.list()
        if (not any_of or any_of & set(each.tags)) and all_of <= set(each.tags)
    ]
    for name, attribute in (("title", "title"), ("desc", "description")):
        if (equal := query.text(f"{name}Eq")) is not None:
            found = [each for each in found if getattr(each, attribute) == equal]
        if (like := query.text(f"{name}Like")) is not None:
            found = [each for each in found if is_like(getattr(each, attribute), like)]
    for name in ("createdBefore", "editedBefore"):
        if (moment := query.moment(name)) is not None:
            found = [each for each in found if each.created_at <= moment]
    for name in ("createdAfter", "editedAfter"):
        if (moment := query.moment(name)) is not None:
            found = [each for each in found if each.created_at >= moment]
    asked = sorted((name, given) for name, given in query.values.items() if not name.startswith("page"))
    results, token = sliced(found, query, f"projects {asked}")
    return page([_wire(call, each) for each in results], token)


def get(call: Call) -> Any:
    """One project."""
    return _wire(call, _project(call))


def _project(call: Call) -> Project:
    return call.ws.projects.get(call.uuid("project"))


def _wire(call: Call, project: Project) -> dict[str, Any]:
    creator = next((user.email for user in call.ws.users.list() if user.role == "owner"), call.ws.user.email)
    return {
        "projectHash": project.uuid,
        "projectType": "manual_qa",
        "status": _STATUSES.get(project.status, "notStarted"),
        "title": project.title,
        "description": project.description,
        "createdAt": project.created_at,
        "lastEditedAt": project.created_at,
        "creatorEmail": creator,
        "ontologyHash": made_up("ontology", project.uuid),
        "editorOntology": {"objects": [], "classifications": []},
        "userRole": 0 if call.ws.user.role != "member" else 1,
        "sourceProjects": None,
        "workflowManagerUuid": None,
        "workflow": None,
    }


def datasets(call: Call) -> Any:
    """The datasets of a project."""
    found = [call.ws.datasets.get(title) for title in _project(call).datasets]
    return {
        "results": [
            {"datasetHash": each.uuid, "title": each.title, "description": each.description} for each in found
        ]
    }


def tags(call: Call) -> Any:
    """The tags of a project."""
    named = set(_project(call).tags)
    return {
        "results": [{"uuid": tag.uuid, "name": tag.name} for tag in call.ws.tags.list() if tag.name in named]
    }


def add_tag(call: Call) -> Any:
    """Put a tag on a project."""
    call.ws.projects.add(_project(call).uuid, tags=call.uuid("tag"))


def remove_tag(call: Call) -> Any:
    """Take a tag off a project."""
    call.ws.projects.remove(_project(call).uuid, tags=call.uuid("tag"))


def set_status(call: Call) -> Any:
    """Change the status of a project."""
    given = call.fields.text("status")
    found = next((name for name, shown in _STATUSES.items() if given in (shown, name)), None)
    if found is None:
        raise InvalidInput(
            f"a project of Heron has the status {', '.join(_STATUSES.values())}, and not {given!r}"
        )
    call.ws.projects.update(_project(call).uuid, status=found)  # type: ignore[arg-type]


def ontologies(call: Call) -> Any:
    """The ontologies of the projects."""
    return {"results": [_ontology(each) for each in call.ws.projects.list()]}


def ontology(call: Call) -> Any:
    """The ontology of a project."""
    uuid = str(call.uuid("ontology"))
    for project in call.ws.projects.list(archived=True):
        if made_up("ontology", project.uuid) == uuid:
            return _ontology(project)
    raise NotFound(f"there is no ontology {uuid}")


def _ontology(project: Project) -> dict[str, Any]:
    return {
        "ontologyUuid": made_up("ontology", project.uuid),
        "title": project.title,
        "description": "",
        "editor": {"objects": [], "classifications": []},
        "createdAt": project.created_at,
        "lastEditedAt": project.created_at,
        "userRole": 0,
    }
