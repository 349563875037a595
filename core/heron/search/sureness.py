"""How sure the hits of a text are: how seldom a text without meaning finds one that stands out as much.

How far a hit stands out is its score minus the median score of the query over the set. The same is computed for the best hit of each of
forty texts without meaning, by the same model and over the same vectors. The highest of many scores follow the distribution of
Gumbel (Fisher and Tippett, "Limiting forms of the frequency distribution of the largest or smallest member of a sample", 1928), which
is fitted to the forty by their mean and deviation; a hit is as sure as the share of it that stands out less. Scheirer, Rocha,
Micheals and Boult ("Meta-recognition: the theory and practice of recognition score analysis", TPAMI 33, 2011) tell failed recognitions
by the extreme values of scores too.

Of a large set a sample is compared; the largest of n values of a Gumbel distribution lie ln n deviations higher, so that those of the whole set
are known.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from heron.catalog.vectors.rows import VectorSet
from heron.catalog.vectors.sets import OpenSet
from heron.catalog.vectors.store import VectorStore
from heron.errors import HeronError, PluginError, QueryError
from heron.inside import child, open_file
from heron.models import Query
from heron.vectors.files import write_whole
from heron.vectors.scoring import units

Array = np.ndarray[Any, Any]

LEAST = 50
"""Of fewer vectors nothing is said: their highest scores tell too little."""

_SAMPLE = 4096
_BATCH = 8
_EULER = 0.5772156649

TEXTS = (
    "bugmikuk",
    "kokza buden",
    "zamat voku vopra",
    "gendu",
    "nopo loze",
    "dabza kenofnos devma",
    "pobze",
    "damko rozga",
    "faribu kelba zekpofi",
    "pisup",
    "mozenza kosif",
    "zidu bimlolak goffo",
    "duzabe",
    "pukek rotni",
    "gidelnun buna dopkona",
    "repem",
    "sege rovmora",
    "ketu mafmav rifva",
    "basva",
    "batol faba",
    "dikos gakube borfem",
    "tugkan",
    "podruref subazi",
    "netzu pafro suvnola",
    "potvoga",
    "semla bezga",
    "fipne viku rusza",
    "tegasuk",
    "lunvi nodga",
    "likfiku firun susa",
    "lofru",
    "fumo zizvun",
    "betoli kafipe zuntak",
    "kifpapi",
    "minegi pelo",
    "gotudko muddizluv fuzule",
    "nuvzo",
    "reso padul",
    "pirimef povro norun",
    "sasul",
)
"""Texts without meaning, of one to three words that were made of random syllables."""


@frozen
class Scale:
    """How sure hits are, by their scores: the median score of the query, and the place and width of a Gumbel distribution."""

    median: float
    place: float
    width: float

    def of(self, score: float) -> float:
        """How sure a hit of this score is, 0 to 1, rounded to two digits, and below 1."""
        below = (self.place + self.median - score) / self.width
        return min(0.99, round(math.exp(-math.exp(min(below, 50.0))), 2))

    def least(self, sure: float) -> float:
        """The score from which hits are as sure."""
        return float(self.median + self.place - self.width * math.log(-math.log(sure - 0.005)))


@frozen(eq=False)
class _Background:
    """What a set is compared with: the set, unit vectors of a sample of it, and the fitted distribution."""

    opened: OpenSet
    sample: Array
    place: float
    width: float


class Sureness:
    """Says how sure hits are; what it has to compute for a set is kept until the set changes."""

    def __init__(self, vectors: VectorStore, behind: Callable[[VectorSet], Any]) -> None:
        """`behind` gives the embedder of a set; it raises QueryError or PluginError where there is none."""
        self._vectors = vectors
        self._behind = behind
        self._known: dict[str, _Background] = {}

    def of(self, query: Query, key: str, vector: Array) -> Scale | None:
        """How sure hits of a query are, by their scores under a key; `vector` is that of its text.

        None unless it is a text alone, for fewer than 50 vectors, without the embedder, and where texts without meaning all
        find the same. Raises QueryError, or the PluginError of the embedder, if that cannot be said and the query has a `min_sure`.
        """
        if query.text is None or query.like:
            return None
        try:
            found = self._scale(key, vector, self._behind(self._vectors._named(key)))
        except PluginError:
            if query.min_sure is not None:
                raise
            return None
        if found is None and query.min_sure is not None:
            raise QueryError(
                f"how sure hits are cannot be said under {key!r}: at least {LEAST} different vectors are needed, and an embedder that tells texts apart",
                hint="give a number as min_score",
            )
        return found

    def _scale(self, key: str, vector: Array, loaded: Any) -> Scale | None:
        opened = self._vectors._opened(key)
        if opened is None or int(opened.live.sum()) < LEAST:
            return None
        known = self._known.get(key)
        if known is None or known.opened is not opened:
            known = self._background(opened, loaded)
            self._known[key] = known
        if not known.width > 1e-4:
            return None
        scores = known.sample @ (vector / np.linalg.norm(vector)).astype(np.float32)
        return Scale(float(np.median(scores)), known.place, known.width)

    def _background(self, opened: OpenSet, loaded: Any) -> _Background:
        live = np.flatnonzero(opened.live)
        rows = live[np.linspace(0, len(live) - 1, min(_SAMPLE, len(live))).astype(np.int64)]
        sample = units(opened.space.truth[rows].astype(np.float32))
        scores = sample @ self._texts(opened, loaded).T
        above = scores.max(axis=0) - np.median(scores, axis=0)
        width = float(above.std()) * np.sqrt(6) / np.pi
        place = float(above.mean()) + width * (np.log(len(live) / len(rows)) - _EULER)
        return _Background(opened, sample, place, width)

    def _texts(self, opened: OpenSet, loaded: Any) -> Array:
        """The unit vectors of the texts without meaning, from the file beside the set, or computed and kept there."""
        kept = opened.kept
        path = child(self._vectors._rows.folder, f"{kept.file}.texts")
        made_by = hashlib.sha256(repr((kept.embedder, kept.model, kept.revision, kept.size, TEXTS)).encode())
        shape = len(TEXTS), kept.size
        found = _read(path, made_by.digest(), shape)
        if found is None:
            parts = [
                loaded.embed_texts(TEXTS[start : start + _BATCH]) for start in range(0, len(TEXTS), _BATCH)
            ]
            found = units(np.concatenate(parts).astype(np.float32))
            content = found.tobytes()
            with suppress(OSError, HeronError):  # a catalogue that can only be read
                write_whole(path, made_by.digest() + hashlib.sha256(content).digest() + content)
        return found


def _read(path: Path, made_by: bytes, shape: tuple[int, int]) -> Array | None:
    """The vectors of a file that this embedder made and that is whole; else None."""
    with suppress(OSError, HeronError), open_file(path, "rb") as stream:
        head, content = stream.read(64), stream.read(4 * shape[0] * shape[1] + 1)
        if head == made_by + hashlib.sha256(content).digest() and len(content) == 4 * shape[0] * shape[1]:
            found: Array = np.frombuffer(content, np.float32).reshape(shape)
            return found
    return None
