"""The rule for times of frames: they move only where timestamps repeat or go back, and tell the order of frames."""

from __future__ import annotations

import random
from array import array
from itertools import combinations, pairwise

import pytest

from heron_media_video.timestamps import MISSING, are_in_order, ascending


@pytest.mark.parametrize(
    ("given", "expected", "moved"),
    [
        ([], [], 0),
        ([0, 40, 80], [0, 40, 80], 0),
        ([0, 40, 40, 120], [0, 40, 41, 120], 1),
        ([0, 40, 80, 40, 160], [0, 40, 80, 81, 160], 1),
        ([0, 9000, 80, 120, 160], [0, 1, 80, 120, 160], 1),
        ([9000, 40, 80, 120], [39, 40, 80, 120], 1),
        ([0, 40, 40, 41, 42, 43], [0, 40, 41, 42, 43, 44], 4),
        ([0, 40, 80, 0, 40, 80], [0, 40, 80, 81, 82, 83], 3),
        ([0, MISSING, 80, MISSING], [0, 1, 80, 81], 2),
        ([MISSING, MISSING, 80], [78, 79, 80], 2),
        ([MISSING, MISSING], [0, 1], 2),
        ([-80, -80, -40], [-80, -79, -40], 1),
    ],
)
def test_times_move_only_where_they_repeat_or_go_back(
    given: list[int], expected: list[int], moved: int
) -> None:
    times, count = ascending(array("q", given))
    assert (list(times), count) == (expected, moved)


def test_the_longest_run_of_times_that_ascends_stays() -> None:
    chance = random.Random(5)
    for _ in range(200):
        given = [chance.randrange(0, 120, 10) for _ in range(chance.randrange(1, 8))]
        times, moved = ascending(array("q", given))
        assert all(a < b for a, b in pairwise(times))
        run = max(
            size
            for size in range(1, len(given) + 1)
            if any(all(a < b for a, b in pairwise(kept)) for kept in combinations(given, size))
        )
        assert moved == len(given) - run == sum(a != b for a, b in zip(given, times, strict=True))


@pytest.mark.parametrize(
    ("stamps", "keys", "delay", "expected"),
    [
        ([0, 3, 1, 2], [0], 1, True),
        ([0, 3, 1, 2], [0], 0, False),
        ([0, 3, 1, 1], [0], 1, False),
        ([0, 4, 2, 1, 3], [0], 2, True),
        ([0, 4, 2, 1, 3], [0], 1, False),
        ([0, 3, 1, 2, 6, 4, 5], [0, 4], 1, True),
        ([0, 5, 1, 2, 6, 4, 3], [0, 4], 4, False),
        ([0, 32, *range(1, 32)], [0], 4, True),
        ([0, 50, *range(1, 50)], [0], 4, False),
    ],
)
def test_times_that_tell_the_order_of_frames(
    stamps: list[int], keys: list[int], delay: int, expected: bool
) -> None:
    assert are_in_order(array("q", stamps), keys, delay) is expected
