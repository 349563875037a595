"""What the scores of a model trained with a sigmoid mean: SigLIP gives texts lower cosines than CLIP does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import heron
from heron_embedder_clip.layout import Layout
from heron_embedder_clip.sides import TextSide

SAMPLES = ("a", "a red bus", "1999", "snow at night, seen from above")
"""Texts whose scores by the graph tell its scale; any that differ would do."""

_LOW = "Scores of texts are lower with this model than with CLIP, and cannot be compared with those of another model"
_LARGEST = 1_000.0
_LEAST_SPREAD, _MOST_ERROR = 1e-3, 0.05


@dataclass(frozen=True)
class Scale:
    """The probability that a text and a picture of a cosine c belong together is sigmoid(factor x c + bias).

    Source: Zhai, Mustafa, Kolesnikov and Beyer, Sigmoid Loss for Language Image Pre-Training, ICCV 2023, section 3.2.
    """

    factor: float
    bias: float

    def cosine(self, probability: float) -> float:
        """The cosine of pairs of a probability, which is above 0 and below 1."""
        return (math.log(probability / (1 - probability)) - self.bias) / self.factor


def scale_of(layout: Layout, texts: TextSide | None) -> Scale | None:
    """The scale of a model: by `logit_scale` and `logit_bias` of its configuration, or measured from a graph that gives scores.

    `texts` is the side of such a graph. None if neither says it; raises InvalidInput for numbers out of bounds.
    """
    given = layout.config or layout.model
    if "logit_scale" in given or "logit_bias" in given:
        scale, bias = (given.required_number(key) for key in ("logit_scale", "logit_bias"))
        if not 0 <= scale <= math.log(_LARGEST):
            raise given.refusal("logit_scale", "a logarithm from 0 to 6.9, as the model has it")
        return Scale(math.exp(scale), bias)
    pairs = texts.scored(SAMPLES) if texts else None
    if pairs is None:
        return None
    cosines, logits = (np.asarray(part, np.float64) for part in pairs)
    if np.ptp(cosines) < _LEAST_SPREAD:
        return None
    factor, bias = np.polyfit(cosines, logits, 1)
    error = np.abs(factor * cosines + bias - logits).max()
    if not (np.isfinite(error) and error < _MOST_ERROR and 1 <= factor <= _LARGEST):
        raise heron.InvalidInput(f"{layout.folder}: the scores of its graph are not those of its vectors")
    return Scale(float(factor), float(bias))


def told(scale: Scale | None) -> str:
    """Sentences for those who read scores."""
    if scale is None:
        return (
            f"{_LOW}. Its files do not say which scores are good, so compare scores of one query only "
            "(logit_scale and logit_bias in config.json would say it)."
        )
    return (
        f"{_LOW}: from {scale.cosine(0.5):.3f} on, it takes a text and a picture for a pair rather than not; "
        f"from {scale.cosine(0.95):.3f} on, it is 95 % sure."
    )
