"""The process in which resvg draws, with limits on time and memory; started by `process.py`, and free of Heron's imports."""

from __future__ import annotations

import resource
import signal
import struct
import sys

import resvg_py

_REQUEST = struct.Struct(">IIII")
_ANSWER = struct.Struct(">?I")
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


def serve(seconds: float, fonts: str) -> None:
    """Draw one file after the other, until the other process closes its side."""
    read, write = sys.stdin.buffer, sys.stdout.buffer
    while len(head := read.read(_REQUEST.size)) == _REQUEST.size:
        length, width, height, with_fonts = _REQUEST.unpack(head)
        markup = read.read(length).decode()
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            is_drawn, content = True, draw(markup, width, height, fonts if with_fonts else None)
        except BaseException as error:  # noqa: BLE001 - a panic of Rust is no Exception, and the next file waits
            is_drawn, content = False, " ".join(f"{error}".split())[:300].encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        write.write(_ANSWER.pack(is_drawn, len(content)) + content)
        write.flush()


def main(seconds: float, memory: int, fonts: str) -> None:
    """Serve on standard input and output within these limits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks decides when to stop
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ValueError, OSError):
        pass  # not every system can limit memory
    try:
        serve(seconds, fonts)
    except BrokenPipeError:
        pass  # nobody waits for the answer any more


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
