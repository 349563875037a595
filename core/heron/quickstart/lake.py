"""Writes the sample lake: pictures with EXIF and metadata, a few other files, and two broken ones on purpose."""

from __future__ import annotations

import io
import itertools
import json
import math
import random
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from attrs import frozen
from PIL import Image, ImageDraw, ImageFont

from heron.quickstart.canvas import Shot
from heron.quickstart.scenes import draw_scene

if TYPE_CHECKING:
    from pathlib import Path

_SHOTS = {
    "algiers": """
        street night rain red bus; street day sun red bus; street day sun yellow taxi; street night sun blue car;
        street dusk sun white van; street day fog yellow taxi; landscape day sun blue car; landscape dusk rain red bus;
        landscape day snow white van; harbour day sun fishing boat; harbour dusk sun white ferry;
        harbour night rain sailing boat
    """,
    "oslo": """
        street day snow red bus; street night snow blue car; street dusk snow yellow taxi; street day rain white van;
        street night rain yellow taxi; street day sun red bus; landscape day snow blue car;
        landscape dusk fog red bus; landscape night snow white van; harbour day sun sailing boat;
        harbour day snow white ferry; harbour night sun fishing boat
    """,
    "lisbon": """
        street day sun yellow tram; street dusk sun yellow tram; street night rain blue car; street day rain red bus;
        street night sun yellow taxi; street day fog yellow tram; landscape day sun red bus;
        landscape dusk sun yellow taxi; landscape night fog blue car; harbour day sun sailing boat;
        harbour dusk fog white ferry; harbour night rain fishing boat
    """,
}
"""The photographs of each city, in order: place, time of day, weather, what stands in front."""
_UPRIGHT = {3: 6, 6: 8}
"""Photographs (by number in their city) taken with the camera turned, and their EXIF orientation."""
_SPOTS = {
    "algiers": {"street": (36.7729, 3.0588), "harbour": (36.7790, 3.0665), "landscape": (36.7892, 3.0181)},
    "oslo": {"street": (59.9133, 10.7389), "harbour": (59.9052, 10.7351), "landscape": (59.9640, 10.6671)},
    "lisbon": {"street": (38.7118, -9.1365), "harbour": (38.6972, -9.1712), "landscape": (38.7290, -9.1853)},
}
_UTC_OFFSET = {"algiers": (1, 1), "oslo": (1, 2), "lisbon": (0, 1)}
"""Hours ahead of UTC in winter and in summer."""
_MONTHS = {"sun": (4, 5, 6, 7, 8, 9), "rain": (11, 12, 2), "fog": (11, 12, 1), "snow": (1, 2)}
_HOURS = {"day": (10, 15), "dusk": (17, 17), "night": (21, 23)}
_WARMTH = {"sun": (17.0, 29.0), "rain": (4.0, 10.0), "fog": (2.0, 9.0), "snow": (-9.0, 0.0)}
_CAMERAS = ("Finch 2", "Egret 5", "Bittern X100")
_PLACES = {"street": "in {}", "harbour": "in the harbour of {}", "landscape": "on a country road near {}"}
_SKIES = {"sun": "in the sun", "rain": "in the rain", "fog": "in the fog", "snow": "in the snow"}
_CLEAR = {"day": "in the sun", "dusk": "at sunset", "night": "under a clear sky at night"}
_TIMES = {"day": "by day", "dusk": "at dusk", "night": "at night"}

_TEXTS = {
    "trip-algiers.txt": """\
Algiers, three days in spring.

The bay is best seen from the casbah early in the morning, when the white houses are still in the shade.
Buses are red and full; taxis are yellow and share the ride. It rained on the second night, and the lamps
along the front stood upside down in the wet road.
""",
    "trip-oslo.md": """\
# Oslo in February

- **Snow** from the first day to the last, minus nine degrees at night.
- The *town hall* has two brick towers; the ferries leave right in front of it.
- Take the road up to the hills: spruce trees, fog, and hardly a car.
""",
    "index.html": """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Notes of three trips</title></head>
<body>
<h1>Notes of three trips</h1>
<ul>
<li><a href="trip-algiers.txt">Algiers</a>: white houses above the bay</li>
<li><a href="trip-oslo.md">Oslo</a>: snow, ferries and spruce trees</li>
<li>Lisbon: yellow trams and the red bridge over the Tagus</li>
</ul>
</body>
</html>
""",
    "sensors.json": """\
{
  "station": "harbour wall",
  "unit": {"temperature": "Celsius", "wind": "metres per second"},
  "readings": [
    {"at": "2024-02-11T08:00:00+01:00", "temperature": -6.5, "wind": 3.1},
    {"at": "2024-02-11T12:00:00+01:00", "temperature": -3.0, "wind": 4.4},
    {"at": "2024-02-11T16:00:00+01:00", "temperature": -4.5, "wind": 6.0}
  ]
}
""",
    "stations.csv": """\
station,city,latitude,longitude,height
Casbah,algiers,36.7853,3.0603,118
Harbour wall,oslo,59.9052,10.7351,2
Riverside,lisbon,38.6972,-9.1712,4
""",
    "route.xml": """\
<?xml version="1.0" encoding="UTF-8"?>
<route name="Around the lake">
  <stop city="Algiers" latitude="36.7729" longitude="3.0588"/>
  <stop city="Lisbon" latitude="38.7118" longitude="-9.1365"/>
  <stop city="Oslo" latitude="59.9133" longitude="10.7389"/>
</route>
""",
}


@frozen
class LakeSummary:
    """What was written: photographs, other media (copies of photographs included), texts, and broken files."""

    directory: Path
    photos: int
    other_media: int
    texts: int
    broken: int
    metadata_file: Path


@frozen
class _Photo:
    name: str
    shot: Shot
    number: int
    seed: int
    taken: datetime
    location: tuple[float, float]
    temperature: float
    camera: str
    orientation: int


def make_lake(directory: Path) -> LakeSummary:
    """Draw the sample lake into a directory, made when it is missing; the same bytes every time."""
    photos = _photos()
    written = {photo.name: _jpeg(photo) for photo in photos}
    for photo in photos:
        _write(directory / "photos" / photo.shot.city / photo.name, written[photo.name])
    others = {
        "media/map-of-the-lake.png": _map(),
        "media/lisbon-postcard.webp": _webp(),
        "media/boat-at-dusk.gif": _gif(),
        "copies/the-red-bus.jpg": written["algiers-001.jpg"],
        "copies/tram-as-sent.jpg": _encoded_again(written["lisbon-001.jpg"]),
    }
    broken = {"broken/cut-short.jpg": written["oslo-001.jpg"][:9000], "broken/empty.png": b""}
    texts = {f"notes/{name}": text.encode() for name, text in _TEXTS.items()}
    for name, content in {**others, **texts, **broken}.items():
        _write(directory / name, content)
    lines = [json.dumps(_metadata(photo)) for photo in photos]
    _write(directory / "metadata.jsonl", ("\n".join(lines) + "\n").encode())
    return LakeSummary(
        directory, len(photos), len(others), len(texts), len(broken), directory / "metadata.jsonl"
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _photos() -> list[_Photo]:
    photos: list[_Photo] = []
    for city, listed in _SHOTS.items():
        for number, line in enumerate(listed.split(";"), start=1):
            place, time, weather, *subject = line.split()
            shot = Shot(city, place, time, weather, " ".join(subject))
            photos.append(_photo(shot, number, seed=len(photos) + 1))
    return photos


def _photo(shot: Shot, number: int, seed: int) -> _Photo:
    rng = random.Random(f"{shot.city}-{number}")  # noqa: S311
    month = rng.choice(_MONTHS[shot.weather])
    summer = 4 <= month <= 9
    hour = rng.randint(*_HOURS[shot.time]) + (3 if summer and shot.time == "dusk" else 0)
    zone = timezone(timedelta(hours=_UTC_OFFSET[shot.city][summer]))
    low, high = _WARMTH[shot.weather]
    latitude, longitude = _SPOTS[shot.city][shot.place]
    return _Photo(
        name=f"{shot.city}-{number:03}.jpg",
        shot=shot,
        number=number,
        seed=seed,
        taken=datetime(
            2024, month, rng.randint(1, 28), hour, rng.randint(0, 59), rng.randint(0, 59), tzinfo=zone
        ),
        location=(
            round(latitude + rng.uniform(-0.002, 0.002), 6),
            round(longitude + rng.uniform(-0.002, 0.002), 6),
        ),
        temperature=round(
            rng.uniform(low, high) - (6 if shot.time == "night" and shot.weather == "sun" else 0), 1
        ),
        camera=rng.choice(_CAMERAS),
        orientation=_UPRIGHT.get(number, 1),
    )


def _metadata(photo: _Photo) -> dict[str, Any]:
    shot = photo.shot
    sky = _CLEAR[shot.time] if shot.weather == "sun" else f"{_SKIES[shot.weather]} {_TIMES[shot.time]}"
    return {
        "name": photo.name,
        "city": shot.city.title(),
        "weather": shot.weather,
        "captured_at": photo.taken.isoformat(),
        "night": shot.time == "night",
        "temperature": photo.temperature,
        "description": f"a {shot.subject} {sky} {_PLACES[shot.place].format(shot.city.title())}",
        "location": list(photo.location),
        "shot_id": str(uuid5(NAMESPACE_URL, f"heron:sample-lake/{photo.name}")),
    }


def _jpeg(photo: _Photo) -> bytes:
    upright = photo.orientation == 1
    image = draw_scene(photo.shot, photo.seed, (640, 480) if upright else (480, 640))
    if not upright:
        turn = Image.Transpose.ROTATE_90 if photo.orientation == 6 else Image.Transpose.ROTATE_270
        image = image.transpose(turn)
    return _saved(image, "JPEG", quality=88, exif=_exif(photo))


def _exif(photo: _Photo) -> Image.Exif:
    exif, taken = Image.Exif(), photo.taken.strftime("%Y:%m:%d %H:%M:%S")
    offset = photo.taken.isoformat()[-6:]
    exif[0x010F], exif[0x0110], exif[0x0112], exif[0x0132] = "Heron", photo.camera, photo.orientation, taken
    exif[0x8769] = {0x9003: taken, 0x9004: taken, 0x9010: offset, 0x9011: offset}
    latitude, longitude = photo.location
    exif[0x8825] = {
        1: "N" if latitude >= 0 else "S",
        2: _degrees(latitude),
        3: "E" if longitude >= 0 else "W",
        4: _degrees(longitude),
    }
    return exif


def _degrees(angle: float) -> tuple[float, float, float]:
    seconds = round(abs(angle) * 3600, 3)
    return float(seconds // 3600), float(seconds % 3600 // 60), round(seconds % 60, 3)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _encoded_again(jpeg: bytes) -> bytes:
    with Image.open(io.BytesIO(jpeg)) as image:
        return _saved(image.convert("RGB"), "JPEG", quality=40)


def _webp() -> bytes:
    shot = Shot("lisbon", "harbour", "dusk", "sun", "sailing boat")
    return _saved(draw_scene(shot, 77), "WEBP", quality=82, method=2)


def _gif() -> bytes:
    shot = Shot("lisbon", "harbour", "dusk", "sun", "sailing boat")
    frames = [draw_scene(shot, 78, drift=-0.35 + 0.1 * step).resize((320, 240)) for step in range(8)]
    palette = frames[0].quantize(96)
    first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    return _saved(first, "GIF", save_all=True, append_images=rest, duration=200, loop=0)


def _map() -> bytes:
    image = Image.new("RGBA", (1280, 960))
    draw = ImageDraw.Draw(image)
    turns = [step * math.pi / 90 for step in range(180)]
    for grow, colour in ((1.05, "#e8d9a8"), (1.0, "#8cc4dc"), (0.84, "#68aacd"), (0.6, "#4a90bb")):
        reach = [grow * (1 + 0.14 * math.sin(2 * t + 1) + 0.07 * math.sin(5 * t)) for t in turns]
        shore = [(math.cos(t) * r, math.sin(t) * r) for t, r in zip(turns, reach, strict=True)]
        draw.polygon([(640 + 500 * x, 480 + 350 * y) for x, y in shore], fill=colour)
    for x, y, size in ((560, 420, 60), (690, 560, 34), (470, 580, 22)):
        draw.ellipse([x - size * 1.3, y - size, x + size * 1.3, y + size], fill="#e8d9a8")
        draw.ellipse([x - size * 1.1, y - size * 0.8, x + size * 1.1, y + size * 0.8], fill="#86a860")
    stops = {"Algiers": (300, 330), "Lisbon": (640, 720), "Oslo": (960, 400)}
    font = ImageFont.load_default(44)
    for (ax, ay), (bx, by) in itertools.pairwise(stops.values()):
        for dash in range(0, 20, 2):
            ends = [(ax + (bx - ax) * share / 20, ay + (by - ay) * share / 20) for share in (dash, dash + 1)]
            draw.line(ends, fill="#b8322a", width=7)
    for name, (x, y) in stops.items():
        draw.ellipse([x - 18, y - 18, x + 18, y + 18], fill="#b8322a", outline="white", width=5)
        draw.text((x + 30, y - 50), name, fill="#12303f", font=font)
    return _saved(image.reduce(2), "PNG", optimize=True)
