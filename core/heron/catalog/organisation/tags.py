"""Tags of projects: names that admins make, and that are put on projects."""

from __future__ import annotations

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.referring import TAG, TagRef
from heron.errors import AlreadyExists
from heron.metadata.keys import check_name
from heron.models import now
from heron.organisation import ProjectTag
from heron.uuids import new_uuid


class TagService:
    """The tags that projects of a workspace can have."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    @one_transaction
    def create(self, name: str) -> ProjectTag:
        """Make a tag; raises AlreadyExists if the name is taken."""
        self._access.require("create", WORKSPACE, "tag")
        check_name(name, "tag name")
        self._require_free(name)
        uuid = new_uuid()
        self._database.execute(
            "INSERT INTO project_tags (uuid, name, created_at, created_by) VALUES (?, ?, ?, ?)",
            [uuid, name, now(), self._access.user.email],
        )
        made = self.get(uuid)
        self._access.note(made)
        return made

    def get(self, ref: TagRef) -> ProjectTag:
        """The tag that is meant; raises NotFound with a suggestion."""
        tag = self.find(ref)
        if tag is None:
            raise missing("tag", TAG.key(ref), (tag.name for tag in self.list()))
        return tag

    def find(self, ref: TagRef) -> ProjectTag | None:
        """The tag that is meant, or None."""
        meant, parameters = TAG.condition(ref, "name")
        row = self._database.row(
            f"{self._select()} WHERE {meant} AND {self._access.scope('tag', 'project_tags')}", parameters
        )
        return _tag(row) if row is not None else None

    def list(self, *, limit: int | None = None) -> list[ProjectTag]:
        """All, or the first `limit`, tags by name."""
        rows = self._database.rows(
            f"{self._select()} WHERE {self._access.scope('tag', 'project_tags')} ORDER BY name LIMIT ?",
            [at_most(limit)],
        )
        return [_tag(row) for row in rows]

    @one_transaction
    def rename(self, ref: TagRef, name: str) -> ProjectTag:
        """Rename a tag on all projects that have it."""
        tag = self.get(ref)
        self._access.require("update", tag)
        check_name(name, "tag name")
        if name != tag.name:
            self._require_free(name)
        self._database.execute("UPDATE project_tags SET name = ? WHERE id = ?", [name, tag.id])
        renamed = self.get(tag.uuid)
        self._access.note(renamed, before=tag.name)
        return renamed

    @one_transaction
    def delete(self, ref: TagRef) -> int:
        """Delete a tag, and take it off all projects; returns the number of projects that had it."""
        tag = self.get(ref)
        self._access.require("delete", tag)
        count = self._database.execute("DELETE FROM tagged_projects WHERE tag_id = ?", [tag.id])
        self._database.execute("DELETE FROM project_tags WHERE id = ?", [tag.id])
        self._access.note(tag, projects=count)
        return count

    def _require_free(self, name: str) -> None:
        if self._database.row("SELECT 1 FROM project_tags WHERE name = ?", [name]):
            raise AlreadyExists(f"there is a tag {name!r} already")

    def _select(self) -> str:
        """The SELECT for `_tag`; projects that the user may not see do not count."""
        return (
            "SELECT *, (SELECT count(*) FROM tagged_projects JOIN projects ON projects.id = project_id "
            f"WHERE tag_id = project_tags.id AND {self._access.scope('project', 'projects')}) AS n FROM project_tags"
        )


def _tag(row: Row) -> ProjectTag:
    return ProjectTag(row["id"], row["uuid"], row["name"], row["n"], row["created_at"])
