"""A picture to draw on, in the light and the haze of one shot of the sample lake, with Pillow only."""

from __future__ import annotations

import io
import math
import random
from typing import TYPE_CHECKING, Any

from attrs import frozen
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

if TYPE_CHECKING:
    from collections.abc import Sequence

Colour = tuple[int, int, int]
Point = tuple[float, float]

_SKIES: dict[str, tuple[Colour, Colour, Colour, Colour, float]] = {
    "day": ((58, 122, 200), (196, 224, 242), (255, 252, 244), (186, 193, 200), 0.0),
    "dusk": ((58, 50, 112), (255, 156, 92), (222, 178, 172), (124, 122, 146), 0.3),
    "night": ((7, 10, 30), (36, 44, 84), (92, 98, 138), (50, 54, 72), 0.5),
}
"""By time of day: the sky's top, its horizon, the light on things, the grey of clouds, the share of lit windows."""
_WEATHER = {"sun": (0.0, 0.3), "rain": (0.8, 0.75), "fog": (0.9, 2.4), "snow": (0.7, 0.9)}
"""How grey the sky is, and how much haze covers distant things."""
SNOW: Colour = (236, 241, 250)
LAMP: Colour = (255, 206, 128)


@frozen
class Shot:
    """What one picture shows."""

    city: str
    place: str
    time: str
    weather: str
    subject: str


@frozen
class _City:
    walls: tuple[Colour, ...]
    trim: Colour
    roof: Colour | None
    tree: str
    grass: Colour
    hill: Colour
    rise: float


_CITIES = {
    "algiers": _City(
        ((240, 236, 226), (250, 248, 244), (232, 220, 200), (222, 226, 228)),
        (40, 96, 168), None, "palm", (158, 150, 84), (146, 132, 92), 0.17,
    ),
    "oslo": _City(
        ((160, 48, 40), (206, 160, 84), (226, 226, 220), (84, 104, 122), (120, 62, 50)),
        (244, 244, 240), (58, 60, 68), "spruce", (84, 122, 70), (56, 92, 84), 0.28,
    ),
    "lisbon": _City(
        ((244, 206, 130), (238, 170, 160), (164, 200, 216), (248, 240, 224), (196, 216, 172)),
        (250, 250, 246), (196, 92, 56), "round", (116, 150, 72), (110, 130, 80), 0.2,
    ),
}  # fmt: skip


def mix(a: Sequence[float], b: Sequence[float], share: float) -> Colour:
    """The colour between `a` and `b`, where `share` 0 is `a` and 1 is `b`."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as the bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(rng: random.Random, cells: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """Smooth grey noise: a few random cells stretched to the size."""
    grain = Image.frombytes("L", cells, rng.randbytes(cells[0] * cells[1]))
    return grain.resize(size, Image.Resampling.BICUBIC)


class Canvas:
    """A picture painted at twice its size, in the light and (by `depth`, 0 near to 1 far) the haze of a shot.

    `rng` decides where things are, `air` what changes: clouds, rain, and which windows are lit. So a place
    has the same houses by day and by night.
    """

    def __init__(self, shot: Shot, size: tuple[int, int], rng: random.Random) -> None:
        self.shot, self.rng, self.city = shot, rng, _CITIES[shot.city]
        self.air = random.Random(rng.random())  # noqa: S311
        self.width, self.height = size
        self.snowy, self.depth = shot.weather == "snow", 0.0
        top, low, light, grey, self.lit_share = _SKIES[shot.time]
        greyness, self.density = _WEATHER[shot.weather]
        self.top, self.haze = mix(top, mix(grey, (0, 0, 0), 0.22), greyness), mix(low, grey, greyness)
        self.light = mix(light, grey, 0.4 * greyness)
        self.glows: list[tuple[float, float, float, Colour]] = []
        self.image = Image.new("RGB", (self.width * 2, self.height * 2), self.haze)
        self.draw = ImageDraw.Draw(self.image, "RGBA")

    def tone(self, colour: Colour) -> Colour:
        """The colour as seen in this light, at this depth in the haze."""
        lit = [c * a / 255 for c, a in zip(colour, self.light, strict=True)]
        return mix(lit, self.haze, min(0.94, 1 - math.exp(-self.depth * self.density)))

    def poly(self, points: Sequence[Point], colour: Colour, alpha: int = 255, glowing: bool = False) -> None:
        """A filled polygon; a glowing one has the same colour in any light."""
        shade = (
            mix(colour, self.haze, min(0.8, self.depth * self.density / 2)) if glowing else self.tone(colour)
        )
        self.draw.polygon([(x * 2, y * 2) for x, y in points], fill=(*shade, alpha))

    def box(
        self, x: float, y: float, wide: float, high: float, colour: Colour, glowing: bool = False
    ) -> None:
        """A filled rectangle that stands on (x, y)."""
        self.poly([(x, y), (x + wide, y), (x + wide, y - high), (x, y - high)], colour, glowing=glowing)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A line through the points."""
        self.draw.line(
            [(x * 2, y * 2) for x, y in points], self.tone(colour), max(1, round(width * 2)), "curve"
        )

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle in exactly this colour."""
        self.draw.ellipse(
            [(x - radius) * 2, (y - radius) * 2, (x + radius) * 2, (y + radius) * 2], fill=colour
        )

    def pane(self, points: Sequence[Point]) -> None:
        """A window, which may be lit when it is dark."""
        lit = self.air.random() < self.lit_share
        colour = self.air.choice(((255, 204, 112), (255, 224, 160), (246, 178, 84))) if lit else (70, 88, 106)
        self.poly(points, colour, glowing=lit)

    def shine(self, x: float, y: float, radius: float, colour: Colour = LAMP) -> None:
        """A light that glows over everything around it once the picture is finished."""
        self.glows.append((x, y, radius, colour))

    def sky(self, horizon: float) -> None:
        """The sky down to the horizon: gradient, stars, clouds, sun or moon."""
        size, rng, time = (self.width * 2, round(horizon * 2)), self.air, self.shot.time
        clear, small = self.shot.weather == "sun", (size[0] // 8, size[1] // 8)
        self.image.paste(ImageOps.colorize(Image.linear_gradient("L").resize(size), self.top, self.haze))
        if clear and time == "night":
            for _ in range(130):
                spot = rng.uniform(0, self.width), rng.uniform(0, horizon)
                self.disc(*spot, rng.uniform(0.4, 1), mix(self.top, (255, 255, 255), rng.uniform(0.4, 1)))
        cloud = ImageChops.add(noise(rng, (5, 7), small), noise(rng, (12, 18), small), 1.6)
        floor, steep, most = (150, 2.2, 190) if clear else (90, 1.2, 190)
        most = 60 if time == "night" else most
        mask = cloud.point([min(most, max(0, round((v - floor) * steep))) for v in range(256)])
        white = mix(self.haze, (255, 255, 255), 0.7 if time == "day" else 0.12)
        colour = white if clear else mix(self.top, self.haze, 0.9)
        self.image.paste(colour, (0, 0), mask.resize(size, Image.Resampling.BICUBIC))
        if clear:
            high, colour = {"day": (0.2, (255, 252, 232)), "dusk": (0.74, (255, 216, 136))}.get(
                time, (0.25, (246, 242, 222))
            )
            x, y = self.width * rng.uniform(0.3, 0.7), horizon * high
            self.disc(x, y, 18 if time == "night" else 23, colour)
            self.shine(x, y, 70 if time == "night" else 170, mix((0, 0, 0), colour, 0.6))

    def mirror(self, y: float, soft: float, within: Sequence[Point]) -> None:
        """A reflection of what is above the line `y`, upside down and blurred, within an outline."""
        width, height = self.image.size
        line, depth = round(y * 2), height - round(y * 2)
        above = self.image.crop((0, max(0, line - depth), width, line)).resize((width // 4, depth // 8))
        below = ImageOps.flip(above).filter(ImageFilter.GaussianBlur(soft)).resize((width, depth))
        mask = Image.new("L", (width, depth))
        ImageDraw.Draw(mask).polygon([(px * 2, (py - y) * 2) for px, py in within], fill=105)
        self.image.paste(below, (0, line), mask)

    def finish(self) -> Image.Image:
        """The picture at its own size with rain or snow, mist, glowing lights and a darker edge."""
        rng, size, weather = self.air, (self.width, self.height), self.shot.weather
        for _ in range(420 if weather in ("rain", "snow") else 0):
            x, y, r = (
                rng.uniform(0, size[0] + 20) * 2,
                rng.uniform(-20, size[1]) * 2,
                rng.choice((1, 2, 2, 3, 4, 6)),
            )
            fill = (226, 236, 250, rng.randint(50, 120) + (90 if self.snowy else 0))
            if self.snowy:
                self.draw.ellipse([x - r, y - r, x + r, y + r], fill)
            else:
                self.draw.line([x, y, x - 5 - r * 2, y + 20 + r * 8], fill, min(r, 3))
        image = self.image.reduce(2)
        if weather == "fog":
            bank = ImageOps.fit(noise(rng, (4, 9), (80, 60)), size).point([60 + v // 3 for v in range(256)])
            image.paste(mix(self.haze, (255, 255, 255), 0.04), (0, 0), bank)
        light = Image.new("RGB", (size[0] // 4, size[1] // 4))
        round_off = [max(0, 178 - v) ** 2 // 125 for v in range(256)]
        for x, y, radius, colour in self.glows:
            side, spot = max(4, round(radius * 0.7)), Image.new("RGB", light.size)
            mask = Image.radial_gradient("L").point(round_off).resize((side, side))
            spot.paste(colour, (round(x / 4 - side / 2), round(y / 4 - side / 2)), mask)
            light = ImageChops.screen(light, spot)
        image = ImageChops.screen(image, light.resize(size, Image.Resampling.BICUBIC))
        edge = Image.radial_gradient("L").resize(size).point([255 - max(0, v - 110) // 3 for v in range(256)])
        return ImageChops.multiply(image, Image.merge("RGB", (edge, edge, edge)))
