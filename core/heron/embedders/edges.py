"""Edges: histograms of the orientation of gradients on a grid of cells."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

ORIENTATIONS, CELLS = 8, 5
EDGES = ORIENTATIONS * CELLS * CELLS

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_NOISE = 2.0
"""Gradients up to this strength, in steps of luma over two pixels, are not counted as edges."""


def edges(pixels: Array) -> Array:
    """The strength of edges of each direction in each cell, relative to the cell and to the whole picture.

    Like the histograms of oriented gradients of Dalal and Triggs, CVPR 2005: directions range from 0 to 180
    degrees in bins that overlap, cells overlap too, and strength is relative, so that contrast does not
    matter. `pixels` are RGB, uint8 of shape (n, side, side, 3); returns shape (n, EDGES), all in [0, 2].
    """
    luma = pixels @ _LUMA
    across = luma[:, 1:-1, 2:] - luma[:, 1:-1, :-2]
    down = luma[:, 2:, 1:-1] - luma[:, :-2, 1:-1]
    strength = np.hypot(across, down)
    direction = np.arctan2(down, across) * np.float32(ORIENTATIONS / np.pi) % ORIENTATIONS
    bins = np.arange(ORIENTATIONS, dtype=np.float32)[:, None, None]
    distance = np.abs(direction[:, None] - bins)
    shares = np.maximum(0, 1 - np.minimum(distance, ORIENTATIONS - distance))
    pool = _pool(strength.shape[1])
    found = pool @ (shares * strength[:, None]) @ pool.T
    cell = found.sum(axis=1, keepdims=True)
    whole = cell.mean(axis=(2, 3), keepdims=True)
    relative: Array = found / ((cell + whole) / 2 + _NOISE)
    return relative.reshape(len(pixels), EDGES)


def edges_mirrored(found: Array) -> Array:
    """The result of `edges` for the mirrored picture, up to rounding; shape (n, EDGES)."""
    grid = found.reshape(-1, ORIENTATIONS, CELLS, CELLS)
    turned = grid[:, -np.arange(ORIENTATIONS) % ORIENTATIONS, :, ::-1]
    return turned.reshape(-1, EDGES)


def edges_turned(found: Array, quarters: int) -> Array:
    """The result of `edges` for the picture turned counterclockwise by quarters of a circle, up to rounding; shape (n, EDGES)."""
    grid = found.reshape(-1, ORIENTATIONS, CELLS, CELLS)
    directions = (np.arange(ORIENTATIONS) + quarters * ORIENTATIONS // 2) % ORIENTATIONS
    return np.rot90(grid[:, directions], quarters, axes=(2, 3)).reshape(-1, EDGES)


def _pool(size: int) -> Array:
    """Weights of pixels in cells that overlap as triangles; shape (CELLS, size), each row with a sum of about 1."""
    width = size / CELLS
    centres = (np.arange(CELLS)[:, None] + 0.5) * width - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(size) - centres) / width) / width
    return weights.astype(np.float32)
