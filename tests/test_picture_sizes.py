"""How large models see pictures: a model that names its shortest side gets wide ones larger, where the file has more."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import heron
from heron.media.sizing import Sight, frames_seen
from heron.models import Query
from tests.toy_vectors import ColourModel, Colours

NEEDED = 96

SHAPES = {
    "square": ((300, 300), (96, 96)),
    "tiny": ((50, 40), (50, 40)),
    "wide": ((1200, 300), (384, 96)),
    "high": ((200, 3000), (96, 1440)),
    "small": ((300, 30), (300, 30)),
    "extreme": ((9000, 20), (4096, 9)),
}
"""Sizes of files, and those in which a model that needs 96 pixels is to see them; others see 64 on the longest side."""


class Looking(ColourModel):
    """Remembers the sizes of the pictures that it gets."""

    def __init__(self, side):
        super().__init__()
        if side is not None:
            self.shortest_side = side
        self.sizes = []

    def embed_images(self, images):
        self.sizes += [image.size for image in images]
        return np.array([(image.width, image.height, 1) for image in images], np.float32)


def opened(folder, side):
    return heron.open(folder, plugins=[Colours(Looking(side))], discover=False)


@pytest.fixture
def drawn(tmp_path):
    for name, (size, _) in SHAPES.items():
        path = tmp_path / "in" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", size, (9, 100, 200)).save(path)
    with opened(tmp_path / "lake", None) as lake:
        lake.ingest.files([tmp_path / "in"], folder="A")
    return tmp_path


def seen(lake):
    return {
        item.name.partition(".")[0]: tuple(lake.vectors.find("colour", item)[:2])
        for item in lake.items.list()
    }


def test_a_model_sees_the_shortest_side_that_it_needs_and_a_query_alike(drawn):
    expected = {name: size for name, (_, size) in SHAPES.items()}
    with opened(drawn / "lake", NEEDED) as lake:
        lake.embed("colour")
        assert seen(lake) == expected
        looked = lake._embedders.get("colour")._embedder
        for name, size in expected.items():
            lake.search(like=str(drawn / "in" / f"{name}.png"), key="colour", limit=1)
            assert looked.sizes[-1] == size


def test_workers_of_an_executor_see_the_same(drawn):
    from heron.embedding.elsewhere import Vectors
    from heron.pictures.elsewhere import Asked, Drawing

    with opened(drawn / "lake", NEEDED) as lake:
        items = list(lake.items.list())
        drawing = Drawing(lake.plugins, Vectors("colour", None, "colour 1", 64, 4, shortest=NEEDED))
        made = drawing([Asked(item, (), None, own=True) for item in items])
        found = {
            item.name.partition(".")[0]: tuple(given.made[0][1][:2])
            for item, given in zip(items, made, strict=True)
        }
    assert found == {name: size for name, (_, size) in SHAPES.items()}


def test_what_was_embedded_too_small_is_embedded_again_and_the_rest_is_not(drawn):
    with opened(drawn / "lake", None) as lake:
        assert lake.embed("colour").embedded == len(SHAPES)
        assert max(map(max, seen(lake).values())) == 64
    with opened(drawn / "lake", NEEDED) as lake:
        report = lake.embed("colour")
        assert (report.embedded, report.skipped) == (5, 1)
        assert seen(lake) == {name: size for name, (_, size) in SHAPES.items()}
        assert lake.embed("colour", Query()).skipped == len(SHAPES)


@pytest.mark.parametrize("side", [-1, 4097, 96.0, True])
def test_a_side_that_no_picture_can_have_is_refused(tmp_path, side):
    with opened(tmp_path / "lake", side) as lake:
        with pytest.raises(heron.PluginError, match=r"shortest_side .*, expected pixels"):
            lake.embed("colour")
        assert lake.schema.current().get("colour") is None


def test_pages_of_another_size_than_the_facts_tell_are_asked_for_again(tmp_path):
    pages = [Image.new("RGB", size) for size in ((64, 64), (900, 150))]
    pages[0].save(tmp_path / "two.tif", save_all=True, append_images=pages[1:])
    with heron.open(tmp_path / "lake", discover=False) as lake:
        lake.ingest.files([tmp_path / "two.tif"], folder="A")
        [item] = lake.items.list()
        found = frames_seen(lake.pictures, item, [0, 1], Sight(64, NEEDED))
        assert [picture.size for _, picture in found] == [
            (64, 64),
            (586, 98),
        ]  # 64 x 11 before, at least 64 x 10.5
