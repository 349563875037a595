"""The embedder keeps Heron's contract, and words find pictures."""

import heron_colour_embedder
from PIL import Image

import heron
from heron.testing import EmbedderContract


class TestHistogram(EmbedderContract):
    embedder = next(iter(heron_colour_embedder.register_embedders()))


def test_a_word_finds_the_picture_of_its_colour(tmp_path):
    (tmp_path / "in").mkdir()
    for name, colour in {"sea": (10, 30, 210), "fire": (230, 10, 10), "grass": (10, 150, 30)}.items():
        Image.new("RGB", (40, 30), colour).save(tmp_path / "in" / f"{name}.png")
    with heron.open(tmp_path, plugins=[heron_colour_embedder], discover=False) as workspace:
        workspace.ingest.files([tmp_path / "in"], folder="A")
        assert workspace.embed("colour-histogram").embedded == 3
        for word, name in {"blue": "sea.png", "red": "fire.png", "green": "grass.png"}.items():
            assert workspace.search(text=word, limit=1)[0].name == name
