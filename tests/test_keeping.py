"""Which copy of a picture is kept: the original of 30 drawn photographs, among copies whose faults are known."""

import os

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

import heron
from heron.curation.keeping import best_first
from heron.models import Query

SIZE = (240, 180)
COUNT = 30
LEAST = 29
"""Originals that are kept, of 30."""


def photograph(seed):
    """Noise whose amplitude falls with its frequency, as in photographs, with edges, grain and a colour cast."""
    random = np.random.default_rng(seed)
    width, height = SIZE
    total = np.zeros((height, width, 3), np.float32)
    octaves = 6 if seed % 3 == 0 else 4  # most are smooth: there the faults of compression raise sharpness
    for octave in range(1, octaves + 1):
        shape = (3 * 2 ** (octave - 1), 4 * 2 ** (octave - 1), 3)
        grey = random.standard_normal((*shape[:2], 1)) * 0.8 + random.standard_normal(shape) * 0.4
        for channel in range(3):
            layer = Image.fromarray(grey[..., channel].astype(np.float32))
            total[..., channel] += np.asarray(layer.resize(SIZE, Image.Resampling.BICUBIC)) / 1.6**octave
    total = total * 55 + random.uniform(70, 170, 3)
    picture = Image.fromarray(total.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(5):
        x, y, w, h = (int(n) for n in random.integers((0, 0, 15, 15), (200, 140, 90, 80)))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x, y, x + w, y + h), fill=tuple(int(c) for c in random.integers(20, 235, 3)))
    grain = np.asarray(picture, np.float32) + random.standard_normal((height, width, 1)) * (
        3 if seed % 3 == 0 else 0.3
    )
    return Image.fromarray(grain.clip(0, 255).astype(np.uint8))


def noisy(picture):
    random = np.random.default_rng(1)
    pixels = np.asarray(picture, np.float32) + random.standard_normal((*picture.size[::-1], 3)) * 12
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def captioned(picture):
    copy = picture.copy()
    ImageDraw.Draw(copy).text((8, 160), "a caption", "white")
    return copy


def cropped(picture):
    return picture.crop((6, 4, SIZE[0] - 6, SIZE[1] - 4))


COPIES = {
    "jpeg15": (lambda p: p, ".jpg", {"quality": 15}),
    "jpeg50": (lambda p: p, ".jpg", {"quality": 50}),
    "webp": (lambda p: p, ".webp", {"quality": 80}),
    "half": (lambda p: p.resize((120, 90), Image.Resampling.LANCZOS), None, {}),
    "cropped": (cropped, None, {}),
    "palette": (lambda p: p.quantize(256), ".gif", {}),
}
"""Changes that are known for what they are from the facts alone: what is done, and how the copy is stored.

None is the format of the original.
"""

EDITS = {
    "blurred": (lambda p: p.filter(ImageFilter.GaussianBlur(1)), None, {}),
    "noisy": (noisy, None, {}),
    "brighter": (lambda p: ImageEnhance.Brightness(p).enhance(1.15), None, {}),
    "paler": (lambda p: ImageEnhance.Color(p).enhance(0.5), None, {}),
    "captioned": (captioned, None, {}),
    "mirrored": (ImageOps.mirror, None, {}),
}
"""Changes after which a picture has as many pixels and bits; only their times tell that they came later."""


def save(picture, path, **options):
    if path.suffix == ".jpg" and "quality" not in options:
        options = {"quality": 92, **options}
    picture.save(path, **options)


def make(place, changes):
    """Originals, PNG and JPEG by turns, and their changed copies as `07-webp.webp`; edits are a day younger."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:01 12:00:00"
    place.mkdir()
    for number in range(COUNT):
        suffix = (".png", ".jpg")[number % 2]
        original = place / f"{number:02}-original{suffix}"
        save(photograph(number), original, **({"exif": exif} if number % 4 == 1 else {}))
        with Image.open(original) as opened:
            picture = opened.convert("RGB")
        for name, (change, own, options) in changes.items():
            save(change(picture), place / f"{number:02}-{name}{own or suffix}", **options)
    for path in place.iterdir():
        moment = 1_700_000_000 + 86_400 * (what(path.name) in EDITS)
        os.utime(path, (moment, moment))


def what(name):
    """The change that the name of a file tells."""
    return name[3:].partition(".")[0]


def kept_of(workspace, names):
    """How many originals are kept among copies with these names."""
    groups = {}
    for candidate in workspace._lookup.candidates(workspace._lookup.ids(None).tolist()).values():
        if what(candidate.name) in ("original", *names):
            groups.setdefault(candidate.name[:2], []).append(candidate)
    assert [len(group) for group in groups.values()] == [len(names) + 1] * COUNT
    return sum(what(best_first(group)[0][0].name) == "original" for group in groups.values())


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """The photographs with all their copies and edits, measured."""
    place = tmp_path_factory.mktemp("changed")
    make(place / "files", {**COPIES, **EDITS})
    with heron.open(place / "lake", discover=False) as workspace:
        workspace.ingest.files([place / "files"], folder="Photos", thumbnails=True)
        yield workspace


@pytest.mark.slow
@pytest.mark.parametrize("name", [*COPIES, *EDITS])
def test_original_is_kept_beside_one_changed_copy(changed, name):
    assert kept_of(changed, [name]) >= LEAST


@pytest.mark.slow
def test_original_is_kept_among_twelve_changed_copies(changed):
    assert kept_of(changed, [*COPIES, *EDITS]) >= LEAST


@pytest.mark.slow
def test_original_is_kept_in_the_groups_that_vectors_make(changed):
    changed.embed("visual")
    found = changed.curation.near_duplicates("visual", 0.9, Query(where="name NOT LIKE '%mirrored%'"))
    with_original = [
        group for group in found.groups if any(what(item.name) == "original" for item in group.items)
    ]
    assert len(with_original) >= LEAST and sum(len(group.items) for group in with_original) > 8 * COUNT
    kept = sum(what(group.items[0].name) == "original" for group in with_original)
    assert kept >= len(with_original) - (COUNT - LEAST)


@pytest.mark.slow
@pytest.mark.parametrize("name", COPIES)
def test_original_is_kept_in_a_catalogue_made_before_these_facts(changed, name):
    with changed._database.write():
        facts = changed._database.rows("SELECT id, facts FROM items")
        changed._database.execute(
            "UPDATE items SET facts = json_remove(facts, '$.image.lossless', '$.image.quality')"
        )
    try:
        assert kept_of(changed, [name]) >= LEAST
    finally:
        with changed._database.write():
            changed._database.execute_many(
                "UPDATE items SET facts = ? WHERE id = ?", [(row["facts"], row["id"]) for row in facts]
            )
