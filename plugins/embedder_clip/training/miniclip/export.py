"""Writes a model as the usual folder of a CLIP: two ONNX files, the tokenizer, and the configuration as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from transformers import CLIPModel

from miniclip.model import IMAGE_SIZE, MEAN, STD
from miniclip.tokens import LONGEST

_OPSET, _IR_VERSION = 18, 8
"""The versions of 2022 and 2023, so that old releases of onnxruntime also read the files."""

_SMALL = 64
"""Elements up to which a constant stays in full precision."""


def export(model: CLIPModel, tokenizer: Tokenizer, folder: Path) -> None:
    """Write all files of a model into a folder, which is created if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = torch.zeros(2, 3, IMAGE_SIZE, IMAGE_SIZE)
    _write(
        _ImageSide(model),
        picture,
        ("pixel_values", "image_embeds"),
        {0: "batch"},
        folder / "vision_model.onnx",
    )
    ids = torch.zeros(2, LONGEST // 2, dtype=torch.int64)
    axes = {0: "batch", 1: "sequence"}
    _write(_TextSide(model), ids, ("input_ids", "text_embeds"), axes, folder / "text_model.onnx")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    _write_json(folder / "config.json", {"architectures": ["CLIPModel"], **model.config.to_diff_dict()})
    _write_json(folder / "preprocessor_config.json", _PREPROCESSING)


_PREPROCESSING = {
    "image_processor_type": "CLIPImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"height": IMAGE_SIZE, "width": IMAGE_SIZE},
    "resample": 3,
    "do_center_crop": False,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": MEAN,
    "image_std": STD,
}


class _ImageSide(torch.nn.Module):
    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.model, self.projection = model.vision_model, model.visual_projection

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        embeds: torch.Tensor = self.projection(self.model(pixel_values=pixel_values).pooler_output)
        return embeds


class _TextSide(torch.nn.Module):
    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.model, self.projection = model.text_model, model.text_projection

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        embeds: torch.Tensor = self.projection(self.model(input_ids=input_ids).pooler_output)
        return embeds


def _write(
    side: torch.nn.Module, given: torch.Tensor, names: tuple[str, str], axes: dict[int, str], path: Path
) -> None:
    source, target = names
    exported = torch.onnx.export(
        side.eval(),
        (given,),
        input_names=[source],
        output_names=[target],
        dynamic_shapes=(axes,),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    assert exported is not None
    model = exported.model_proto
    _strip(model)
    _halve(model)
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _strip(model: onnx.ModelProto) -> None:
    """Remove what the exporter writes about its own run at each node: names of modules and lines of files."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
    ):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.value_info[:]


def _halve(model: onnx.ModelProto) -> None:
    """Store weights in half precision, each with a Cast before its use: half the size, and the same arithmetic."""
    casts = []
    for weights in model.graph.initializer:
        values = numpy_helper.to_array(weights)
        if weights.data_type == TensorProto.FLOAT and values.size > _SMALL:
            name = weights.name
            weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [weights.name], [name], to=TensorProto.FLOAT))
    for place, cast in enumerate(casts):
        model.graph.node.insert(place, cast)


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
