"""The quality metrics: known pictures have known values, and a change for the worse shows."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter

from heron.media import builtin
from tests.counting import calls

[QUALITY] = builtin.register_metrics()
MEASURE = QUALITY.load()


def measured(picture, width=None, height=None):
    return MEASURE(picture, width or picture.width, height or picture.height)


def scene(seed=0, size=(96, 72)):
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 256, (12, 16, 3), np.uint8)).resize(
        size, Image.Resampling.BICUBIC
    )


pictures = st.builds(
    lambda seed, size: Image.fromarray(
        np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    ),
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)


@given(pictures, st.integers(1, 100_000), st.integers(1, 100_000))
def test_measures_are_those_promised_and_finite_numbers(picture, width, height):
    found = MEASURE(picture, width, height)
    assert list(found) == list(QUALITY.measures)
    assert all(type(value) is float and math.isfinite(value) for value in found.values())
    assert 0 <= found["brightness"] <= 1
    assert 0 <= found["contrast"] <= 0.5
    assert found["sharpness"] >= 0
    assert found["red"] + found["green"] + found["blue"] == pytest.approx(1)
    assert MEASURE(picture.copy(), width, height) == found


def test_size_is_that_of_the_original():
    found = measured(scene(), 4000, 3000)
    assert (found["width"], found["height"], found["area"]) == (4000, 3000, 12_000_000)
    assert found["aspect_ratio"] == pytest.approx(4 / 3)


@pytest.mark.parametrize(
    ("colour", "brightness", "shares"),
    [
        ((0, 0, 0), 0, (1 / 3, 1 / 3, 1 / 3)),
        ((255, 255, 255), 1, (1 / 3, 1 / 3, 1 / 3)),
        ((255, 0, 0), 0.299, (1, 0, 0)),
        ((0, 255, 0), 0.587, (0, 1, 0)),
        ((0, 0, 255), 0.114, (0, 0, 1)),
        ((60, 30, 10), (0.299 * 60 + 0.587 * 30 + 0.114 * 10) / 255, (0.6, 0.3, 0.1)),
    ],
)
def test_one_colour_has_its_lightness_and_shares_and_nothing_else(colour, brightness, shares):
    found = measured(Image.new("RGB", (50, 40), colour))
    assert found["brightness"] == pytest.approx(brightness, abs=0.5 / 255)
    assert (found["red"], found["green"], found["blue"]) == pytest.approx(shares)
    assert found["contrast"] == found["sharpness"] == 0


def test_half_black_half_white_has_the_greatest_contrast():
    picture = Image.new("RGB", (40, 40))
    picture.paste("white", (0, 0, 20, 40))
    found = measured(picture)
    assert (found["brightness"], found["contrast"]) == (0.5, 0.5)
    # the columns at both sides of the edge have -255 and 255, 2 of 40
    assert found["sharpness"] == pytest.approx(255**2 * 2 / 40)


def test_sharpness_of_a_chequerboard_is_known():
    board = np.indices((20, 20)).sum(0) % 2 * 255
    picture = Image.fromarray(np.repeat(board[..., None], 3, -1).astype(np.uint8))
    assert measured(picture)["sharpness"] == pytest.approx((4 * 255) ** 2)


def test_sharpness_is_that_of_opencv():
    cv2 = pytest.importorskip("cv2")
    for seed in range(5):
        picture = scene(seed)
        laplacian = cv2.Laplacian(np.asarray(picture.convert("L")), cv2.CV_64F)
        assert measured(picture)["sharpness"] == pytest.approx(laplacian.var())


def test_light_and_contrast_are_those_of_numpy():
    for seed in range(5):
        picture = scene(seed)
        luma, colours = np.asarray(picture.convert("L"), float), np.asarray(picture, float)
        found = measured(picture)
        assert found["brightness"] == pytest.approx(luma.mean() / 255)
        assert found["contrast"] == pytest.approx(luma.std() / 255)
        assert [found["red"], found["green"], found["blue"]] == pytest.approx(
            colours.sum((0, 1)) / colours.sum()
        )


def test_more_blur_is_less_sharpness():
    picture = scene().resize((256, 192))
    sharpness = [
        measured(picture.filter(ImageFilter.GaussianBlur(by)))["sharpness"] for by in (0, 1, 2, 4, 8)
    ]
    assert sharpness == sorted(set(sharpness), reverse=True)


def test_darker_is_less_bright_and_flatter_has_less_contrast():
    brightness = [
        measured(ImageEnhance.Brightness(scene()).enhance(by))["brightness"] for by in (1, 0.7, 0.4, 0.1)
    ]
    contrast = [measured(ImageEnhance.Contrast(scene()).enhance(by))["contrast"] for by in (1, 0.7, 0.4, 0.1)]
    assert brightness == sorted(set(brightness), reverse=True)
    assert contrast == sorted(set(contrast), reverse=True)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_tiny_pictures_are_measured(size):
    assert measured(Image.new("RGB", size, "red"))["sharpness"] == 0


def test_picture_is_left_as_it_is():
    picture = scene()
    before = picture.tobytes()
    measured(picture)
    assert (picture.mode, picture.tobytes()) == ("RGB", before)


def test_no_loop_of_python_goes_over_the_pixels():
    small, large = scene(size=(32, 24)), scene(size=(256, 192))
    measured(small)
    assert calls(lambda: measured(large)) <= calls(lambda: measured(small)) + 20 < 1000


def test_nothing_heavy_is_imported_before_the_first_picture():
    script = (
        "import sys; from heron.media import builtin; list(builtin.register_metrics()); "
        "print({'numpy', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
