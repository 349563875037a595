"""Makes small models with random weights in the layouts of SigLIP, SigLIP 2, open_clip, MobileCLIP and timm, and exports them to ONNX.

Each function writes a model directory and returns a `Reference`: what the library itself computes for pictures and texts.
"""

# ruff: noqa: S106 - names of tokens are no passwords

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import sentencepiece
import timm
import torch
from export_random import SENTENCES, SHAPES, make_model, make_tokenizer
from export_random import export as export_clip
from exporting import clip_tokenizer, export, small_merges, unit
from open_clip.tokenizer import SimpleTokenizer, default_bpe
from PIL import Image
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    SiglipTokenizer,
    TokenizersBackend,
)
from transformers.models.siglip2.tokenization_siglip2 import Siglip2Tokenizer

CONTEXT = 16
SIDE = 32
SIZE = 12


@dataclass
class Reference:
    """The library's own vectors, of length one, for pictures and for texts; None without that side."""

    images: Callable[[Sequence[Image.Image]], Any] | None
    texts: Callable[[Sequence[str]], Any] | None


def siglip(folder: Path) -> Reference:
    """SiglipModel with a sentencepiece tokenizer: both sides in files of their own, and in one."""
    folder.mkdir(parents=True)
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(SENTENCES * 20))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "spiece"), vocab_size=120, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        minloglevel=2, hard_vocab_limit=False,
    )  # fmt: skip
    slow = SiglipTokenizer(str(folder / "spiece.model"), model_max_length=CONTEXT)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    pieces = [(processor.id_to_piece(one), processor.get_score(one)) for one in range(processor.vocab_size())]
    fast = Tokenizer(models.Unigram(pieces, unk_id=2))
    fast.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    fast.pre_tokenizer = pre_tokenizers.Metaspace()
    fast.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "tokenizer_class": "SiglipTokenizer",
        "pad_token": "</s>",
        "eos_token": "</s>",
        "model_max_length": CONTEXT,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    for path in (corpus, folder / "spiece.model", folder / "spiece.vocab"):
        path.unlink()
    return _siglip(folder, len(pieces), slow, {"resample": 3}, whole=True)


def siglip2(folder: Path, *, masked: bool = False) -> Reference:
    """SiglipModel with a tokenizer as that of Gemma, which is told nothing of small letters, as the files on the hub."""
    folder.mkdir(parents=True)
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    learner.normalizer = normalizers.Replace(" ", "▁")
    trainer = trainers.BpeTrainer(vocab_size=160, special_tokens=special, show_progress=False)
    learner.train_from_iterator([sentence.lower() for sentence in SENTENCES], trainer)
    found = json.loads(learner.to_str())["model"]
    names = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *list(found["vocab"])[4:]]
    vocabulary = {name: number for number, name in enumerate(names)}
    merges = [tuple(pair) for pair in found["merges"]]
    made = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.add_special_tokens(special)
    made.normalizer = normalizers.Replace(" ", "▁")
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    made.decoder = decoders.ByteFallback()
    made.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    made.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "tokenizer_class": "GemmaTokenizer", "pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>",
        "padding_side": "right", "add_bos_token": False, "add_eos_token": True, "model_max_length": CONTEXT,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    given = Siglip2Tokenizer.from_pretrained(folder)
    return _siglip(folder, len(vocabulary), given, {"resample": 2}, whole=False, masked=masked)


def _siglip(
    folder: Path,
    vocabulary: int,
    tokenizer: Any,
    pictures: dict[str, Any],
    *,
    whole: bool,
    masked: bool = False,
) -> Reference:
    torch.manual_seed(7)
    layers = {"hidden_size": SIZE, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = SiglipModel(
        SiglipConfig(
            text_config={**layers, "vocab_size": vocabulary, "max_position_embeddings": CONTEXT},
            vision_config={**layers, "image_size": SIDE, "patch_size": 8},
        )
    ).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn_like(weights) * 0.4)
        model.logit_scale.fill_(4.7)
        model.logit_bias.fill_(-12.9)
    model.config.save_pretrained(folder)
    processor = SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}, **pictures)
    processor.save_pretrained(folder)

    class Vision(torch.nn.Module):
        def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            made = model.vision_model(pixel_values=pixel_values)
            return made.last_hidden_state, made.pooler_output

    class Text(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            made = model.text_model(input_ids=input_ids)
            return made.last_hidden_state, made.pooler_output

    class Masked(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return model.text_model(input_ids=input_ids, attention_mask=attention_mask).pooler_output

    class Both(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor, pixel_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
            made = model(input_ids=input_ids, pixel_values=pixel_values)
            return made.logits_per_image, made.logits_per_text, made.text_embeds, made.image_embeds

    pixels, ids = torch.zeros(2, 3, SIDE, SIDE), torch.ones(3, CONTEXT, dtype=torch.int64)
    outputs = ["last_hidden_state", "pooler_output"]
    (folder / "onnx").mkdir()
    export(Vision(), {"pixel_values": pixels}, outputs, folder / "onnx/vision_model.onnx")
    if masked:
        both = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        export(Masked(), both, outputs[1:], folder / "onnx/text_model.onnx")
    else:
        export(Text(), {"input_ids": ids}, outputs, folder / "onnx/text_model.onnx")
    if whole:
        outputs = ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"]
        export(Both(), {"input_ids": ids, "pixel_values": pixels}, outputs, folder / "onnx/model.onnx")

    def images(given: Sequence[Image.Image]) -> Any:
        pixels = [processor(image, return_tensors="pt")["pixel_values"] for image in given]
        return unit(torch.cat([model.get_image_features(one).pooler_output for one in pixels]))

    def texts(given: Sequence[str]) -> Any:
        rows = tokenizer(
            list(given), padding="max_length", truncation=True, max_length=CONTEXT, return_tensors="pt"
        )
        return unit(model.get_text_features(rows["input_ids"]).pooler_output)

    return Reference(images, texts)


VISION = {"image_size": SIDE, "layers": 1, "width": 8, "head_width": 4, "patch_size": 8}
TEXT = {"context_length": CONTEXT, "width": 8, "heads": 2, "layers": 1, "no_causal_mask": True}


def open_clip_sigmoid(folder: Path, **pictures: Any) -> Reference:
    """A model of open_clip with a tokenizer of its own, trained with a sigmoid, in `open_clip_config.json`."""
    folder.mkdir(parents=True)
    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    learner.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    learner.train_from_iterator([sentence.lower() for sentence in SENTENCES], trainer)
    learner.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    wrapped = TokenizersBackend(
        tokenizer_object=learner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=CONTEXT,
    )  # fmt: skip
    wrapped.save_pretrained(folder)
    learner.save(str(folder / "tokenizer.json"), pretty=False)
    kwargs = {"clean": "canonicalize", "strip_sep_token": True}
    text = {
        **TEXT,
        "vocab_size": learner.get_vocab_size(),
        "hf_tokenizer_name": "here",
        "tokenizer_kwargs": kwargs,
        "pool_type": "last",
    }
    model_cfg = {
        "embed_dim": SIZE,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": VISION,
        "text_cfg": text,
    }
    preprocess = {
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "interpolation": "bilinear",
        "resize_mode": "squash",
        **pictures,
    }
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": model_cfg, "preprocess_cfg": preprocess}, indent=1)
    )
    model, transform = _random(folder)
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    _export_open_clip(model, folder, "open_clip_model.onnx")
    return _reference(model, transform, tokenizer)


def open_clip_apart(folder: Path) -> Reference:
    """A model of open_clip as photo libraries have it: each side in a folder of its own, one thing at a time, with its simple tokenizer."""
    (folder / "textual").mkdir(parents=True)
    (folder / "visual").mkdir()
    lines = small_merges()
    with gzip.open(folder / "bpe.gz", "wt") as stream:
        stream.write("\n".join(["#version", *(" ".join(pair) for pair in lines)]))
    simple = SimpleTokenizer(bpe_path=str(folder / "bpe.gz"), context_length=CONTEXT)
    clip_tokenizer(simple, lines, folder / "textual")
    model_cfg = {
        "embed_dim": SIZE,
        "vision_cfg": VISION,
        "text_cfg": {**TEXT, "vocab_size": simple.vocab_size},
        "custom_text": True,
    }
    preprocess = {
        "size": [SIDE, SIDE],
        "interpolation": "bicubic",
        "resize_mode": "longest",
        "fill_color": 90,
    }
    whole = {"model_cfg": model_cfg, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(whole))
    model, transform = _random(folder)
    settings = open_clip.get_model_preprocess_cfg(model)
    (folder / "open_clip_config.json").unlink()
    (folder / "bpe.gz").unlink()
    (folder / "config.json").write_text(json.dumps(model_cfg, indent=1))
    (folder / "visual/preprocess_cfg.json").write_text(json.dumps(settings, indent=1))
    _export_open_clip(model, folder, "", fixed=True)
    return _reference(model, transform, simple)


def mobileclip(folder: Path, name: str = "MobileCLIP2-S0") -> Reference:
    """A MobileCLIP with random weights and the tokenizer of CLIP, in `open_clip_config.json` as Apple has it; some 45 MB."""
    folder.mkdir(parents=True)
    model_cfg = open_clip.get_model_config(name)
    preprocess = {"mean": [0.0] * 3, "std": [1.0] * 3, "interpolation": "bilinear", "resize_mode": "shortest"}
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": model_cfg, "preprocess_cfg": preprocess})
    )
    simple = open_clip.get_tokenizer(f"local-dir:{folder}")
    with gzip.open(default_bpe(), "rt") as stream:
        lines = [line.split() for line in stream.read().split("\n")[1 : 49152 - 256 - 2 + 1]]
    clip_tokenizer(simple, lines, folder)
    model, transform = _random(folder, rescale=False)
    _export_open_clip(model, folder, "", names=("vision_model.onnx", "text_model.onnx"))
    return _reference(model, transform, simple)


def clip_without_mask(folder: Path) -> Reference:
    """CLIPModel, with a text side that has no attention mask, as transformers.js has it, and a configuration that says little."""
    tokenizer = make_tokenizer(SHAPES["tiny"]["text"]["max_position_embeddings"])
    model = make_model("tiny", tokenizer)
    export_clip(model, tokenizer, folder)

    class Text(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return model.text_projection(model.text_model(input_ids=input_ids).pooler_output)

    ids = torch.full((3, CONTEXT), tokenizer.eos_token_id)
    export(Text(), {"input_ids": ids}, ["text_embeds"], folder / "text_model.onnx")
    settings = {"max_position_embeddings": CONTEXT}
    (folder / "config.json").write_text(json.dumps({"model_type": "clip", "text_config": settings}))

    def texts(given: Sequence[str]) -> Any:
        rows = tokenizer(list(given), padding="max_length", truncation=True, return_tensors="pt")
        return unit(model.get_text_features(input_ids=rows["input_ids"]).pooler_output)

    return Reference(None, texts)


def timm_vision(folder: Path, **changes: Any) -> Reference:
    """A model of timm alone, which has pictures only."""
    folder.mkdir(parents=True)
    torch.manual_seed(9)
    model = timm.create_model(
        "vit_tiny_patch16_224", num_classes=SIZE, img_size=SIDE, depth=1, embed_dim=24, num_heads=2
    ).eval()
    given = {
        "input_size": [3, SIDE, SIDE], "interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "center",
        "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.25], **changes,
    }  # fmt: skip
    (folder / "config.json").write_text(
        json.dumps({"architecture": "vit_tiny_patch16_224", "num_classes": SIZE, "pretrained_cfg": given})
    )
    export(model, {"pixel_values": torch.zeros(2, 3, SIDE, SIDE)}, ["image_embeds"], folder / "model.onnx")
    transform = timm.data.create_transform(**{**given, "input_size": tuple(given["input_size"])})
    return Reference(
        lambda images: unit(torch.cat([model(transform(image)[None]) for image in images])), None
    )


def _random(folder: Path, *, rescale: bool = True) -> tuple[Any, Any]:
    """A model whose vectors of different pictures differ."""
    torch.manual_seed(11)
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}", load_weights=False)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn_like(weights) * 0.4 if rescale else weights * 1.6)
        if rescale:
            model.visual.conv1.weight.mul_(4)
            model.visual.class_embedding.mul_(0.1)
    return model.eval(), transform


def _reference(model: Any, transform: Any, tokenizer: Any) -> Reference:
    def images(given: Sequence[Image.Image]) -> Any:
        with torch.no_grad():
            return unit(torch.cat([model.encode_image(transform(image)[None]) for image in given]))

    def texts(given: Sequence[str]) -> Any:
        with torch.no_grad():
            return unit(torch.cat([model.encode_text(tokenizer([text])) for text in given]))

    return Reference(images, texts)


def _export_open_clip(
    model: Any, folder: Path, together: str, *, fixed: bool = False, names: tuple[str, str] = ("", "")
) -> None:
    class Vision(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return model.encode_image(image, normalize=fixed)

    class Text(torch.nn.Module):
        def forward(self, text: torch.Tensor) -> torch.Tensor:
            return model.encode_text(text, normalize=fixed)

    class Both(torch.nn.Module):
        def forward(self, image: torch.Tensor, text: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return model.encode_image(image), model.encode_text(text)

    side, context = model.visual.image_size, model.context_length
    height, width = side if isinstance(side, tuple) else (side, side)
    count = 1 if fixed else 2
    pixels, ids = torch.zeros(count, 3, height, width), torch.ones(count, context, dtype=torch.int32)
    if together:
        outputs = ["image_features", "text_features"]
        export(Both(), {"image": pixels, "text": ids}, outputs, folder / together)
    elif fixed:
        export(Vision(), {"image": pixels}, ["embedding"], folder / "visual/model.onnx", fixed=True)
        export(Text(), {"text": ids}, ["embedding"], folder / "textual/model.onnx", fixed=True)
    else:
        export(Vision(), {"image": pixels}, ["output"], folder / names[0])
        export(Text(), {"text": ids.long()}, ["output"], folder / names[1])
