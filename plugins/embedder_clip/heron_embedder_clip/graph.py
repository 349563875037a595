"""An ONNX file in onnxruntime: providers, threads, and checks that it is an export of CLIP."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

import heron
from heron_embedder_clip.settings import one_line

PROVIDERS = "HERON_ONNX_PROVIDERS"
"""The environment variable with the names of providers, the preferred one first: `cuda,cpu`."""

_PREFERRED = ("cuda", "rocm", "coreml", "dml", "cpu")
"""The default choice. TensorRT is not included: it takes minutes to build an engine."""

_TYPES: Mapping[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
_AXES = {"pixel_values": 4, "input_ids": 2, "attention_mask": 2}
_SILENT = 4

Array = np.ndarray[Any, np.dtype[Any]]


class Graph:
    """One loaded ONNX file. It may have both sides of a model; `image_size` is the width of its pictures."""

    def __init__(self, path: Path, image_size: int = 224) -> None:
        """Load a file; raises InvalidInput if onnxruntime cannot."""
        self.path = path
        self._session = _session(path)
        self._inputs = {node.name: node for node in self._session.get_inputs()}
        self._outputs = {node.name: node for node in self._session.get_outputs()}
        self._usual = {"pixel_values": (1, 3, image_size, image_size)}

    def check(self, given: str, output: str) -> int | None:
        """The length of the vectors made from the input `given`; None if the file does not fix it.
        Raises InvalidInput for a file with other inputs or outputs.
        """
        if given not in self._inputs or output not in self._outputs or not set(self._inputs) <= set(_AXES):
            raise heron.InvalidInput(
                f"{self.path} is not a CLIP model: it turns {_listed(self._inputs)} into {_listed(self._outputs)}, "
                f"expected {given} and {output}",
                hint="export the model with its projections",
            )
        for name, node in self._inputs.items():
            if node.type not in _TYPES or len(node.shape) != _AXES[name]:
                raise heron.InvalidInput(
                    f"{self.path} is not a CLIP model: its {name} are {node.type} of shape {node.shape}"
                )
            if isinstance(node.shape[0], int):
                raise heron.InvalidInput(
                    f"{self.path} takes only {node.shape[0]} of {name} at a time",
                    hint="export it with a dynamic batch",
                )
        shape = self._outputs[output].shape
        return shape[-1] if shape and isinstance(shape[-1], int) else None

    def fixed(self, name: str, axis: int) -> int | None:
        """The length of an axis of an input; None if the file does not fix it."""
        length = self._inputs[name].shape[axis]
        return length if isinstance(length, int) else None

    def run(self, output: str, feeds: Mapping[str, Array], size: int) -> Array:
        """Vectors for a batch, float32 of shape (count, size).

        Feeds without an input in the file are left out, and the inputs of the other side are filled with
        ones. Raises InvalidInput for wrong vectors, and PluginError if onnxruntime fails.
        """
        ready = {
            name: np.asarray(feeds[name] if name in feeds else self._ones(name), _TYPES[node.type])
            for name, node in self._inputs.items()
        }
        count = len(next(iter(feeds.values())))
        try:
            (found,) = self._session.run([output], ready)
        except Exception as error:  # onnxruntime's errors have no common base class
            raise heron.PluginError(f"{self.path} cannot be run: {one_line(error)}") from error
        if found.shape != (count, size):
            raise heron.InvalidInput(f"{self.path} gave vectors of shape {found.shape}, not {(count, size)}")
        if not np.isfinite(found).all():
            raise heron.PluginError(
                f"{self.path} gave vectors with NaN or infinity", hint="use the model in full precision"
            )
        return np.asarray(found, np.float32)

    def _ones(self, name: str) -> Array:
        axes = zip(self._inputs[name].shape, self._usual.get(name, (1, 2)), strict=True)
        return np.ones([given if isinstance(given, int) else usual for given, usual in axes], np.float32)


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
