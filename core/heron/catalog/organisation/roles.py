"""Roles: what users and groups were given on a folder, a dataset, an integration or a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from heron.catalog.access import WORKSPACE, Access, named
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.limits import at_most
from heron.catalog.organisation.allowed import VERBS, allowed_on
from heron.catalog.organisation.groups import GroupService
from heron.catalog.organisation.users import UserService
from heron.catalog.referring import DatasetRef, FolderRef, GroupRef, IntegrationRef, ProjectRef, UserRef
from heron.catalog.rights import ROLES, Noun
from heron.errors import InvalidInput, NotFound, PermissionDenied
from heron.metadata.keys import printable
from heron.models import now
from heron.organisation import Grant

if TYPE_CHECKING:
    from heron.catalog.datasets import DatasetService
    from heron.catalog.folders import FolderService
    from heron.catalog.integrations import IntegrationService
    from heron.catalog.projects import ProjectService
    from heron.jobs import Integration
    from heron.models import Dataset, Folder
    from heron.organisation import Project

    Resource = Folder | Dataset | Integration | Project

_SELECT = """
SELECT given.role, granted_by, granted_at, users.email AS user, user_groups.name AS user_group,
    coalesce(folders.path, datasets.title, integrations.name, projects.title) AS resource,
    coalesce(folders.uuid, datasets.uuid, integrations.uuid, projects.uuid) AS uuid,
    CASE WHEN folder_id IS NOT NULL THEN 'folder' WHEN dataset_id IS NOT NULL THEN 'dataset'
        WHEN integration_id IS NOT NULL THEN 'integration' ELSE 'project' END AS noun
FROM (SELECT id AS role_id, user_id, group_id, folder_id, dataset_id, integration_id, project_id, role, granted_by, granted_at
    FROM roles WHERE {scope}) AS given
LEFT JOIN users ON users.id = user_id LEFT JOIN user_groups ON user_groups.id = group_id
LEFT JOIN folders ON folders.id = folder_id LEFT JOIN datasets ON datasets.id = dataset_id
LEFT JOIN integrations ON integrations.id = integration_id LEFT JOIN projects ON projects.id = project_id
WHERE {where} ORDER BY noun, resource, user, user_group
"""
"""The SELECT for `_grant`."""


class RoleService:
    """The roles that were given in a workspace. They hold at once, also for processes that have it open."""

    def __init__(
        self,
        database: Database,
        access: Access,
        users: UserService,
        groups: GroupService,
        folders: FolderService,
        datasets: DatasetService,
        integrations: IntegrationService,
        projects: ProjectService,
    ) -> None:
        self._database = database
        self._access = access
        self._users = users
        self._groups = groups
        self._folders = folders
        self._datasets = datasets
        self._integrations = integrations
        self._projects = projects

    @one_transaction
    def grant(
        self,
        role: str,
        *,
        user: UserRef | None = None,
        group: GroupRef | None = None,
        folder: FolderRef | None = None,
        dataset: DatasetRef | None = None,
        integration: IntegrationRef | None = None,
        project: ProjectRef | None = None,
    ) -> Grant:
        """Give a user, or a group, a role on one resource; it replaces the role that they have on it.

        A role on a folder holds for all folders below. Raises InvalidInput unless exactly one of `user` and `group` and exactly
        one resource is given, and for a role that the resource does not have; NotFound for what is not there.
        """
        column, holder, whom = self._holder(user, group)
        noun, resource = self._resource(folder, dataset, integration, project)
        if role not in ROLES[noun]:
            raise InvalidInput(
                f"{printable(role)} is not a role on a {noun}", hint=f"there are: {', '.join(ROLES[noun])}"
            )
        self._access.require("share", resource)
        before: str | None = self._database.value(
            f"SELECT role FROM roles WHERE {column} = ? AND {noun}_id = ?", [holder, resource.id]
        )
        self._require_highest(noun, resource, (role, before))
        self._database.execute(
            f"DELETE FROM roles WHERE {column} = ? AND {noun}_id = ?", [holder, resource.id]
        )
        self._database.execute(
            f"INSERT INTO roles ({column}, {noun}_id, role, granted_at, granted_by) VALUES (?, ?, ?, ?, ?)",
            [holder, resource.id, role, now(), self._access.user.email],
        )
        self._access.note(resource, **{column[:-3]: whom, "role": role, "before": before})
        return self._grants(f"{column} = ? AND {noun}_id = ?", [holder, resource.id], None)[0]

    @one_transaction
    def revoke(
        self,
        *,
        user: UserRef | None = None,
        group: GroupRef | None = None,
        folder: FolderRef | None = None,
        dataset: DatasetRef | None = None,
        integration: IntegrationRef | None = None,
        project: ProjectRef | None = None,
    ) -> Grant:
        """Take the role that a user, or a group, was given on one resource, and return it; raises NotFound if there is none.

        Roles that they have by way of a group, or of a folder above, stay.
        """
        column, holder, whom = self._holder(user, group)
        noun, resource = self._resource(folder, dataset, integration, project)
        self._access.require("share", resource)
        given = self._grants(f"{column} = ? AND {noun}_id = ?", [holder, resource.id], None)
        if not given:
            kind = "group " if column == "group_id" else ""
            raise NotFound(
                f"{kind}{whom} was given no role on {noun} {named(resource)[1]!r}",
                hint="heron org roles lists those that were given",
            )
        self._require_highest(noun, resource, (given[0].role,))
        self._database.execute(
            f"DELETE FROM roles WHERE {column} = ? AND {noun}_id = ?", [holder, resource.id]
        )
        self._access.note(resource, **{column[:-3]: whom, "role": None, "before": given[0].role})
        return given[0]

    def allowed(self, noun: str | None = None, uuids: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
        """What the acting user may do: with `noun` and `uuids` to each of these records, and else in the workspace as a whole.

        The keys are the UUIDs of those records that the user may see, such as `folder`, `item`, `collection`, `dataset` or
        `project`, or else the nouns; the values are verbs: read, create, update, delete, share. Raises InvalidInput for
        another noun.
        """
        self._access.require("read", WORKSPACE)
        if noun is None:
            nouns: Sequence[Noun] = get_args(Noun)
            return {each: tuple(verb for verb in VERBS if self._access.may(verb, each)) for each in nouns}
        return allowed_on(self._database, self._access, noun, uuids)

    def _grants(self, where: str, parameters: Sequence[int], limit: int | None) -> Sequence[Grant]:
        select = _SELECT.format(scope=self._access.scope("role", "roles"), where=where)
        return [
            _grant(row) for row in self._database.rows(f"{select} LIMIT ?", [*parameters, at_most(limit)])
        ]

    def _require_highest(self, noun: Noun, resource: Resource, roles: Sequence[str | None]) -> None:
        """Raise PermissionDenied if a role that may delete the resource is given or taken by somebody who may not."""
        if any(role is not None and "delete" in ROLES[noun][role] for role in roles):
            try:
                self._access.require("delete", resource)
            except PermissionDenied:
                raise PermissionDenied(
                    f"{self._access.user.email} may not share the role admin of {noun} {named(resource)[1]!r}",
                    hint="ask an admin of the workspace for a role on it",
                ) from None

    def _holder(self, user: UserRef | None, group: GroupRef | None) -> tuple[str, int, str]:
        """The column of `roles` for a user or a group, the inner id, and the name."""
        if (user is None) == (group is None):
            raise InvalidInput("a role is for one user, or for one group", hint="give either user or group")
        if group is not None:
            found = self._groups.get(group)
            return "group_id", found.id, found.name
        assert user is not None
        return "user_id", *self._users._identified(user)

    def _resource(
        self,
        folder: FolderRef | None,
        dataset: DatasetRef | None,
        integration: IntegrationRef | None,
        project: ProjectRef | None,
    ) -> tuple[Noun, Resource]:
        """The one resource that is given, with its noun."""
        if sum(part is not None for part in (folder, dataset, integration, project)) != 1:
            raise InvalidInput(
                "a role is on one resource", hint="give one of folder, dataset, integration and project"
            )
        if folder is not None:
            return "folder", self._folders.get(folder)
        if dataset is not None:
            return "dataset", self._datasets.get(dataset)
        if integration is not None:
            return "integration", self._integrations.get(integration)
        assert project is not None
        return "project", self._projects.get(project)

    def list(
        self,
        *,
        user: UserRef | None = None,
        group: GroupRef | None = None,
        folder: FolderRef | None = None,
        dataset: DatasetRef | None = None,
        integration: IntegrationRef | None = None,
        project: ProjectRef | None = None,
        limit: int | None = None,
    ) -> list[Grant]:
        """All, or the first `limit`, roles that were given: to a user or group, on a resource, or all.

        Members see the roles that they or their groups have, and those on what they may share.
        """
        conditions, parameters = ["1"], []
        if user is not None or group is not None:
            column, holder, _ = self._holder(user, group)
            conditions.append(f"{column} = ?")
            parameters.append(holder)
        if any(part is not None for part in (folder, dataset, integration, project)):
            noun, resource = self._resource(folder, dataset, integration, project)
            conditions.append(f"{noun}_id = ?")
            parameters.append(resource.id)
        return [*self._grants(" AND ".join(conditions), parameters, limit)]


def _grant(row: Row) -> Grant:
    return Grant(
        row["role"], row["noun"], row["resource"], row["uuid"], row["user"], row["user_group"], row["granted_by"],
        row["granted_at"],
    )  # fmt: skip
