"""How well pictures are found by words: recall of whole sentences, and average precision of short queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from miniclip.captions import describe
from miniclip.concepts import Facts, Meaning, meaning
from miniclip.pictures import Example

Vectors = NDArray[np.float32]
EmbedTexts = Callable[[Sequence[str]], Vectors]
EmbedImages = Callable[[Sequence[Image.Image]], Vectors]
"""Both give L2-normalised vectors of one space, shape (count, size)."""

QUERIES: Mapping[str, Meaning] = {
    text: meaning(written)
    for text, written in {
        "bus": "subject=red-bus",
        "a red bus": "subject=red-bus",
        "tram": "subject=yellow-tram",
        "a yellow taxi": "subject=yellow-taxi",
        "a blue car": "subject=blue-car",
        "white van": "subject=white-van",
        "cars": "subject=blue-car,yellow-taxi",
        "boats": "subject=sailing-boat,white-ferry,fishing-boat",
        "a ferry": "subject=white-ferry",
        "sailing boat": "subject=sailing-boat",
        "a fishing boat": "subject=fishing-boat",
        "night": "time=night",
        "dark": "time=night",
        "at dusk": "time=dusk",
        "by day": "time=day",
        "rain": "weather=rain",
        "fog": "weather=fog",
        "snow": "weather=snow",
        "sunny": "weather=sun time=day,dusk",
        "a city street": "place=street",
        "countryside": "place=landscape",
        "harbour": "place=harbour",
        "the sea": "place=harbour",
        "Algiers": "city=algiers",
        "Oslo": "city=oslo",
        "Lisbon": "city=lisbon",
        "a red bus in the rain": "subject=red-bus weather=rain",
        "a ferry in fog": "subject=white-ferry weather=fog",
        "a snowy street at night": "place=street weather=snow time=night",
        "boat on the sea at dusk": "subject=sailing-boat,white-ferry,fishing-boat time=dusk",
        "a yellow tram in Lisbon": "subject=yellow-tram city=lisbon",
        # With words and sentences that are in no caption:
        "is it raining?": "weather=rain",
        "the bus drives through heavy rain": "subject=red-bus weather=rain",
        "a car that is blue": "subject=blue-car",
        "sailing in thick mist": "subject=sailing-boat weather=fog",
        "white winter night": "weather=snow time=night",
    }.items()
}
"""Queries that people may type, and the pictures that they should find."""


def recall(examples: Sequence[Example], images: Vectors, embed_texts: EmbedTexts, top: int) -> float:
    """The share of pictures that are among the first `top` results for their own descriptions."""
    texts = embed_texts([describe(example.facts)[0] for example in examples])
    scores = texts @ images.T
    better = (scores > scores.diagonal()[:, None]).sum(1)
    return float((better < top).mean())


def precisions(facts: Sequence[Facts], images: Vectors, embed_texts: EmbedTexts) -> dict[str, float]:
    """The average precision of each query for which there are pictures."""
    scores = embed_texts(list(QUERIES)) @ images.T
    found = {}
    for (text, meant), row in zip(QUERIES.items(), scores, strict=True):
        relevant = np.array([meant.holds(fact) for fact in facts])
        if relevant.any():
            found[text] = average_precision(row, relevant)
    return found


def average_precision(scores: NDArray[Any], relevant: NDArray[Any]) -> float:
    """Mean of the precisions at the rank of each relevant result (Manning et al., Information Retrieval, 8.4)."""
    hits = relevant[np.argsort(-scores, kind="stable")]
    ranks = np.flatnonzero(hits) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).mean())
