"""What differs between two versions, compared with an oracle that looks at all pairs of rows."""

from __future__ import annotations

import json
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.catalog.items import ITEM_COLUMNS
from heron.catalog.versions import blocks
from heron.catalog.versions.differ import Side, diff, out_of_order

UUIDS = [f"00000000-0000-7000-8000-{n:012x}" for n in range(9)]


def row(item, city):
    values = dict.fromkeys(ITEM_COLUMNS.names)
    values |= {"uuid": UUIDS[item], "name": f"n{item}", "facts": "{}", "metadata": json.dumps({"city": city})}
    return UUIDS[item], [*values.values(), None, None]


def side(name, items, cities):
    rows = [row(item, cities[item]) for item in items]
    made = blocks.blocks_of(ITEM_COLUMNS.names, rows, lambda data: lambda: data)
    return Side.of(name, made, lambda block: None)


def longest_order(numbers):
    """The most numbers that ascend, found by trying all."""
    for length in range(len(numbers), 0, -1):
        for some in combinations(numbers, length):
            if all(a < b for a, b in pairwise(some)):
                return length
    return 0


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    """Blocks of one row to three, so that a few rows are several blocks."""
    before = blocks._FEWEST, blocks._MOST, blocks._USUAL
    blocks._FEWEST, blocks._MOST, blocks._USUAL = 1, 3, 2
    yield
    blocks._FEWEST, blocks._MOST, blocks._USUAL = before


lists = st.lists(st.integers(0, 8), max_size=9)
cities = st.lists(st.sampled_from("ab"), min_size=9, max_size=9)


@settings(max_examples=150)
@given(lists, lists, cities, cities)
def test_a_diff_is_that_of_the_oracle(old, new, old_cities, new_cities):
    found = diff(side("old", old, old_cities), side("new", new, new_cities))

    def keyed(items):
        return [(item, items[:place].count(item)) for place, item in enumerate(items)]

    before, after = keyed(old), keyed(new)
    common = [key for key in after if key in before]
    assert sorted((UUIDS.index(one.item), one.new) for one in found.added) == sorted(
        (key[0], after.index(key)) for key in after if key not in before
    )
    assert sorted((UUIDS.index(one.item), one.old) for one in found.gone) == sorted(
        (key[0], before.index(key)) for key in before if key not in after
    )
    places = [before.index(key) for key in common]
    assert len(found.moved) == len(common) - longest_order(places)
    still = [before.index(k) for k in common if after.index(k) not in {one.new for one in found.moved}]
    assert still == sorted(still)
    changed = {item for item, _ in common if old_cities[item] != new_cities[item]}
    assert {UUIDS.index(change.item): change.metadata["city"] for change in found.changed} == {
        item: (old_cities[item], new_cities[item]) for item in changed
    }
    assert found.unchanged == len({item for item, _ in common}) - len(changed)


@given(st.permutations(range(8)))
def test_as_few_as_possible_are_out_of_order(numbers):
    assert len(out_of_order(numbers)) == len(numbers) - longest_order(numbers)


def test_blocks_after_a_change_stay_as_they_are():
    items = [*range(9)] * 3
    first = side("a", items, "a" * 9)
    second = side("b", [8, *items], "a" * 9)
    shared = {b.digest for b in first.blocks} & {b.digest for b in second.blocks}
    assert sum(block.digest in shared for block in first.blocks) > len(first.blocks) / 2
