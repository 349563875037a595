"""For each query, the choice between the graph and a scan, and between the two questions to a filter.

Costs are counted in rows scanned. First the best candidates of all rows are taken, from the graph where that
is cheaper, and the filter is asked which of them it keeps. If enough are kept, these are the best of the
allowed rows, as surely as the candidates were the best of all, however the filter and the vectors are
related. If not, the candidates are widened as far as the share kept promises success for less than the other
question costs. In the end the filter is asked for all its rows, and these are scanned.
"""

from __future__ import annotations

import numpy as np
from attrs import define, field, frozen

from heron.vectors.codes import Codes
from heron.vectors.found import Filter, Found, SearchPlan, Way
from heron.vectors.graph import Graph
from heron.vectors.matrix import Array
from heron.vectors.ranking import Ranking, ShortList
from heron.vectors.scoring import Query, scan
from heron.vectors.tuning import Tuning

_SMALL = 256
"""Up to so many rows are scored by the truth at once, codes or not."""


@frozen(eq=False)
class View:
    """What a search reads: the truth, shape (count, size), and the caches that are usable now."""

    truth: Array
    codes: Codes | None
    graph: Graph | None
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
    best: ShortList = field(init=False)
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
            way, "; ".join(self.reasons), self.compared, self.scanned, self.asked, self.expansion
        )
        return Found(self.best.rows, self.best.scores, plan)

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return len(self.view.truth)

    def _all(self) -> None:
        if self._by_graph(self._expansion(self.k), None, self.count) or (
            self.groups is not None and self._by_graph(self._expansion(self._depth()), None, self.count)
        ):
            return
        self._walk(self._scan(None), None, self._start())

    def _known(self, allowed: Rows) -> None:
        self._say(f"{len(allowed):,} of {self.count:,} vectors are allowed")
        depth = int(1.5 * self.k * self.count / max(1, len(allowed)))
        if not self._by_graph(self._expansion(depth), allowed, min(2 * len(allowed), self.count)):
            self._walk(self._scan(allowed.rows()), None, self._start())

    def _allowed(self, filter: Filter) -> None:
        if self.count > self.view.tuning.whole and self._among_best(filter):
            return
        rows = Rows.of(np.asarray(filter.rows()), self.count).rows()
        self.asked += len(rows)
        self._say(f"the filter allows {len(rows):,} vectors")
        self._walk(self._scan(rows), None, self._start())

    def _among_best(self, filter: Filter) -> bool:
        """Try to find enough by asking the filter only about the best candidates of all rows; tells whether
        it did.
        """
        first = max(self._expansion(self.k), self.view.tuning.first_asked)
        if self._by_graph(first, filter, self.count):
            return True
        if self.seen and self._by_graph(self._expansion(self._depth()), filter, self.count):
            return True
        start = (
            max(self._depth(), self.view.tuning.first_asked) if self.seen else self.view.tuning.first_asked
        )
        return start <= self._most_asked() and self._walk(self._scan(None), filter, start)

    def _start(self) -> int:
        """How many candidates of a scan are compared at first."""
        return max(4 * self.k, 64)

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

    def _settle(self, rows: Array, near: Array) -> None:
        """Compare candidates, the best first, until no further one can be among the best."""
        start = self._start()
        self._compare(rows[:start], near[:start])
        while start < len(rows) and not (self.best.is_full and near[start] < self.best.bar):
            self._compare(rows[start : 2 * start], near[start : 2 * start])
            start *= 2

    def _candidates(self, graph: Graph, expansion: int) -> Ranking:
        """The best rows: by the graph for the rows it covers, by a scan for the rows behind them."""
        rows, near = graph.nearest(self.query.code, expansion)
        truth, codes, start = self.view.truth, self.view.codes, graph.saved.rows
        near, rows = near[rows < self.count], rows[rows < self.count]
        if start < self.count and len(rows):
            scores = scan(truth[start:], None if codes is None else codes.array[start:], self.query)
            self.scanned += len(scores)
            positions = np.flatnonzero(scores >= near[-1])
            rows, near = np.concatenate([rows, positions + start]), np.concatenate([near, scores[positions]])
        return Ranking(near, rows)

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
            if self.best.is_full:
                goal = min(ranking.at_least(self.best.bar), max(most, 2 * taken))
                if goal <= taken or (taken >= most and not self.exact):
                    return True
            else:
                goal = max(2 * taken, self._depth() if filter else 0)
                if filter and goal > self._most_asked():
                    return False

    def _begin(self, way: Way, reason: str) -> None:
        """Start again with an empty short list, by `way`."""
        self.ways.append(way)
        self._say(reason)
        self.best = ShortList(self.view.truth, self.query, self.k, self.groups)

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
