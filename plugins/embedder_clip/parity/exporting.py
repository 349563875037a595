"""Exports modules to ONNX and writes tokenizers, for the models of `layouts.py`."""

# ruff: noqa: S106 - names of tokens are no passwords

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from export_random import SENTENCES, _strip, onnx
from open_clip.tokenizer import SimpleTokenizer, bytes_to_unicode
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch.export import Dim


def clear(folder: Path) -> Path:
    """The path of a folder that is not there any more."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def unit(vectors: torch.Tensor) -> Any:
    """Vectors of length one, as an array."""
    return (vectors / vectors.norm(dim=-1, keepdim=True)).detach().numpy()


def small_merges() -> list[list[str]]:
    """The merges of a byte-pair tokenizer, learned from a few sentences."""
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    alphabet = [*bytes_to_unicode().values()]
    trainer = trainers.BpeTrainer(
        vocab_size=560, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    learner.train_from_iterator(SENTENCES, trainer)
    found: list[list[str]] = json.loads(learner.to_str())["model"]["merges"]
    return found


def clip_tokenizer(simple: SimpleTokenizer, merges: Sequence[Sequence[str]], folder: Path) -> None:
    """A `tokenizer.json` with the tokens of a simple tokenizer of open_clip, as those of CLIP on the hub."""
    names = [*bytes_to_unicode().values()]
    names = [*names, *(name + "</w>" for name in names), *("".join(pair) for pair in merges)]
    names += ["<|startoftext|>", "<|endoftext|>"]
    start, end = simple.sot_token_id, simple.eot_token_id
    made = Tokenizer(
        models.BPE(
            {name: number for number, name in enumerate(names)}, [tuple(pair) for pair in merges], end_of_word_suffix="</w>",
            continuing_subword_prefix="", unk_token="<|endoftext|>",
        )
    )  # fmt: skip
    made.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(words), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])  # fmt: skip
    made.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", end), ("<|startoftext|>", start), False, False
    )
    made.save(str(folder / "tokenizer.json"), pretty=False)
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "pad_token": "<|endoftext|>", "model_max_length": 77})
    )


def export(
    module: torch.nn.Module, inputs: dict[str, Any], outputs: list[str], path: Path, *, fixed: bool = False
) -> None:
    """Export with a dynamic batch size, unless it is fixed."""
    module.eval()
    axes = tuple({0: Dim(f"{name}_batch")} for name in inputs)
    program = torch.onnx.export(
        module, tuple(inputs.values()), input_names=list(inputs), output_names=[f"{name}_out" for name in outputs],
        dynamic_shapes=None if fixed else axes, dynamo=True, verbose=False,
    )  # fmt: skip
    proto = program.model_proto
    _strip(proto)
    for name in outputs:  # the exporter may have used the name within the graph
        _rename(proto.graph, name, f"{name}_within")
        _rename(proto.graph, f"{name}_out", name)
    onnx.save(proto, path)


def _rename(graph: Any, old: str, new: str) -> None:
    for output in graph.output:
        output.name = new if output.name == old else output.name
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
