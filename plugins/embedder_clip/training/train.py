"""Draws pictures, trains the miniature CLIP on them, writes it into the plugin, and measures it on unseen
pictures.

    python plugins/embedder_clip/training/train.py

needs `pip install -e . torch transformers onnx onnxruntime tokenizers`.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from miniclip.captions import Captioner
from miniclip.concepts import Facts
from miniclip.export import export
from miniclip.model import learn, new_model, normalised, pixels_of
from miniclip.pictures import all_shots, example, facts_of, held_out, of_the_lake
from miniclip.quality import Vectors, precisions, recall
from miniclip.tokens import train_tokenizer
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from PIL import Image
from tokenizers import Tokenizer

_FOLDER = Path(__file__).parent.parent / "heron_embedder_clip" / "mini"
_CAPTIONS_OF_A_SHOT = 40


def main() -> None:
    """Do all of it."""
    parser = argparse.ArgumentParser(description="Train the miniature CLIP of Heron's drawn scenes.")
    parser.add_argument("--pictures", type=int, default=6000, help="how many pictures to draw and train on")
    parser.add_argument("--rounds", type=int, default=20, help="how many times to go over them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=_FOLDER, help="the folder to write")
    given = parser.parse_args()
    with ProcessPoolExecutor() as processes:
        drawn = list(processes.map(_drawn, range(given.pictures), chunksize=50))
    _say(f"drew {len(drawn)} pictures")
    tokenizer = train_tokenizer(_texts(given.seed))
    torch.set_num_threads(
        1
    )  # threads would add numbers in varying order, so each run would give other weights
    torch.manual_seed(given.seed)
    model = new_model(tokenizer)
    pixels, facts = np.stack([pixels for pixels, _ in drawn]), [facts for _, facts in drawn]
    learn(model, tokenizer, pixels, facts, rounds=given.rounds, seed=given.seed, say=_say)
    export(model, tokenizer, given.output)
    _report(given.output)


def _drawn(number: int) -> tuple[NDArray[np.uint8], Facts]:
    drawn = example(number)
    return pixels_of(drawn.image), drawn.facts


def _texts(seed: int) -> list[str]:
    captioner = Captioner(random.Random(f"words {seed}"))  # noqa: S311
    shots = [facts_of(shot) for shot in all_shots()]
    return [
        *captioner.words(),
        *(captioner.caption(facts)[0] for facts in shots for _ in range(_CAPTIONS_OF_A_SHOT)),
    ]


def _report(folder: Path) -> None:
    """Print the quality of the written files, on pictures of places that training did not use."""
    for path in sorted(folder.iterdir()):
        _say(f"{path.name:28} {path.stat().st_size:9,} bytes")
    vision = InferenceSession(folder / "vision_model.onnx")
    text = InferenceSession(folder / "text_model.onnx")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def embed_images(images: Sequence[Image.Image]) -> Vectors:
        pixels = normalised(np.stack([pixels_of(image) for image in images])).numpy()
        return _unit(vision.run(None, {"pixel_values": pixels})[0])

    def embed_texts(texts: Sequence[str]) -> Vectors:
        ids = np.array([encoding.ids for encoding in tokenizer.encode_batch(texts)])
        return _unit(text.run(None, {"input_ids": ids})[0])

    unseen, lake = list(held_out(all_shots())), list(of_the_lake())
    images = embed_images([example.image for example in unseen])
    for top in (1, 5, 10):
        _say(
            f"recall@{top:<2} {recall(unseen, images, embed_texts, top):.3f}  of {len(unseen)} scenes by a sentence each"
        )
    found = precisions([example.facts for example in unseen], images, embed_texts)
    photographs = embed_images([example.image for example in lake])
    found_in_lake = precisions([example.facts for example in lake], photographs, embed_texts)
    _say("average precision: held-out scenes, photographs of the lake")
    for query, precision in found.items():
        _say(f"  {precision:.3f}  {found_in_lake.get(query, float('nan')):.3f}  {query}")
    _say(f"  {np.mean(list(found.values())):.3f}  {np.mean(list(found_in_lake.values())):.3f}  mean")


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _say(line: str) -> None:
    sys.stdout.write(f"{time.process_time():7.1f} s  {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
