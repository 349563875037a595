"""The model, a CLIP of transformers with few and narrow layers, and its training."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import CLIPConfig, CLIPModel

from miniclip.captions import Captioner
from miniclip.concepts import FIELDS, Facts, Meaning
from miniclip.tokens import END, LONGEST, START

IMAGE_SIZE = 96
"""Width and height of the model's pictures; pictures are squeezed into a square, so that nothing is cut off.
"""

MEAN, STD = (0.48, 0.46, 0.45), (0.27, 0.27, 0.27)
"""Of the values from 0 to 1 of red, green and blue."""

_BATCH, _CAPTIONS_EACH = 64, 2
_RATE, _DECAY, _WARM_UP = 1e-3, 0.05, 0.05


def new_model(tokenizer: Tokenizer) -> CLIPModel:
    """An untrained model."""
    end = tokenizer.token_to_id(END)
    narrow = {"hidden_size": 128, "num_attention_heads": 4, "projection_dim": 64}
    text = {
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": LONGEST,
        "num_hidden_layers": 2,
        "intermediate_size": 256,
        "bos_token_id": tokenizer.token_to_id(START),
        "eos_token_id": end,
        "pad_token_id": end,
        **narrow,
    }
    vision = {
        "image_size": IMAGE_SIZE,
        "patch_size": 16,
        "num_hidden_layers": 4,
        "intermediate_size": 384,
        **narrow,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=64))


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """A picture as the preprocessor makes it before it normalises the values, shape (3, size, size)."""
    small = image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC)
    return np.asarray(small).transpose(2, 0, 1)


def normalised(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """Pixels of shape (count, 3, size, size) as the model takes them."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (torch.from_numpy(pixels).float() / 255 - mean) / std


def learn(
    model: CLIPModel,
    tokenizer: Tokenizer,
    pixels: NDArray[np.uint8],
    facts: Sequence[Facts],
    *,
    rounds: int,
    seed: int,
    say: Callable[[str], None],
) -> None:
    """Go over all pictures `rounds` times, each time with different captions, crops and brightness."""
    captioner = Captioner(random.Random(f"captions {seed}"))  # noqa: S311
    chance = torch.Generator().manual_seed(seed)
    shown = torch.from_numpy(np.stack([_bits_of_facts(fact) for fact in facts]))
    batches = len(pixels) // _BATCH
    optimizer = torch.optim.AdamW(_groups(model), lr=_RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _RATE, total_steps=rounds * batches, pct_start=_WARM_UP, cycle_momentum=False
    )
    model.train()
    for number in range(1, rounds + 1):
        total = 0.0
        for chosen in _batches(shown, chance, alike=number % 2 == 0):
            images = _varied(normalised(pixels[chosen.numpy()]), chance)
            captions = [captioner.caption(facts[i]) for i in chosen for _ in range(_CAPTIONS_EACH)]
            allowed = torch.from_numpy(np.stack([_bits_of_meaning(meant) for _, meant in captions]))
            loss = _loss(
                model, images, _ids(tokenizer, [said for said, _ in captions]), shown[chosen], allowed
            )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                model.logit_scale.clamp_(max=np.log(50.0))
            total += loss.item()
        say(f"round {number:3} of {rounds}: loss {total / batches:.3f}")
    model.eval()


def _batches(shown: torch.Tensor, chance: torch.Generator, *, alike: bool) -> torch.Tensor:
    """The numbers of all pictures in random order, shape (count, batch).
    With `alike`, the pictures of a batch show one sort of place. Then they differ only in small things: which boat it
    is, not whether there is one.
    """
    order = torch.randperm(len(shown), generator=chance)[: len(shown) // _BATCH * _BATCH]
    if alike:
        order = order[torch.argsort(shown[order, list(FIELDS).index("place")], stable=True)]
    batches = order.view(-1, _BATCH)
    return batches[torch.randperm(len(batches), generator=chance)]


def _loss(
    model: CLIPModel, images: torch.Tensor, ids: torch.Tensor, shown: torch.Tensor, allowed: torch.Tensor
) -> torch.Tensor:
    """CLIP's loss with several right answers: the pictures for which a caption is true share its weight."""
    out = model(input_ids=ids, pixel_values=images)
    true = ((shown[None] & allowed[:, None]) != 0).all(-1).float()
    by_text = functional.cross_entropy(out.logits_per_text, true / true.sum(1, keepdim=True))
    by_image = functional.cross_entropy(out.logits_per_image, true.T / true.T.sum(1, keepdim=True))
    return by_text + 0.5 * by_image


def _varied(images: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Pictures slightly cropped and moved, some mirrored, with slightly changed brightness and colours."""
    count = len(images)

    def between(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.rand(count, *shape, generator=chance) * (high - low) + low

    mirrored = torch.where(between(0, 1) < 0.5, -1.0, 1.0)
    turned = torch.zeros(count, 2, 3)
    turned[:, 0, 0] = between(0.82, 1.02) * mirrored
    turned[:, 1, 1] = between(0.82, 1.02)
    turned[:, :, 2] = between(-0.08, 0.08, 2)
    grid = functional.affine_grid(turned, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, "bilinear", "border", align_corners=False)
    return moved * between(0.9, 1.1, 3, 1, 1) + between(-0.15, 0.15, 3, 1, 1)


def _ids(tokenizer: Tokenizer, texts: Sequence[str]) -> torch.Tensor:
    return torch.tensor([encoding.ids for encoding in tokenizer.encode_batch(texts)])


def _bits_of_facts(facts: Facts) -> NDArray[np.int64]:
    """One number for each field, with the bit of its value set; no bit if it has no value."""
    return np.array(
        [1 << values.index(facts[field]) if field in facts else 1 << 62 for field, values in FIELDS.items()]
    )


def _bits_of_meaning(meant: Meaning) -> NDArray[np.int64]:
    """One number for each field, with the bits of its allowed values set."""
    return np.array([
        sum(1 << values.index(value) for value in meant.allowed[field]) if field in meant.allowed else (1 << 63) - 1
        for field, values in FIELDS.items()
    ])  # fmt: skip


def _groups(model: CLIPModel) -> list[dict[str, object]]:
    """The parameters with and without weight decay, as is usual for transformers."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": _DECAY}, {"params": others, "weight_decay": 0.0}]
