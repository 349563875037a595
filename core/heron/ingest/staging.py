"""What an import that lands as a whole keeps until all is probed: its new items as rows that are ready, other outcomes in a temporary file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from attrs import evolve, frozen

from heron.catalog.imports import ImportService
from heron.catalog.registration import Registration
from heron.catalog.series import StagedParts
from heron.catalog.staged import Staged, StagedItems
from heron.catalog.trees import FolderTrees, Made
from heron.errors import HeronError
from heron.ingest.landing import Landed, Landing, Options, failure_of
from heron.ingest.series import SeriesParts, Standing
from heron.ingest.spool import Spool
from heron.ingest.units import Outcome
from heron.jobs import ImportJob, ImportProblem
from heron.models import Folder


@frozen
class _Batch:
    """A batch of outcomes: what is staged of it, and the others, which are landed behind that; `whole` is its place in the file."""

    others: Sequence[Outcome]
    staged: Staged | None = None
    whole: int = 0
    units: int = 0
    skipped: int = 0
    problems: Sequence[ImportProblem] = ()


class Staging:
    """The outcomes of one import. Use it in a `with` statement."""

    def __init__(
        self,
        landing: Landing,
        registration: Registration,
        parts: StagedParts,
        trees: FolderTrees,
        imports: ImportService,
        options: Options,
    ) -> None:
        self._landing = landing
        self._items = StagedItems(registration)
        self._store = parts
        self.parts = SeriesParts(parts, options.origin_of)
        """The parts of series that were found."""

        self._trees = trees
        self._imports = imports
        self._options = options
        self.standing: Standing = {}
        """What the folder had of these series before they were probed."""

        self._spool = Spool()
        self._batches: list[tuple[int, int]] = []
        self._series: list[tuple[int, int]] = []
        self.count = 0
        """The number of outcomes."""

        self._waits = False
        self._open = ExitStack()

    def __enter__(self) -> Staging:
        with ExitStack() as opening:
            opening.enter_context(self._spool)
            opening.enter_context(self._items)
            opening.enter_context(self._store)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def keep(self, outcomes: Sequence[Outcome], *, are_series: bool = False) -> Sequence[ImportProblem]:
        """Keep a batch; returns the failures of items that cannot become rows. Series are told from others by the caller."""
        self._waits = self._waits or any(outcome.is_outage for outcome in outcomes)
        self.parts.keep(None, [outcome for outcome in outcomes if not outcome.failures()])
        outcomes = [evolve(outcome, parts=()) if outcome.parts else outcome for outcome in outcomes]
        problems: list[ImportProblem] = []
        batch = self._staged(outcomes, problems) if self._is_plain(outcomes) else None
        kept = self._spool.keep(batch or _Batch(outcomes)), len(outcomes)
        (self._series if are_series else self._batches).append(kept)
        self.count += len(outcomes)
        return problems

    def land(self, job: ImportJob, folder: Folder) -> Iterator[tuple[int, Landed]]:
        """Write all batches but series, in the caller's transaction; yields how many outcomes are written with each."""
        yield from self._landed(job, folder, self._batches)

    def land_series(self, job: ImportJob, folder: Folder) -> Iterator[tuple[int, Landed]]:
        """The same for series, once the others are written."""
        yield from self._landed(job, folder, self._series, self.count - sum(n for _, n in self._series))

    def _landed(
        self, job: ImportJob, folder: Folder, batches: Sequence[tuple[int, int]], done: int = 0
    ) -> Iterator[tuple[int, Landed]]:
        for place, count in batches:
            yield (done := done + count), self._land(job, folder, self._spool.get(place))

    def _is_plain(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether the new items of a batch can be staged: nothing has failed, or waits, and none of them is there twice."""
        if self._waits or any(outcome.failures() or outcome.unit.waiting for outcome in outcomes):
            return False
        new = [outcome.item for outcome in outcomes if outcome.action == "add" and outcome.item is not None]
        hashes = [item.content_hash for item in new if item.content_hash is not None]
        if not new or len(hashes) > len({*hashes}):
            return False
        times = Counter(outcome.unit.url for outcome in outcomes)
        return not self._options.rule.looks_up or all(times[item.url] == 1 for item in new)

    def _staged(self, outcomes: Sequence[Outcome], failures: list[ImportProblem]) -> _Batch | None:
        new = [(outcome, outcome.item) for outcome in outcomes if outcome.action == "add" and outcome.item]
        of, origin_of = self._options.tree.of, self._options.origin_of
        places = [(of(outcome.unit), origin_of(item.url)) for outcome, item in new]
        thumbnails = {n: outcome.thumbnail for n, (outcome, _) in enumerate(new) if outcome.thumbnail}

        def reject(position: int, error: HeronError) -> None:
            failures.append(failure_of(new[position][0].unit, error))

        staged = self._items.stage([item for _, item in new], places, thumbnails, reject)
        if staged is None:
            return None
        skipped = [outcome for outcome in outcomes if outcome.action == "skip"]
        others = [outcome for outcome in outcomes if outcome.action not in ("add", "skip")]
        return _Batch(
            [evolve(outcome, problems=()) if outcome.problems else outcome for outcome in others],
            staged,
            self._spool.keep([evolve(o, thumbnail=None) if o.action == "add" else o for o in outcomes]),
            sum(not outcome.unit.parts for outcome, _ in new) + len(skipped),
            sum(outcome.unit.sidecar_of is None for outcome in skipped),
            [problem for outcome in outcomes for problem in outcome.problems],
        )

    def _land(self, job: ImportJob, folder: Folder, batch: _Batch) -> Landed:
        if batch.staged is None:
            return self._landing.land(job, folder, batch.others)
        made = (
            self._trees.ensure(folder, self._items.names(batch.staged))
            if self._options.tree
            else Made({(): folder})
        )
        if made.cut or not self._items.is_free(batch.staged, folder, look_up=self._options.rule.looks_up):
            return self._landing.land(job, folder, self._whole(batch, batch.staged))
        ids = self._items.move(batch.staged, made.folders)
        self._imports._advance(
            job, units=batch.units, added=len(ids), skipped=batch.skipped, problems=batch.problems
        )
        others = self._landing.land(job, folder, batch.others) if batch.others else None
        return Landed(ids, others.failures if others is not None else ())

    def _whole(self, batch: _Batch, staged: Staged) -> Sequence[Outcome]:
        """All outcomes of a batch in their order: some of its items cannot be moved as they are."""
        outcomes: Sequence[Outcome] = self._spool.get(batch.whole)
        thumbnails = self._items.thumbnails(staged)
        new = (place for place, outcome in enumerate(outcomes) if outcome.action == "add")
        of = {place: thumbnails[number] for number, place in enumerate(new) if number in thumbnails}
        return [
            evolve(outcome, thumbnail=of[n]) if n in of else outcome for n, outcome in enumerate(outcomes)
        ]
