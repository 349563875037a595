"""Compares the plugin, with random weights, with CLIPModel and its processor of transformers; fails above
1e-4.

Run: python check_parity.py [--write], where --write writes tests/data again: a tiny model and what
transformers computes with it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from export_random import SHAPES, export, make_model, make_tokenizer
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

import heron_embedder_clip

SIZES = [(32, 32), (64, 48), (48, 64), (33, 31), (1, 1), (2, 100), (100, 3), (7, 5), (225, 224), (500, 333)]
"""Widths and heights."""

TEXTS = [
    "a red bus in the rain", "", "A BUS, at NIGHT!", "café 東京 🚌", "two\nlines\tand   spaces", "bus " * 200,
    "<|endoftext|> in a text", "it's 1999",
]  # fmt: skip
LARGEST_DIFFERENCE = 1e-4
DATA = Path(__file__).resolve().parents[1] / "tests" / "data"


def pictures() -> list[Image.Image]:
    """Gradients and rings with noise, of all sizes."""
    source = np.random.default_rng(3)
    made = []
    for width, height in SIZES:
        y, x = np.mgrid[:height, :width]
        rings = 60 * np.sin(np.hypot(x - width / 3, y - height / 2) / 5)
        planes = np.stack([128 + rings, x * 255 / width, y * 255 / height], axis=-1)
        noise = source.integers(-20, 21, planes.shape)
        made.append(Image.fromarray(np.clip(planes + noise, 0, 255).astype(np.uint8)))
    return made


def reference(
    model: CLIPModel, folder: Path, images: list[Image.Image]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What transformers computes for the pictures and the texts, one at a time."""
    processor = CLIPImageProcessorPil.from_pretrained(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    one_text = tokenizer("a", return_tensors="pt")
    with torch.no_grad():
        pixels = [processor(image, return_tensors="pt") for image in images]
        of_images = [model(**one_text, **given).image_embeds[0] for given in pixels]
        texts = [tokenizer(text, truncation=True, return_tensors="pt") for text in TEXTS]
        of_texts = [model(**given, **pixels[0]).text_embeds[0] for given in texts]
    return torch.stack(of_images).numpy(), torch.stack(of_texts).numpy()


def compare(shape: str, folder: Path, changes: dict[str, Any]) -> float:
    """The largest difference of any number, for one shape of model and one way of preparing pictures."""
    tokenizer = make_tokenizer(SHAPES[shape]["text"]["max_position_embeddings"])
    model, images = make_model(shape, tokenizer), pictures()
    export(model, tokenizer, folder)
    CLIPImageProcessorPil.from_pretrained(folder, **changes).save_pretrained(folder)
    expected = reference(model, folder, images)
    embedder = heron_embedder_clip.load(str(folder))
    found = embedder.embed_images(images), embedder.embed_texts(TEXTS)
    differences = [float(np.abs(ours - theirs).max()) for ours, theirs in zip(found, expected, strict=True)]
    how = ", ".join(f"{key}={value}" for key, value in changes.items()) or "as usual"
    sys.stdout.write(f"{shape}, {how}: pictures {differences[0]:.1e}, texts {differences[1]:.1e}\n")
    return max(differences)


def write() -> None:
    """Write the data of the test suite."""
    tokenizer = make_tokenizer(SHAPES["tiny"]["text"]["max_position_embeddings"])
    model, images = make_model("tiny", tokenizer), pictures()
    export(model, tokenizer, DATA / "tiny", variants=True)
    of_images, of_texts = reference(model, DATA / "tiny", images)
    pixels = {f"picture_{number}": np.asarray(image) for number, image in enumerate(images[:-2])}
    np.savez_compressed(
        DATA / "expected.npz", texts=np.array(TEXTS), of_images=of_images[:-2], of_texts=of_texts, **pixels
    )


def main() -> None:
    """Compare, or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        write()
        return
    square = {"size": {"height": 112, "width": 112}, "do_center_crop": False}
    padded = {"size": {"shortest_edge": 90}, "resample": 2}
    plain = {"do_normalize": False, "rescale_factor": 1 / 127.5, "do_resize": False}
    cases = [
        ("tiny", {}),
        ("small", {}),
        ("small", square),
        ("small", padded),
        ("small", plain),
        ("vit-b-32", {}),
    ]
    with tempfile.TemporaryDirectory() as folder:
        worst = max(
            compare(shape, Path(folder) / str(number), changes)
            for number, (shape, changes) in enumerate(cases)
        )
    sys.exit(worst > LARGEST_DIFFERENCE)


if __name__ == "__main__":
    main()
