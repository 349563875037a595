"""The photographs of the sample lake, with EXIF and metadata."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from attrs import frozen
from PIL import Image

from heron.quickstart.canvas import Shot, saved
from heron.quickstart.scenes import draw_scene

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


@frozen
class Photo:
    """A photograph to take: what it shows, when and where it is taken, and with what."""

    name: str
    shot: Shot
    number: int
    seed: int
    taken: datetime
    location: tuple[float, float]
    temperature: float
    camera: str
    orientation: int


def photographs() -> list[Photo]:
    """All photographs of the lake, city by city."""
    photos: list[Photo] = []
    for city, listed in _SHOTS.items():
        for number, line in enumerate(listed.split(";"), start=1):
            place, time, weather, *subject = line.split()
            shot = Shot(city, place, time, weather, " ".join(subject))
            photos.append(_photo(shot, number, seed=len(photos) + 1))
    return photos


def _photo(shot: Shot, number: int, seed: int) -> Photo:
    rng = random.Random(f"{shot.city}-{number}")  # noqa: S311
    month = rng.choice(_MONTHS[shot.weather])
    summer = 4 <= month <= 9
    hour = rng.randint(*_HOURS[shot.time]) + (3 if summer and shot.time == "dusk" else 0)
    zone = timezone(timedelta(hours=_UTC_OFFSET[shot.city][summer]))
    low, high = _WARMTH[shot.weather]
    latitude, longitude = _SPOTS[shot.city][shot.place]
    return Photo(
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


def metadata(photo: Photo) -> dict[str, Any]:
    """The metadata of a photograph, as one line of a metadata file."""
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


def taken(photo: Photo) -> bytes:
    """The photograph as a JPEG file with EXIF; some are stored rotated."""
    upright = photo.orientation == 1
    image = draw_scene(photo.shot, photo.seed, (640, 480) if upright else (480, 640))
    if not upright:
        turn = Image.Transpose.ROTATE_90 if photo.orientation == 6 else Image.Transpose.ROTATE_270
        image = image.transpose(turn)
    return saved(image, "JPEG", quality=88, exif=_exif(photo))


def _exif(photo: Photo) -> Image.Exif:
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
