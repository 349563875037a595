"""Turns texts into token ids, by the `tokenizer.json` of a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import heron
from heron_embedder_clip.settings import Settings, one_line, read_text

LONGEST_CONTEXT = 4096
LARGEST_VOCABULARY = 2_000_000

_MOST_CHARACTERS = 100_000
"""Characters of a text that are tokenised: far more than fit into the context of a model."""

Ids = np.ndarray[Any, np.dtype[np.int64]]


class Tokens:
    """The tokenizer of a model. Long texts are cut to the model's context; the start and end tokens stay."""

    def __init__(self, folder: Path, length: int | None = None) -> None:
        """Read the files; raises NotFound and InvalidInput, also if the tokens do not fit the model.
        Texts are padded to `length` tokens, or without it to the longest text of a batch.
        """
        text_config = Settings.read(folder / "config.json").section("text_config")
        context = text_config.integer("max_position_embeddings", 3, LONGEST_CONTEXT, 77)
        self._length = length
        self._tokenizer = _tokenizer(folder / "tokenizer.json")
        self._padding = self._padding_id(folder, text_config)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(min(context, length or context))
        largest = max([self._padding, *self._tokenizer.get_vocab().values()])
        known = text_config.integer("vocab_size", 1, LARGEST_VOCABULARY, largest + 1)
        if largest >= known:
            raise heron.InvalidInput(
                f"{folder / 'tokenizer.json'} does not belong to the model: it has a token {largest:,}, "
                f"but the model has only {known:,}"
            )

    def __call__(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Token ids and attention mask (0 for padding), int64 of shape (len(texts), length)."""
        rows = [self._encode(text) for text in texts]
        ids = np.full((len(rows), self._length or max(map(len, rows))), self._padding, np.int64)
        mask = np.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        return ids, mask

    def _encode(self, text: str) -> list[int]:
        # One at a time: encode_batch starts threads, and prints a warning on stderr when the process forks
        # later.
        readable = text[:_MOST_CHARACTERS].encode(errors="replace").decode()  # lone surrogates become "?"
        ids: list[int] = self._tokenizer.encode(readable).ids
        return ids or [self._padding]

    def _padding_id(self, folder: Path, text_config: Settings) -> int:
        """The padding token: from the files of the tokenizer, or else from the configuration."""
        for name in ("tokenizer_config.json", "special_tokens_map.json"):
            token = Settings.read_if_there(folder / name).get("pad_token")
            content = token.get("content") if isinstance(token, dict) else token
            number = self._tokenizer.token_to_id(content) if isinstance(content, str) else None
            if number is not None:
                return int(number)
        if self._tokenizer.padding:
            return int(self._tokenizer.padding["pad_id"])
        return text_config.integer("pad_token_id", 0, LARGEST_VOCABULARY, 0)


def _tokenizer(path: Path) -> Tokenizer:
    text = read_text(path)
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # tokenizers raises Exception itself
        raise heron.InvalidInput(f"{path} is not a tokenizer: {one_line(error)}") from error
