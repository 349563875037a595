"""Groups of users: a role that a group is given holds for its users, and for those of the groups within it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from heron.answers import Added
from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.organisation.users import UserService
from heron.catalog.referring import GROUP, USER, GroupRef, UserRef
from heron.convert import loads
from heron.errors import AlreadyExists, InvalidInput
from heron.metadata.keys import check_name
from heron.models import now
from heron.organisation import Group
from heron.uuids import new_uuid


class GroupService:
    """The groups of a workspace."""

    def __init__(self, database: Database, access: Access, users: UserService) -> None:
        self._database = database
        self._access = access
        self._users = users

    @one_transaction
    def create(
        self,
        name: str,
        *,
        description: str = "",
        users: Iterable[UserRef] | UserRef = (),
        groups: Iterable[GroupRef] | GroupRef = (),
    ) -> Group:
        """Create a group of users, and of groups; raises AlreadyExists if the name is taken."""
        self._access.require("create", WORKSPACE, "group")
        check_name(name, "group name")
        self._require_free(name)
        uuid = new_uuid()
        self._database.execute(
            "INSERT INTO user_groups (uuid, name, description, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
            [uuid, name, description, now(), self._access.user.email],
        )
        self._add(self.get(uuid), users, groups)
        made = self.get(uuid)
        self._access.note(made, users=made.users, groups=made.groups)
        return made

    def get(self, ref: GroupRef) -> Group:
        """The group that is meant; raises NotFound with a suggestion."""
        group = self.find(ref)
        if group is None:
            raise missing("group", GROUP.key(ref), (group.name for group in self.list()))
        return group

    def find(self, ref: GroupRef) -> Group | None:
        """The group that is meant, or None."""
        meant, parameters = GROUP.condition(ref, "name")
        row = self._database.row(f"{self._select()} WHERE {meant} AND {self._scope()}", parameters)
        return _group(row) if row is not None else None

    def list(self, *, limit: int | None = None) -> list[Group]:
        """All, or the first `limit`, groups by name."""
        rows = self._database.rows(
            f"{self._select()} WHERE {self._scope()} ORDER BY name LIMIT ?", [at_most(limit)]
        )
        return [_group(row) for row in rows]

    @one_transaction
    def add(
        self,
        ref: GroupRef,
        *,
        users: Iterable[UserRef] | UserRef = (),
        groups: Iterable[GroupRef] | GroupRef = (),
    ) -> Added:
        """Add users, and other groups, to a group; the roles of the group hold for them at once.

        Raises InvalidInput for a group that would contain itself.
        """
        group = self.get(ref)
        self._access.require("update", group)
        added, skipped = self._add(group, users, groups)
        self._access.note(group, added=added)
        return Added(len(added), skipped)

    def _add(
        self, group: Group, users: Iterable[UserRef] | UserRef, groups: Iterable[GroupRef] | GroupRef
    ) -> tuple[Sequence[str], int]:
        """Add members; returns the names of those that are new, and the number of the others."""
        added, skipped = [], 0
        for column, id, name in self._members(users, groups):
            if column == "member_group_id":
                self._require_no_circle(group, id, name)
            done = self._database.execute(
                f"INSERT OR IGNORE INTO group_members (group_id, {column}) VALUES (?, ?)", [group.id, id]
            )
            added += [name] * done
            skipped += not done
        return added, skipped

    @one_transaction
    def remove(
        self,
        ref: GroupRef,
        *,
        users: Iterable[UserRef] | UserRef = (),
        groups: Iterable[GroupRef] | GroupRef = (),
    ) -> int:
        """Take users, and other groups, out of a group; returns how many were in it."""
        group = self.get(ref)
        self._access.require("update", group)
        removed = []
        for column, id, name in self._members(users, groups):
            removed += [name] * self._database.execute(
                f"DELETE FROM group_members WHERE group_id = ? AND {column} = ?", [group.id, id]
            )
        self._access.note(group, removed=removed)
        return len(removed)

    @one_transaction
    def update(self, ref: GroupRef, *, name: str | None = None, description: str | None = None) -> Group:
        """Change the name, or the description."""
        group = self.get(ref)
        self._access.require("update", group)
        if name is not None and name != group.name:
            check_name(name, "group name")
            self._require_free(name)
        self._database.execute(
            "UPDATE user_groups SET name = coalesce(?, name), description = coalesce(?, description) WHERE id = ?",
            [name, description, group.id],
        )
        changed = self.get(group.uuid)
        self._access.note(changed, before=group.name)
        return changed

    @one_transaction
    def delete(self, ref: GroupRef) -> None:
        """Delete a group with the roles that it was given; its users stay."""
        group = self.get(ref)
        self._access.require("delete", group)
        self._database.execute("DELETE FROM user_groups WHERE id = ?", [group.id])
        self._access.note(group)

    def _members(
        self, users: Iterable[UserRef] | UserRef, groups: Iterable[GroupRef] | GroupRef
    ) -> Sequence[tuple[str, int, str]]:
        """For each member that is meant: the column of `group_members`, the inner id, and the name."""
        return [
            *(("user_id", *self._users._identified(user)) for user in USER.several(users)),
            *(("member_group_id", group.id, group.name) for group in map(self.get, GROUP.several(groups))),
        ]

    def _require_no_circle(self, group: Group, member: int, name: str) -> None:
        """Raise InvalidInput if a group is, or contains, the one that it would be a member of."""
        inside = self._database.row(
            "WITH RECURSIVE inside(id) AS (SELECT ? UNION SELECT member_group_id FROM group_members "
            "JOIN inside ON group_id = inside.id WHERE member_group_id IS NOT NULL) SELECT 1 FROM inside WHERE id = ?",
            [member, group.id],
        )
        if inside is not None:
            way = "" if member == group.id else f", since {name!r} contains {group.name!r}"
            raise InvalidInput(
                f"group {name!r} cannot be in group {group.name!r}: the group would contain itself{way}",
                hint="take one of them out of the other first: heron org groups remove",
            )

    def _require_free(self, name: str) -> None:
        if self._database.row("SELECT 1 FROM user_groups WHERE name = ?", [name]):
            raise AlreadyExists(
                f"there is a group {name!r} already", hint="add to it, or choose another name"
            )

    def _scope(self) -> str:
        return self._access.scope("group", "user_groups")

    def _select(self) -> str:
        """The SELECT for `_group`; members that the user may not see are left out."""
        users = self._access.scope("user", "users")
        groups = self._access.scope("group", "inner_groups")
        return (
            "SELECT *, (SELECT json_group_array(email) FROM (SELECT email FROM group_members JOIN users ON users.id = user_id "
            f"WHERE group_id = user_groups.id AND {users} ORDER BY email)) AS users, "
            "(SELECT json_group_array(name) FROM (SELECT inner_groups.name FROM group_members "
            "JOIN user_groups AS inner_groups ON inner_groups.id = member_group_id "
            f"WHERE group_id = user_groups.id AND {groups} ORDER BY 1)) AS inner_names FROM user_groups"
        )


def _group(row: Row) -> Group:
    return Group(
        row["id"],
        row["uuid"],
        row["name"],
        row["description"],
        tuple(loads(row["users"])),
        tuple(loads(row["inner_names"])),
        row["created_at"],
    )
