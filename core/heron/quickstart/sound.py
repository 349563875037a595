"""Makes the sound of the sample lake: a foghorn, and a bell that answers it."""

from __future__ import annotations

import io
import math
import struct
import wave

_RATE = 16_000
_SECONDS = 4
_HORN = ((280.0, 0.4), (283.0, 0.3), (560.0, 0.2), (840.0, 0.1))
"""The tones of the horn, two of them so close that they beat: hertz and share."""
_BELL = ((880.0, 0.5), (1760.0, 0.25), (2109.0, 0.15), (2637.0, 0.1))
_BLASTS = ((0.15, 0.75), (1.05, 1.0))
"""When the horn begins to sound and for how long, in seconds."""
_STROKES = ((2.3, 0.9), (2.85, 0.65), (3.4, 0.45))
"""When the bell is struck, in seconds, and how hard."""


def harbour_sound() -> bytes:
    """A WAV file of four seconds, one channel of 16 bits at 16 kHz."""
    samples = [round(30_000 * _loudness(number / _RATE)) for number in range(_RATE * _SECONDS)]
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return stream.getvalue()


def _loudness(moment: float) -> float:
    """The sound at a moment in seconds, from -1 to 1."""
    for begin, long in _BLASTS:
        if 0 <= moment - begin < long:
            return _chord(_HORN, moment) * min(1.0, (moment - begin) / 0.12, (begin + long - moment) / 0.2)
    struck = [(moment - begin, hard) for begin, hard in _STROKES if moment >= begin]
    return sum(0.7 * hard * _chord(_BELL, since) * math.exp(-6 * since) for since, hard in struck)


def _chord(tones: tuple[tuple[float, float], ...], moment: float) -> float:
    return sum(share * math.sin(math.tau * pitch * moment) for pitch, share in tones)
