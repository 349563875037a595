"""For each query, the choice between the graph, the partitions and a scan, and between the two questions to a filter.

Costs are counted in rows scanned. First the best candidates of all rows are taken, from the graph or the partitions
where that is cheaper, and the filter is asked which of them it keeps. If enough are kept, these are the best of the
allowed rows, as surely as the candidates were the best of all, however the filter and the vectors are
related. If not, the filter is asked for all its rows where it gives them quickly. Where it does not, the candidates are
first widened as far as the share kept promises success for less than that question costs. Partitions take many
allowed rows as a mask; few are scanned. Where there are many vectors, a filter is asked about a few rows first: one that
allows hardly any is asked for all its rows at once, if it gives them quickly.
"""

from __future__ import annotations

import numpy as np
from attrs import define, field, frozen

from heron.vectors.codes import Codes
from heron.vectors.found import Filter, Found, SearchPlan, Way
from heron.vectors.graph import Graph
from heron.vectors.matrix import Array
from heron.vectors.partition_file import OpenPartitions
from heron.vectors.ranking import Ranking, ShortList
from heron.vectors.scoring import Query, scan
from heron.vectors.tuning import Tuning

_SMALL = 256
"""Up to so many rows are scored by the truth at once, codes or not."""

_SPARE = 32
"""So many more candidates than wanted are taken first: some are deleted, or are the query itself."""

_SAMPLE, _SHARE = 64, 16
"""A filter is asked about so many rows first; if it allows less than one in 16, about all that it allows."""

_SHALLOW = 8
"""Partitions are not asked for more than this part of the rows: then a scan is cheaper."""


@frozen(eq=False)
class View:
    """What a search reads: the truth, shape (count, size), and the caches that are usable now."""

    truth: Array
    codes: Codes | None
    graph: Graph | None
    partitions: OpenPartitions | None
    tuning: Tuning


class Rows:
    """A filter made from known rows: ascending, int64."""

    def __init__(self, rows: Array) -> None:
        self._rows = rows

    @classmethod
    def of(cls, rows: Array, count: int) -> Rows:
        """The filter that allows those of `rows` that are below `count`."""
        rows = rows.astype(np.int64, copy=False)
        if not (rows[1:] > rows[:-1]).all():
            rows = np.unique(rows)
        first, end = np.searchsorted(rows, [0, count])
        return cls(rows[first:end])

    def __len__(self) -> int:
        return len(self._rows)

    def keeps(self, rows: Array) -> Array:
        """Whether each row is among them, by binary search."""
        if not len(self._rows):
            return np.zeros(len(rows), bool)
        positions = np.minimum(np.searchsorted(self._rows, rows), len(self._rows) - 1)
        kept: Array = self._rows[positions] == rows
        return kept

    def quick_rows(self) -> Array:
        """All of them."""
        return self._rows

    def rows(self) -> Array:
        """All of them."""
        return self._rows


@define(eq=False)
class Search:
    """The state of one search."""

    view: View
    query: Query
    k: int
    groups: Array | None
    exact: bool
    least: float | None = None
    ids: Array | None = None
    best: ShortList = field(init=False)
    is_sure: bool = True
    scanned: int = 0
    asked: int = 0
    seen: int = 0
    kept: int = 0
    expansion: int = 0
    compared: int = 0
    ways: list[Way] = field(factory=list)
    reasons: list[str] = field(factory=list)

    def among(self, filter: Filter | None) -> Found:
        """Find the best of the rows that the filter allows, or of all."""
        if filter is None:
            self._all()
        elif isinstance(filter, Rows):
            self._known(filter)
        else:
            self._allowed(filter)
        way: Way = "index, then scan" if len(set(self.ways)) == 2 else self.ways[-1]
        plan = SearchPlan(
            way,
            "; ".join(self.reasons),
            self.compared,
            self.scanned,
            self.asked,
            self.expansion,
            self.is_sure and way != "index",
        )
        return Found(self.best.rows, self.best.scores, plan)

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return len(self.view.truth)

    def _all(self) -> None:
        if self._by_index(self.k, None, self.count) or (
            self.groups is not None and self.seen and self._by_index(self._depth(), None, self.count)
        ):
            return
        self._walk(self._scan(None), None, self._start())

    def _known(self, allowed: Rows) -> None:
        self._say(f"{len(allowed):,} of {self.count:,} vectors are allowed")
        depth = int(1.5 * self.k * self.count / max(1, len(allowed)))
        cost = min(2 * len(allowed), self.count)
        if not self._by_graph(self._expansion(depth), allowed, min(cost, self._partitions_cost())):
            self._among_rows(allowed.rows())

    def _allowed(self, filter: Filter) -> None:
        known = None
        if self.count > self.view.tuning.whole:
            allows_few = self._allows_few(filter)
            known = filter.quick_rows() if allows_few else None
            if known is None:
                if self._by_index(self.k + _SPARE, filter, self.count, self.view.tuning.first_asked):
                    return
                known = None if allows_few else filter.quick_rows()
                if known is None and self._among_best(filter):
                    return
        rows = Rows.of(np.asarray(filter.rows() if known is None else known), self.count).rows()
        self.asked += len(rows)
        self._say(f"the filter allows {len(rows):,} vectors")
        self._among_rows(rows)

    def _allows_few(self, filter: Filter) -> bool:
        """Whether the filter allows so few of some rows, taken evenly, that asking it about the best of all is hardly of use."""
        if self.view.truth.size < self.view.tuning.sampled:  # trying costs less than asking
            return False
        some = np.linspace(0, self.count - 1, _SAMPLE).astype(np.int64)
        self.asked += len(some)
        return int(np.count_nonzero(filter.keeps(some))) * _SHARE < len(some)

    def _among_rows(self, rows: Array) -> None:
        """Find the best of some rows: by partitions if they are many, otherwise by scanning them."""
        if len(rows) >= self.view.tuning.masked:
            self.seen = self.kept = 0
            if self._by_partitions(self.k, None, rows) or (
                self.groups is not None and self.seen and self._by_partitions(self._depth(), None, rows)
            ):
                return
        self._walk(self._scan(rows), None, self._start())

    def _among_best(self, filter: Filter) -> bool:
        """Try to find enough by asking the filter about more of the best candidates of all rows; tells whether it did."""
        first = self.view.tuning.first_asked
        if self.seen and self._by_index(self._depth(), filter, self.count):
            return True
        start = max(self._depth(), first) if self.seen else first
        return start <= self._most_asked() and self._walk(self._scan(None), filter, start)

    def _by_index(self, depth: int, filter: Filter | None, cost: int, expansion: int = 0) -> bool:
        """Try the graph or the partitions, whichever is cheaper; tells whether they found enough."""
        expansion = max(self._expansion(depth), expansion)
        return self._by_graph(expansion, filter, min(cost, self._partitions_cost())) or self._by_partitions(
            depth, filter, None
        )

    def _start(self) -> int:
        """How many candidates of a scan are compared at first."""
        start = max(4 * self.k, 64)
        return start if self.least is None else min(start, self.view.tuning.most)

    def _bar(self) -> float | None:
        """Rows with a lower approximate score are not wanted; None if that is not known yet."""
        bars = [self.best.bar] if self.best.is_full else []
        if self.least is not None:
            bars.append(self.least - self.best.margin)
        return max(bars, default=None)

    def _most_asked(self) -> int:
        return self.count // self.view.tuning.asked

    def _depth(self) -> int:
        """How many candidates should contain 1.5 times the rows needed, by the share kept so far."""
        return int(1.5 * self.k * self.seen / max(self.kept, 0.5))

    def _expansion(self, depth: int) -> int:
        """Candidates that the graph must consider to find the best `depth` with the recall measured for the
        best ten.
        """
        graph = self.view.graph
        return 0 if graph is None else (graph.saved.expansion or 0) + 2 * depth

    def _by_graph(self, expansion: int, filter: Filter | None, cost: int) -> bool:
        """Try the graph if it is cheaper than scanning `cost` rows; tells whether it found enough."""
        graph, tuning = self.view.graph, self.view.tuning
        if self.exact or graph is None or graph.saved.expansion is None:
            return False
        covered = min(graph.saved.rows, self.count)
        graph_cost = expansion * tuning.graph_step + self.count - covered
        if graph_cost >= cost or covered < 0.9 * graph.saved.rows:
            return False
        self._begin("index", f"the graph considered {expansion:,} candidates")
        self.expansion += expansion
        ranking = self._candidates(graph, expansion)
        rows, near = ranking.best(len(ranking))
        kept = self._ask(filter, rows)
        depth = (expansion - graph.saved.expansion) // 2
        is_enough = self._distinct(rows[:depth][kept[:depth]]) >= self.k
        if is_enough:
            self._settle(rows[kept], near[kept])
        return is_enough

    def _useful_partitions(self) -> OpenPartitions | None:
        """The partitions, if this search may use them."""
        opened = self.view.partitions
        if self.exact or opened is None or not opened.is_useful or self.view.codes is None:
            return None
        return opened if min(opened.saved.rows, self.count) >= 0.9 * opened.saved.rows else None

    def _partitions_cost(self) -> int:
        """What partitions cost for few of the nearest of all rows."""
        opened = self._useful_partitions()
        if opened is None:
            return self.count
        return int(opened.saved.cost) + max(0, self.count - opened.saved.rows)

    def _by_partitions(self, depth: int, filter: Filter | None, rows: Array | None) -> bool:
        """Try the partitions, for the best `depth` of all rows or of `rows`; tells whether they found enough."""
        opened, codes = self._useful_partitions(), self.view.codes
        total = self.count if rows is None else len(rows)
        if opened is None or codes is None or _SHALLOW * depth > total:
            return False
        mask = None
        if rows is not None:
            mask = np.zeros(self.count, bool)
            mask[rows] = True
        visit = opened.index.nearest(self.query, self.view.truth, codes.array, depth, mask=mask)
        self._begin(
            "index",
            f"{visit.partitions:,} of {opened.saved.partitions:,} partitions were visited, "
            f"and {visit.compared:,} of their {visit.sketched:,} vectors compared",
        )
        self.scanned += visit.compared
        behind = np.arange(opened.saved.rows, self.count)
        behind = behind if mask is None else behind[mask[behind]]
        ranking = self._with_rows_behind(visit.rows, visit.near, behind, depth)
        found, near = ranking.best(len(ranking))
        kept = self._ask(filter, found)
        is_enough = self._distinct(found[:depth][kept[:depth]]) >= self.k
        if is_enough:
            self._settle(found[kept], near[kept])
        return is_enough

    def _with_rows_behind(self, rows: Array, near: Array, behind: Array, depth: int) -> Ranking:
        """The best rows that an index found, together with those that it does not cover and that are as near."""
        if not len(behind):
            return Ranking(near, rows)
        codes = self.view.codes
        scores = scan(self.view.truth, None if codes is None else codes.array, self.query, behind)
        self.scanned += len(scores)
        places = np.flatnonzero(scores >= near[min(depth, len(near)) - 1]) if len(near) else slice(None)
        return Ranking(np.concatenate([near, scores[places]]), np.concatenate([rows, behind[places]]))

    def _settle(self, rows: Array, near: Array) -> None:
        """Compare candidates, the best first, until no further one can be among the best."""
        start = self.k + _SPARE
        self._compare(rows[:start], near[:start])
        while start < len(rows) and not (self.best.is_full and near[start] < self.best.bar):
            self._compare(rows[start : 2 * start], near[start : 2 * start])
            start *= 2

    def _candidates(self, graph: Graph, expansion: int) -> Ranking:
        """The best rows: by the graph for the rows it covers, by a scan for the rows behind them."""
        rows, near = graph.nearest(self.query.code, expansion)
        near, rows = near[rows < self.count], rows[rows < self.count]
        behind = np.arange(graph.saved.rows, self.count) if len(rows) else np.empty(0, np.int64)
        return self._with_rows_behind(rows, near, behind, len(rows))

    def _scan(self, rows: Array | None) -> Ranking:
        """Approximate scores of all rows, or of `rows`."""
        total = self.count if rows is None else len(rows)
        codes = self.view.codes
        self._begin("scan", f"{total:,} vectors were scanned" + ("" if codes else ", without codes"))
        self.scanned += total
        array = None if codes is None or total <= _SMALL else codes.array
        return Ranking(scan(self.view.truth, array, self.query, rows), rows)

    def _walk(self, ranking: Ranking, filter: Filter | None, goal: int) -> bool:
        """Compare candidates in order until the best are certain; False if the filter would be asked about
        too many.
        """
        taken, most = 0, self.view.tuning.most
        while True:
            rows, near = (values[taken:] for values in ranking.best(goal))
            taken += len(rows)
            if filter is not None and len(rows) == taken:
                self.best.gauge(rows[: self._start()], near[: self._start()])
            kept = self._ask(filter, rows)
            self._compare(rows[kept], near[kept])
            if taken == len(ranking):
                return True
            bar = self._bar()
            if bar is not None:
                wanted = ranking.at_least(bar)
                if wanted <= taken:
                    return True
                if taken >= most and not self.exact:
                    self.is_sure = False
                    return True
                goal = min(wanted, max(most, 2 * taken))
            else:
                goal = max(2 * taken, self._depth() if filter else 0)
            if filter and not self.best.is_full and goal > self._most_asked():
                return False

    def _begin(self, way: Way, reason: str) -> None:
        """Start again with an empty short list, by `way`."""
        self.ways.append(way)
        self._say(reason)
        self.best = ShortList(self.view.truth, self.query, self.k, self.groups, self.ids)
        self.is_sure = True

    def _say(self, reason: str) -> None:
        self.reasons.append(reason)

    def _ask(self, filter: Filter | None, rows: Array) -> Array:
        """Which rows are kept, bool."""
        kept = np.ones(len(rows), bool)
        if filter is not None:
            kept = np.asarray(filter.keeps(rows), bool)
            self.asked += len(rows)
            self._say(f"{np.count_nonzero(kept):,} of {len(rows):,} are allowed")
        self.seen += len(rows)
        self.kept += self._distinct(rows[kept])
        return kept

    def _compare(self, rows: Array, near: Array) -> None:
        self.compared += len(rows)
        self.best.add(rows, near)

    def _distinct(self, rows: Array) -> int:
        return len(rows) if self.groups is None else len(np.unique(self.groups[rows]))
