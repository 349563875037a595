"""The organisation: users, groups, tags of projects, and integrations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from heron import User
from heron_sdk_api.calls import Call
from heron_sdk_api.envelopes import Refused
from heron_sdk_api.sharing import wire_group
from heron_sdk_api.wire import made_up

_ROLES = ("ADMIN", "MEMBER", "TASKER", "WORKFORCE_MANAGER")


def list_users(call: Call) -> Any:
    """All users that the user sees."""
    return {"results": [_user(each) for each in call.ws.users.list()]}


def _user(user: User) -> dict[str, Any]:
    role = "MEMBER" if user.role == "member" else "ADMIN"
    since = user.created_at or datetime.fromtimestamp(0, UTC)
    return {
        "email": user.email,
        "roleMnemonicName": role,
        "roleUuid": made_up("role", role),
        "memberType": user.member_type,
        "createdAt": since,
        "lastEditedAt": since,
    }


def add_user(call: Call) -> Any:
    """Add a user, who needs a key, or a token, to enter."""
    given = call.fields
    role = given.one_of("roleMnemonicName", _ROLES)
    if role not in ("ADMIN", "MEMBER"):
        raise Refused(400, f"Heron has no role {role} in the organisation: give ADMIN or MEMBER")
    kind: Literal["internal", "external"] = given.one_of("memberType", ("internal", "external"), "internal")
    call.ws.users.add(given.text("email"), role="admin" if role == "ADMIN" else "member", member_type=kind)


def remove_user(call: Call) -> Any:
    """Remove a user."""
    call.ws.users.remove(call.path["email"])


def list_groups(call: Call) -> Any:
    """All groups that the user sees."""
    return {"results": [wire_group(each) for each in call.ws.groups.list()]}


def create_group(call: Call) -> Any:
    """Make a group."""
    description = call.fields.text("description", "")
    return wire_group(call.ws.groups.create(call.fields.text("name"), description=description))


def get_group(call: Call) -> Any:
    """One group."""
    return wire_group(call.ws.groups.get(call.uuid("group")))


def update_group(call: Call) -> Any:
    """Change name or description of a group."""
    name, description = call.fields.text("name", None), call.fields.text("description", None)
    return wire_group(call.ws.groups.update(call.uuid("group"), name=name, description=description))


def delete_group(call: Call) -> Any:
    """Delete a group with its roles."""
    call.ws.groups.delete(call.uuid("group"))


def list_members(call: Call) -> Any:
    """The users of a group."""
    return {"results": [{"userEmail": email} for email in call.ws.groups.get(call.uuid("group")).users]}


def add_members(call: Call) -> Any:
    """Add users to a group, and give all that it has."""
    call.ws.groups.add(call.uuid("group"), users=call.fields.texts("userEmails"))
    return list_members(call)


def remove_members(call: Call) -> Any:
    """Take users out of a group."""
    call.ws.groups.remove(call.uuid("group"), users=call.fields.texts("userEmails"))


def list_tags(call: Call) -> Any:
    """The tags that projects can have."""
    return {"results": [{"uuid": tag.uuid, "name": tag.name} for tag in call.ws.tags.list()]}


def create_tag(call: Call) -> Any:
    """Make a tag; tags have no description in Heron."""
    if call.fields.text("description", ""):
        raise Refused(400, "tags have no description in Heron")
    tag = call.ws.tags.create(call.fields.text("name"))
    return {"uuid": tag.uuid, "name": tag.name}


def delete_tag(call: Call) -> Any:
    """Delete a tag."""
    call.ws.tags.delete(call.uuid("tag"))


def list_integrations(call: Call) -> Any:
    """Integrations, all or those of some UUIDs or titles."""
    uuids = {str(uuid) for uuid in call.query.uuids("filterIntegrationUuids")}
    titles = set(call.query.texts("filterIntegrationTitles"))
    found = [
        each
        for each in call.ws.integrations.list()
        if (not uuids or each.uuid in uuids) and (not titles or each.name in titles)
    ]
    return {"result": [{"integrationUuid": each.uuid, "title": each.name} for each in found]}
