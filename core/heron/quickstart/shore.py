"""Hills with a town on them, and harbours with a landmark and boats."""

from __future__ import annotations

import itertools
import math

from heron.quickstart.canvas import SNOW, Canvas, Colour, mix

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


def draw_hills(c: Canvas, horizon: float) -> None:
    """Three ridges of hills down to the horizon, with houses on the nearer two."""
    rng, edge = c.rng, c.width + 16
    for layer, c.depth in enumerate((0.95, 0.6, 0.3)):
        phase, rise = rng.uniform(0, 6), c.height * c.city.rise * (1 - 0.3 * layer)
        waves = [(rng.uniform(0.006, 0.02) * (1 + i), 0.225 / (1 + i)) for i in range(3)]
        swell = [sum(a * math.sin(x * f + phase) for f, a in waves) for x in range(-8, edge, 8)]
        ridge = [(x, horizon - rise * (0.55 + s)) for x, s in zip(range(-8, edge, 8), swell, strict=True)]
        hill = mix(c.city.hill, c.city.grass, layer / 2)
        c.poly([*ridge, (edge, horizon + 3), (-8, horizon + 3)], mix(hill, SNOW, 0.75) if c.snowy else hill)
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
        c.poly(roof, SNOW if c.snowy else c.city.roof)
    for column, row in itertools.product((0.18, 0.6), (0.53, 0.9)):
        a, b = x + wide * column, y - size * (row - 0.2)
        c.pane([(a, b), (a + wide * 0.2, b), (a + wide * 0.2, b - size * 0.2), (a, b - size * 0.2)])


def draw_harbour(c: Canvas, horizon: float, drift: float) -> None:
    """A town on the water with its landmark, and boats; `drift` moves the nearest, in picture widths."""
    rng, wide, sea = c.rng, c.width, c.height - horizon
    draw_hills(c, horizon - 4)
    for left in range(-10, wide, 24):
        _house(c, left, horizon, c.height * rng.uniform(0.05, 0.085))
    _LANDMARKS[c.shot.city](c, horizon)
    for step in range(30):
        c.depth = 0.5 * (1 - step / 30) ** 2
        c.box(0, c.height, wide, sea * (1 - step / 30), mix((92, 148, 172), (16, 64, 90), step / 30))
    c.mirror(horizon, 2.5, [(0, horizon), (wide, horizon), (wide, c.height), (0, c.height)])
    c.depth = 0.1
    for _ in range(240):
        near = rng.random() ** 1.6
        x, y, half = rng.uniform(-20, wide), horizon + 3 + near * sea, 6 + 44 * near
        ripple = [(x, y), (x + half, y - 0.5), (x + half * 2, y), (x + half, y + 0.4 + 1.4 * near)]
        c.poly(ripple, rng.choice(((200, 226, 238), (10, 46, 70))), 70)
    for near in (0.12, 0.3, 0.45):
        name = rng.choice(("sailing boat", "fishing boat"))
        _boat(c, name, rng.uniform(0.05, 0.95) * wide, horizon + sea * near, 20 + 60 * near)
    middle, line = wide * (drift + rng.uniform(0.36, 0.6)), c.height * rng.uniform(0.8, 0.86)
    _boat(c, c.shot.subject, middle, line, wide * 0.19)


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
