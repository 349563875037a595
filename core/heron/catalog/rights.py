"""What each role allows, as tables, and the SQL that finds the rows for which a member has a role or is the creator.

An admin of the organisation may do everything. A member may do to a row what a role on it allows: one that was given to
the member or to a group in which the member is, directly or by way of other groups. Who created a row has every right on
it. Roles on a folder hold for its items and for all that is below it; a role on a project also lets its datasets be read,
and one on a dataset its items. A collection is its creator's, and of those who may do the same to the project to which it
belongs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Verb = Literal["read", "create", "update", "delete", "share"]
"""What one can do. To create is to create something within it, to share is to give and take roles on it."""

Noun = Literal[
    "workspace", "folder", "item", "frame", "schema", "collection", "dataset", "preset", "import", "integration",
    "vector", "project", "user", "group", "tag", "role", "log", "credential",
]  # fmt: skip

_ALL: frozenset[Verb] = frozenset({"read", "create", "update", "delete", "share"})
_READ: frozenset[Verb] = frozenset({"read"})
_WHOLE: frozenset[Verb] = _ALL - {"create"}
_USERS: Mapping[str, frozenset[Verb]] = {"admin": _WHOLE, "user": _READ}

ROLES: Mapping[Noun, Mapping[str, frozenset[Verb]]] = {
    "folder": {"admin": _ALL, "user": _READ},
    "dataset": _USERS,
    "integration": _USERS,
    "project": {
        "admin": _WHOLE,
        "team_manager": frozenset({"read", "update", "share"}),
        "reviewer": _READ,
        "annotator": _READ,
        "annotator_reviewer": _READ,
        "viewer": _READ,
    },
}
"""The roles that can be given on each noun, and what each allows. A role on a folder allows the same on its items."""

MEMBERS: Mapping[Noun, frozenset[Verb]] = {
    "workspace": _READ,
    "schema": _READ,
    "vector": frozenset({"read", "create", "update"}),
    **dict.fromkeys(
        ("folder", "collection", "dataset", "preset", "import", "integration", "project"),
        frozenset({"create"}),
    ),
}
"""What every member may do in the workspace as a whole. Vectors of one item follow the item."""

IN_PROJECT: Mapping[Verb, Verb] = {"read": "read", "update": "update", "delete": "update"}
"""What one may do to the collections of a project, by what one may do to the project."""

_TABLES: Mapping[Noun, str] = {
    "folder": "folders", "dataset": "datasets", "integration": "integrations", "project": "projects",
}  # fmt: skip

_DIRECTORY: Mapping[Noun, str] = {
    "user": "{0}.id = {1}",
    "group": "{0}.id IN ({2})",
    "tag": "{0}.id IN (SELECT tag_id FROM tagged_projects WHERE project_id IN ({3}))",
}
"""For users, groups and tags: which of them a member reads who is not internal. Those who are read all of them."""


def of_member(user: int, is_internal: bool, verb: Verb, noun: Noun, alias: str) -> str:
    """A SQL condition that a member, by the inner id, may do this to the row `alias` of the noun's table.

    For an item it is the row of the folder that contains it.
    """
    if noun in ("folder", "item"):
        return f"{alias}.id IN ({_folders(user, verb)})"
    if noun in _TABLES:
        shared = (
            f" OR {alias}.id IN ({_datasets_of_projects(user)})"
            if (verb, noun) == ("read", "dataset")
            else ""
        )
        return f"({_own(user, alias)} OR {alias}.id IN ({_given(user, noun, verb)}){shared})"
    if noun == "collection" and verb in IN_PROJECT:
        may = of_member(user, is_internal, IN_PROJECT[verb], "project", "around")
        return f"({_own(user, alias)} OR {alias}.project_id IN (SELECT around.id FROM projects AS around WHERE {may}))"
    if noun in ("collection", "preset", "import"):
        return _own(user, alias)
    if noun == "credential":
        return f"{alias}.user_id = {user}"
    if noun == "vector":
        return "1" if verb in MEMBERS["vector"] else "0"
    if verb != "read":
        return "0"
    if noun in _DIRECTORY:
        projects = f"SELECT seen.id FROM projects AS seen WHERE {of_member(user, is_internal, 'read', 'project', 'seen')}"
        return "1" if is_internal else _DIRECTORY[noun].format(alias, user, groups_of(user), projects)
    if noun == "role":
        return _roles(user, is_internal, alias)
    return f"{alias}.user = {_email(user)}" if noun == "log" else "0"


def datasets_shared(user: int) -> str:
    """A SELECT of the inner ids of the datasets whose items a member reads by a role on them, or on a project with them.

    A dataset, or a project, that the member created does not count, so that nobody keeps what they lost by a dataset of their own.
    """
    return (
        f"SELECT id FROM datasets WHERE created_by <> {_email(user)} "
        f"AND (id IN ({_given(user, 'dataset', 'read')}) OR id IN ({_datasets_of_projects(user)}))"
    )


def groups_of(user: int) -> str:
    """A SELECT of the inner ids of the groups in which a user is, directly or by way of other groups."""
    return (
        f"WITH RECURSIVE mine(id) AS (SELECT group_id FROM group_members WHERE user_id = {user} UNION "
        "SELECT group_id FROM group_members JOIN mine ON member_group_id = mine.id) SELECT id FROM mine"
    )


def _folders(user: int, verb: Verb) -> str:
    """A SELECT of the inner ids of the folders where a member may do something: with a role or created, and all below."""
    return (
        f"WITH RECURSIVE tree(id) AS ({_given(user, 'folder', verb)} "
        f"UNION SELECT id FROM folders WHERE created_by = {_email(user)} "
        "UNION SELECT folders.id FROM folders JOIN tree ON folders.parent_id = tree.id) SELECT id FROM tree"
    )


def _given(user: int, noun: Noun, verb: Verb) -> str:
    """A SELECT of the inner ids of a noun on which the member was given a role that allows the verb."""
    roles = ", ".join(f"'{role}'" for role, verbs in ROLES[noun].items() if verb in verbs)
    return (
        f"SELECT {noun}_id FROM roles WHERE {noun}_id IS NOT NULL AND role IN ({roles}) "
        f"AND (user_id = {user} OR group_id IN ({groups_of(user)}))"
    )


def _datasets_of_projects(user: int) -> str:
    projects = f"SELECT id FROM projects WHERE id IN ({_given(user, 'project', 'read')}) AND created_by <> {_email(user)}"
    return f"SELECT dataset_id FROM project_datasets WHERE project_id IN ({projects})"


def _roles(user: int, is_internal: bool, alias: str) -> str:
    """The roles that a member reads: their own, those of their groups, and those on what they may share."""
    parts = [f"{alias}.user_id = {user}", f"{alias}.group_id IN ({groups_of(user)})"]
    for noun, table in _TABLES.items():
        may = of_member(user, is_internal, "share", noun, "shared")
        parts.append(f"{alias}.{noun}_id IN (SELECT shared.id FROM {table} AS shared WHERE {may})")
    return f"({' OR '.join(parts)})"


def _own(user: int, alias: str) -> str:
    return f"{alias}.created_by = {_email(user)}"


def _email(user: int) -> str:
    return f"(SELECT email FROM users WHERE id = {user})"
