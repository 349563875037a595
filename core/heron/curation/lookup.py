"""What curation reads from the catalogue: the items that a query finds, and data of items by their inner ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
from attrs import evolve

from heron.catalog.datasets import DatasetService
from heron.catalog.items import ItemService
from heron.catalog.newest import Newest
from heron.catalog.referring import DatasetRef
from heron.curation.records import Candidate
from heron.models import Json, Query
from heron.search.engines import Engines
from heron.search.plan import Plan
from heron.search.planning import Planner
from heron.search.service import SearchService
from heron.search.tree import Among, Field, FieldRef, IsNull, Table
from heron.search.values import Value

Array = np.ndarray[Any, Any]

_MANY = 20_000
"""Whether so many rows are in a plan is found faster by all of its rows than by looking each up."""

_NAME = ("item.uuid", "item.name", "item.created_at")
_CANDIDATE = (
    "item.uuid", "item.name", "item.folder", "item.kind", "item.width", "item.height", "item.size",
    "facts.metric.sharpness", "item.modified_at", "item.created_at", "item.captured_at", "item.media_type",
    "facts.image.mode", "facts.image.lossless", "facts.image.quality",
)  # fmt: skip


class Lookup:
    """Reads by inner ids; results do not contain what the acting user may not see."""

    def __init__(
        self,
        planner: Planner,
        engines: Engines,
        search: SearchService,
        items: ItemService,
        datasets: DatasetService,
    ) -> None:
        self._planner = planner
        self._engines = engines
        self._search = search
        self._items = items
        self._datasets = datasets
        self._newest: Newest | None = None

    def begun(self) -> Lookup:
        """The same from now on: an item that is added later, and gets the inner id of one that is deleted, is none of its items."""
        begun = copy(self)
        begun._newest = Newest.of(self._items._database)
        return begun

    def _since(self) -> str | None:
        """The time after which items were added that may have ids of deleted ones; None if no id of those read before has been given anew."""
        return None if self._newest is None or self._newest.is_there() else self._newest.moment

    def plan(self, query: Query | None, *, frames: bool = False) -> Plan:
        """The plan of the items that a query finds, or of their frames."""
        query = query or Query()
        if not (query.is_similarity or query.limit or query.cursor):
            return self._planner.plan(evolve(query, sort=None), frames=frames)
        ids = [item.id for item in self._search.all(query)]
        return Plan("frames" if frames else "items", Among("items", ids))

    def field(self, name: str, *, frames: bool = False) -> Field:
        """A field of the query language; raises QueryError."""
        return self._planner.field(name, frames=frames)

    def ids(self, query: Query | None) -> Array:
        """The inner ids of the items that a query finds, ascending, int64; of all items if there is no query."""
        plan = self.plan(query)
        return self._engines.of(plan).ids(plan)

    def keeps(self, plan: Plan, ids: Array) -> Array:
        """Whether each of some rows is in a plan."""
        engine = self._engines.of(plan)
        if len(ids) > _MANY:
            return engine.mask(plan, int(ids.max()) + 1)[ids]
        return engine.keeps(plan, ids)

    def values(
        self, names: Sequence[str], ids: Iterable[int], *, frames: bool = False
    ) -> Sequence[Sequence[Json]]:
        """The values of fields by name, a list for each, for some items or frames; None for a missing value."""
        return self.values_of([self.field(name, frames=frames) for name in names], ids, frames=frames)

    def values_of(
        self, fields: Sequence[Field], ids: Iterable[int], *, frames: bool = False
    ) -> Sequence[Sequence[Json]]:
        """The values of fields, a list for each, for some items or frames."""
        table: Table = "frames" if frames else "items"
        return self._engines.of(Plan(table)).values(table, fields, list(ids))

    def plain_values(
        self, fields: Sequence[Field], ids: Array, *, frames: bool = False
    ) -> Sequence[Sequence[Value]]:
        """The plain values of fields for many items or frames, a sequence for each field."""
        table: Table = "frames" if frames else "items"
        return self._engines.of(Plan(table)).plain_values(table, fields, ids)

    def of_dataset(self, dataset: DatasetRef) -> Array:
        """The inner ids of the items of a dataset, ascending, each once; raises NotFound."""
        return np.array(self._datasets._item_ids(dataset), dtype=np.int64)

    def unhashed(self, query: Query | None) -> Sequence[str]:
        """The UUIDs of the items that a query finds, that are a single file, and whose content hash is not known."""
        plan = self.plan(query).narrowed(IsNull(FieldRef(self.field("item.content_hash"))))
        ids = self._engines.of(plan).ids(plan)
        alone = np.setdiff1d(ids, self.of_several_files(ids))
        return self.values(["item.uuid"], alone.tolist())[0]

    def of_several_files(self, ids: Array) -> Array:
        """The items of several files among some items, ascending."""
        return np.array(self._items._of_several_files(ids.tolist()), dtype=np.int64)

    def equal(self, ids: Array) -> list[list[int]]:
        """The items with equal content hashes among some items, in groups."""
        groups: dict[str, list[int]] = {}
        for id, content in sorted(self.hashes(ids).items()):
            groups.setdefault(content, []).append(id)
        return [group for group in groups.values() if len(group) > 1]

    def hashes(self, ids: Array) -> dict[int, str]:
        """The content hashes of those items that have one."""
        wanted = ids.tolist()
        [found] = self.values(["item.content_hash"], wanted)
        return {id: content for id, content in zip(wanted, found, strict=True) if content is not None}

    def candidates(self, ids: Iterable[int]) -> dict[int, Candidate]:
        """Some items as candidates, by inner id."""
        wanted = list(dict.fromkeys(ids))
        work: Mapping[int, Sequence[int]] = self._items._work(wanted)
        rows, since = zip(wanted, *self.values(_CANDIDATE, wanted), strict=True), self._since()
        found = {}
        for id, *values in rows:
            *known, modified, created, captured, media_type, mode, lossless, quality = values
            if known[0] is None or _is_newer(created, since):
                continue
            facts = (
                captured, _text(media_type), _text(mode), bool(lossless) if isinstance(lossless, int) else None,
                quality if isinstance(quality, int) else None,
            )  # fmt: skip
            found[id] = Candidate(*[*known, modified or created, *facts, *work.get(id, ())])
        return found

    def kinds(self, ids: Iterable[int]) -> dict[int, str]:
        """The kinds of some items, by inner id."""
        wanted = list(dict.fromkeys(ids))
        return {
            id: kind for id, kind in zip(wanted, self.values(["item.kind"], wanted)[0], strict=True) if kind
        }

    def names(self, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
        """UUID and name of some items, by inner id."""
        wanted = list(dict.fromkeys(ids))
        rows, since = zip(wanted, *self.values(_NAME, wanted), strict=True), self._since()
        return {
            id: (uuid, name)
            for id, uuid, name, created in rows
            if uuid is not None and not _is_newer(created, since)
        }

    def frame_numbers(self, ids: Iterable[int]) -> dict[int, int]:
        """The numbers of some frames, by inner id."""
        wanted = list(dict.fromkeys(ids))
        [found] = self.values(["frame.number"], wanted, frames=True)
        return {id: number for id, number in zip(wanted, found, strict=True) if number is not None}


def _is_newer(created: Json, since: str | None) -> bool:
    return since is not None and isinstance(created, str) and created > since


def _text(value: Json) -> str | None:
    """A fact that should be a text: manifests and plugins may give others."""
    return value if isinstance(value, str) else None
