"""How large CLIP sees pictures: by its files, also through Heron, where a panorama keeps what the model looks at."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import heron
from heron_embedder_clip.embedder import load_directory

TINY = Path(__file__).parent / "data" / "tiny"


@pytest.mark.parametrize(
    ("changed", "side"),
    [
        ({}, 32),
        ({"size": {"shortest_edge": 640}}, 640),
        ({"do_center_crop": False, "size": {"height": 48, "width": 40}}, 48),
        ({"do_resize": False}, 32),
        ({"size": {"longest_edge": 32}}, 0),
    ],
)
def test_the_shortest_side_is_that_of_the_files(tmp_path, changed, side):
    folder = tmp_path / "model"
    shutil.copytree(TINY, folder)
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    assert load_directory(folder).shortest_side == side


def test_a_panorama_has_the_vector_of_its_own_pixels(tmp_path):
    grain = np.random.default_rng(3).integers(0, 256, (40, 1600, 3), np.uint8)
    picture = Image.fromarray(grain).resize((3200, 80), Image.Resampling.NEAREST)
    picture.save(tmp_path / "wide.png")
    alone = load_directory(TINY).embed_images([picture])[0]
    with heron.open(tmp_path / "lake") as lake:
        lake.ingest.files([tmp_path / "wide.png"], folder="A")
        [item] = lake.items.list()
        lake.embed("clip", model=str(TINY))
        assert lake.vectors.find("clip", item) @ alone > 0.999
