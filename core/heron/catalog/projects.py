"""Projects: datasets that people work on together, with tags and a status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.collections import CollectionService
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.datasets import DatasetService
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.organisation.tags import TagService
from heron.catalog.referring import (
    COLLECTION,
    DATASET,
    PROJECT,
    TAG,
    CollectionRef,
    DatasetRef,
    ProjectRef,
    TagRef,
)
from heron.convert import loads
from heron.errors import AlreadyExists, InvalidInput
from heron.metadata.keys import check_name, printable
from heron.models import now
from heron.organisation import Project
from heron.uuids import new_uuid

Status = Literal["not_started", "in_progress", "completed"]

STATUSES = ("not_started", "in_progress", "completed")
"""The states of a project. Each can follow each: who may update a project says how far it is."""


class ProjectService:
    """The projects of a workspace."""

    def __init__(
        self,
        database: Database,
        access: Access,
        datasets: DatasetService,
        tags: TagService,
        collections: CollectionService,
    ) -> None:
        self._database = database
        self._access = access
        self._datasets = datasets
        self._tags = tags
        self._collections = collections

    @one_transaction
    def create(
        self,
        title: str,
        *,
        datasets: Iterable[DatasetRef] | DatasetRef = (),
        tags: Iterable[TagRef] | TagRef = (),
        collections: Iterable[CollectionRef] | CollectionRef = (),
        description: str = "",
    ) -> Project:
        """Make a project of datasets, to which collections can belong too.

        Raises AlreadyExists if the title is taken, or a collection belongs to another project; NotFound for an unknown dataset,
        tag or collection.
        """
        self._access.require("create", WORKSPACE, "project")
        check_name(title, "project title")
        self._require_free(title)
        uuid = new_uuid()
        self._database.execute(
            "INSERT INTO projects (uuid, title, description, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
            [uuid, title, description, now(), self._access.user.email],
        )
        project = self.get(uuid)
        self._add(project, datasets, tags, collections)
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
        self,
        *,
        tags: Iterable[TagRef] | TagRef = (),
        status: Status | None = None,
        archived: bool = False,
        limit: int | None = None,
    ) -> list[Project]:
        """All, or the first `limit`, projects by title that have all of the tags, and the status; archived ones only if `archived`."""
        _check_status(status)
        ids = [self._tags.get(tag).id for tag in TAG.several(tags)]
        having = "".join(
            f" AND EXISTS (SELECT 1 FROM tagged_projects WHERE project_id = projects.id AND tag_id = {id})"
            for id in ids
        )
        rows = self._database.rows(
            f"{self._select()} WHERE {self._access.scope('project', 'projects')}{having} "
            f"AND (archived_at IS NULL OR {int(archived)}) AND status = coalesce(?, status) ORDER BY title LIMIT ?",
            [status, at_most(limit)],
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
        """Change title, description or status, and archive a project or bring it back.

        Raises InvalidInput for an archived project that is not brought back, unless nothing of it is changed.
        """
        project = self.get(ref)
        self._access.require("update", project)
        if archived is not False and any(part is not None for part in (title, description, status)):
            _require_open(project)
        if title is not None and title != project.title:
            check_name(title, "project title")
            self._require_free(title)
        _check_status(status)
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
        collections: Iterable[CollectionRef] | CollectionRef = (),
    ) -> Project:
        """Add datasets and collections to a project, and put tags on it; those that it has already stay.

        Raises InvalidInput for an archived project, AlreadyExists for a collection that belongs to another one.
        """
        project = self._to_change(ref)
        self._add(project, datasets, tags, collections)
        self._access.note(project)
        return self.get(project.uuid)

    def _add(
        self,
        project: Project,
        datasets: Iterable[DatasetRef] | DatasetRef,
        tags: Iterable[TagRef] | TagRef,
        collections: Iterable[CollectionRef] | CollectionRef,
    ) -> None:
        found = [self._datasets.get(dataset).id for dataset in DATASET.several(datasets)]
        self._database.execute_many(
            "INSERT OR IGNORE INTO project_datasets VALUES (?, ?)", ((project.id, id) for id in found)
        )
        put = [self._tags.get(tag).id for tag in TAG.several(tags)]
        self._database.execute_many(
            "INSERT OR IGNORE INTO tagged_projects VALUES (?, ?)", ((project.id, id) for id in put)
        )
        for collection in COLLECTION.several(collections):
            self._collections._put_into(collection, project)

    @one_transaction
    def remove(
        self,
        ref: ProjectRef,
        *,
        datasets: Iterable[DatasetRef] | DatasetRef = (),
        tags: Iterable[TagRef] | TagRef = (),
        collections: Iterable[CollectionRef] | CollectionRef = (),
    ) -> int:
        """Take datasets, collections and tags off a project; returns how many it had. Raises InvalidInput for an archived project."""
        project = self._to_change(ref)
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
        count += self._collections._take_out(collections, project)
        self._access.note(project, removed=count)
        return count

    @one_transaction
    def delete(self, ref: ProjectRef) -> None:
        """Delete a project with the roles on it and the record of what was sent; its datasets and collections stay."""
        project = self.get(ref)
        self._access.require("delete", project)
        self._database.execute("DELETE FROM projects WHERE id = ?", [project.id])
        self._access.note(project)

    def _to_change(self, ref: ProjectRef) -> Project:
        """The project that is meant, which the user may update, and which is not archived."""
        project = self.get(ref)
        self._access.require("update", project)
        _require_open(project)
        return project

    def _dataset_ids(self, ref: ProjectRef) -> Sequence[int]:
        """The inner ids of the datasets of a project that the user sees."""
        rows = self._database.rows(
            "SELECT datasets.id FROM project_datasets JOIN datasets ON datasets.id = dataset_id "
            f"WHERE project_id = ? AND {self._access.scope('dataset', 'datasets')}",
            [self.get(ref).id],
        )
        return [row[0] for row in rows]

    def _require_free(self, title: str) -> None:
        if self._database.row("SELECT 1 FROM projects WHERE title = ?", [title]):
            raise AlreadyExists(f"there is a project {title!r} already")

    def _select(self) -> str:
        """The SELECT for `_project`; datasets and collections that the user may not see are left out."""
        scope = self._access.scope("dataset", "datasets")
        held = self._access.scope("collection", "collections")
        return (
            "SELECT *, (SELECT json_group_array(title) FROM (SELECT datasets.title FROM project_datasets "
            f"JOIN datasets ON datasets.id = dataset_id WHERE project_id = projects.id AND {scope} ORDER BY 1)) AS datasets, "
            "(SELECT json_group_array(title) FROM (SELECT collections.title FROM collections "
            f"WHERE project_id = projects.id AND {held} ORDER BY 1)) AS collections, "
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
        tuple(loads(row["collections"])),
    )


def _check_status(status: str | None) -> None:
    if status is not None and status not in STATUSES:
        raise InvalidInput(f"{printable(status)} is not a status", hint=f"there are: {', '.join(STATUSES)}")


def _require_open(project: Project) -> None:
    """Raise InvalidInput for a project that is archived."""
    if project.archived_at is not None:
        raise InvalidInput(
            f"project {project.title!r} is archived and cannot be changed",
            hint="bring it back first: heron projects update TITLE --unarchive",
        )
