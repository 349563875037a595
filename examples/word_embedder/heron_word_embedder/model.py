"""Vectors of texts by feature hashing (Weinberger et al., ICML 2009), with weights that grow with the logarithm of the count."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

_WORD = re.compile(r"[^\W_]+")

_FREQUENT = frozenset(
    _WORD.findall(
        "a all also an and are as at be but by for from had has have he her his if in into is it its more no not of on one or our she so "
        "that the their them then there these they this to up was we were what when which who will with you"
    )
)
"""Words that say little of what a text is about."""

_PART = 0.4
"""The weight of three letters beside that of a word, so that `ferries` is near `ferry`."""


class HashedWords:
    """Each word, and each run of three letters in it, adds to one of 1,024 numbers, or takes away from it, as its hash says."""

    size = 1024
    revision = "1"

    def embed_texts(self, texts: Sequence[str]) -> Any:
        """Vectors of texts, float32 of shape (count, 1024), of length 1; of zeros for a text without words."""
        made = np.zeros((len(texts), self.size), dtype="float32")
        for vector, text in zip(made, texts, strict=True):
            words = Counter(word for word in _WORD.findall(text.casefold()) if word not in _FREQUENT)
            for word, count in words.items():
                weight = 1 + np.log(count)
                for place, sign in _places(word):
                    vector[place] += sign * weight
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        return np.divide(made, lengths, out=made, where=lengths > 0)


@lru_cache(maxsize=100_000)
def _places(word: str) -> list[tuple[int, float]]:
    return [
        (hash % HashedWords.size, weight if hash & 1 << 31 else -weight) for hash, weight in _features(word)
    ]


def _features(word: str) -> Iterator[tuple[int, float]]:
    yield zlib.crc32(word.encode()), 1.0
    whole = f"<{word}>"
    for start in range(len(whole) - 2):
        yield zlib.crc32(whole[start : start + 3].encode()), _PART
