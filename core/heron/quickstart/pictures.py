"""The other pictures of the sample lake: a map, a postcard, an animation, copies, views of a street, a time-lapse."""

from __future__ import annotations

import io
import itertools
import math

from PIL import Image, ImageDraw, ImageFont

from heron.quickstart.canvas import Shot, saved
from heron.quickstart.motion import crossing, pass_of_time
from heron.quickstart.scenes import draw_scene

_DUSK = Shot("lisbon", "harbour", "dusk", "sun", "sailing boat")


def postcard() -> bytes:
    """A harbour at dusk as WebP."""
    return saved(draw_scene(_DUSK, 77), "WEBP", quality=82, method=2)


def animation() -> bytes:
    """A boat that crosses a harbour, as a GIF of twelve frames."""
    frames = list(crossing([_DUSK], 78, (320, 240), 12))
    palette = frames[5].quantize(96)
    first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    return saved(first, "GIF", save_all=True, append_images=rest, duration=200, loop=0)


def encoded_again(jpeg: bytes) -> bytes:
    """A JPEG decoded and encoded again, as a messenger would."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return saved(image.convert("RGB"), "JPEG", quality=40)


def views() -> list[bytes]:
    """Five JPEGs of one street, from the left to the right."""
    shot = Shot("algiers", "street", "day", "sun", "yellow taxi")
    return [
        saved(draw_scene(shot, 11, pan=pan).resize((480, 360)), "JPEG", quality=80)
        for pan in (-0.3, -0.15, 0.0, 0.15, 0.3)
    ]


def time_lapse() -> list[bytes]:
    """Nine JPEGs of one harbour, from day to night."""
    shots = [Shot("oslo", "harbour", time, "sun", "sailing boat") for time in ("day", "dusk", "night")]
    return [saved(frame, "JPEG", quality=80) for frame in pass_of_time(shots, 8, (480, 360), 9)]


def chart() -> bytes:
    """The map of the lake as PNG, transparent around it."""
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
    return saved(image.reduce(2), "PNG", optimize=True)
