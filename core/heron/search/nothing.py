"""Why a query finds nothing: sentences about an empty folder, a field that no row has, and values near the ones asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from time import perf_counter

from heron.metadata.keys import printable
from heron.models import Json
from heron.search import tree
from heron.search.engines import Engines
from heron.search.plan import Plan
from heron.search.tally import Extent, Values
from heron.search.values import shown

_SECONDS = 1.0
"""After so long nothing more is asked."""

_VALUES = 1000
"""The most values of a field among which near ones are sought."""

_FEW, _SOME = 5, 100
"""With so many values a field has them named, or the command that lists them."""

_PLAIN = ("text", "loose", "any", "number", "datetime")
"""Types of fields whose values are named."""


def why_nothing(plan: Plan, engines: Engines) -> list[str]:
    """Sentences about what to try instead of a plan that finds nothing; empty if nothing is known.

    What one part of the condition asks for in vain is said. If each part alone finds something, how much that is.
    """
    return _Search(plan.table, engines).why(plan.condition)


def of_no_fact(names: Iterable[str], known: Collection[str], looked_at: int) -> Iterator[str]:
    """A sentence for each media fact that was asked for in vain and has nearly the name of one that items have.

    `known` are the names of the facts of the newest items, of which at most `looked_at` were read.
    """
    for name in names:
        close = get_close_matches(name, known, n=1) if name not in known else []
        if close:
            yield f"{name} is in none of the newest items (up to {looked_at:,} are read); did you mean {close[0]}?"


class _Search:
    def __init__(self, table: tree.Table, engines: Engines) -> None:
        self._table: tree.Table = table
        self._engines = engines
        self._rows = table[:-1]
        self._end = perf_counter() + _SECONDS

    def why(self, condition: tree.Condition | None) -> list[str]:
        if not self._count(None):
            return [f"There is no {self._rows} yet."]
        parts = list(_parts(condition))
        alone = []
        for part in parts:
            if perf_counter() > self._end:
                return []
            alone.append(self._count(part))
            if not alone[-1]:
                return list(self._why_not(part))
        if len(parts) < 2:
            return []
        numbers = ", ".join(f"{count:,}" for count in alone)
        return [
            f"The {len(parts)} conditions alone match {numbers} {self._rows}s, but none matches all of them."
        ]

    def _count(self, condition: tree.Condition | None) -> int:
        plan = Plan(self._table, condition)
        return self._engines.of(plan).count(plan)

    def _why_not(self, part: tree.Condition) -> Iterator[str]:
        match part:
            case tree.InFolder(path):
                yield f"Folder {path} has no {self._rows}s."
            case tree.InCollection(title):
                yield f"Collection {title} has no {self._rows}s."
            case tree.InDataset(title):
                yield f"Dataset {title} has no {self._rows}s."
            case tree.InProject(title):
                yield f"Project {title} has no {self._rows}s."
            case _:
                fields = {field.name: field for field in tree.fields_in(part)}
                without = [field.name for field in fields.values() if not self._is_set(field)]
                if without:
                    yield f"No {self._rows} has a value of {', '.join(without)}."
                elif len(fields) == 1:
                    (field,) = fields.values()
                    yield from self._values_beside(part, field)

    def _is_set(self, field: tree.Field) -> bool:
        if perf_counter() > self._end or field.affinity == "json" or "vector" in field.home:
            return True
        return self._count(tree.Not(tree.IsNull(tree.FieldRef(field)))) > 0

    def _values_beside(self, part: tree.Condition, field: tree.Field) -> Iterator[str]:
        """The values near those that a condition on one field names, or the range of its values."""
        if perf_counter() > self._end or field.affinity == "json" or field.type not in _PLAIN:
            return
        plan = Plan(self._table)
        asked = [value for value in _values(part) if isinstance(value, str)]
        if asked and field.type in ("text", "loose", "any"):
            (found,) = self._engines.of(plan).tallies(plan, [Values(field, _VALUES)])
            known = [str(shown(field, value)) for value, _ in found]
            near = list(dict.fromkeys(each for text in asked for each in _near(text, known)))
            if near:
                yield f"Did you mean {field.name} = {' or '.join(map(printable, near[:3]))}?"
            elif len(known) <= _FEW:
                yield f"There is {field.name} = {', '.join(map(printable, known))}."
            elif len(known) <= _SOME:
                yield f"To see its values: heron facets {field.name}"
        elif field.ordered and field.type in ("number", "datetime"):
            (extent,) = self._engines.of(plan).tallies(plan, [Extent(field)])
            least, greatest = (shown(field, value) for value, _ in extent[1:])
            if least == greatest:
                yield f"Every {field.name} is {least}."
            else:
                yield f"Values of {field.name} are from {least} to {greatest}."


def _parts(condition: tree.Condition | None) -> Iterator[tree.Condition]:
    """The conditions that all have to be true."""
    if isinstance(condition, tree.All):
        for part in condition.parts:
            yield from _parts(part)
    elif condition is not None:
        yield condition


def _values(part: tree.Condition) -> Iterator[Json]:
    """The literals with which a condition compares a field for equality."""
    match part:
        case tree.Comparison("=", tree.FieldRef(), tree.Value(value)) | tree.Comparison(
            "=", tree.Value(value), tree.FieldRef()
        ):
            yield value
        case tree.InList(tree.FieldRef(), values):
            yield from (each.value for each in values if isinstance(each, tree.Value))
        case tree.Like(tree.FieldRef(), pattern):
            yield pattern.strip("%")


def _near(text: str, known: list[str]) -> list[str]:
    """Known texts that are nearly this one; just the one that differs only by case or blanks, if there is one."""
    folded: dict[str, str] = {}
    for each in known:
        folded.setdefault(" ".join(each.casefold().split()), each)
    asked = " ".join(text.casefold().split())
    if asked in folded:
        return [folded[asked]]
    return [folded[found] for found in get_close_matches(asked, folded, n=2, cutoff=0.7)]
