"""How long an animation is shown, its last frame included."""

from __future__ import annotations

import pytest
from PIL import Image

LENGTHS = [100, 250, 600]
"""Milliseconds."""


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "avif"])
def test_the_last_frame_of_an_animation_has_its_length(workspace, tmp_path, suffix):
    frames = [Image.new("RGB", (32, 32), (90 * number, 20, 20)) for number in range(3)]
    file = tmp_path / f"a.{suffix}"
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=LENGTHS)
    workspace.ingest.files([file], folder="A")
    [item] = workspace.items.list()
    assert (item.facts.frame_count, item.facts.duration) == (3, pytest.approx(0.95, abs=0.02))
    times = workspace.pictures.times(item)
    assert times == pytest.approx([0, 0.1, 0.35], abs=0.02)
