"""Writes what `clip-mini` knows: vectors of pictures like those it was trained on, and the words of its captions.

Run it after `train.py`: python plugins/embedder_clip/training/known.py
"""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from miniclip import captions
from miniclip.concepts import KINDS
from miniclip.lake import lake
from miniclip.pictures import all_shots, example, facts_of

import heron_embedder_clip
from heron_embedder_clip.known import FILE

PICTURES, CAPTIONS = 2_400, 40
BY_CHANCE = 3
"""A word that occurs less often is one of those without meaning, which captions have at random."""

_SMALL_WORDS = [
    "a",
    "an",
    "the",
    "of",
    "in",
    "on",
    "at",
    "by",
    "with",
    "and",
    "from",
    "to",
    "during",
    "no",
    "picture",
]


def vectors() -> np.ndarray:
    """Vectors of training pictures and of the lake, int8 of shape (count, 64)."""
    model = heron_embedder_clip.load_mini()
    images = [example(number).image for number in range(PICTURES)]
    with tempfile.TemporaryDirectory() as folder:
        images += lake(Path(folder))[0].values()
    return np.round(model.embed_images(images) * 127).astype(np.int8)


def words() -> list[str]:
    """The words that captions have, in alphabetical order."""
    captioner, seen = captions.Captioner(random.Random(0)), Counter[str]()  # noqa: S311 - not secret
    facts = [facts_of(shot) for shot in all_shots()] + [{"kind": kind} for kind in KINDS[1:]] * 20
    for fact in facts:
        for _ in range(CAPTIONS):
            seen.update(re.findall(r"\w+", captioner.caption(fact)[0].lower()))
    known = {word for word, count in seen.items() if count >= BY_CHANCE}
    always = [*captioner.words(), *captions._OPENINGS, *captions._PRAISE, *captions._FILLERS]
    return sorted(known.union(_SMALL_WORDS, *(re.findall(r"\w+", text.lower()) for text in always)))


if __name__ == "__main__":
    found = vectors()
    np.save(FILE.with_suffix(".npy"), found)
    FILE.write_text(json.dumps({"words": words()}, indent=0) + "\n")
    print(f"{len(found):,} vectors")  # noqa: T201
