"""Makes CLIP models with random weights and exports them to ONNX in the layout of the hub, for parity and benchmarks.

Needs torch, transformers, onnx, onnxscript and onnxruntime. Run: python export_random.py FOLDER [--shape vit-b-32]
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch.export import Dim
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

SENTENCES = [
    "a red bus in the rain, at night", "the ferry leaves the harbour before dawn", "snow on the street, fog over it",
    "two cats asleep on a sofa", "an aerial photograph of fields", "a dog's photo: it wasn't there in 1999!",
]  # fmt: skip
VOCABULARY = 560

SHAPES: dict[str, dict[str, Any]] = {
    "tiny": {
        "projection": 12,
        "vision": {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                   "image_size": 32, "patch_size": 8},
        "text": {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                 "max_position_embeddings": 16, "vocab_size": VOCABULARY},
    },
    "small": {
        "projection": 96,
        "vision": {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 4,
                   "image_size": 112, "patch_size": 16},
        "text": {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 4,
                 "max_position_embeddings": 77, "vocab_size": 1000},
    },
    "vit-b-32": {
        "projection": 512,
        "vision": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
                   "image_size": 224, "patch_size": 32},
        "text": {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8,
                 "max_position_embeddings": 77, "vocab_size": 49408},
    },
}  # fmt: skip


class Vision(torch.nn.Module):
    """`pixel_values` to `image_embeds`, projected and not normalised."""

    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.tower, self.projection = model.vision_model, model.visual_projection

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """As CLIPVisionModelWithProjection."""
        return self.projection(self.tower(pixel_values=pixel_values).pooler_output)


class Text(torch.nn.Module):
    """`input_ids` and `attention_mask` to `text_embeds`, projected and not normalised."""

    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.tower, self.projection = model.text_model, model.text_projection

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """As CLIPTextModelWithProjection."""
        return self.projection(self.tower(input_ids=input_ids, attention_mask=attention_mask).pooler_output)


class Both(torch.nn.Module):
    """Both sides in one graph."""

    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.vision, self.text = Vision(model), Text(model)

    def forward(
        self, input_ids: torch.Tensor, pixel_values: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Text first, as in exports of the hub."""
        return self.text(input_ids, attention_mask), self.vision(pixel_values)


def make_tokenizer(context: int) -> CLIPTokenizer:
    """A byte-pair tokenizer like CLIP's, trained on a few sentences."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    learner.train_from_iterator(SENTENCES, trainer)
    letters = [*alphabet, *(letter + "</w>" for letter in alphabet)]
    room = VOCABULARY - len(letters) - 2
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]][:room]
    names = [*letters, *("".join(pair) for pair in merges), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {name: number for number, name in enumerate(names)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=context)


def make_model(shape: str, tokenizer: CLIPTokenizer, seed: int = 5) -> CLIPModel:
    """A model with random weights, large enough that vectors of different input differ."""
    torch.manual_seed(seed)
    marks = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    wanted = SHAPES[shape]
    width = wanted["projection"]
    model = CLIPModel(
        CLIPConfig(
            text_config={
                **wanted["text"],
                **marks,
                "pad_token_id": tokenizer.pad_token_id,
                "projection_dim": width,
            },
            vision_config={**wanted["vision"], "projection_dim": width},
            projection_dim=width,
        )
    )
    return model.eval()


def export(model: CLIPModel, tokenizer: CLIPTokenizer, folder: Path, *, variants: bool = False) -> None:
    """Write the directory of a model.
    `variants` adds exports with both sides in one file, in fp16, quantized, and with the weights of the vision side
    in a separate file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    side = model.config.vision_config.image_size
    CLIPImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    ).save_pretrained(folder)
    pixels = torch.zeros(2, 3, side, side)
    ids = torch.full((3, 7), tokenizer.eos_token_id)
    texts = (ids, torch.ones_like(ids))
    _write(Vision(model), (pixels,), ["pixel_values"], ["image_embeds"], folder / "vision_model.onnx")
    _write(Text(model), texts, ["input_ids", "attention_mask"], ["text_embeds"], folder / "text_model.onnx")
    if not variants:
        return
    for name in ("vision_model", "text_model"):
        quantize_dynamic(
            folder / f"{name}.onnx", folder / f"{name}_quantized.onnx", weight_type=QuantType.QUInt8
        )
    onnx.save(
        onnx.load(folder / "vision_model.onnx"), folder / "vision_model_external.onnx", save_as_external_data=True,
        location="vision_model_external.onnx_data", size_threshold=100,
    )  # fmt: skip
    names = ["input_ids", "pixel_values", "attention_mask"]
    _write(
        Both(model), (ids, pixels, texts[1]), names, ["text_embeds", "image_embeds"], folder / "model.onnx"
    )
    half = copy.deepcopy(model).half()
    _write(
        Vision(half), (pixels.half(),), ["pixel_values"], ["image_embeds"], folder / "vision_model_fp16.onnx"
    )
    _write(
        Text(half), texts, ["input_ids", "attention_mask"], ["text_embeds"], folder / "text_model_fp16.onnx"
    )


def _write(
    module: torch.nn.Module,
    example: tuple[torch.Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    path: Path,
) -> None:
    """Export with a dynamic batch size and a dynamic text length."""
    axes = [
        {0: Dim(f"{'image' if name == 'pixel_values' else 'text'}_batch")}
        | ({1: Dim("length")} if name != "pixel_values" else {})
        for name in inputs
    ]
    program = torch.onnx.export(
        module.eval(), example, input_names=inputs, output_names=outputs, dynamic_shapes=tuple(axes), dynamo=True,
        verbose=False,
    )  # fmt: skip
    proto = program.model_proto
    _strip(proto)
    onnx.save(proto, path)


def _strip(proto: onnx.ModelProto) -> None:
    """Remove what the exporter writes about the machine: paths of source files and stack traces."""
    proto.doc_string = ""
    del proto.metadata_props[:]
    graph = proto.graph
    for thing in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        thing.doc_string = ""
        del thing.metadata_props[:]
    del graph.value_info[:]


def main() -> None:
    """Make one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--variants", action="store_true")
    given = parser.parse_args()
    tokenizer = make_tokenizer(SHAPES[given.shape]["text"]["max_position_embeddings"])
    export(make_model(given.shape, tokenizer), tokenizer, given.folder, variants=given.variants)


if __name__ == "__main__":
    main()
