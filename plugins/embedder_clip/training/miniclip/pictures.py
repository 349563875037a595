"""Pictures for training and for tests: scenes by the quickstart's drawing code, and its other files."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Iterator

from attrs import frozen
from PIL import Image, ImageDraw, ImageFont, ImageOps

from heron.media.montage import montage
from heron.media.text_picture import draw_text
from heron.quickstart.canvas import Shot
from heron.quickstart.dicom import CT, MR
from heron.quickstart.notes import NOTES
from heron.quickstart.phantom import slice_of_head
from heron.quickstart.photos import photographs, taken
from heron.quickstart.pictures import chart
from heron.quickstart.scenes import draw_scene
from miniclip.concepts import BOATS, CITIES, PLACES, TIMES, VEHICLES, WEATHERS, Facts

FIRST_SEED, FIRST_HELD_OUT_SEED = 10_000, 5_000_000
"""Seeds of the scenes for training and of those held out. The seeds of the quickstart are all below 100."""

_SIZES = ((640, 480), (640, 480), (640, 480), (480, 640))
_AWAY = 9.0
"""A drift that moves the boat out of the picture."""

_PAPER, _INK = (255, 255, 255), (32, 32, 32)


@frozen
class Example:
    """A picture in RGB, and what it shows. A scene whose facts have no `subject` is a harbour without a boat."""

    image: Image.Image
    facts: Facts


def all_shots() -> list[Shot]:
    """Each thing in each place in each light: 468 shots."""
    return [
        Shot(city, place, time, weather, subject)
        for city, place, time, weather in itertools.product(CITIES, PLACES, TIMES, WEATHERS)
        for subject in (BOATS if place == "harbour" else VEHICLES)
    ]


def facts_of(shot: Shot) -> dict[str, str]:
    """What a shot shows, by field."""
    return {
        "kind": "scene",
        "city": shot.city,
        "place": shot.place,
        "time": shot.time,
        "weather": shot.weather,
        "subject": shot.subject,
    }


def held_out(shots: list[Shot]) -> Iterator[Example]:
    """One picture of each shot, of a place that training does not use."""
    for number, shot in enumerate(shots):
        yield Example(draw_scene(shot, FIRST_HELD_OUT_SEED + number), facts_of(shot))


def of_the_lake() -> Iterator[Example]:
    """The photographs of the quickstart's own lake."""
    for photo in photographs():
        with Image.open(io.BytesIO(taken(photo))) as file:
            yield Example(ImageOps.exif_transpose(file).convert("RGB"), facts_of(photo.shot))


def example(number: int) -> Example:
    """One picture for training: scenes of all shots in turn, harbours twice, and every twelfth something else."""
    rng = random.Random(f"example {number}")  # noqa: S311 - drawing, not secrets
    if number % 12 == 11:
        return rng.choice((_scan, _scan, _page, _page, _waveform, _map))(rng)
    shots = all_shots()
    shots += [shot for shot in shots if shot.place == "harbour"]
    shot = shots[(number - number // 12) % len(shots)]
    facts = facts_of(shot)
    drift = pan = 0.0
    if shot.place != "harbour":
        pan = rng.choice((0.0, 0.0, rng.uniform(-0.3, 0.3)))
    elif rng.random() < 0.08:
        drift = _AWAY
        del facts["subject"]
    else:
        drift = rng.choice((0.0, 0.0, rng.uniform(-0.35, 0.35)))
    image = draw_scene(shot, FIRST_SEED + number, rng.choice(_SIZES), drift, pan)
    return Example(_sent_around(image, rng), facts)


def _sent_around(image: Image.Image, rng: random.Random) -> Image.Image:
    """A picture as a thumbnail of random size and JPEG quality."""
    side = rng.choice((192, 256, 320, 512))
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=rng.randint(40, 95))
    return Image.open(stream).convert("RGB")


def _scan(rng: random.Random) -> Example:
    slices = [_slice(rng) for _ in range(rng.choice((1, 1, 1, 4)))]
    sheet = montage(slices, 256)
    assert sheet is not None
    return Example(sheet.convert("RGB"), {"kind": "scan"})


def _slice(rng: random.Random) -> Image.Image:
    series, size = rng.choice((CT, MR)), rng.choice((64, 128))
    values = slice_of_head(rng.uniform(-0.95, 0.95), size, series.values, series.grain, rng)
    middle, width = series.window
    low = middle - width / 2 * rng.uniform(0.8, 1.2)
    grey = bytes(min(255, max(0, round((value - low) * 255 / width))) for value in values)
    return Image.frombytes("L", (size, size), grey).convert("RGB")


def _page(rng: random.Random) -> Example:
    words = " ".join(NOTES.values()).split()
    lines = [" ".join(rng.choices(words, k=rng.randint(1, 12))) for _ in range(rng.randint(2, 40))]
    if rng.random() < 0.5:
        media_type = rng.choice(("text/plain", "text/csv", "application/json"))
        text = "\n".join(line.replace(" ", ",") if media_type == "text/csv" else line for line in lines)
        image = draw_text(text, media_type, "notes.txt", rng.choice((256, 512)), whole=False)
    else:
        image = _printed(lines[:12], rng)
    return Example(image, {"kind": "page"})


def _printed(lines: list[str], rng: random.Random) -> Image.Image:
    """A page of A4, as of a PDF, with a title, some lines and sometimes a photograph."""
    image = Image.new("RGB", (362, 512), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((36, 50), lines[0][:24], _INK, ImageFont.load_default(15), stroke_width=0.4)
    for number, line in enumerate(lines[1:]):
        draw.text((36, 74 + number * 14), line[:60], _INK, ImageFont.load_default(8))
    if rng.random() < 0.3:
        shot = rng.choice(all_shots())
        photo = draw_scene(shot, FIRST_SEED + rng.randrange(1000)).resize((290, 218))
        image.paste(photo, (36, rng.randint(120, 260)))
    return image


def _waveform(rng: random.Random) -> Example:
    """The envelope of a sound in the colours in which Heron draws it."""
    wide = rng.choice((256, 512))
    high = wide // 2
    image = Image.new("RGB", (wide, high), (244, 244, 241))
    draw = ImageDraw.Draw(image)
    draw.line((0, high // 2, wide, high // 2), (170, 178, 186))
    notes = [
        (rng.uniform(0, 0.9) * wide, rng.uniform(0.05, 0.5) * wide, rng.uniform(0.3, 1)) for _ in range(5)
    ]
    fades, even = rng.random() < 0.5, rng.random()
    for x in range(wide):
        loud = max(
            (
                hard * (1 - (x - begin) / long if fades else 1)
                for begin, long, hard in notes
                if 0 <= x - begin < long
            ),
            default=0.0,
        )
        half = high / 2 * loud * rng.uniform(even, 1)
        draw.line((x, round(high / 2 - half), x, round(high / 2 + half)), (43, 84, 126))
    return Example(image, {"kind": "waveform"})


def _map(rng: random.Random) -> Example:
    """The chart of the lake, rotated and cropped at random, on the background for transparent pictures."""
    with Image.open(io.BytesIO(chart())) as file:
        turned = file.rotate(rng.uniform(-30, 30) * rng.choice((0, 1)))
    wide, high = turned.size
    edge = rng.uniform(0, 0.15)
    ground = Image.new("RGBA", turned.size, rng.choice(("white", "white", "black", "#808080")))
    shown = Image.alpha_composite(ground, turned).convert("RGB")
    return Example(shown.crop((round(wide * edge), round(high * edge), wide, high)), {"kind": "map"})
