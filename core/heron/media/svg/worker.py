"""The process in which resvg draws: some files of a few bytes would take it hours, or gigabytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

import resvg_py

from heron.isolation.channel import Message
from heron.isolation.serving import Packed, Service, run

_FAMILY = "DejaVu Sans"
"""The font that stands for any font of a sort; texts whose font is not there are drawn in it."""


def draw(markup: str, width: int, height: int, fonts: str | None) -> bytes:
    """The PNG of a drawing. Without fonts no text is drawn, and none has to be looked for, which takes long."""
    png: bytes = resvg_py.svg_to_bytes(
        svg_string=markup,
        width=width,
        height=height,
        skip_system_fonts=fonts is None,
        font_dirs=[fonts] if fonts else None,
        font_family=_FAMILY,
        serif_family=_FAMILY,
        sans_serif_family=_FAMILY,
        cursive_family=_FAMILY,
        fantasy_family=_FAMILY,
        monospace_family=_FAMILY,
    )
    return png


def answers(service: Service, request: Message, content: bytes) -> Iterator[Packed]:
    """The drawing of one markup."""
    with service.clock.running():
        png = draw(content.decode(), request["width"], request["height"], request["fonts"])
    yield {"is_last": True}, png


if __name__ == "__main__":
    run(lambda service: partial(answers, service), *sys.argv[1:])
