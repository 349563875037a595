"""Draws the streets, harbours and landscapes of the sample lake, with Pillow alone."""

from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING

from attrs import frozen
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

if TYPE_CHECKING:
    from collections.abc import Sequence

Colour = tuple[int, int, int]
Point = tuple[float, float]

_SKIES: dict[str, tuple[Colour, Colour, Colour, Colour, float]] = {
    "day": ((58, 122, 200), (196, 224, 242), (255, 252, 244), (186, 193, 200), 0.0),
    "dusk": ((58, 50, 112), (255, 156, 92), (222, 178, 172), (142, 116, 128), 0.3),
    "night": ((7, 10, 30), (36, 44, 84), (92, 98, 138), (50, 54, 72), 0.5),
}
"""By time of day: the sky's top, its horizon, the light on things, the grey of clouds, the share of lit windows."""
_WEATHER = {"sun": (0.0, 0.3), "rain": (0.8, 0.75), "fog": (0.9, 2.4), "snow": (0.7, 0.9)}
"""How grey the sky is, and how much haze lies over what is far away."""
_VEHICLES: dict[str, tuple[Colour, bool]] = {
    "red bus": ((212, 26, 34), True),
    "yellow tram": ((246, 190, 20), True),
    "yellow taxi": ((252, 200, 0), False),
    "blue car": ((34, 84, 200), False),
    "white van": ((230, 232, 234), False),
}
"""The body's colour, and whether it is as tall as a bus."""
_BOATS: dict[str, tuple[tuple[Colour, str], ...]] = {
    "sailing boat": (
        ((96, 72, 50), "-.02 0 -.02 -1.75 .02 -1.75 .02 0"),
        ((250, 246, 236), "-.04 -1.7 -.04 -.3 -.75 -.3"),
        ((226, 219, 204), ".05 -1.55 .05 -.28 .7 -.26"),
        ((236, 238, 240), "-1 -.26 1.1 -.3 .8 .08 -.85 .08"),
    ),
    "white ferry": (
        ((200, 50, 40), "-.3 -.7 -.3 -1.12 -.08 -1.12 -.08 -.7"),
        ((236, 236, 232), "-.6 -.5 -.6 -.8 .5 -.8 .58 -.5"),
        ((252, 252, 250), "-.8 -.2 -.8 -.52 .7 -.52 .8 -.2"),
        ((240, 242, 244), "-1 -.24 1.1 -.3 .85 .08 -.88 .08"),
    ),
    "fishing boat": (
        ((80, 66, 52), "-.5 -.2 -.46 -1.1 -.42 -1.1 -.42 -.2"),
        ((250, 248, 240), "-.1 -.2 -.05 -.75 .45 -.75 .5 -.2"),
        ((30, 104, 166), "-1 -.3 1.1 -.42 .8 .08 -.85 .08"),
    ),
}
"""Outlines around the middle of the waterline, in half lengths of the boat."""
_SNOW: Colour = (236, 241, 250)
_LAMP: Colour = (255, 206, 128)


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
    """The colour that lies `share` of the way from `a` to `b`."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def noise(rng: random.Random, cells: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """Smooth grey noise: a few random cells stretched to the size."""
    grain = Image.frombytes("L", cells, rng.randbytes(cells[0] * cells[1]))
    return grain.resize(size, Image.Resampling.BICUBIC)


class Canvas:
    """A picture painted at twice its size, in the light and (by `depth`, 0 near to 1 far) the haze of a shot."""

    def __init__(self, shot: Shot, size: tuple[int, int], rng: random.Random) -> None:
        self.shot, self.rng, self.city = shot, rng, _CITIES[shot.city]
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
        """A filled polygon; a glowing one keeps its colour whatever the light."""
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
        lit = self.rng.random() < self.lit_share
        colour = self.rng.choice(((255, 204, 112), (255, 224, 160), (246, 178, 84))) if lit else (70, 88, 106)
        self.poly(points, colour, glowing=lit)

    def shine(self, x: float, y: float, radius: float, colour: Colour = _LAMP) -> None:
        """A light that glows over everything around it once the picture is finished."""
        self.glows.append((x, y, radius, colour))

    def sky(self, horizon: float) -> None:
        """The sky down to the horizon: gradient, stars, clouds, sun or moon."""
        size, rng, time = (self.width * 2, round(horizon * 2)), self.rng, self.shot.time
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

    def mirror(self, y: float, share: float, soft: float) -> None:
        """What stands above the line `y` shown again, upside down and blurred, in what lies below it."""
        width, height = self.image.size
        line, depth = round(y * 2), height - round(y * 2)
        above = self.image.crop((0, max(0, line - depth), width, line)).resize((width // 4, depth // 8))
        below = ImageOps.flip(above).filter(ImageFilter.GaussianBlur(soft)).resize((width, depth))
        self.image.paste(Image.blend(self.image.crop((0, line, width, height)), below, share), (0, line))

    def finish(self) -> Image.Image:
        """The picture at its own size with rain or snow, mist, glowing lights and a darker edge."""
        rng, size, weather = self.rng, (self.width, self.height), self.shot.weather
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
        round_off = [(255 - v) ** 2 // 255 for v in range(256)]
        for x, y, radius, colour in self.glows:
            side, spot = max(4, round(radius / 2)), Image.new("RGB", light.size)
            mask = Image.radial_gradient("L").point(round_off).resize((side, side))
            spot.paste(colour, (round(x / 4 - side / 2), round(y / 4 - side / 2)), mask)
            light = ImageChops.screen(light, spot)
        image = ImageChops.screen(image, light.resize(size, Image.Resampling.BICUBIC))
        edge = Image.radial_gradient("L").resize(size).point([255 - max(0, v - 110) // 3 for v in range(256)])
        return ImageChops.multiply(image, Image.merge("RGB", (edge, edge, edge)))


@frozen
class _Eye:
    """A camera 2.3 m above a road: metres to the right, above the ground and ahead become pixels."""

    x: float
    horizon: float
    focal: float

    def see(self, x: float, y: float, z: float) -> Point:
        return self.x + x / z * self.focal, self.horizon - (y - 2.3) / z * self.focal

    def across(self, x: Point, y: Point, z: Point) -> list[Point]:
        """A face that runs from left to right: upright, level or leaning back."""
        corners = ((x[0], y[0], z[0]), (x[0], y[1], z[1]), (x[1], y[1], z[1]), (x[1], y[0], z[0]))
        return [self.see(*corner) for corner in corners]

    def along(self, x: Point, y: Point, z: Point) -> list[Point]:
        """A face that runs into the distance, such as a wall along the road."""
        corners = ((x[0], y[0], z[0]), (x[1], y[1], z[0]), (x[1], y[1], z[1]), (x[0], y[0], z[1]))
        return [self.see(*corner) for corner in corners]

    def wall(self, x: float, y: Point, z: Point) -> list[Point]:
        """An upright face along the road."""
        return [
            self.see(x, y[0], z[0]),
            self.see(x, y[1], z[0]),
            self.see(x, y[1], z[1]),
            self.see(x, y[0], z[1]),
        ]


def draw_scene(shot: Shot, seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """The picture of a shot; the same seed draws the same picture."""
    canvas = Canvas(shot, size, random.Random(seed))  # noqa: S311
    horizon = size[1] * (0.5 if shot.place == "harbour" else 0.55)
    canvas.sky(horizon)
    if shot.place == "harbour":
        _harbour(canvas, horizon)
    else:
        _road(canvas, _Eye(size[0] * canvas.rng.uniform(0.45, 0.55), horizon, max(size) * 0.6))
    return canvas.finish()


def _road(c: Canvas, eye: _Eye) -> None:
    street, rng = c.shot.place == "street", c.rng
    verge: Colour = _SNOW if c.snowy else (150, 146, 140) if street else c.city.grass
    tar: Colour = (168, 174, 184) if c.snowy else (92, 94, 100)
    if not street:
        _hills(c, eye.horizon)
    for far, near in itertools.pairwise((900.0, 120, 70, 45, 32, 24, 18, 14, 11, 8.5, 6.5, 5, 4, 3, 2)):
        c.depth = near / 90
        for half, colour in ((900.0, verge), (4.6, (196, 192, 184)), (4.3, tar)):
            c.poly(eye.across((-half, half), (0, 0), (near, far)), mix(colour, (0, 0, 0), 1.2 / (near + 6)))
    for z in range(3, 80, 5):
        c.depth = z / 90
        c.poly(eye.across((-0.09, 0.09), (0, 0), (z, z + 2.4)), (236, 234, 224))
    for side in (-1, 1) if street else ():
        _row(c, eye, side)
    if c.shot.weather == "rain":
        c.mirror(eye.horizon + 4, 0.4, 5)
    for z, side in itertools.product((60, 44, 31, 22, 15), (-1, 1)):
        c.depth, metre = z / 90, eye.focal / z
        x, y = eye.see(side * rng.uniform(5.2, 5.8) * (1 if street else 1.5), 0, z)
        if rng.random() < (0.5 if street else 0.85):
            _tree(c, x, y, rng.uniform(4, 6) * metre)
        elif street:
            lamp = (x - side * 1.2 * metre, y - 5.6 * metre)
            c.line([(x, y), (x, lamp[1]), lamp], (60, 62, 66), 0.12 * metre)
            if c.lit_share:
                c.shine(*lamp, 4 * metre)
    side = rng.choice((-1, 1))
    other = rng.choice([name for name in _VEHICLES if name not in (c.shot.subject, "yellow tram")])
    _vehicle(c, eye, other, -side * 2.1, rng.uniform(19, 28))
    _vehicle(c, eye, c.shot.subject, side * 2.1, rng.uniform(7.5, 9) + 1.6 * _VEHICLES[c.shot.subject][1])


def _row(c: Canvas, eye: _Eye, side: int) -> None:
    rng, edges, x, outer = c.rng, [5.0], side * 7.4, side * 8.5
    roof = c.city.roof and (_SNOW if c.snowy else c.city.roof)
    while edges[-1] < 85:
        edges.append(edges[-1] + rng.uniform(5, 9))
    for near, far in reversed(list(itertools.pairwise(edges))):
        wall = mix(rng.choice(c.city.walls), (0, 0, 0), 0.2 if side < 0 else 0.04)
        floors, c.depth = rng.randint(2, 4), near / 90
        top = floors * 3.1 + 1
        c.poly(eye.across((x, side * 20), (0, top), (near, near)), mix(wall, (0, 0, 0), 0.22))
        c.poly(eye.wall(x, (0, top), (near, far)), wall)
        if roof:
            c.poly(eye.along((x, outer), (top, top + 2.4), (near, far)), roof)
            c.poly(eye.across((outer, side * 20), (top, top + 2.4), (near, near)), mix(roof, (0, 0, 0), 0.2))
            c.poly(eye.wall(x, (top - 0.35, top), (near, far)), c.city.trim)
        columns = max(2, round((far - near) / 2.4))
        pitch = (far - near) / columns
        for column, floor in itertools.product(range(columns), range(floors)):
            a, low = near + pitch * (column + 0.28), floor * 3.1 + (1 if floor else 0.1)
            b, high = a + pitch * 0.46, low + (1.75 if floor else 2.5)
            c.poly(eye.wall(x, (low, high + 0.14), (a - 0.16, b + 0.16)), c.city.trim)
            c.pane(eye.wall(x, (low, high), (a, b)))
            if near < 40 and floor and c.shot.city != "oslo":
                c.poly(
                    eye.wall(x - side * 0.3, (low - 0.1, low + 0.7), (a - 0.2, b + 0.2)), (40, 44, 50), 190
                )


def _vehicle(c: Canvas, eye: _Eye, name: str, x: float, z: float) -> None:
    (body, tall), glass, c.depth = _VEHICLES[name], (52, 66, 82), z / 90
    half, top, long, belt = (1.25, 3.0, 9.0, 1.35) if tall else (0.9, 1.5, 4.2, 0.88)
    back, wide, inward = z + long, (x - half, x + half), 1 if x < 0 else -1
    inner = x + half * inward
    c.poly(eye.across((x - half - 0.2, x + half + 0.2), (0, 0), (z - 0.3, back)), (12, 12, 16), 150)
    c.poly(eye.wall(inner, (0.3, top if tall else belt), (z, back)), mix(body, (0, 0, 0), 0.3))
    for wheel, turns in ((z + long * 0.2, range(16)), (z + long * 0.8, range(16))):
        rim = [
            (0.4 + 0.4 * math.sin(t * math.pi / 8), wheel + 0.42 * math.cos(t * math.pi / 8)) for t in turns
        ]
        c.poly([eye.see(inner, *spot) for spot in rim], (16, 16, 18))
    if tall:
        dark = c.shot.time == "night"
        for a in (z + 0.5, z + 2.2, z + 3.9, z + 5.6, z + 7.3):
            c.poly(eye.wall(inner, (belt, top - 0.5), (a, a + 1.4)), _LAMP if dark else glass, glowing=dark)
        c.poly(eye.across(wide, (0.3, top), (z, z)), body)
        if name == "yellow tram":
            c.poly(eye.across(wide, (belt - 0.1, top), (z, z)), (244, 240, 226))
        c.poly(
            eye.across((x - half + 0.15, x + half - 0.15), (belt, top - 0.6), (z, z)),
            mix(glass, _LAMP, 0.5 * dark),
        )
        c.poly(eye.across((x - 0.7, x + 0.7), (top - 0.48, top - 0.14), (z, z)), (255, 190, 60), glowing=True)
    else:
        hood, roof, slim = z + 1.1, (z + 1.7, back - 1.0), inner - 0.2 * inward
        sides = ((inner, belt, hood), (slim, top, roof[0]), (slim, top, roof[1]), (inner, belt, back - 0.3))
        c.poly([eye.see(*corner) for corner in sides], mix(glass, (0, 0, 0), 0.3))
        c.poly(eye.across((x - half + 0.2, x + half - 0.2), (top, top), roof), body)
        c.poly(eye.across((x - half + 0.1, x + half - 0.1), (belt, top), (hood, roof[0])), glass)
        c.poly(eye.across(wide, (belt, belt), (z, hood)), mix(body, (255, 255, 255), 0.15))
        c.poly(eye.across(wide, (0.28, belt), (z, z)), body)
        c.poly(eye.across((x - 0.5, x + 0.5), (0.36, 0.56), (z, z)), (30, 30, 34))
        if name == "yellow taxi":
            c.poly(eye.across((x - 0.35, x + 0.35), (top, top + 0.25), roof), (255, 250, 220), glowing=True)
    beam: Colour = (255, 244, 208) if x < 0 else (255, 40, 30)
    for spot in (x - half * 0.72, x + half * 0.72):
        c.poly(eye.across((spot - 0.2, spot + 0.2), (0.6, 0.8), (z, z)), beam, glowing=True)
        if c.lit_share or c.shot.weather == "fog":
            c.shine(
                *eye.see(spot, 0.7, z), (1.4 if x < 0 else 0.5) * eye.focal / z, mix((0, 0, 0), beam, 0.8)
            )


def _tree(c: Canvas, x: float, y: float, high: float) -> None:
    c.box(x - high * 0.025, y, high * 0.05, high * 0.75, (88, 66, 48))
    if c.city.tree == "spruce":
        for step in range(5):
            low, wide = y - high * (0.12 + step * 0.17), high * (0.3 - step * 0.05)
            tip, rim = (x, low - high * 0.34), 0.9 if c.snowy else 0.1
            c.poly([(x - wide, low), tip, (x + wide, low)], (34, 74 + step * 5, 54))
            light = _SNOW if c.snowy else (48, 98, 66)
            c.poly([(x - wide * rim, low - 2), tip, (x + wide * 0.3, low - high * 0.05)], light)
    elif c.city.tree == "palm":
        for step in range(11):
            turn, reach, top = (
                math.pi * (step * 0.13 - 0.15),
                high * c.rng.uniform(0.34, 0.42),
                y - high * 0.76,
            )
            dx, dy = math.cos(turn) * reach, math.sin(turn) * reach
            bend = (x + dx * 0.6, top - dy * 0.5 - reach * 0.14)
            frond = [
                (x, top),
                bend,
                (x + dx, top - dy * 0.3 + reach * 0.24),
                (bend[0], bend[1] + reach * 0.16),
            ]
            c.poly(frond, (62 + step % 3 * 14, 116 + step % 3 * 12, 50))
    else:
        for step in range(16):
            turn, away = c.rng.uniform(0, 2 * math.pi), c.rng.uniform(0, 0.2) * high
            green = c.tone(mix((60, 104, 48), (132, 168, 76), step / 16))
            spot = (x + math.cos(turn) * away, y - high * 0.72 + math.sin(turn) * away - step * 0.4)
            c.disc(*spot, high * 0.125, green)


def _hills(c: Canvas, horizon: float) -> None:
    rng, edge = c.rng, c.width + 16
    for layer, c.depth in enumerate((0.95, 0.6, 0.3)):
        phase, rise = rng.uniform(0, 6), c.height * c.city.rise * (1 - 0.3 * layer)
        waves = [(rng.uniform(0.006, 0.02) * (1 + i), 0.225 / (1 + i)) for i in range(3)]
        swell = [sum(a * math.sin(x * f + phase) for f, a in waves) for x in range(-8, edge, 8)]
        ridge = [(x, horizon - rise * (0.55 + s)) for x, s in zip(range(-8, edge, 8), swell, strict=True)]
        hill = mix(c.city.hill, c.city.grass, layer / 2)
        c.poly([*ridge, (edge, horizon + 3), (-8, horizon + 3)], mix(hill, _SNOW, 0.75) if c.snowy else hill)
        for x, y in rng.sample(ridge, 26 + 14 * layer) if layer else ():
            _house(
                c, x, rng.uniform(y + 6, horizon), c.height * (0.03 + 0.012 * layer) * rng.uniform(0.8, 1.3)
            )


def _house(c: Canvas, x: float, y: float, size: float) -> None:
    wide, wall = size * c.rng.uniform(0.8, 1.3), c.rng.choice(c.city.walls)
    c.box(x, y + 2, wide, size + 2, wall)
    c.box(x + wide * 0.7, y + 2, wide * 0.3, size + 2, mix(wall, (0, 0, 0), 0.18))
    if c.city.roof:
        roof = [(x - 1, y - size), (x + wide / 2, y - size * 1.5), (x + wide + 1, y - size)]
        c.poly(roof, _SNOW if c.snowy else c.city.roof)
    for column, row in itertools.product((0.18, 0.6), (0.53, 0.9)):
        a, b = x + wide * column, y - size * (row - 0.2)
        c.pane([(a, b), (a + wide * 0.2, b), (a + wide * 0.2, b - size * 0.2), (a, b - size * 0.2)])


def _harbour(c: Canvas, horizon: float) -> None:
    rng, wide, sea = c.rng, c.width, c.height - horizon
    _hills(c, horizon - 4)
    for x in range(-10, wide, 24):
        _house(c, x, horizon, c.height * rng.uniform(0.05, 0.085))
    _LANDMARKS[c.shot.city](c, horizon)
    for step in range(30):
        c.depth = 0.5 * (1 - step / 30) ** 2
        c.box(0, c.height, wide, sea * (1 - step / 30), mix((92, 148, 172), (16, 64, 90), step / 30))
    c.mirror(horizon, 0.42, 2.5)
    c.depth = 0.1
    for _ in range(240):
        near = rng.random() ** 1.6
        x, y, half = rng.uniform(-20, wide), horizon + 3 + near * sea, 6 + 44 * near
        ripple = [(x, y), (x + half, y - 0.5), (x + half * 2, y), (x + half, y + 0.4 + 1.4 * near)]
        c.poly(ripple, rng.choice(((200, 226, 238), (10, 46, 70))), 70)
    for near in (0.12, 0.3, 0.45):
        name = rng.choice(("sailing boat", "fishing boat"))
        _boat(c, name, rng.uniform(0.05, 0.95) * wide, horizon + sea * near, 20 + 60 * near)
    _boat(c, c.shot.subject, wide * rng.uniform(0.36, 0.6), c.height * rng.uniform(0.8, 0.86), wide * 0.19)


def _bridge(c: Canvas, y: float) -> None:
    wide, red, deck = c.width, (196, 58, 42), y - 34
    left, right = wide * 0.28, wide * 0.78
    c.line([(0, deck), (wide, deck)], red, 3)
    for tower in (left, right):
        for leg in (tower - 4, tower + 4):
            c.line([(leg, y + 4), (leg, y - 108)], red, 2.6)
        for rung in (16, 38, 60, 82, 104):
            c.line([(tower - 4, y - rung), (tower + 4, y - rung)], red, 2)
    for start, end in ((-left, left), (left, right), (right, 2 * wide - right)):
        cable = [(start + (end - start) * i / 24, deck - 6 - 66 * (i / 12 - 1) ** 2) for i in range(25)]
        c.line(cable, red, 1.5)
        for x, top in cable:
            c.line([(x, top), (x, deck)], red, 0.5)


def _town_hall(c: Canvas, y: float) -> None:
    x = c.width * 0.62
    c.box(x, y + 2, 106, 46, (148, 84, 66))
    for left in (x + 10, x + 64):
        c.box(left, y + 2, 32, 98, (134, 74, 58))
        for column, row in itertools.product((4, 13, 22), range(12, 92, 11)):
            c.pane(
                [(left + column, y - row + dy) for dy in (0, 5)]
                + [(left + column + 5, y - row + dy) for dy in (5, 0)]
            )


def _lighthouse(c: Canvas, y: float) -> None:
    x = c.width * 0.74
    c.poly([(x - 11, y + 2), (x - 6, y - 92), (x + 6, y - 92), (x + 11, y + 2)], (250, 248, 240))
    c.box(x - 8, y - 30, 16, 16, (196, 48, 40))
    c.box(x - 9, y - 90, 18, 8, (40, 96, 168))
    c.box(x - 5, y - 98, 10, 12, (255, 236, 170), glowing=c.lit_share > 0)
    c.poly([(x - 7, y - 110), (x, y - 122), (x + 7, y - 110)], (190, 48, 40))
    if c.lit_share:
        c.shine(x, y - 104, 70)


_LANDMARKS = {"algiers": _lighthouse, "oslo": _town_hall, "lisbon": _bridge}


def _boat(c: Canvas, name: str, x: float, y: float, size: float) -> None:
    c.depth = max(0.03, 0.3 - size / 400)
    outlines = (
        ((6, 24, 36), "-.9 0 .9 0 .6 .24 -.6 .24"),
        *_BOATS[name],
        ((170, 40, 40), "-.87 .02 .83 .01 .8 .08 -.85 .08"),
    )
    for colour, outline in outlines:
        numbers = [float(number) * size for number in outline.split()]
        points = [(x + dx, y + dy) for dx, dy in zip(numbers[::2], numbers[1::2], strict=True)]
        c.poly(points, colour, 130 if colour == (6, 24, 36) else 255)
    rows = {"white ferry": ((-0.7, 9, -0.44), (-0.5, 6, -0.72)), "fishing boat": ((0.05, 2, -0.66),)}
    for left, count, top in rows.get(name, ()):
        for i in range(count):
            a, b = x + (left + i * 0.155) * size, y + top * size
            c.pane([(a, b), (a + size * 0.09, b), (a + size * 0.09, b + size * 0.11), (a, b + size * 0.11)])
    if c.lit_share:
        c.shine(x + size * 1.0, y - size * 0.34, size * 0.3)
