"""Projects: datasets that people work on together, with tags and a status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.datasets import DatasetService
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.organisation.tags import TagService
from heron.catalog.referring import DATASET, PROJECT, TAG, DatasetRef, ProjectRef, TagRef
from heron.convert import loads
from heron.errors import AlreadyExists, InvalidInput
from heron.metadata.keys import check_name, printable
from heron.models import now
from heron.organisation import Project
from heron.uuids import new_uuid

Status = Literal["not_started", "in_progress", "completed"]

STATUSES = ("not_started", "in_progress", "completed")


class ProjectService:
    """The projects of a workspace."""

    def __init__(
        self, database: Database, access: Access, datasets: DatasetService, tags: TagService
    ) -> None:
        self._database = database
        self._access = access
        self._datasets = datasets
        self._tags = tags

    @one_transaction
    def create(
        self,
        title: str,
        *,
        datasets: Iterable[DatasetRef] | DatasetRef = (),
        tags: Iterable[TagRef] | TagRef = (),
        description: str = "",
    ) -> Project:
        """Make a project of datasets; raises AlreadyExists if the title is taken, NotFound for an unknown dataset or tag."""
        self._access.require("create", WORKSPACE, "project")
        check_name(title, "project title")
        self._require_free(title)
        uuid = new_uuid()
        self._database.execute(
            "INSERT INTO projects (uuid, title, description, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
            [uuid, title, description, now(), self._access.user.email],
        )
        project = self.get(uuid)
        self._add(project, datasets, tags)
        self._access.note(project)
        return self.get(uuid)

    def get(self, ref: ProjectRef) -> Project:
        """The project that is meant; raises NotFound with a suggestion."""
        project = self.find(ref)
        if project is None:
            raise missing("project", PROJECT.key(ref), (project.title for project in self.list()))
        return project

    def find(self, ref: ProjectRef) -> Project | None:
        """The project that is meant, or None."""
        meant, parameters = PROJECT.condition(ref, "title")
        row = self._database.row(
            f"{self._select()} WHERE {meant} AND {self._access.scope('project', 'projects')}", parameters
        )
        return _project(row) if row is not None else None

    def list(
        self, *, tags: Iterable[TagRef] | TagRef = (), archived: bool = False, limit: int | None = None
    ) -> list[Project]:
        """All, or the first `limit`, projects by title that have all of the tags; archived ones only if `archived`."""
        ids = [self._tags.get(tag).id for tag in TAG.several(tags)]
        having = "".join(
            f" AND EXISTS (SELECT 1 FROM tagged_projects WHERE project_id = projects.id AND tag_id = {id})"
            for id in ids
        )
        rows = self._database.rows(
            f"{self._select()} WHERE {self._access.scope('project', 'projects')}{having} "
            f"AND (archived_at IS NULL OR {int(archived)}) ORDER BY title LIMIT ?",
            [at_most(limit)],
        )
        return [_project(row) for row in rows]

    @one_transaction
    def update(
        self,
        ref: ProjectRef,
        *,
        title: str | None = None,
        description: str | None = None,
        status: Status | None = None,
        archived: bool | None = None,
    ) -> Project:
        """Change title, description or status, and archive a project or bring it back."""
        project = self.get(ref)
        self._access.require("update", project)
        if title is not None and title != project.title:
            check_name(title, "project title")
            self._require_free(title)
        if status is not None and status not in STATUSES:
            raise InvalidInput(
                f"{printable(status)} is not a status", hint=f"there are: {', '.join(STATUSES)}"
            )
        at = {None: "archived_at", True: "coalesce(archived_at, ?)", False: "NULL"}[archived]
        self._database.execute(
            "UPDATE projects SET title = coalesce(?, title), description = coalesce(?, description), "
            f"status = coalesce(?, status), archived_at = {at} WHERE id = ?",
            [title, description, status, *([now()] if archived else []), project.id],
        )
        changed = self.get(project.uuid)
        self._access.note(changed, before=project.title, status=changed.status)
        return changed

    @one_transaction
    def add(
        self,
        ref: ProjectRef,
        *,
        datasets: Iterable[DatasetRef] | DatasetRef = (),
        tags: Iterable[TagRef] | TagRef = (),
    ) -> Project:
        """Add datasets to a project, and put tags on it; those that it has already stay."""
        project = self.get(ref)
        self._access.require("update", project)
        self._add(project, datasets, tags)
        self._access.note(project)
        return self.get(project.uuid)

    def _add(
        self,
        project: Project,
        datasets: Iterable[DatasetRef] | DatasetRef,
        tags: Iterable[TagRef] | TagRef,
    ) -> None:
        found = [self._datasets.get(dataset).id for dataset in DATASET.several(datasets)]
        self._database.execute_many(
            "INSERT OR IGNORE INTO project_datasets VALUES (?, ?)", ((project.id, id) for id in found)
        )
        put = [self._tags.get(tag).id for tag in TAG.several(tags)]
        self._database.execute_many(
            "INSERT OR IGNORE INTO tagged_projects VALUES (?, ?)", ((project.id, id) for id in put)
        )

    @one_transaction
    def remove(
        self,
        ref: ProjectRef,
        *,
        datasets: Iterable[DatasetRef] | DatasetRef = (),
        tags: Iterable[TagRef] | TagRef = (),
    ) -> int:
        """Take datasets, and tags, off a project; returns how many it had."""
        project = self.get(ref)
        self._access.require("update", project)
        gone = [
            ("project_datasets", "dataset_id", self._datasets.get(d).id) for d in DATASET.several(datasets)
        ]
        gone += [("tagged_projects", "tag_id", self._tags.get(tag).id) for tag in TAG.several(tags)]
        count = sum(
            self._database.execute(
                f"DELETE FROM {table} WHERE project_id = ? AND {column} = ?", [project.id, id]
            )
            for table, column, id in gone
        )
        self._access.note(project, removed=count)
        return count

    @one_transaction
    def delete(self, ref: ProjectRef) -> None:
        """Delete a project with the roles on it; its datasets stay."""
        project = self.get(ref)
        self._access.require("delete", project)
        self._database.execute("DELETE FROM projects WHERE id = ?", [project.id])
        self._access.note(project)

    def _require_free(self, title: str) -> None:
        if self._database.row("SELECT 1 FROM projects WHERE title = ?", [title]):
            raise AlreadyExists(f"there is a project {title!r} already")

    def _select(self) -> str:
        """The SELECT for `_project`; datasets that the user may not see are left out."""
        scope = self._access.scope("dataset", "datasets")
        return (
            "SELECT *, (SELECT json_group_array(title) FROM (SELECT datasets.title FROM project_datasets "
            f"JOIN datasets ON datasets.id = dataset_id WHERE project_id = projects.id AND {scope} ORDER BY 1)) AS datasets, "
            "(SELECT json_group_array(name) FROM (SELECT name FROM tagged_projects JOIN project_tags ON project_tags.id = tag_id "
            "WHERE project_id = projects.id ORDER BY 1)) AS tags FROM projects"
        )


def _project(row: Row) -> Project:
    return Project(
        row["id"],
        row["uuid"],
        row["title"],
        row["description"],
        row["status"],
        tuple(loads(row["datasets"])),
        tuple(loads(row["tags"])),
        row["archived_at"],
        row["created_at"],
    )
