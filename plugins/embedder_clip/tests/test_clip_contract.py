"""The contract of embedders, for both records and for each way in which a model can be exported."""

from __future__ import annotations

from pathlib import Path

import pytest

import heron_embedder_clip
from heron.testing import EmbedderContract

pytestmark = pytest.mark.slow

CLIP, MINI = heron_embedder_clip.register_embedders()
TINY = str(Path(__file__).parent / "data" / "tiny")


class TestClip(EmbedderContract):
    embedder = CLIP
    model_name = TINY


class TestQuantizedClip(EmbedderContract):
    embedder = CLIP
    model_name = f"{TINY}#quantized"


class TestHalfPrecisionClip(EmbedderContract):
    embedder = CLIP
    model_name = f"{TINY}#fp16"


class TestClipMini(EmbedderContract):
    embedder = MINI
