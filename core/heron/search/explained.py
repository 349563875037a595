"""How a query is answered: it is run once, and each part is timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from attrs import evolve

from heron.answers import Explanation
from heron.search.tree import Table

if TYPE_CHECKING:
    from heron.catalog.vectors.sets import OpenSet
    from heron.search.ranking import Ranked
    from heron.search.similar import Sought


def of_conditions(
    plan: Explanation, find: Callable[[], Sequence[int]], fetch: Callable[[Sequence[int]], object]
) -> Explanation:
    """The explanation of a plan with the times of finding rows and fetching them."""
    start = perf_counter()
    ids = find()
    searched = perf_counter()
    fetch(ids)
    return evolve(plan, milliseconds=_milliseconds(search=searched - start, fetch=perf_counter() - searched))


def of_similarity(
    plan: Explanation,
    table: Table,
    embed: Callable[[], Sought],
    find: Callable[[Sought], Ranked | None],
    fetch: Callable[[Sequence[int]], object],
    opened: Callable[[str], OpenSet | None],
) -> Explanation:
    """The same of a search for what is similar, and how its vectors were compared; `opened` gives those of a key."""
    start = perf_counter()
    sought = embed()
    embedded = perf_counter()
    ranked = find(sought)
    searched = perf_counter()
    if ranked is not None:
        fetch((ranked.frames if table == "frames" else ranked.items).tolist())
    done = perf_counter()
    compared = opened(sought.key)
    return evolve(
        plan,
        key=sought.key,
        way=ranked.plan.way if ranked is not None else None,
        reason=ranked.plan.reason if ranked is not None else "there are no vectors to compare with",
        vectors=int(compared.live.sum()) if compared is not None else 0,
        candidates=ranked.plan.candidates if ranked is not None else 0,
        milliseconds=_milliseconds(embed=embedded - start, search=searched - embedded, fetch=done - searched),
    )


def _milliseconds(**seconds: float) -> dict[str, float]:
    return {name: round(1000 * time, 3) for name, time in seconds.items()}
