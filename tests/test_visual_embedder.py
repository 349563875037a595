"""The visual descriptor: changed copies find their original, and unlike pictures are far apart."""

import io
from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from heron.builtin import plugin_manager
from heron.embedders import builtin
from heron.embedders.colour import histogram, lab, layout
from heron.embedders.edges import edges, edges_mirrored
from heron.embedders.visual_means import MEAN
from heron.errors import InvalidInput
from heron.quickstart.canvas import Shot
from heron.quickstart.scenes import draw_scene
from heron.testing import EmbedderContract
from tests.counting import calls

VISUAL, _ = builtin.register_embedders()


class TestVisualEmbedder(EmbedderContract):
    embedder = VISUAL
    module = "heron.embedders.builtin"


@pytest.fixture(scope="module")
def model():
    return VISUAL.load()


@pytest.fixture(scope="module")
def scenes():
    """Twelve pictures: streets and harbours by day, at dusk and at night, of two places each."""
    chosen = product((("street", "red bus"), ("harbour", "white ferry")), ("day", "dusk", "night"), (1, 2))
    return [
        draw_scene(Shot("lisbon", place, light, "sun", subject), seed, (480, 360)).resize((256, 192))
        for (place, subject), light, seed in chosen
    ]


def encoded(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def flat(colour):
    return Image.new("RGB", (40, 30), colour)


CHANGES = {
    "smaller": lambda image: image.resize((64, 48), Image.Resampling.BILINEAR),
    "larger": lambda image: image.resize((700, 525), Image.Resampling.BICUBIC),
    "jpeg": lambda image: encoded(image, 25),
    "cropped": lambda image: image.crop((12, 9, 244, 183)),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.75),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_find_their_original(model, scenes, change):
    copies = model.embed_images([CHANGES[change](scene) for scene in scenes])
    cosines = copies @ model.embed_images(scenes).T
    assert (cosines.argmax(axis=1) == np.arange(len(scenes))).all()
    least = 0.7 if change in ("cropped", "darker", "brighter") else 0.95
    assert cosines.diagonal().min() > least


@pytest.mark.slow
def test_mirror_images_are_like_their_originals_but_not_the_same(model, scenes):
    copies = model.embed_images([ImageOps.mirror(scene) for scene in scenes])
    cosines = copies @ model.embed_images(scenes).T
    assert (cosines.argmax(axis=1) // 2 == np.arange(len(scenes)) // 2).all()
    assert 0.7 < cosines.diagonal().min() < cosines.diagonal().max() < 0.99


def test_unlike_pictures_are_near_zero(model, scenes):
    vectors = model.embed_images(
        [scenes[0], scenes[10], Image.effect_mandelbrot((99, 99), (-2, -1, 1, 1), 50)]
    )
    cosines = (vectors @ vectors.T)[np.triu_indices(3, 1)]
    assert np.abs(cosines).max() < 0.4


@pytest.mark.slow
def test_scenes_of_one_place_and_light_are_neighbours(model, scenes):
    vectors = model.embed_images(scenes)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    assert (cosines.argmax(axis=1) // 2 == np.arange(len(scenes)) // 2).all()


def test_vectors_have_length_one(model, scenes):
    vectors = model.embed_images([*scenes, flat("black")])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_flat_pictures_are_told_apart_by_colour(model):
    black, dark, white, red, green = model.embed_images(
        [flat(colour) for colour in ("black", "#101010", "white", "red", "green")]
    )
    assert black @ dark > 0.9
    assert black @ dark > black @ white
    assert max(black @ white, black @ red, red @ green, red @ white) < 0.9


def test_many_pictures_have_the_vectors_that_each_has_alone(model, scenes):
    many = model.embed_images(scenes * 4)
    alone = np.concatenate([model.embed_images([scene]) for scene in scenes])
    np.testing.assert_allclose(many, np.tile(alone, (4, 1)), atol=1e-6)


def test_pictures_of_other_modes_are_taken_as_rgb(model, scenes):
    gray, coloured = scenes[0].convert("L"), scenes[0].convert("P")
    np.testing.assert_array_equal(
        model.embed_images([gray, coloured]),
        model.embed_images([gray.convert("RGB"), coloured.convert("RGB")]),
    )


@pytest.mark.parametrize("size", [(0, 0), (0, 9), (9, 0)])
def test_a_picture_without_pixels_is_refused(model, size):
    with pytest.raises(InvalidInput, match="without pixels"):
        model.embed_images([flat("red"), Image.new("RGB", size)])


def test_a_text_is_refused_with_a_hint(model):
    with pytest.raises(InvalidInput, match=r"cannot embed texts .*clip"):
        model.embed_texts(["a red bus"])


def test_colours_are_those_of_cie_lab():
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (119, 119, 119)]
    pixels = np.stack([np.full((4, 4, 3), colour, np.uint8) for colour in colours])
    expected = [
        (53.24, 80.09, 67.20),
        (87.73, -86.18, 83.18),
        (32.30, 79.19, -107.86),
        (100, 0, 0),
        (0, 0, 0),
    ]
    found = lab(pixels)[:, 0, 0]
    np.testing.assert_allclose(found[:5], expected, atol=0.1)
    np.testing.assert_allclose(found[5], (50, 0, 0), atol=0.1)


def test_layout_begins_with_the_mean_colour_and_then_tells_where_it_is_light():
    lightness = np.zeros((1, 32, 32, 3), np.float32)
    lightness[:, :16, :, 0] = 80  # the upper half
    lightness[..., 1] = 25
    found = layout(lightness)[0]
    assert found[0] == pytest.approx((40 - 50) / 4)
    assert found[1] == pytest.approx(0, abs=1e-4)  # from the left to the right
    assert found[2] > 20  # from the top to the bottom
    assert found[28] == pytest.approx(25)
    assert np.abs(found[29:]).max() < 1e-4


def test_histogram_shares_a_colour_between_its_bins():
    between = np.full((1, 8, 8, 3), (50, 12, 500), np.float32)
    found = histogram(between).reshape(4, 6, 6)
    assert found.sum() == pytest.approx(1)
    assert found[1:3, 3, 5] == pytest.approx(0.5)  # half of L* to either side; b* counts for the last bin


@pytest.mark.parametrize(("turn", "direction"), [(False, 0), (True, 4)])
def test_edges_have_the_direction_of_the_gradient(turn, direction):
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::8] = stripes[:, :, 1::8] = 255
    found = edges(stripes.swapaxes(1, 2) if turn else stripes).reshape(8, 25)
    assert found[direction].min() > 0.5
    assert np.delete(found, direction, axis=0).max() < 1e-3


def test_edges_do_not_depend_on_contrast_and_a_flat_picture_has_none(scenes):
    pixels = np.stack([np.asarray(scene.resize((64, 64))) for scene in scenes[:4]])
    np.testing.assert_allclose(edges(pixels // 2), edges(pixels), atol=0.1)
    assert edges(np.full((1, 64, 64, 3), 77, np.uint8)).max() < 1e-4


def test_edges_of_the_mirror_image_are_known_without_it(scenes):
    pixels = np.stack([np.asarray(scene.resize((64, 64))) for scene in scenes])
    np.testing.assert_allclose(edges(pixels[:, :, ::-1]), edges_mirrored(edges(pixels)), atol=1e-4)


def test_the_formula_is_that_of_its_revision(model):
    """Stored vectors are compared with new ones: whoever changes these numbers gives another revision."""
    ramp = Image.merge(
        "RGB",
        (
            Image.linear_gradient("L"),
            Image.radial_gradient("L"),
            flat("gray").convert("L").resize((256, 256)),
        ),
    )
    [vector] = model.embed_images([ramp])
    assert (model.revision, model.size, len(MEAN)) == ("2", 392, 392)
    np.testing.assert_allclose(vector[[0, 2, 28, 100, 250, 391]], REVISION_1, atol=2e-4)


REVISION_1 = [0.05023, -0.14099, -0.01544, -0.03558, -0.07543, -0.05941]


def test_the_embedder_is_built_in():
    assert plugin_manager(discover=False).embedder("visual").embeds == ("image",)


def test_pictures_are_embedded_by_batches_and_no_loop_of_python_goes_over_their_pixels(model, scenes):
    model.embed_images(scenes)
    few, many = (calls(lambda: model.embed_images(scenes * n)) for n in (1, 2))  # noqa: B023
    small = calls(lambda: model.embed_images([picture.resize((64, 48)) for picture in scenes]))
    assert many - few < 12 * 200, "for each picture"
    assert few <= small + 12 * 20
