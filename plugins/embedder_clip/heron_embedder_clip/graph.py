"""An ONNX file in onnxruntime: providers, threads, and which of its inputs and outputs are the sides of a model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

import heron
from heron_embedder_clip.settings import not_of_a_fixed_resolution, one_line

PROVIDERS = "HERON_ONNX_PROVIDERS"
"""The environment variable with the names of providers, the preferred one first: `cuda,cpu`."""

_PREFERRED = ("cuda", "rocm", "coreml", "dml", "cpu")
"""The default choice. TensorRT is not included: it takes minutes to build an engine."""

_TYPES: Mapping[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}
_AXES = {"pictures": 4, "texts": 2, "mask": 2}
_MASK = "attention_mask"
_UNKNOWN = ("token_type_ids", "position_ids", "pixel_attention_mask", "spatial_shapes")
"""Inputs of other models, which nothing here fills."""

_SILENT = 4

USUAL = {"pictures": ("pixel_values", "image_embeds"), "texts": ("input_ids", "text_embeds")}
"""The input and the output of each side in exports of transformers."""

_OUTPUTS = {
    "pictures": ("image_embeds", "image_embeddings", "image_embedding", "image_features"),
    "texts": ("text_embeds", "text_embeddings", "text_embedding", "text_features"),
}
_POOLED = "pooler_output"
"""The vectors of SigLIP, which has no projections; that of a CLIP lies before its projection."""

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Side:
    """One side of a graph: the names of its input, its mask (None without one) and its output.

    `size` is the length of its vectors, None if the file does not fix it; `alone` is for a file that takes one at a time.
    """

    given: str
    mask: str | None
    output: str
    size: int | None
    alone: bool


class Graph:
    """One loaded ONNX file. It may have both sides of a model; `picture` is the width and height of its pictures."""

    def __init__(self, path: Path, picture: tuple[int, int] | None = None) -> None:
        """Load a file; raises InvalidInput if onnxruntime cannot."""
        self.path = path
        self._session = _session(path)
        self._inputs = {node.name: node for node in self._session.get_inputs()}
        self._outputs = {node.name: node for node in self._session.get_outputs()}
        self._sorts = {name: _sort(name, node) for name, node in self._inputs.items()}
        width, height = picture or (224, 224)
        self._usual = {"pictures": (1, 3, height, width), "texts": (1, 2), "mask": (1, 2)}

    def side(self, things: str, *, is_sigmoid: bool = False, any_name: bool = False) -> Side:
        """The side for "pictures" or for "texts"; raises InvalidInput for a file that has none, or of which it is not clear.

        With `is_sigmoid`, the pooled output are the vectors; with `any_name`, the only output with vectors is taken.
        """
        given = [name for name, sort in self._sorts.items() if sort == things]
        masks = [name for name, sort in self._sorts.items() if sort == "mask"]
        output = self._output(things, is_sigmoid, any_name)
        if "spatial_shapes" in self._inputs:
            raise not_of_a_fixed_resolution(self.path)
        if len(given) != 1 or output is None or len(masks) > 1 or None in self._sorts.values():
            expected = " and ".join(USUAL[things])
            raise heron.InvalidInput(
                f"{self.path} is not a CLIP model: it turns {_listed(self._inputs)} into {_listed(self._outputs)}, "
                f"expected {expected}",
                hint="export the model with its projections",
            )
        for name, sort in self._sorts.items():
            node = self._inputs[name]
            is_number = (sort == "pictures") == (node.type in ("tensor(float)", "tensor(float16)"))
            if node.type not in _TYPES or not is_number or len(node.shape) != _AXES[str(sort)]:
                raise heron.InvalidInput(
                    f"{self.path} is not a CLIP model: its {name} are {node.type} of shape {node.shape}"
                )
            if isinstance(node.shape[0], int) and node.shape[0] != 1:
                raise heron.InvalidInput(
                    f"{self.path} takes only {node.shape[0]} of {name} at a time",
                    hint="export it with a dynamic batch",
                )
        shape = self._outputs[output].shape
        size = shape[-1] if shape and isinstance(shape[-1], int) else None
        alone = self._inputs[given[0]].shape[0] == 1
        return Side(given[0], masks[0] if masks else None, output, size, alone)

    def fixed(self, name: str, axis: int) -> int | None:
        """The length of an axis of an input; None if the file does not fix it."""
        length = self._inputs[name].shape[axis]
        return length if isinstance(length, int) else None

    def run(self, output: str, feeds: Mapping[str, Array], size: int | None) -> Array:
        """Vectors for a batch, float32 of shape (count, size), of any size without one.

        Feeds without an input in the file are left out, and the inputs of the other side are filled with
        ones. Raises InvalidInput for wrong vectors, and PluginError if onnxruntime fails.
        """
        (found,) = self.outputs([output], feeds)
        count = len(next(iter(feeds.values())))
        wanted = (count, size or found.shape[-1] if found.ndim else 0)
        if found.shape != wanted:
            raise heron.InvalidInput(f"{self.path} gave vectors of shape {found.shape}, not {wanted}")
        if not np.isfinite(found).all():
            raise heron.PluginError(
                f"{self.path} gave vectors with NaN or infinity", hint="use the model in full precision"
            )
        return np.asarray(found, np.float32)

    def outputs(self, names: Sequence[str], feeds: Mapping[str, Array]) -> Sequence[Array]:
        """What the file makes of some inputs; the others are filled with ones. Raises PluginError if onnxruntime fails."""
        ready = {
            name: np.asarray(feeds[name] if name in feeds else self._ones(name), _TYPES[node.type])
            for name, node in self._inputs.items()
        }
        try:
            found: Sequence[Array] = self._session.run(list(names), ready)
        except Exception as error:  # onnxruntime's errors have no common base class
            raise heron.PluginError(f"{self.path} cannot be run: {one_line(error)}") from error
        return found

    def makes(self, *names: str) -> bool:
        """Whether the file has outputs of these names."""
        return set(names) <= set(self._outputs)

    def _output(self, things: str, is_sigmoid: bool, any_name: bool) -> str | None:
        for name in (*_OUTPUTS[things], *((_POOLED,) if is_sigmoid else ())):
            if name in self._outputs:
                return str(name)
        flat: list[str] = [
            name for name, node in self._outputs.items() if len(node.shape) == 2 and name != _POOLED
        ]
        return flat[0] if any_name and len(flat) == 1 else None

    def _ones(self, name: str) -> Array:
        axes = zip(self._inputs[name].shape, self._usual[str(self._sorts[name])], strict=True)
        return np.ones([given if isinstance(given, int) else usual for given, usual in axes], np.float32)


def _sort(name: str, node: Any) -> str | None:
    """What an input takes: pictures, texts, or the mask of texts; None for anything else."""
    if name == _MASK:
        return "mask"
    if name == "pixel_values" or (len(node.shape) == 4 and "float" in node.type):
        return "pictures"
    if name == "input_ids" or (len(node.shape) == 2 and node.type in ("tensor(int64)", "tensor(int32)")):
        return None if name in _UNKNOWN else "texts"
    return None


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def providers() -> list[str]:
    """Providers of onnxruntime: those of HERON_ONNX_PROVIDERS, or else the best available; the CPU comes last.
    Raises InvalidInput for a provider that this onnxruntime does not have.
    """
    there = {
        name.removesuffix("ExecutionProvider").lower(): name for name in onnxruntime.get_available_providers()
    }
    wanted = [name.strip().lower() for name in os.environ.get(PROVIDERS, "").split(",") if name.strip()]
    for name in wanted:
        if name not in there:
            raise heron.InvalidInput(
                f"{PROVIDERS} names {name!r}, but this onnxruntime has {', '.join(sorted(there))}",
                hint="install a build of onnxruntime that has it",
            )
    chosen = wanted or [name for name in _PREFERRED if name in there]
    return [there[name] for name in dict.fromkeys([*chosen, "cpu"])]


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # the cores also prepare pictures
    options.log_severity_level = _SILENT
    chosen = providers()
    if len(chosen) > 1:
        onnxruntime.set_default_logger_severity(_SILENT)  # it warns on stderr of a missing device
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=chosen)
    except Exception as error:  # onnxruntime's errors have no common base class
        raise heron.InvalidInput(
            f"{path} cannot be loaded by onnxruntime: {one_line(error)}", hint="fetch or export it again"
        ) from error


def _listed(names: Mapping[str, Any]) -> str:
    return " and ".join(list(names)[:6]) or "nothing"
