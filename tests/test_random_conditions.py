"""Conditions and texts made at random."""

from __future__ import annotations

import operator
import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heron
from heron.errors import NotFound, QueryError
from heron.models import MediaFacts, NewItem
from tests.test_conditions import FOUND, lake  # noqa: F401 - fixtures

# Conditions made at random: SQLite and a plain evaluator in Python agree, three-valued logic included

CITIES = [None, "", "ab", "aB%", "é_"]
POOL = [
    {"width": width, "score": score, "city": city, "ok": ok}
    for width in (None, 0, 1, 3)
    for score in (None, -1.5, 0, 3)
    for city in CITIES
    for ok in (None, True, False)
]


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with heron.open(tmp_path_factory.mktemp("pool"), discover=False) as workspace:
        for name, type in {"score": "number", "city": "varchar", "ok": "boolean"}.items():
            workspace.schema.add_scalar(name, type)
        workspace.registration.register(
            (
                NewItem(
                    f"u:{number}",
                    MediaFacts("image", "image/png", width=row["width"]),
                    name=str(number),
                    metadata={key: row[key] for key in ("score", "city", "ok")},
                )
                for number, row in enumerate(POOL)
            ),
            "F",
        )
        yield workspace


class Part:
    """Random text of the language, how tightly it binds, and the same thing as a function of a row."""

    def __init__(self, text, binds, value):
        self.text, self.binds, self.value = text, binds, value

    def within(self, binds):
        return self.text if self.binds >= binds else f"({self.text})"


OR, AND, NOT, COMPARE, ADD, MULTIPLY, ATOM = range(1, 8)


def known(function):
    """Any argument that is not there makes a value that is not there."""

    def apply(*values):
        return None if any(value is None for value in values) else function(*values)

    return apply


@known
def divide(left, right):
    return left / right if right else None


@known
def remainder(left, right):
    whole, by = int(left), int(right)
    return (abs(whole) % abs(by)) * (-1 if whole < 0 else 1) if by else None


@known
def like(pattern, escape, text):
    rule, parts = "", iter(pattern)
    for character in parts:
        if character == escape:
            rule += re.escape(next(parts))
        else:
            rule += {"%": ".*", "_": "."}.get(character, re.escape(character))
    return re.fullmatch(rule, text, re.ASCII | re.IGNORECASE | re.DOTALL) is not None


def negation(value):
    return None if value is None else not value


def conjunction(left, right):
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def disjunction(left, right):
    return negation(conjunction(negation(left), negation(right)))


def joined(symbol, binds, function, left, right):
    """Two parts with an operator between; the right one binds tighter, for operators group to the left."""
    text = f"{left.within(binds)} {symbol} {right.within(binds + 1)}"
    return Part(text, binds, lambda row: function(left.value(row), right.value(row)))


def among(left, values, positive):
    def value(row):
        result = False
        for other in values:
            result = disjunction(result, known(operator.eq)(left.value(row), other.value(row)))
        return result if positive else negation(result)

    listed = ", ".join(other.within(OR) for other in values)
    return Part(f"{left.within(ADD)} {'' if positive else 'NOT '}IN ({listed})", COMPARE, value)


def between(left, low, high, positive):
    def value(row):
        here = left.value(row)
        inside = conjunction(
            known(operator.ge)(here, low.value(row)), known(operator.le)(here, high.value(row))
        )
        return inside if positive else negation(inside)

    word = "BETWEEN" if positive else "NOT BETWEEN"
    return Part(f"{left.within(ADD)} {word} {low.within(ADD)} AND {high.within(ADD)}", COMPARE, value)


def empty(part, positive):
    word = "IS NULL" if positive else "IS NOT NULL"
    return Part(f"{part.within(ADD)} {word}", COMPARE, lambda row: (part.value(row) is None) is positive)


def patterned(pattern, escape, positive):
    tail = f" ESCAPE '{escape}'" if escape else ""
    word = "LIKE" if positive else "NOT LIKE"

    def value(row):
        result = like(pattern, escape or "", row["city"])
        return result if positive else negation(result)

    return Part(f"city {word} '{pattern}'{tail}", COMPARE, value)


def is_bool(word, wanted, positive):
    return Part(
        f"ok IS {'' if positive else 'NOT '}{word}", COMPARE, lambda row: (row["ok"] is wanted) is positive
    )


def field(name):
    return Part(name, ATOM, lambda row: row[name])


def constant(text, value):
    return Part(text, ATOM, lambda row: value)


def applied(name, function, part):
    return Part(f"{name}({part.text})", ATOM, lambda row: known(function)(part.value(row)))


ARITHMETIC = [
    ("+", ADD, known(operator.add)),
    ("-", ADD, known(operator.sub)),
    ("*", MULTIPLY, known(operator.mul)),
    ("/", MULTIPLY, divide),
    ("%", MULTIPLY, remainder),
]
COMPARISONS = {
    "=": operator.eq, "==": operator.eq, "<>": operator.ne, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip

numbers = st.recursive(
    st.one_of(
        st.sampled_from([field("width"), field("score"), applied("length", len, field("city"))]),
        st.sampled_from([0, 1, 2, 3, -1, -1.5, 0.5]).map(lambda n: constant(str(n), n)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda kind, *sides: joined(*kind, *sides), st.sampled_from(ARITHMETIC), inner, inner),
        inner.map(lambda part: applied("abs", abs, part)),
        inner.map(
            lambda part: Part(f"-({part.text})", ATOM, lambda row: known(operator.neg)(part.value(row)))
        ),
    ),
    max_leaves=4,
)
texts = st.one_of(
    st.just(field("city")),
    st.sampled_from(["lower", "upper"]).map(
        lambda name: applied(
            name,  # of ASCII letters only
            lambda text: "".join(getattr(c, name)() if c.isascii() else c for c in text),
            field("city"),
        )
    ),
    st.sampled_from(["", "ab", "AB%", "é_", "a"]).map(lambda text: constant(f"'{text}'", text)),
)
signs = st.booleans()
tests = st.one_of(
    [
        st.builds(
            lambda symbol, left, right: joined(symbol, COMPARE, known(COMPARISONS[symbol]), left, right),
            st.sampled_from(sorted(COMPARISONS)),
            side,
            side,
        )
        for side in (numbers, texts)
    ]
    + [st.builds(among, side, st.lists(side, min_size=1, max_size=3), signs) for side in (numbers, texts)]
    + [st.builds(between, side, side, side, signs) for side in (numbers, texts)]
    + [
        st.builds(empty, st.one_of(numbers, texts, st.just(field("ok"))), signs),
        st.builds(partial(patterned, escape=None), st.text("aAbB%_é", max_size=4), positive=signs),
        st.builds(patterned, st.sampled_from(["ab!%", "%!%", "é!_", "!a%", "_!__"]), st.just("!"), signs),
        st.builds(is_bool, st.just("TRUE"), st.just(True), signs),
        st.builds(is_bool, st.just("FALSE"), st.just(False), signs),
        st.just(field("ok")),
        st.just(Part("ok <> FALSE", COMPARE, lambda row: known(operator.ne)(row["ok"], False))),
    ]
)


conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(partial(joined, "AND", AND, conjunction), inner, inner),
        st.builds(partial(joined, "OR", OR, disjunction), inner, inner),
        inner.map(lambda part: Part(f"NOT {part.within(NOT)}", NOT, lambda row: negation(part.value(row)))),
    ),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(conditions)
def test_random_condition_finds_what_three_valued_logic_says(pool, condition):
    expected = {str(number) for number, row in enumerate(POOL) if condition.value(row) is True}
    assert {item.name for item in pool.search(where=condition.text, limit=len(POOL))} == expected


# Text made at random: a result or a refusal, and never a change

FRAGMENTS = re.compile(r"'[^']*'|\w+|\s+|.", re.DOTALL)
VALID = sorted(FOUND)
SPARE = [
    "'", '"', "`", "[", "]", "(", ")", "{", "}", ";", "--", "/*", "*/", "?", ":x", "@", "$", "\\", "%", "*", ".", ",", "=",
    "||", "->>", "::", "NULL", "TRUE", "NOT", "AND", "OR", "IN", "IS", "LIKE", "ESCAPE", "BETWEEN", "SELECT", "FROM items",
    "UNION", "CASE", "WHEN", "END", "CAST", "OVER", "COLLATE", "exif", "place", "clip", "match", "in_folder", "now()",
    "DELETE FROM items", "9e999", "0x", "1_0", "²", "٣", "\0", "\ud800", "😀", "\u202e", "",
]  # fmt: skip


@st.composite
def mutants(draw):
    parts = FRAGMENTS.findall(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 4))):
        here = draw(st.integers(0, max(len(parts) - 1, 0)))
        other = draw(
            st.one_of(
                st.sampled_from(SPARE),
                st.text(max_size=3),
                st.sampled_from(VALID).flatmap(lambda where: st.sampled_from(FRAGMENTS.findall(where))),
            )
        )
        length = draw(st.integers(0, 2))
        parts[here : here + length] = [other]
    return "".join(parts)


def dump(workspace):
    return "\n".join(workspace._database.connection.iterdump())


@pytest.mark.slow
def test_no_text_ends_in_anything_but_a_result_or_a_refusal(lake, caplog):
    before = dump(lake)
    results = set()

    @settings(max_examples=600, deadline=None, database=None)
    @given(where=st.one_of(mutants(), mutants(), mutants(), st.text(st.characters(), max_size=40)))
    def ask(where):
        try:
            lake.search(where=where)
        except (QueryError, NotFound) as error:
            str(error).encode()
            assert len(str(error).splitlines()) == 1
            results.add("refused")
        else:
            results.add("answered")

    ask()
    assert results == {"answered", "refused"}
    assert dump(lake) == before
    assert not caplog.records
