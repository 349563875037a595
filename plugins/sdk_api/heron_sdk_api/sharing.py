"""Who may see folders and datasets: the roles that groups and users have on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heron import Grant, Group, InvalidInput, NotFound
from heron_sdk_api.calls import Call

ROLES = {0: "admin", 1: "user"}
"""The roles on datasets, as numbers."""

_NUMBERS = {"admin": 0, "user": 1}


def list_folder(call: Call) -> Any:
    """The groups with a role on a folder."""
    grants = call.ws.roles.list(folder=call.uuid("folder"))
    return _listed(call, grants, lambda grant: grant.role)


def add_folder(call: Call) -> Any:
    """Give groups a role on a folder, and so on all folders below."""
    role = call.fields.one_of("userRole", ("admin", "user"))
    with call.ws.atomic():
        for group in call.fields.uuids("groupHashList"):
            call.ws.roles.grant(role, group=group, folder=call.uuid("folder"))


def remove_folder(call: Call) -> Any:
    """Take the roles of groups on a folder."""
    with call.ws.atomic():
        for group in call.query.uuids("groupHashList"):
            call.ws.roles.revoke(group=group, folder=call.uuid("folder"))


def list_dataset(call: Call) -> Any:
    """The groups with a role on a dataset."""
    grants = call.ws.roles.list(dataset=call.uuid("dataset"))
    return _listed(call, grants, lambda grant: _NUMBERS.get(grant.role, 1))


def add_dataset(call: Call) -> Any:
    """Give groups a role on a dataset."""
    role = dataset_role(call.fields.whole("userRole"))
    with call.ws.atomic():
        for group in call.fields.uuids("groupHashList"):
            call.ws.roles.grant(role, group=group, dataset=call.uuid("dataset"))


def remove_dataset(call: Call) -> Any:
    """Take the roles of groups on a dataset."""
    with call.ws.atomic():
        for group in call.query.uuids("groupHashList"):
            call.ws.roles.revoke(group=group, dataset=call.uuid("dataset"))


def list_dataset_users(call: Call) -> Any:
    """The users with a role of their own on a dataset."""
    dataset = call.ws.datasets.get(call.uuid("dataset"))
    grants = call.ws.roles.list(dataset=dataset.uuid)
    return {
        "results": [
            {"datasetUuid": dataset.uuid, "userEmail": grant.user, "userRole": _NUMBERS.get(grant.role, 1)}
            for grant in grants
            if grant.user is not None
        ]
    }


def remove_dataset_users(call: Call) -> Any:
    """Take the roles of users on a dataset; one without a role is passed over."""
    with call.ws.atomic():
        for email in call.fields.texts("userEmails"):
            try:
                call.ws.roles.revoke(user=email, dataset=call.uuid("dataset"))
            except NotFound:
                call.ws.users.get(email)


def dataset_role(number: int) -> str:
    """The role on a dataset that a number means."""
    if number not in ROLES:
        raise InvalidInput(f"the role {number} is not one on datasets: 0 is admin, 1 is user")
    return ROLES[number]


def _listed(call: Call, grants: list[Grant], role: Callable[[Grant], Any]) -> Any:
    groups = {group.name: group for group in call.ws.groups.list()}
    return {
        "results": [
            {**wire_group(groups[grant.group]), "isSameOrganisation": True, "userRole": role(grant)}
            for grant in grants
            if grant.group in groups
        ]
    }


def wire_group(group: Group) -> dict[str, Any]:
    """A group."""
    return {
        "groupHash": group.uuid,
        "name": group.name,
        "description": group.description,
        "createdAt": group.created_at,
    }
