"""Quality metrics of pictures, to sort and filter by: size, brightness, contrast, sharpness and colour.

They are measured on the picture given. An import passes the thumbnail, so that values of large and small
originals are comparable. Luma is that of ITU-R BT.601, Y = 0.299 R + 0.587 G + 0.114 B, from 0 to 255,
rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image


def measure(picture: Image.Image, width: int, height: int) -> dict[str, float]:
    """The metrics of an RGB picture, which may be a smaller copy of one of `width` x `height` pixels. All are
    finite.

    - `width`, `height`, `area`: of the original, in pixels; `aspect_ratio`: width / height.
    - `brightness`: mean luma / 255, from 0 (black) to 1 (white).
    - `contrast`: root mean square contrast, the standard deviation of luma / 255, from 0 (even) to 0.5 (half black, half
      white). Peli, "Contrast in complex images", J. Opt. Soc. Am. A 7 (1990).
    - `sharpness`: the variance of the Laplacian of luma 0 to 255, with the kernel 0 1 0 / 1 -4 1 / 0 1 0 and the picture
      mirrored at its edge pixels; 0 for an even one, less for a blurred one than for a sharp one. LAPV of Pech-Pacheco et al.,
      "Diatom autofocusing in brightfield microscopy: a comparative study", ICPR 2000.
    - `red`, `green`, `blue`: share of the sum of all three channels; a third each for a black picture.
    """
    luma = picture.convert("L")
    mean, variance = _moments(np.array(luma.histogram(), np.int64))
    red, green, blue = _shares(np.array(picture.histogram(), np.int64).reshape(3, 256))
    return {
        "width": float(width),
        "height": float(height),
        "area": float(width * height),
        "aspect_ratio": width / height,
        "brightness": mean / 255,
        "contrast": variance**0.5 / 255,
        "sharpness": _sharpness(np.asarray(luma)),
        "red": red,
        "green": green,
        "blue": blue,
    }


def _moments(counts: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Mean and variance of values 0 to 255, given how often each occurs; exact up to the last division."""
    values = np.arange(256, dtype=np.int64)
    number, total, squares = int(counts.sum()), int(counts @ values), int(counts @ values**2)
    return total / number, (number * squares - total**2) / number**2


def _shares(counts: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """The shares of three channels, given how often each value from 0 to 255 occurs in each; shape (3, 256)."""
    sums = [int(channel) for channel in counts @ np.arange(256, dtype=np.int64)]
    total = sum(sums)
    red, green, blue = (channel / total if total else 1 / 3 for channel in sums)
    return red, green, blue


def _sharpness(luma: np.ndarray[Any, Any]) -> float:
    """The variance of the Laplacian, summed in integers so that every machine gives the same result."""
    wide = np.pad(luma.astype(np.int32), 1, mode="reflect")
    laplacian = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * wide[1:-1, 1:-1]
    number, total = int(laplacian.size), int(laplacian.sum(dtype=np.int64))
    squares = int(np.square(laplacian).sum(dtype=np.int64))
    return (number * squares - total**2) / number**2
