"""Streets and country roads with their houses, trees and vehicles, seen from the middle of the road."""

from __future__ import annotations

import itertools
import math

from attrs import frozen

from heron.quickstart.canvas import LAMP, SNOW, Canvas, Colour, Point, mix
from heron.quickstart.shore import draw_hills

_VEHICLES: dict[str, tuple[Colour, bool]] = {
    "red bus": ((212, 26, 34), True),
    "yellow tram": ((246, 190, 20), True),
    "yellow taxi": ((252, 200, 0), False),
    "blue car": ((34, 84, 200), False),
    "white van": ((230, 232, 234), False),
}
"""The body's colour, and whether it is as tall as a bus."""


@frozen
class Eye:
    """A camera 2.3 m above a road: metres to the right, above the ground and ahead become pixels."""

    x: float
    horizon: float
    focal: float

    def see(self, x: float, y: float, z: float) -> Point:
        """Where a point in metres is in the picture."""
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


def draw_road(c: Canvas, eye: Eye) -> None:
    """A road to the horizon with traffic, between houses (a street) or in open land."""
    street, rng = c.shot.place == "street", c.rng
    verge: Colour = SNOW if c.snowy else (150, 146, 140) if street else c.city.grass
    tar: Colour = (168, 174, 184) if c.snowy else (92, 94, 100)
    if not street:
        draw_hills(c, eye.horizon)
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
        half = 7.4 if street else 4.6
        c.mirror(eye.horizon + 4, 5, eye.across((-half, half), (0, 0), (1.5, 300)))
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
    c.light = mix(c.light, (255, 250, 240), c.lit_share)
    _vehicle(c, eye, other, -side * 2.1, rng.uniform(19, 28))
    _vehicle(c, eye, c.shot.subject, side * 2.1, rng.uniform(7.5, 9) + 1.6 * _VEHICLES[c.shot.subject][1])


def _row(c: Canvas, eye: Eye, side: int) -> None:
    rng, edges, x, outer = c.rng, [5.0], side * 7.4, side * 8.5
    roof = c.city.roof and (SNOW if c.snowy else c.city.roof)
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


def _vehicle(c: Canvas, eye: Eye, name: str, x: float, z: float) -> None:
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
            c.poly(eye.wall(inner, (belt, top - 0.5), (a, a + 1.4)), LAMP if dark else glass, glowing=dark)
        c.poly(eye.across(wide, (0.3, top), (z, z)), body)
        if name == "yellow tram":
            c.poly(eye.across(wide, (belt - 0.1, top), (z, z)), (244, 240, 226))
        c.poly(
            eye.across((x - half + 0.15, x + half - 0.15), (belt, top - 0.6), (z, z)),
            mix(glass, LAMP, 0.5 * dark),
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
            light = SNOW if c.snowy else (48, 98, 66)
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
