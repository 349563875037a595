"""What the plugin embedder_clip promises, and that it promises it without importing anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import heron
import heron_embedder_clip

CHECK = """
import sys, heron_embedder_clip
list(heron_embedder_clip.register_embedders())
heavy = "onnxruntime tokenizers huggingface_hub numpy PIL".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""
CLIP, MINI = heron_embedder_clip.register_embedders()


def test_one_embedder_takes_a_model_and_one_brings_its_own() -> None:
    assert isinstance(CLIP, heron.EmbedderModel)
    assert (CLIP.name, CLIP.takes_model, CLIP.size) == ("clip", True, None)
    assert (MINI.name, MINI.takes_model) == ("clip-mini", False)
    assert list(CLIP.embeds) == list(MINI.embeds) == ["image", "text"]


def test_summary_of_the_mini_says_how_little_it_knows() -> None:
    assert "only the drawn scenes of the quickstart" in MINI.summary


def test_records_say_what_to_install() -> None:
    for record in (CLIP, MINI):
        assert list(record.requires) == ["onnxruntime", "tokenizers"]
        assert record.extra == "clip"


def test_the_hooks_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
