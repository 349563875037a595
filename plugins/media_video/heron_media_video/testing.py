"""Videos and sounds for tests, written when they are needed: each frame of a video shows its number as 16 blocks."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 160, 96
_COLUMNS, _ROWS = 8, 2


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT, *, grain: bool = False) -> Image.Image:
    """A picture with a number below 65,536 in black and white blocks in its upper half.

    Below there are bars that move, or with `grain` noise, which is the same for each number.
    """
    blocks = Image.new("L", (_COLUMNS, _ROWS))
    blocks.putdata([235 if number >> bit & 1 else 16 for bit in range(_COLUMNS * _ROWS)])
    picture = Image.new("RGB", (width, height), (90, 90, 90))
    picture.paste(blocks.resize((width, height // 2), Image.Resampling.NEAREST).convert("RGB"))
    if grain:
        noise = np.random.default_rng(number).normal(128, 40, (height // 2, width)).clip(0, 255)
        picture.paste(Image.fromarray(noise.astype(np.uint8)).convert("RGB"), (0, height // 2))
        return picture
    pen = ImageDraw.Draw(picture)
    for bar in range(6):
        left, top = (number * (3 + bar) + bar * 37) % width, height // 2 + bar * 8
        pen.rectangle((left, top, left + 24, top + 7), (40 * bar, 200, 120))
    return picture


def number_of(picture: Image.Image) -> int:
    """The number that a picture shows, at any size."""
    upper = picture.convert("L").crop((0, 0, picture.width, picture.height // 2))
    blocks = upper.resize((_COLUMNS, _ROWS), Image.Resampling.BOX)
    return sum(1 << bit for bit, value in enumerate(blocks.tobytes()) if value > 128)


@contextmanager
def _same_scheduling() -> Iterator[None]:
    """Undo the priority that SVT-AV1, if run by root, gives to this thread and to all threads that it starts."""
    before = os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else None
    try:
        yield
    finally:
        if before is not None and os.sched_getscheduler(0) != before:
            os.sched_setscheduler(0, before, os.sched_param(0))


def write_video(
    path: Path,
    codec: str = "libx264",
    *,
    frames: int = 60,
    rate: Fraction | int = 25,
    pixels: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    container: Mapping[str, str] | None = None,
    times: Callable[[int], int] | None = None,
    unit: Fraction | None = None,
    tags: Mapping[str, str] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    format: str | None = None,
    sound: bool | float = False,
    grain: bool = False,
    **settings: Any,
) -> Path:
    """Write a video of numbered frames, with `sound` of its length or of so many seconds; `times` gives the time of each in units of `unit` seconds.

    `options` are those of the codec, `container` those of the file; `settings` are attributes of the stream, and
    `rotation` is what `set_display_rotation` takes.
    """
    with (
        _same_scheduling(),
        av.open(str(path), "w", format=format, options=dict(container or {})) as output,
    ):
        output.metadata.update(tags or {})
        stream: Any = output.add_stream(codec, rate=rate, options=dict(options or {}))
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        if rotation := settings.pop("rotation", None):
            stream.set_display_rotation(*rotation)
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        if unit is not None:
            stream.codec_context.time_base = unit
        noise: Any = output.add_stream("aac", rate=48000) if sound else None
        for number in range(frames):
            frame = picture_frame(numbered(number, *size, grain=grain)).reformat(format=pixels)
            frame.pts = number if times is None else times(number)
            frame.time_base = unit or 1 / Fraction(rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        seconds = frames / float(rate) if sound is True else float(sound)
        for frame in (*tones(seconds, 48000), None) if sound else ():
            output.mux(noise.encode(frame))
    return path


def picture_frame(picture: Image.Image) -> Any:
    """A picture as a frame that can be encoded."""
    make: Any = av.VideoFrame.from_image
    return make(picture)


def write_sound(
    path: Path,
    codec: str,
    *,
    seconds: float = 2.0,
    rate: int = 48000,
    channels: int = 1,
    tags: Mapping[str, str] | None = None,
    format: str | None = None,
) -> Path:
    """Write a tone that grows louder."""
    with av.open(str(path), "w", format=format) as output:
        output.metadata.update(tags or {})
        stream: Any = output.add_stream(codec, rate=rate, layout="mono" if channels == 1 else "stereo")
        stream.bit_rate = 128_000  # WMA has no default
        for frame in tones(seconds, rate, channels):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def tones(seconds: float, rate: int, channels: int = 1) -> list[Any]:
    """A tone of 440 Hz that grows louder, in frames of 960 samples."""
    moments = np.arange(int(seconds * rate))
    tone = 30000 * moments / len(moments) * np.sin(moments * 440 * math.tau / rate)
    frames = []
    for start in range(0, len(moments), 960):
        samples = tone[start : start + 960].astype(np.int16).repeat(channels)[None]
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono" if channels == 1 else "stereo")
        frame.rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        frames.append(frame)
    return frames


def write_fields(path: Path, frames: int = 20, *, together: bool = False, group: int = 8) -> Path:
    """Write H.264 whose frames are two fields, each a packet of its own unless they are `together`.

    A frame of 16 x 32 pixels shows its number below 256 in eight stripes. No encoder at hand codes fields, so these are
    written bit by bit, with samples as they are (I_PCM: ITU-T H.264, 7.3.5).
    """
    head = _START + _SEQUENCE + _START + _PICTURE
    sample = head + b"".join(
        _START + _field(n, bottom, group) for n in range(group) for bottom in (False, True)
    )
    with av.open(str(path), "w") as output, av.open(io.BytesIO(sample), format="h264") as given:
        stream: Any = output.add_stream_from_template(given.streams.video[0])
        stream.time_base = Fraction(1, 50)
        for number in range(frames):
            fields = [_START + _field(number, bottom, group) for bottom in (False, True)]
            for late, content in enumerate([b"".join(fields)] if together else fields):
                packet = av.Packet(content)
                packet.stream, packet.time_base = stream, Fraction(1, 50)
                packet.pts = packet.dts = 2 * number + late
                packet.duration = 2 if together else 1
                packet.is_keyframe = number % group == 0 and not late
                output.mux(packet)
    return path


def stripes_of(picture: Image.Image) -> int:
    """The number that a frame of `write_fields` shows."""
    stripes = picture.convert("L").resize((8, 1), Image.Resampling.BOX)
    return sum(1 << bit for bit, value in enumerate(stripes.tobytes()) if value > 128)


def _exponential(value: int) -> str:
    """An unsigned Exp-Golomb code as text (9.1)."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def _unit(kind: int, bits: str, content: bytes = b"") -> bytes:
    """A NAL unit (7.3.1), with bytes that cannot be taken for a start code."""
    if not content:
        bits += "1"
    bits += "0" * (-len(bits) % 8)
    raw = int(bits, 2).to_bytes(len(bits) // 8, "big") + content + (b"\x80" if content else b"")
    for byte in range(4):
        raw = raw.replace(bytes([0, 0, byte]), bytes([0, 0, 3, byte])) if byte != 3 else raw
    return bytes([3 << 5 | kind]) + raw


_START = b"\0\0\0\1"
_ZERO = _exponential(0)
_SEQUENCE = _unit(
    7,
    f"{77:08b}{0:08b}{10:08b}" + _ZERO * 2 + _exponential(2) + _exponential(1) + "0" + _ZERO * 2 + "001000",
)
_PICTURE = _unit(8, _ZERO * 2 + "00" + _ZERO * 3 + "000" + _ZERO * 3 + "100")


def _field(number: int, bottom: bool, group: int) -> bytes:
    """One field, a slice of one macroblock."""
    is_first = number % group == 0 and not bottom
    bits = _ZERO + _exponential(7) + _ZERO + f"{number % group:04b}1{int(bottom)}"
    if is_first:
        bits += _exponential(number // group % 2) + "0"
    bits += "0" + _ZERO + _exponential(1) + _exponential(25)
    row = bytes(200 if number >> column // 2 & 1 else 40 for column in range(16))
    return _unit(5 if is_first else 1, bits, row * 16 + bytes([128]) * 128)
