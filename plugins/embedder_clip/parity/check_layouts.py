"""Compares the plugin with transformers, open_clip and timm on models in all layouts, with random weights; fails above 1e-4.

Run: python check_layouts.py [--write] [--keep FOLDER] [CASE ...], where --write writes tests/data/layouts again, and --keep leaves the
models in a folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import layouts
import numpy as np
from check_parity import LARGEST_DIFFERENCE, pictures
from exporting import clear
from layouts import Reference

import heron_embedder_clip

TEXTS = [
    "a red bus in the rain", "", "A BUS, at NIGHT!", "café 東京 🚌", "two\nlines\tand   spaces", "bus " * 40, "it’s “1999” &amp; snow_fog",
    "the ferry leaves the harbour before dawn, in fog over the street", "ﬁve ｆｕｌｌ widths",
]  # fmt: skip
KEPT = ("siglip", "siglip2", "open_clip_sigmoid", "open_clip_apart")
"""The cases of the test suite."""

DATA = Path(__file__).resolve().parents[1] / "tests" / "data" / "layouts"

CASES: Mapping[str, Callable[[Path], Reference]] = {
    "siglip": layouts.siglip,
    "siglip2": layouts.siglip2,
    "siglip2_with_mask": partial(layouts.siglip2, masked=True),
    "clip_without_mask": layouts.clip_without_mask,
    "open_clip_sigmoid": layouts.open_clip_sigmoid,
    "open_clip_shortest": partial(layouts.open_clip_sigmoid, resize_mode="shortest", interpolation="bicubic"),
    "open_clip_longest": partial(layouts.open_clip_sigmoid, resize_mode="longest"),
    "open_clip_apart": layouts.open_clip_apart,
    "timm_center": layouts.timm_vision,
    "timm_squash": partial(layouts.timm_vision, crop_mode="squash", interpolation="bilinear"),
    "timm_border": partial(layouts.timm_vision, crop_mode="border", crop_pct=1.0),
    "mobileclip2_s0": layouts.mobileclip,
}


def compare(name: str, folder: Path) -> tuple[float, dict[str, Any]]:
    """The largest difference of any number, and what the library computed."""
    reference, shown = CASES[name](folder), pictures()[:-2]
    embedder = heron_embedder_clip.load(str(folder))
    worst, known = 0.0, {}
    for things, ours, theirs, given in (
        ("pictures", embedder.embed_images, reference.images, shown),
        ("texts", embedder.embed_texts, reference.texts, TEXTS),
    ):
        if theirs is None:
            continue
        expected = theirs(given)
        difference = np.abs(ours(given) - expected).max(axis=1)
        spread = np.median(np.linalg.norm(expected - expected.mean(axis=0), axis=1))
        sys.stdout.write(f"{name}: {things} {difference.max():.1e}, of vectors {spread:.2f} apart\n")
        known[f"of_{things}"] = expected
        worst = max(worst, float(difference.max()))
    return worst, known


def main() -> None:
    """Compare, or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []])
    given = parser.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory() as place:
        for name in given.cases or (KEPT if given.write else CASES):
            folder = clear(DATA / name) if given.write else (given.keep or Path(place)) / name
            difference, known = compare(name, folder)
            worst = max(worst, difference)
            if given.write:
                np.savez_compressed(folder / "expected.npz", texts=np.array(TEXTS), **known)
    sys.exit(worst > LARGEST_DIFFERENCE)


if __name__ == "__main__":
    main()
