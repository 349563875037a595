"""What the plugin embedder_clip promises, and that it promises it without importing anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import heron
import heron_embedder_clip

CHECK = """
import sys, heron_embedder_clip
list(heron_embedder_clip.register_embedders())
heavy = "s3fs gcsfs adlfs pydicom nibabel av onnxruntime numpy PIL".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def test_one_model_for_images_and_text() -> None:
    (model,) = heron_embedder_clip.register_embedders()
    assert isinstance(model, heron.EmbedderModel)
    assert (model.name, model.size) == ("clip", 512)
    assert list(model.embeds) == ["image", "text"]
    assert model.summary


def test_it_says_what_to_install() -> None:
    (model,) = heron_embedder_clip.register_embedders()
    assert not model.requires, "named once there is something that needs it"
    assert model.extra == "clip"


def test_loading_says_that_it_is_not_built_yet() -> None:
    (model,) = heron_embedder_clip.register_embedders()
    with pytest.raises(heron.PluginError) as caught:
        model.load()
    assert caught.value.message == (
        "plugin embedder_clip knows the model clip, but computing its vectors is not built yet"
    )
    assert caught.value.hint == "follow the changelog"


def test_the_hooks_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
