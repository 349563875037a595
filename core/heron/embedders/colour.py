"""Colour in CIE Lab: its layout as coefficients of a cosine transform, and its histogram with soft bins."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LIGHTNESS, CHROMA = 28, 10
"""Coefficients of the layout that are kept of L*, and of each of a* and b*."""

LAYOUT = LIGHTNESS + 2 * CHROMA
BINS = (4, 6, 6)
"""Bins of the histogram along L*, a* and b*."""

HISTOGRAM = BINS[0] * BINS[1] * BINS[2]

_GRID = 8
_RANGES = ((0.0, 100.0), (-60.0, 60.0), (-60.0, 60.0))
"""Centres of the first and the last bin along L*, a* and b*; values beyond count for the outermost bin."""

_STEPS = np.arange(256) / 255
_LINEAR = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4).astype(np.float32)
"""Linear light of each value of sRGB (IEC 61966-2-1)."""

_WHITE = ((0.95047,), (1.0,), (1.08883,))
_TO_XYZ = (
    np.array(((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))) / _WHITE
).astype(np.float32)
"""From linear sRGB to X, Y and Z (IEC 61966-2-1) as shares of the white point D65."""

_ZIGZAG = sorted(np.ndindex(_GRID, _GRID), key=lambda place: (sum(place), place))
IS_ODD = np.array([column % 2 for kept in (LIGHTNESS, CHROMA, CHROMA) for _, column in _ZIGZAG[:kept]], bool)
"""Which coefficients of the layout change their sign when a picture is mirrored; shape (LAYOUT,)."""


def lab(pixels: Array) -> Array:
    """L* (0 to 100), a* and b* (CIE 15) of blocks of 2 x 2 pixels, averaged in linear light.

    `pixels` are sRGB, uint8 of shape (n, side, side, 3); returns float32 of shape (n, side / 2, side / 2, 3).
    """
    light: Array = _LINEAR[pixels]
    light = light[:, ::2] + light[:, 1::2]
    light = (light[:, :, ::2] + light[:, :, 1::2]) / 4
    xyz = light @ _TO_XYZ.T
    x, y, z = np.moveaxis(np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116), -1, 0)
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=-1)


def layout(colours: Array) -> Array:
    """The layout of colours: the first DCT coefficients, in zigzag order, of an 8 x 8 grid of means.

    This is the colour layout descriptor of MPEG-7 (ISO/IEC 15938-3) in Lab, scaled so that the first
    coefficient is the mean colour. For L* the mean is taken relative to 50 and divided by 4, because exposure
    says little about the content. `colours` have shape (n, side, side, 3), with a side that 8 divides;
    returns shape (n, LAYOUT).
    """
    count, side = colours.shape[:2]
    cell = side // _GRID
    grid = colours.reshape(count, _GRID, cell, _GRID, cell, 3).mean(axis=(2, 4))
    found: Array = _COSINES @ np.moveaxis(grid, -1, 1) @ _COSINES.T / _GRID
    rows, columns = np.array(_ZIGZAG).T
    found = found[:, :, rows, columns]
    found[:, 0, 0] = (found[:, 0, 0] - 50) / 4
    return np.concatenate((found[:, 0, :LIGHTNESS], found[:, 1, :CHROMA], found[:, 2, :CHROMA]), axis=1)


def layout_turned(found: Array, quarters: int, *, mirrored: bool) -> Array:
    """The result of `layout`, or the roots of it, for the pictures mirrored, if so, and turned counterclockwise by quarters.

    Coefficients of odd columns change their sign when a picture is mirrored, and those of odd rows when it is turned upside
    down; columns become rows when it is turned by a quarter. Shape (n, LAYOUT).
    """
    parts = []
    for part in np.split(found, (LIGHTNESS, LIGHTNESS + CHROMA), axis=1):
        rows, columns = np.array(_ZIGZAG[: part.shape[1]]).T
        table = np.zeros((len(part), _GRID, _GRID), part.dtype)
        table[:, rows, columns] = part
        if mirrored:
            table[:, :, 1::2] *= -1
        for _ in range(quarters % 4):
            table = table.swapaxes(1, 2).copy()
            table[:, 1::2] *= -1
        parts.append(table[:, rows, columns])
    return np.concatenate(parts, axis=1)


def histogram(colours: Array) -> Array:
    """Shares of colours in bins that overlap as triangles, so that a small change of a colour changes little.

    `colours` have shape (n, side, side, 3); returns shape (n, HISTOGRAM), with a sum of 1 for each picture.
    """
    count, pixels = len(colours), colours.shape[1] * colours.shape[2]
    light, red, yellow = (
        _shares(colours[..., axis].reshape(count, pixels), *_RANGES[axis], BINS[axis]) for axis in range(3)
    )
    both = (light[..., :, None] * red[..., None, :]).reshape(count, pixels, BINS[0] * BINS[1])
    shares: Array = both.swapaxes(1, 2) @ yellow / pixels
    return shares.reshape(count, HISTOGRAM)


def _shares(values: Array, low: float, high: float, bins: int) -> Array:
    """The weight of each value in each bin, with a sum of 1; adds a last axis."""
    places = ((values - low) * ((bins - 1) / (high - low))).clip(0, bins - 1)
    shares: Array = np.maximum(0, 1 - np.abs(places[..., None] - np.arange(bins, dtype=np.float32)))
    return shares


def _cosines(size: int) -> Array:
    """The matrix of the orthonormal discrete cosine transform of type II."""
    rows, columns = np.ogrid[:size, :size]
    matrix = np.cos(np.pi * (2 * columns + 1) * rows / (2 * size)) * np.sqrt(2 / size)
    matrix[0] /= np.sqrt(2)
    cosines: Array = matrix.astype(np.float32)
    return cosines


_COSINES = _cosines(_GRID)
