"""Starts and uses the processes in which resvg draws: some files of a few bytes would take it hours, or gigabytes.

In a process of its own, the system limits time and memory, and a file that exceeds a limit affects no other.
"""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import weakref
from pathlib import Path

from PIL import Image

from heron.errors import HeronError, MediaError, PluginError

SECONDS = 20
"""The most processor seconds of one drawing."""

MEMORY = 1024**3
"""The most bytes of address space of a process."""

_MOST_IDLE = 4
_REQUEST = struct.Struct(">IIII")
_ANSWER = struct.Struct(">?I")
_WORKER = Path(__file__).with_name("worker.py")
_FONTS = Path(__file__).parent.parent / "fonts"
"""The font that comes with Heron, for texts whose font is not installed."""


class Worker:
    """One process; it ends with the object."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER), str(SECONDS), str(MEMORY), str(_FONTS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)},
        )
        self.end = weakref.finalize(self, _end, self._process, os.getpid())

    def draw(self, markup: bytes, width: int, height: int, *, with_fonts: bool) -> tuple[bool, bytes]:
        """Whether it was drawn, and the PNG or the reason; raises EOFError or OSError if the process has ended."""
        to, of = self._process.stdin, self._process.stdout
        assert to is not None and of is not None
        to.write(_REQUEST.pack(len(markup), width, height, with_fonts) + markup)
        to.flush()
        head = of.read(_ANSWER.size)
        if len(head) < _ANSWER.size:
            raise EOFError
        is_drawn, length = _ANSWER.unpack(head)
        content = of.read(length)
        if len(content) < length:
            raise EOFError
        return is_drawn, content

    def code(self) -> int:
        """Wait for the end of the process; returns its `Popen.returncode`."""
        return self._process.wait()


class Workers:
    """The processes of a decoder; as many as are drawing at once, and a few that are idle."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._owner = os.getpid()

    def draw(self, name: str, markup: str, width: int, height: int, *, with_fonts: bool) -> Image.Image:
        """The picture of a drawing in RGBA; raises MediaError, and PluginError if no process can draw."""
        if self._owner != os.getpid():  # a fork must not share pipes
            self._idle, self._owner = [], os.getpid()
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = _started()
        try:
            is_drawn, content = worker.draw(markup.encode(), width, height, with_fonts=with_fonts)
        except (EOFError, OSError) as error:
            code = worker.code()
            worker.end()
            raise _ending(name, code) from error
        except BaseException:
            worker.end()  # interrupted: its answer would be taken for that of the next drawing
            raise
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(worker)
        if not is_drawn:
            raise MediaError(f"{name} cannot be drawn: {content.decode()}")
        with Image.open(io.BytesIO(content)) as picture:
            return picture.convert("RGBA")


def _started() -> Worker:
    try:
        return Worker()
    except OSError as error:
        raise PluginError(f"the process that draws SVG cannot be started: {error}") from error


def _ending(name: str, code: int) -> HeronError:
    """The error for a process that ended while it was drawing: a signal ends it for a limit, and a code where it cannot draw at all."""
    if code >= 0:
        return PluginError(
            f"the process that draws SVG ended by itself with code {code}",
            hint="check that Python can import resvg_py",
        )
    return MediaError(f"{name} cannot be drawn in {SECONDS} seconds and with {MEMORY // 1024**2:,} MB")


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if owner != os.getpid():
        return
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            pipe.close()  # type: ignore[union-attr]
        except BrokenPipeError:
            pass  # the last message cannot be sent
