"""The perceptual hash: light, grey, borders and turns leave it as it is, and it tells unlike pictures apart."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from heron.embedders import builtin
from heron.embedders.borders import without_borders
from heron.quickstart.canvas import Shot
from heron.quickstart.scenes import draw_scene
from heron.testing import EmbedderContract

_, PHASH = builtin.register_embedders()
MODEL = PHASH.load()
SHOTS = [
    Shot("lisbon", "street", "day", "sun", "red bus"),
    Shot("oslo", "harbour", "dusk", "fog", "white ferry"),
    Shot("algiers", "landscape", "day", "rain", "blue car"),
]


class TestPerceptualHash(EmbedderContract):
    embedder = PHASH
    module = "heron.embedders.builtin"


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(shot, seed, (480, 360)).resize((240, 180)) for seed, shot in enumerate(SHOTS)]


def encoded(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def boxed(image, colour, across=0, down=0):
    return encoded(ImageOps.expand(image, (across, down, across, down), colour), 80)


CHANGES = {
    "smaller": lambda image: image.resize((60, 45)),
    "jpeg": lambda image: encoded(image, 20),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "low contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.5),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "letterbox": lambda image: boxed(image, "black", down=40),
    "pillarbox": lambda image: boxed(image, "black", across=50),
    "white border": lambda image: boxed(image, "white", 12, 12),
    "grey on black": lambda image: boxed(boxed(image, "gray", 10, 10), "black", across=40),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_copies_and_others_are_not(scenes, change):
    cosines = MODEL.embed_images([CHANGES[change](s) for s in scenes]) @ MODEL.embed_images(scenes).T / 120
    assert cosines.diagonal().min() >= PHASH.copies_from
    assert (cosines - np.diag(cosines.diagonal())).max() < 0.5


def test_the_cosine_tells_how_many_bits_differ(scenes):
    first, second = MODEL.embed_images(scenes)[:2]
    assert set(first) == {-1.0, 1.0}
    differ = int((first != second).sum())
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert cosine == pytest.approx(1 - 2 * differ / 120)


def test_the_hash_of_a_turned_picture_follows_from_the_hash(scenes):
    hashes = MODEL.embed_images(scenes)
    for quarters in range(4):
        for mirrored in (False, True):
            pictures = [ImageOps.mirror(scene) if mirrored else scene for scene in scenes]
            true = MODEL.embed_images([picture.rotate(90 * quarters, expand=True) for picture in pictures])
            made = MODEL.turned(hashes, quarters, mirrored=mirrored)
            assert (made == true).mean() > 0.98
            assert {(quarters, mirrored): (made == hashes).all()} in (
                {(0, False): True},
                {(quarters, mirrored): False},
            )


def test_a_picture_of_one_colour_has_no_hash():
    flat = [Image.new("RGB", (40, 30), colour) for colour in ("black", "white", (9, 99, 199))]
    assert not MODEL.embed_images(flat).any()


def test_borders_end_in_straight_lines_and_are_of_one_grey(scenes):
    def box(image):
        return without_borders(np.asarray(image.convert("L")))

    for scene in scenes:
        assert box(scene) == (0, 0, 240, 180)
        assert box(boxed(scene, "black", 30, 0)) == pytest.approx((30, 0, 270, 180), abs=1)
        assert box(boxed(scene, "white", 8, 20)) == pytest.approx((8, 20, 248, 200), abs=1)
    thing = Image.new("L", (100, 100), "white")
    thing.paste(0, (30, 30, 60, 60))
    assert box(thing) == (0, 0, 100, 100), "a thing on a plain ground has its ground"
    assert box(Image.linear_gradient("L")) == (0, 0, 256, 256), "a sky is no border"
    sliver = Image.new("L", (100, 100))
    sliver.paste(scenes[0].convert("L").resize((100, 10)), (0, 45))
    assert box(sliver) == (0, 0, 100, 100), "too little would be left"
