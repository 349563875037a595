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
    luma = np.asarray(picture.convert("L"))
    mean, variance = _moments(luma)
    red, green, blue = _shares(np.array(picture.histogram(), np.int64).reshape(3, 256))
    return {
        "width": float(width),
        "height": float(height),
        "area": float(width * height),
        "aspect_ratio": width / height,
        "brightness": mean / 255,
        "contrast": variance**0.5 / 255,
        "sharpness": _sharpness(luma),
        "red": red,
        "green": green,
        "blue": blue,
    }


def _moments(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Mean and variance of whole numbers; exact up to the last division, since all sums are whole numbers below 2**53."""
    real = values.ravel().astype(np.float64)
    number, total, squares = real.size, int(real.sum()), int(np.square(real).sum())
    return total / number, (number * squares - total**2) / number**2


def _shares(counts: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """The shares of three channels, given how often each value from 0 to 255 occurs in each; shape (3, 256)."""
    sums = [int(channel) for channel in counts @ np.arange(256, dtype=np.int64)]
    total = sum(sums)
    red, green, blue = (channel / total if total else 1 / 3 for channel in sums)
    return red, green, blue


def _sharpness(luma: np.ndarray[Any, Any]) -> float:
    """The variance of the Laplacian, summed in whole numbers so that every machine gives the same result."""
    rows, columns = luma.shape
    wide = np.empty((rows + 2, columns + 2), np.int16)
    wide[1:-1, 1:-1] = luma
    wide[0], wide[-1] = wide[2 if rows > 1 else 1], wide[-3 if rows > 1 else 1]
    wide[:, 0], wide[:, -1] = wide[:, 2 if columns > 1 else 1], wide[:, -3 if columns > 1 else 1]
    laplacian = wide[:-2, 1:-1] + wide[2:, 1:-1]
    laplacian += wide[1:-1, :-2]
    laplacian += wide[1:-1, 2:]
    laplacian -= 4 * wide[1:-1, 1:-1]
    return _moments(laplacian)[1]
