"""Passages of long texts, and the vector that they have together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.embedders.passages import Mean, passages_of

letters = st.text(st.sampled_from("ab \n"), max_size=300)


@given(st.lists(letters, max_size=5), st.integers(16, 60), st.integers(0, 4))
def test_passages_have_all_words_in_order_and_no_more_than_their_size(pieces, size, overlap):
    found = list(passages_of(pieces, size, overlap))
    whole = "".join(pieces)
    assert [passage.is_first for passage in found] == [True, *[False] * (len(found) - 1)][: len(found)]
    assert [passage.is_last for passage in found] == [*[False] * (len(found) - 1), True][-len(found) :][
        : len(found)
    ]
    assert all(0 < len(passage.text) <= size and passage.text == passage.text.strip() for passage in found)
    place = 0
    for passage in found:  # each is a part of the text, and nothing but blanks is between two
        start = whole.find(passage.text, max(place - overlap, 0))
        assert start >= 0
        assert not whole[place:start].strip()
        place = start + len(passage.text)
    assert not whole[place:].strip()


def test_passages_end_at_lines_and_words_and_overlap_by_whole_words():
    text = "one two three four\nfive six seven eight nine ten"
    found = [passage.text for passage in passages_of([text], 24, 6)]
    assert found == ["one two three four", "four\nfive six seven", "seven eight nine ten"]
    assert [passage.text for passage in passages_of(["x" * 50], 20, 0)] == ["x" * 20, "x" * 20, "x" * 10]
    assert all(a[-4:] in b for a, b in pairwise(found[:2]))


def test_a_piece_is_no_passage_and_no_word_is_torn_at_its_end():
    assert [passage.text for passage in passages_of(["fer", "ry bo", "at"], 40, 0)] == ["ferry boat"]


def test_a_mean_counts_vectors_by_their_weight_and_not_by_their_length():
    mean = Mean()
    mean.add(np.array([5, 0], np.float32), 3)
    assert mean.vector().tolist() == [5, 0]
    mean.add(np.array([0, 0.1], np.float32), 4)
    assert mean.vector() == pytest.approx([0.6, 0.8])
    mean.add(np.zeros(2, np.float32), 100)
    assert mean.vector() == pytest.approx([0.6, 0.8])
