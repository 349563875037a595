"""The users of a workspace. There is always an admin, and one of the admins is the owner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from heron.catalog.access import USERS, WORKSPACE, Access, user_of
from heron.catalog.database import Database, one_transaction
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.organisation.credentials import Credentials
from heron.catalog.organisation.emails import canonical_email
from heron.catalog.referring import USER, UserRef
from heron.errors import AlreadyExists, InvalidInput
from heron.metadata.keys import printable
from heron.models import now
from heron.organisation import User
from heron.uuids import new_uuid

UserRole = Literal["admin", "member"]
MemberType = Literal["internal", "external", "workforce"]

ROLES: Sequence[str] = ("admin", "member")
MEMBER_TYPES: Sequence[str] = ("internal", "external", "workforce")


class UserService(Credentials):
    """The users of a workspace, with the public keys and tokens by which a server knows them."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    @one_transaction
    def add(self, email: str, *, role: UserRole = "member", member_type: MemberType = "internal") -> User:
        """Add a user; raises AlreadyExists for an address that a user has, in whatever spelling.

        Raises InvalidInput for what is not an address, and for an admin who is not internal.
        """
        self._access.require("create", WORKSPACE, "user")
        address = canonical_email(email)
        _check(address, role, member_type)
        if self.find(address) is not None:
            raise AlreadyExists(
                f"{address} is a user already", hint=f"heron org users update {address} changes role and type"
            )
        self._database.execute(
            "INSERT INTO users (uuid, email, member_type, role, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)",
            [new_uuid(), address, member_type, role, now(), self._access.user.email],
        )
        added = self.get(address)
        self._access.note(added, role=role, member_type=member_type)
        return added

    def get(self, ref: UserRef) -> User:
        """The user that is meant; raises NotFound with a suggestion."""
        user = self.find(ref)
        if user is None:
            raise missing("user", USER.key(ref), (user.email for user in self.list()))
        return user

    def find(self, ref: UserRef) -> User | None:
        """The user that is meant, or None; an address can be spelt in upper case."""
        address = None
        if isinstance(ref, str) and "@" in ref:
            address = canonical_email(ref)
        meant, parameters = USER.condition(ref, "email", address)
        row = self._database.row(
            f"{USERS} WHERE {meant} AND {self._access.scope('user', 'users')}", parameters
        )
        return user_of(row) if row is not None else None

    def _identified(self, ref: UserRef) -> tuple[int, str]:
        """The inner id and the address of the user that is meant; raises NotFound."""
        email = self.get(ref).email
        id: int = self._database.value("SELECT id FROM users WHERE email = ?", [email])
        return id, email

    def list(self, *, limit: int | None = None) -> list[User]:
        """All, or the first `limit`, users by address."""
        rows = self._database.rows(
            f"{USERS} WHERE {self._access.scope('user', 'users')} ORDER BY email LIMIT ?", [at_most(limit)]
        )
        return [user_of(row) for row in rows]

    @one_transaction
    def update(
        self, ref: UserRef, *, role: UserRole | None = None, member_type: MemberType | None = None
    ) -> User:
        """Change a user's role, or the type. If the owner is no admin any more, the next admin is the owner.

        Raises InvalidInput for the last admin, and for an admin who is not internal.
        """
        user = self.get(ref)
        self._access.require("update", user)
        new_role = role or ("member" if user.role == "member" else "admin")
        new_type = member_type or user.member_type
        _check(user.email, new_role, new_type)
        if new_role == "member":
            self._require_another_admin(user, "become a member")
        self._database.execute(
            "UPDATE users SET role = ?, member_type = ? WHERE email = ?", [new_role, new_type, user.email]
        )
        self._keep_an_owner()
        self._access.note(user, role=new_role, member_type=new_type)
        return self.get(user.email)

    @one_transaction
    def remove(self, ref: UserRef) -> None:
        """Remove a user, with all roles and from all groups; what they created stays. Raises InvalidInput for the last admin."""
        user = self.get(ref)
        self._access.require("delete", user)
        self._require_another_admin(user, "be removed")
        self._database.execute("DELETE FROM users WHERE email = ?", [user.email])
        self._keep_an_owner()
        self._access.note(user)

    def _require_another_admin(self, user: User, change: str) -> None:
        if user.role == "member":
            return
        if not self._database.value(
            "SELECT count(*) FROM users WHERE role = 'admin' AND email <> ?", [user.email]
        ):
            raise InvalidInput(
                f"{user.email} is the last admin and cannot {change}",
                hint="make another internal user admin first: heron org users update EMAIL --role admin",
            )

    def _keep_an_owner(self) -> None:
        """Where the owner is gone or no admin any more, the admin who was added first is the owner."""
        self._database.execute("UPDATE users SET is_owner = 0 WHERE is_owner AND role <> 'admin'")
        self._database.execute(
            "UPDATE users SET is_owner = 1 WHERE NOT EXISTS (SELECT 1 FROM users WHERE is_owner) "
            "AND id = (SELECT min(id) FROM users WHERE role = 'admin')"
        )


def _check(email: str, role: str, member_type: str) -> None:
    """Raise InvalidInput for an unknown role or type, and for an admin who is not internal."""
    for what, value, known in (("role", role, ROLES), ("member type", member_type, MEMBER_TYPES)):
        if value not in known:
            raise InvalidInput(f"{printable(value)} is not a {what}", hint=f"there are: {', '.join(known)}")
    if role == "admin" and member_type != "internal":
        raise InvalidInput(
            f"{email} cannot be admin as {member_type} user: only internal users can be admin",
            hint="leave the role member, or make the type internal",
        )
