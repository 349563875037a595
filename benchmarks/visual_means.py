"""Prints `heron/embedders/visual_means.py`: the centre and the scales of the visual descriptor, fitted to pictures.

Run: python -m benchmarks.visual_means FOLDER...
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.suite.descriptor import photographs

WEIGHTS = (0.7, 0.7, 1.0, 1.8)
"""How much layout of lightness, layout of colour, colour histogram and edges count; chosen by the benchmark `descriptor`."""


def print_means(folders: Sequence[Path]) -> None:
    """Print the module."""
    import numpy as np
    from PIL import ImageOps

    from heron.embedders.visual import PARTS, features

    pictures = photographs(folders)
    found = features([*pictures, *map(ImageOps.mirror, pictures)]).astype(float)
    mean = found.mean(axis=0)
    parts = np.split((found - mean) ** 2, np.cumsum(PARTS)[:-1], axis=1)
    scales = [weight / part.sum(axis=1).mean() ** 0.5 for weight, part in zip(WEIGHTS, parts, strict=True)]
    numbers = [f"{value:.3f}".replace("-0.000", "0.000") for value in mean]
    lines = [", ".join(numbers[start : start + 14]) for start in range(0, len(numbers), 14)]
    print(f'"""The centre and the scales of the visual descriptor, fitted to {len(pictures)} pictures.')
    print(
        "\nThese are averages over the pictures of the Debian packages lomiri-wallpapers-16.04 and mate-backgrounds and"
        "\ntheir mirror images; printed by `python -m benchmarks.visual_means FOLDER`. If you change them, change"
        '\nthe embedder\'s revision too.\n"""\n'
    )
    print(f"SCALES = ({', '.join(f'{scale:.3f}' for scale in scales)})")
    print(
        '"""The weight of each part, divided by the root mean square distance of the pictures from its centre."""\n'
    )
    print("MEAN = (")
    print("".join(f"    {line},\n" for line in lines), end="")
    print(')  # fmt: skip\n"""The centre of all parts, one after the other."""')


if __name__ == "__main__":
    print_means([Path(name) for name in sys.argv[1:]])
