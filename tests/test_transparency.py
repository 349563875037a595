"""Pictures with transparent parts: the drawing stays visible in pictures, metrics and vectors."""

import io
from itertools import combinations

import numpy as np
import pytest
from attrs import evolve
from PIL import Image, ImageDraw

from heron.embedding.contents import content_of
from heron.media.ground import laid
from heron.models import MediaFacts

SIZE = (160, 120)


def drawing(shape, colour, mode="RGBA"):
    """A shape in one colour on a transparent ground."""
    image = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    if shape == "disc":
        draw.ellipse((40, 20, 120, 100), fill=colour)
    elif shape == "cross":
        draw.line((10, 10, 150, 110), fill=colour, width=9)
        draw.line((10, 110, 150, 10), fill=colour, width=9)
    else:
        draw.rectangle((10, 50, 150, 70), fill=colour)
    return image.convert(mode)


SHAPES = ("disc", "cross", "bar")


def spread(picture):
    """The difference between the darkest and the brightest pixel."""
    low, high = picture.convert("L").getextrema()
    return high - low


@pytest.mark.parametrize("colour", ["white", "black", "#808080", "#fff8dc", (255, 255, 255, 120)])
@pytest.mark.parametrize("ground", ["plain", "checks"])
def test_drawing_of_any_colour_is_visible(colour, ground):
    assert spread(laid(drawing("disc", colour), ground)) >= 60


def test_drawing_that_white_does_not_hide_is_laid_on_white():
    for colour in ("black", "#1864ab", "#808080", "#ffd43b"):
        image = drawing("disc", colour)
        white = Image.new("RGBA", SIZE, "white")
        assert laid(image).tobytes() == Image.alpha_composite(white, image).convert("RGB").tobytes()


def test_white_and_black_drawing_is_laid_on_grey():
    image = drawing("disc", "white")
    ImageDraw.Draw(image).rectangle((60, 40, 100, 80), fill="black")
    assert laid(image).getpixel((0, 0)) == (128, 128, 128)
    assert {laid(image, "checks").getpixel((x, 3)) for x in range(20)} == {(128,) * 3, (160,) * 3}


def test_opaque_pictures_stay_as_they_are(workspace, tmp_path):
    pixels = Image.effect_noise(SIZE, 80).convert("RGB")
    for name, image in {"a.png": pixels, "b.png": pixels.convert("RGBA")}.items():
        image.save(tmp_path / name)
    for ground in ("plain", "checks"):
        for name in ("a.png", "b.png"):
            workspace.ingest.files([tmp_path / name], folder=f"{ground} {name}")
            [item] = workspace.items.list(folder=f"{ground} {name}")
            assert workspace.pictures.picture(item, ground=ground).tobytes() == pixels.tobytes()


@pytest.mark.parametrize(
    ("suffix", "mode"), [("png", "RGBA"), ("png", "LA"), ("webp", "RGBA"), ("gif", "RGBA"), ("tiff", "RGBA")]
)
def test_different_white_drawings_are_no_duplicates(workspace, tmp_path, suffix, mode):
    for shape in SHAPES:
        drawing(shape, "white", mode).save(tmp_path / f"{shape}.{suffix}")
    workspace.ingest.files([tmp_path], folder="Drawings", thumbnails=True)
    workspace.embed("visual")
    assert workspace.curation.near_duplicates("visual", 0.9).groups == ()
    items = {item.name.partition(".")[0]: item for item in workspace.items.list()}
    thumbnails = {
        shape: Image.open(io.BytesIO(workspace.thumbnails.find(item))) for shape, item in items.items()
    }
    for first, second in combinations(SHAPES, 2):
        both = (np.asarray(thumbnails[name], np.int16) for name in (first, second))
        assert np.abs(np.subtract(*both)).max() > 100
    for item in items.values():
        assert spread(workspace.pictures.picture(item)) > 150
        assert item.facts.extra["metric"]["contrast"] > 0.1


def test_transparent_drawing_and_its_copy_on_white_are_duplicates(workspace, tmp_path):
    image = drawing("cross", "#1864ab")
    image.save(tmp_path / "a.png")
    white = Image.new("RGBA", SIZE, "white")
    Image.alpha_composite(white, image).convert("RGB").save(tmp_path / "b.jpg", quality=90)
    drawing("bar", "#1864ab").save(tmp_path / "c.png")
    workspace.ingest.files([tmp_path], folder="Drawings")
    workspace.embed("visual")
    [group] = workspace.curation.near_duplicates("visual", 0.95).groups
    assert {item.name for item in group.items} == {"a.png", "b.jpg"}


def test_query_by_a_file_is_laid_as_the_item_was(workspace, tmp_path):
    for shape in SHAPES:
        drawing(shape, "white").save(tmp_path / f"{shape}.png")
    workspace.ingest.files([tmp_path], folder="Drawings")
    workspace.embed("visual")
    hits = workspace.search(like=str(tmp_path / "cross.png"), key="visual")
    assert hits[0].name == "cross.png"
    assert hits.matches[0].score == pytest.approx(1, abs=1e-5)


def test_checks_are_for_people_and_not_measured(workspace, tmp_path):
    Image.new("RGBA", SIZE, (0, 0, 0, 0)).save(tmp_path / "clear.png")
    workspace.ingest.files([tmp_path], folder="Drawings", thumbnails=True)
    [item] = workspace.items.list()
    assert item.facts.extra["metric"]["sharpness"] == 0
    assert item.facts.extra["metric"]["brightness"] == 1
    assert spread(Image.open(io.BytesIO(workspace.thumbnails.find(item)))) > 20


def test_group_with_a_transparent_member_has_a_picture(workspace, tmp_path):
    for shape in SHAPES:
        drawing(shape, "white").save(tmp_path / f"{shape}.png")
    workspace.ingest.files([tmp_path], folder="G", batch_as="group", thumbnails=True)
    [item] = workspace.items.list()
    assert spread(workspace.pictures.picture(item)) > 150
    assert spread(Image.open(io.BytesIO(workspace.thumbnails.find(item)))) > 150


def test_vectors_of_what_may_be_transparent_are_made_anew_after_the_ground_changed(workspace, tmp_path):
    drawing("disc", "white").save(tmp_path / "clear.png")
    Image.effect_noise(SIZE, 80).save(tmp_path / "solid.png")
    workspace.ingest.files([tmp_path], folder="Drawings")
    clear, solid = sorted(workspace.items.list(), key=lambda item: item.name)
    assert content_of(clear).endswith("|ground 2")
    assert "ground" not in content_of(solid)
    assert content_of(evolve(clear, facts=MediaFacts("image", "image/png"))) != content_of(clear)
