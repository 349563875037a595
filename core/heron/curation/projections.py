"""The projection service: projects the vectors of a key to two dimensions, stores the points, and reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
from attrs import field, frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.frames import FrameService
from heron.catalog.limits import at_most
from heron.catalog.projections import Point, ProjectionStore, StoredProjection
from heron.catalog.vectors.rows import VectorSet
from heron.catalog.vectors.store import VectorStore
from heron.curation.chosen import Array, Chosen, choose, scratch
from heron.curation.compared import nothing_there, opened_set
from heron.curation.lookup import Lookup
from heron.curation.plots import check_file, write_points
from heron.curation.points import Points
from heron.errors import InvalidInput, NotFound, PluginError
from heron.hooks import PluginManager, ProjectionMethod
from heron.hooks.door import guarded
from heron.metadata.keys import printable
from heron.models import Query
from heron.pictures.service import PictureService
from heron.records import Record
from heron.search.values import Value, check_plain
from heron.times import moment
from heron.wording import counted


@frozen(repr=False)
class Projection(Record):
    """A stored projection: the number of its points, and the number of vectors that were added since and have none."""

    key: str
    method: str
    points: int
    new: int
    query: Query
    created_at: datetime = field(converter=moment)

    @property
    def is_stale(self) -> bool:
        """Whether vectors were added since."""
        return self.new > 0


class ProjectionService:
    """The projections of a workspace, one for each key and method."""

    def __init__(
        self,
        database: Database,
        access: Access,
        frames: FrameService,
        vectors: VectorStore,
        pictures: PictureService,
        lookup: Lookup,
        plugins: Callable[[], PluginManager],
    ) -> None:
        self._plugins = plugins
        self._access = access
        self._frames = frames
        self._vectors = vectors
        self._pictures = pictures
        self._lookup = lookup
        self._store = ProjectionStore(database, access)

    def make(
        self, key: str | None = None, method: str = "pca", query: Query | None = None, *, seed: int = 0
    ) -> Projection:
        """Project the vectors of a key, or of the items that a query finds and their frames, and store the points.

        Unit vectors are projected, because similarity is the cosine; vectors of zeros have no point. A stored projection
        of the key by the method is replaced. Raises InvalidInput if there are no vectors, or for an unknown method;
        PluginError if a package is missing.
        """
        opened = opened_set(self._vectors, key)
        self._access.require("update", opened.kept)
        plugins = self._plugins()
        known = [each.name for each in plugins.contributions(ProjectionMethod)]
        if method not in known:
            raise InvalidInput(
                f"there is no projection {printable(method)}", hint=f"there are {', '.join(known)}"
            )
        record = plugins.projection(method)
        plugins.require(record)
        chosen = choose(opened, self._lookup.ids(query), frames=True)
        if not len(chosen):
            raise InvalidInput(f"none of the chosen items has a vector under {opened.kept.key!r}")
        units = scratch((len(chosen), chosen.size))
        for start, block in chosen.blocks():
            units[start : start + len(block)] = block
        project = plugins.load(record)
        with guarded(plugins.named(record), "project", f"{len(units):,} vectors", PluginError):
            points = np.asarray(project(units, seed))
            if points.dtype.kind not in "fiu" or points.shape != (len(units), 2):
                raise ValueError(f"gave {points.dtype} of shape {points.shape}, expected ({len(units)}, 2)")
            if not np.isfinite(points).all():
                raise ValueError("gave coordinates that are not finite")
        made = self._store.put(opened.kept, method, query or Query(), _points(chosen, points), len(chosen))
        return self._told(opened.kept, made)

    def get(self, key: str | None = None, method: str = "pca") -> Projection:
        """The projection of a key by a method; raises NotFound if there is none."""
        return self._told(*self._found(key, method))

    def list(self, *, limit: int | None = None) -> list[Projection]:
        """All projections, or the first `limit`, by key and method."""
        kept = self._vectors._embedding_keys()
        all = [(each, found) for each in kept for found in self._store.all(each)]
        return [self._told(*each) for each in all[: None if limit is None else at_most(limit)]]

    def delete(self, key: str, method: str = "pca") -> None:
        """Delete the projection of a key by a method; raises NotFound if there is none."""
        self._store.remove(self._found(key, method)[0], method)

    def points(
        self,
        key: str | None = None,
        method: str = "pca",
        *,
        value: str | None = None,
        query: Query | None = None,
        frames: bool = False,
    ) -> Points:
        """The points of the items that a query finds, or with `frames` of frames, in the order in which these were added.

        `value` names a field of the query language whose value each point gets. Raises NotFound if there is no
        projection, QueryError for an invalid query or field.
        """
        _, stored = self._found(key, method)
        field = check_plain(self._lookup.field(value, frames=frames)) if value is not None else None
        plan = self._lookup.plan(query, frames=frames)
        found = self._store.points(stored)
        found = found.of((found.frames > 0) == frames)
        found = found.of(self._lookup.keeps(plan, found.frames if frames else found.items))
        lookup = self._lookup
        uuids, names = lookup.plain_values(
            [lookup.field("item.uuid"), lookup.field("item.name")], found.items
        )
        numbers: Sequence[Any] = (None,) * len(found)
        if frames:
            [numbers] = lookup.plain_values(
                [lookup.field("frame.number", frames=True)], found.frames, frames=True
            )
        values: Sequence[Value] | None = None
        if field is not None:
            of_frames = field.home.startswith("frame")
            [values] = lookup.plain_values(
                [field], found.frames if of_frames else found.items, frames=of_frames
            )
        return Points(
            cast(Sequence[str], uuids),
            cast(Sequence[str], names),
            numbers,
            found.places,
            frames,
            value,
            values,
        )

    def plot(
        self,
        file: str | Path,
        key: str | None = None,
        method: str = "pca",
        *,
        color: str | None = None,
        query: Query | None = None,
        frames: bool = False,
        thumbnails: bool = False,
        title: str | None = None,
    ) -> int:
        """Write the points to a file and return their number: .png, .svg or .pdf is a plot, .json, .csv or .parquet a table.

        `color` names a field of the query language whose values colour the points, or are a column of the table;
        `thumbnails` shows small pictures of some points. Raises the errors of `points`, InvalidInput for another suffix
        and if there are no points, PluginError if a package is missing.
        """
        check_file(Path(file))
        found = self.points(key, method, value=color, query=query, frames=frames)
        if not len(found):
            what = "frame" if frames else "item"
            raise InvalidInput(f"no {what} with a point matches, so there is nothing to plot")
        if title is None:
            kept, stored = self._found(key, method)
            title = f"{kept.key} · {self._titled(stored.method)} · {counted(len(found), 'frame' if frames else 'item')}"
        write_points(found, Path(file), title, self._thumbnail if thumbnails else None)
        return len(found)

    def _thumbnail(self, uuid: str, frame: int | None) -> bytes | None:
        return self._pictures.thumbnail(uuid if frame is None else self._frames.get(uuid, frame))

    def _titled(self, method: str) -> str:
        """The name of a method on a plot; as it is called if its plugin is gone."""
        titles = {each.name: each.title for each in self._plugins().contributions(ProjectionMethod)}
        return titles.get(method) or method

    def _found(self, key: str | None, method: str) -> tuple[VectorSet, StoredProjection]:
        if key is not None:
            kept = self._vectors._named(key)
        elif there := self._vectors._embedding_keys():
            kept = there[0]
        else:
            raise nothing_there()
        found = self._store.find(kept, method)
        if found is None:
            raise NotFound(
                f"the vectors of {kept.key!r} are not projected by {printable(method)} yet",
                hint="heron plot does that",
            )
        return kept, found

    def _told(self, kept: VectorSet, found: StoredProjection) -> Projection:
        return Projection(
            kept.key,
            found.method,
            self._store.point_count(found),
            self._new(kept, found),
            found.query,
            found.created_at,
        )

    def _new(self, kept: VectorSet, found: StoredProjection) -> int:
        """The number of vectors added since, of those that the query of the projection finds.

        They are the rows after those that were projected. If rows were renumbered since, they are the rows without points.
        """
        opened = self._vectors._opened(kept.key)
        if opened is None:
            return 0
        new = opened.live.copy()
        if opened.kept.file == found.file:
            new[: found.row_count] = False
        else:
            points = self._store.points(found)
            there = set(zip(points.items.tolist(), points.frames.tolist(), strict=True))
            owners = zip(opened.items.tolist(), opened.frames.tolist(), strict=True)
            new &= [owner not in there for owner in owners]
        return int(self._lookup.keeps(self._lookup.plan(found.query), opened.items[new]).sum())


def _points(chosen: Chosen, points: Array) -> Iterator[Point]:
    order = np.lexsort((chosen.frames, chosen.items))
    columns = (array[order].tolist() for array in (chosen.items, chosen.frames, points[:, 0], points[:, 1]))
    for item, frame, x, y in zip(*columns, strict=True):
        yield (item, frame), x, y
