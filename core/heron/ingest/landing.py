"""Landing: writes a batch of outcomes as new and refreshed items, metadata and a report, in the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import Factory, evolve, frozen

from heron.catalog.database import Database
from heron.catalog.folders import FolderService
from heron.catalog.imports import ImportService
from heron.catalog.metadata import MetadataService
from heron.catalog.paths import path_of
from heron.catalog.registration import Known, Registration, name_of
from heron.catalog.series import SeriesStore
from heron.catalog.stores import HERE, OriginOf
from heron.catalog.synced import SyncedFolderService
from heron.catalog.thumbnails import ThumbnailStore
from heron.catalog.trees import FolderTrees, Made
from heron.errors import HeronError, NotFound
from heron.ingest.rules import Rule
from heron.ingest.series import SeriesParts
from heron.ingest.tree import Tree
from heron.ingest.units import Action, Outcome, Unit
from heron.ingest.waiting import SetAside
from heron.jobs import ImportJob, ImportProblem
from heron.models import Folder, NewItem


@frozen
class Options:
    """How an import treats existing items, and with which integration its items are read."""

    rule: Rule
    skip_identical: bool = False
    origin_of: OriginOf = lambda url: HERE
    tree: Tree = Factory(lambda: Tree({}))


@frozen
class Landed:
    """The result of a batch: the ids of the new items, and the failures."""

    ids: range
    failures: tuple[ImportProblem, ...]


_COMING = Known(0, "", None, None, None, is_deleted=False)
"""An item of the same batch."""


class Landing:
    """Writes the batches of one import."""

    def __init__(
        self,
        database: Database,
        folders: FolderService,
        imports: ImportService,
        registration: Registration,
        thumbnails: ThumbnailStore,
        metadata: MetadataService,
        synced: SyncedFolderService,
        series: SeriesStore,
        trees: FolderTrees,
        waiting: SetAside,
        options: Options,
    ) -> None:
        self._database = database
        self._folders = folders
        self._imports = imports
        self._registration = registration
        self._thumbnails = thumbnails
        self._metadata = metadata
        self._synced = synced
        self._trees = trees
        self._options = options
        self._waiting = waiting
        self._parts = SeriesParts(series, options.origin_of)

    def decide(self, units: Sequence[Unit], folder: Folder | None) -> list[tuple[Action, Known | None]]:
        """The action for each unit, decided by what the folder contains now."""
        rule, of = self._options.rule, self._options.origin_of
        if folder is None or not rule.looks_up:
            return [(("add" if unit.sidecar_of is None else "sidecar"), None) for unit in units]
        known = self._registration._known([unit.url for unit in units if unit.sidecar_of is None], folder, of)
        sidecars = [unit.url for unit in units if unit.sidecar_of is not None]
        if sidecars:
            known.update(self._synced._known_sidecars(sidecars, folder, of))
        found = [known.get(unit.url) for unit in units]
        decided = [(rule(unit, there), there) for unit, there in zip(units, found, strict=True)]
        new = [
            unit.url
            for unit, (action, _) in zip(units, decided, strict=True)
            if action == "add" and unit.path
        ]
        held = self._registration._parts_of_series(new, folder, of) if new else set()
        return [("skip", None) if u.url in held else d for u, d in zip(units, decided, strict=True)]

    def land(self, job: ImportJob, folder: Folder, outcomes: Sequence[Outcome]) -> Landed:
        """Write a batch and the job's position, in the caller's transaction; raises NotFound if the folder is gone."""
        there = self._folders._by_id(folder.id)
        if there is None:
            raise NotFound(f"folder {folder.path!r} was deleted during the import")
        folder = there  # it may have been moved meanwhile
        taken = sum(not outcome.unit.parts and not outcome.unit.waiting for outcome in outcomes)
        late = [outcome for outcome in outcomes if outcome.unit.parts and outcome.is_outage]
        outcomes = self._waiting.sort(job, outcomes)
        problems = [problem for outcome in outcomes for problem in outcome.problems]
        problems += [evolve(outcome.failures()[0], severity="warning") for outcome in late]
        good = [outcome for outcome in outcomes if not outcome.failures()]
        sidecars = [outcome for outcome in good if outcome.action == "sidecar"]
        self._parts.keep(job, good)
        others = self._decided_again([o for o in good if o.action not in ("sidecar", "part")], folder)
        by_action: dict[Action, list[Outcome]] = {}
        for outcome in others:
            by_action.setdefault(outcome.action, []).append(outcome)
        fresh, left_out = self._without_identical(by_action.get("add", []), problems)
        ids = self._insert(fresh, folder, problems)
        refreshed = self._refresh(by_action.get("refresh", []))
        restored = self._restore(by_action.get("restore", []), by_action.get("refresh", []))
        merging = self._with_items(by_action.get("merge", []), folder)
        merged = self._merge([*merging, *by_action.get("refresh", [])], problems)
        self._thumbnails._put(
            (o.known.id, o.thumbnail) for o in by_action.get("refresh", []) if o.known and o.thumbnail
        )
        merged += self._apply_sidecars(job, sidecars, folder, problems)
        self._parts.landed(job, outcomes)
        self._imports._advance(
            job,
            units=taken,
            added=len(ids),
            updated=refreshed + merged,
            skipped=sum(o.unit.sidecar_of is None for o in by_action.get("skip", [])) + left_out,
            restored=restored,
            problems=problems,
        )
        return Landed(ids, tuple(problem for problem in problems if problem.severity == "failure"))

    def _decided_again(self, outcomes: Sequence[Outcome], folder: Folder) -> Sequence[Outcome]:
        """The outcomes, with actions decided again by what the folder contains now: another import may have added
        an item, or the source may name it twice, or an item was deleted, and another one has its inner id.
        """
        if not self._options.rule.looks_up:
            return outcomes
        urls = [o.unit.url for o in outcomes if o.action in ("add", "refresh", "restore")]
        known = self._registration._known(urls, folder, self._options.origin_of)
        seen: set[str] = set()
        decided = []
        for outcome in outcomes:
            url = outcome.unit.url
            if outcome.action == "add" and (url in known or url in seen):
                there = known.get(url, _COMING)
                outcome = evolve(outcome, action=self._options.rule(outcome.unit, there), known=there)
            elif outcome.action in ("refresh", "restore") and outcome.known is not None:
                found = known.get(url)
                if found is None or found.uuid != outcome.known.uuid:
                    action = self._options.rule(outcome.unit, found)
                    is_read = outcome.item is not None  # what was not read is added by the next import
                    outcome = evolve(
                        outcome, action=action if is_read or action == "restore" else "skip", known=found
                    )
            seen.add(url)
            decided.append(outcome)
        return decided

    def _with_items(self, outcomes: list[Outcome], folder: Folder) -> list[Outcome]:
        """The outcomes with their existing items, including items that this batch has just written."""
        urls = [outcome.unit.url for outcome in outcomes if outcome.known is _COMING]
        landed = self._registration._known(urls, folder, self._options.origin_of)
        return [
            evolve(outcome, known=landed.get(outcome.unit.url)) if outcome.known is _COMING else outcome
            for outcome in outcomes
        ]

    def _without_identical(
        self, landing: list[Outcome], problems: list[ImportProblem]
    ) -> tuple[list[Outcome], int]:
        """Warn of content that is in the catalogue already, or skip it."""
        same = self._identical([outcome.item for outcome in landing if outcome.item is not None])
        if self._options.skip_identical:
            kept = [outcome for outcome in landing if outcome.unit.url not in same]
            return kept, len(landing) - len(kept)
        for outcome in landing if same else ():
            other = same.get(outcome.unit.url)
            if outcome.item is not None and other is not None and other != outcome.unit.url:
                text = f"{outcome.item.name} has the same content as {path_of(other)}"
                problems.append(ImportProblem(outcome.unit.place, outcome.unit.url, text, "warning"))
        return landing, 0

    def _identical(self, items: Sequence[NewItem]) -> dict[str, str]:
        """For each new item whose content is in the catalogue, or earlier in the batch: the URL of the first one."""
        hashes = {item.content_hash for item in items if item.content_hash is not None}
        first = self._registration._first_of_content(hashes)
        same: dict[str, str] = {}
        for item in items if hashes else ():
            if item.content_hash in first:
                same[item.url] = first[item.content_hash]
            elif item.content_hash is not None:
                first[item.content_hash] = item.url
        return same

    def landed(self) -> None:
        """What is done after each commit: columns of many new items are written."""
        self._registration._landed()

    def _insert(self, landing: Sequence[Outcome], folder: Folder, problems: list[ImportProblem]) -> range:
        """Insert all valid items with their thumbnails; the other items go into the report."""
        landing = [outcome for outcome in landing if outcome.item is not None]
        rejected: set[int] = set()
        made, places = self._places(landing, folder, problems)

        def reject(position: int, error: HeronError) -> None:
            rejected.add(position)
            problems.append(failure_of(landing[position].unit, error))

        ids = self._registration._insert(
            [outcome.item for outcome in landing if outcome.item is not None],
            folder,
            origin_of=self._options.origin_of,
            reject=reject,
            places=places,
        )
        if rejected:
            self._trees.prune(made.new)
        landed = (outcome for position, outcome in enumerate(landing) if position not in rejected)
        self._thumbnails._put((id, o.thumbnail) for id, o in zip(ids, landed, strict=True) if o.thumbnail)
        return ids

    def _places(
        self, landing: Sequence[Outcome], folder: Folder, problems: list[ImportProblem]
    ) -> tuple[Made, list[Folder]]:
        """The folder of each new item, made if it is missing, at or below the target of the import."""
        if not self._options.tree:
            return Made({}), []
        names = [self._options.tree.of(outcome.unit) for outcome in landing]
        made = self._trees.ensure(folder, frozenset(names))
        for outcome, of in zip(landing, names, strict=True):
            if of in made.cut:
                text = f"it lies too many folders deep, and is in {made.folders[of].path[-100:]!r}"
                problems.append(ImportProblem(outcome.unit.place, outcome.unit.url, text, "warning"))
        return made, [made.folders[of] for of in names]

    def _refresh(self, outcomes: Sequence[Outcome]) -> int:
        return self._registration._refresh((o.known.id, o.item) for o in outcomes if o.known and o.item)

    def _restore(self, back: Sequence[Outcome], refreshed: Sequence[Outcome]) -> int:
        """Restore items that were marked as deleted. Items that also changed were restored when they were refreshed.

        The dataset that mirrors the folder gets the items that were deleted when the dataset was created.
        """
        self._registration._restore(outcome.known.id for outcome in back if outcome.known)
        restored = [o.known.id for o in (*back, *refreshed) if o.known and o.known.is_deleted]
        self._registration._return_to_datasets(restored)
        return len(restored)

    def _merge(self, outcomes: Iterable[Outcome], problems: list[ImportProblem]) -> int:
        """Merge metadata into existing items; returns how many items got metadata."""
        pairs = [(o, o.known.uuid, o.unit.metadata) for o in outcomes if o.known and o.unit.metadata]
        try:
            with self._database.write():
                return self._metadata.merge((uuid, metadata) for _, uuid, metadata in pairs)
        except HeronError:
            pass  # one of them is invalid: find out which
        merged = 0
        for outcome, uuid, metadata in pairs:
            try:
                merged += self._metadata.merge([(uuid, metadata)])
            except HeronError as error:
                problems.append(failure_of(outcome.unit, error))
        return merged

    def _apply_sidecars(
        self, job: ImportJob, outcomes: Sequence[Outcome], folder: Folder, problems: list[ImportProblem]
    ) -> int:
        """Merge the metadata of sidecars into their items, which are written already; returns how many items
        changed that are not new.
        """
        named = [outcome.unit.sidecar_of for outcome in outcomes if outcome.unit.sidecar_of]
        owners = self._registration._known(named, folder, self._options.origin_of)
        found = []
        for outcome in outcomes:
            owner = owners.get(outcome.unit.sidecar_of or "")
            if owner is None or owner.is_deleted:
                place, owner_place = path_of(outcome.unit.url), path_of(outcome.unit.sidecar_of or "")
                text = f"{place} belongs to no item: {owner_place} is not in the folder"
                problems.append(ImportProblem(outcome.unit.place, outcome.unit.url, text, "warning"))
            else:
                found.append(evolve(outcome, known=owner))
        before = len(problems)
        new = self._synced._new_since(
            job.started_at, [outcome.known.id for outcome in found if outcome.known]
        )
        self._merge([outcome for outcome in found if outcome.known and outcome.known.id in new], problems)
        merged = self._merge([o for o in found if o.known and o.known.id not in new], problems)
        failed = {problem.url for problem in problems[before:]}
        self._synced._note_sidecars(
            (o.known.id, o.unit.stored)
            for o in found
            if o.known and o.unit.stored and o.unit.url not in failed
        )
        return merged


def failure_of(unit: Unit, error: HeronError) -> ImportProblem:
    """The problem of a unit whose item is refused."""
    sidecar = f"sidecar {name_of(unit.url)}: " if unit.sidecar_of is not None else ""
    return ImportProblem(unit.place, unit.urls(), f"{sidecar}{error}")
