"""The files of a model directory, in the layout of exports on the hub, and a fingerprint of its version."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import heron

SETTINGS = (
    "config.json",
    "open_clip_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "preprocess_cfg.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "visual/preprocess_cfg.json",
    "textual/tokenizer.json",
    "textual/tokenizer_config.json",
    "textual/special_tokens_map.json",
)
VISION = ("vision_model", "visual/model", "visual")
TEXT = ("text_model", "textual/model", "textual")
BOTH = ("model", "open_clip_model")
"""The names of ONNX files: those of transformers.js and optimum first, then those of open_clip's exports."""

PLACES = ("onnx", ".")
"""Where the ONNX files are, relative to the directory."""

_SAME = {"int8": ("_int8", "_quantized"), "quantized": ("_quantized", "_int8")}
_BLOCKS, _BLOCK = 64, 64 * 1024


@dataclass(frozen=True)
class ModelDirectory:
    """The files of a model. `vision` and `text` may be one file with both sides; None is a side that is absent."""

    folder: Path
    vision: Path | None
    text: Path | None
    variant: str = ""

    @classmethod
    def find(cls, folder: Path, variant: str = "") -> ModelDirectory:
        """Find the files in a directory; raises NotFound with the names that it expected."""
        vision, text = _graph(folder, VISION, variant), _graph(folder, TEXT, variant)
        if vision is None or text is None:
            both = _graph(folder, BOTH, variant)
            vision, text = vision or both, text or both
        if vision is None and text is None:
            expected = " or ".join(f"{VISION[0]}{suffix}.onnx" for suffix in suffixes(variant))
            raise heron.NotFound(
                f"{expected} is missing in the model directory {folder}",
                hint=_others(folder)
                or "export the model to ONNX: its sides as vision_model.onnx and text_model.onnx",
            )
        return cls(folder, vision, text, variant)

    @property
    def names(self) -> Sequence[str]:
        """The ONNX files that are read, relative to the directory."""
        chosen = dict.fromkeys(path for path in (self.vision, self.text) if path)
        return [path.relative_to(self.folder).as_posix() for path in chosen]

    def fingerprint(self) -> str:
        """A hash over the name, the size and the content (SHA-256) of each file.
        Files of up to 4 MB are read whole, of larger ones 64 blocks spread from start to end: reading 600 MB at each
        start would take longer than loading them, and training changes weights everywhere.
        """
        digest = hashlib.sha256()
        for path in self._files():
            try:
                size, sample = _size_and_sample(path)
            except OSError as error:
                raise heron.InvalidInput(f"{path} cannot be read: {error.strerror}") from error
            digest.update(f"{path.relative_to(self.folder).as_posix()}\0{size}\0".encode())
            digest.update(hashlib.sha256(sample).digest())
        return f"sha256:{digest.hexdigest()[:16]}"

    def _files(self) -> Iterator[Path]:
        there = [path for name in SETTINGS if (path := self.folder / name).is_file()]
        is_older = (
            self.folder / "preprocessor_config.json" in there
        )  # then the newer file of transformers 5 is not read
        yield from (path for path in there if not (is_older and path.name == "processor_config.json"))
        for graph in sorted({path for path in (self.vision, self.text) if path}):
            yield graph
            yield from sorted(path for path in graph.parent.glob(f"{graph.name}?*") if path.is_file())


def suffixes(variant: str) -> Sequence[str]:
    """The suffixes of the ONNX files of a variant; int8 weights have two names."""
    return _SAME.get(variant, (f"_{variant}",)) if variant else ("",)


def _graph(folder: Path, names: Sequence[str], variant: str) -> Path | None:
    """The file of a side in a variant; raises InvalidInput if several could be meant."""
    for suffix in suffixes(variant):
        there = [
            path
            for place in PLACES
            for name in names
            if (path := folder / place / f"{name}{suffix}.onnx").is_file()
        ]
        if len(there) > 1:
            raise heron.InvalidInput(
                f"{there[0]} and {there[1].relative_to(folder)} are there, and either could be meant",
                hint="remove one of them",
            )
        if there:
            return there[0]
    return None


def _others(folder: Path) -> str | None:
    """A hint at the variants that are there."""
    found = {
        path.stem.removeprefix(f"{name}_")
        for place in PLACES
        for name in ("vision_model", "text_model", "model")
        for path in (folder / place).glob(f"{name}_*.onnx")
    }
    return (
        f"name a variant that is there: {', '.join(f'#{one}' for one in sorted(found)[:8])}"
        if found
        else None
    )


def _size_and_sample(path: Path) -> tuple[int, bytes]:
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        starts: Sequence[int] = range(0, size, _BLOCK)
        if len(starts) > _BLOCKS:
            starts = [(size - _BLOCK) * number // (_BLOCKS - 1) for number in range(_BLOCKS)]
        return size, b"".join(_read_at(stream, start) for start in starts)


def _read_at(stream: BinaryIO, start: int) -> bytes:
    stream.seek(start)
    return stream.read(_BLOCK)
