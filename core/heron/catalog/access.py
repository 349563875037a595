"""Who may do what, asked in this one place: every service verb passes the acting user through here.

Today a workspace has one owner, who may do everything. Users, groups and roles fill in `_allowed` and
`Access.scope`; no other module has to change for them.
"""

from __future__ import annotations

from heron.errors import PermissionDenied
from heron.models import User

OWNER = User(email="owner", role="owner")

VERBS = frozenset({"read", "create", "update", "delete"})
NOUNS = frozenset(
    {
        "workspace",
        "folder",
        "item",
        "frame",
        "schema",
        "collection",
        "dataset",
        "preset",
        "import",
        "integration",
        "vector",
    }
)


class Access:
    """The acting user's rights."""

    def __init__(self, user: User = OWNER) -> None:
        self.user = user

    def require(self, verb: str, noun: str, name: str = "") -> None:
        """Let the verb pass, or raise PermissionDenied naming the user, the verb and the resource."""
        assert verb in VERBS and noun in NOUNS, f"unknown right {verb} {noun}"
        if not _allowed(self.user, verb, noun):
            resource = f"{noun} {name!r}" if name else f"{noun}s"
            raise PermissionDenied(
                f"{self.user.email} may not {verb} {resource}",
                hint="ask an admin of the workspace for a role on it",
            )

    def scope(self, noun: str) -> str:
        """A SQL condition on the noun's table that leaves what the user may see; `1` is everything."""
        return "1" if _allowed(self.user, "read", noun) else "0"


def _allowed(user: User, verb: str, noun: str) -> bool:
    return user.role == "owner"
