"""Turns texts into token ids, by the `tokenizer.json` of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import heron
from heron_embedder_clip import cleaning
from heron_embedder_clip.layout import LARGEST_VOCABULARY, Layout
from heron_embedder_clip.settings import Settings, one_line, read_text, shown

_MOST_CHARACTERS = 100_000
"""Characters of a text that are tokenised: far more than fit into the context of a model."""

Ids = np.ndarray[Any, np.dtype[np.int64]]


class Tokens:
    """The tokenizer of a model. Long texts are cut to the model's context; the start and end tokens stay."""

    def __init__(self, layout: Layout, length: int | None, *, is_masked: bool) -> None:
        """Read the files; raises NotFound and InvalidInput, also if the tokens do not fit the model.

        Texts are padded to `length` tokens if the graph fixes it. Otherwise a graph that sees no padding, as `is_masked` says, gets
        texts as long as the longest of a batch, and others get texts of the whole context, as in their training.
        """
        folder = layout.texts
        self._tokenizer = _tokenizer(folder, layout)
        self._given = Settings.read_if_there(folder / "tokenizer_config.json")
        self._sees_padding = layout.is_sigmoid
        self._length = length or (None if is_masked and not layout.is_sigmoid else layout.context)
        self._on_the_left = _pads_on_the_left(self._given)
        self._clean, self._padding, self._dropped = self._rules(layout)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(min(layout.context, length or layout.context))
        largest = max([self._padding, *self._tokenizer.get_vocab().values()])
        known = layout.vocabulary or largest + 1
        if largest >= known:
            raise heron.InvalidInput(
                f"{folder / 'tokenizer.json'} does not belong to the model: it has a token {largest:,}, "
                f"but the model has only {known:,}"
            )
        self._check_ends(folder / "tokenizer.json")

    def __call__(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Token ids and attention mask (0 for padding that the model may not see), int64 of shape (len(texts), length)."""
        rows = [self._encode(text) for text in texts]
        ids = np.full((len(rows), self._length or max(map(len, rows))), self._padding, np.int64)
        mask = np.full_like(ids, int(self._sees_padding))
        for number, row in enumerate(rows):
            part = slice(-len(row), None) if self._on_the_left else slice(len(row))
            ids[number, part] = row
            mask[number, part] = 1
        if self._dropped is not None:
            ids[ids == self._dropped] = 0
        return ids, mask

    def _encode(self, text: str) -> list[int]:
        # One at a time: encode_batch starts threads, and prints a warning on stderr when the process forks
        # later.
        readable = text[:_MOST_CHARACTERS].encode(errors="replace").decode()  # lone surrogates become "?"
        ids: list[int] = self._tokenizer.encode(self._clean(readable)).ids
        return ids or [self._padding]

    def _rules(self, layout: Layout) -> tuple[Callable[[str], str], int, int | None]:
        """How texts are cleaned, the padding token, and a token that becomes 0.

        Sources: `get_tokenizer`, SimpleTokenizer and HFTokenizer of open_clip, SiglipTokenizer and Siglip2Tokenizer of transformers.
        """
        if not layout.model:
            clean = cleaning.unchanged
            if layout.is_sigmoid:
                clean = cleaning.small_letters if _is_of_siglip_2(self._given) else cleaning.siglip
            return clean, self._padding_id(layout), None
        cleaning.require_repairs()
        text = layout.model.section("text_cfg")
        if "tokenizer_mode" in text:
            raise text.refusal("tokenizer_mode", "none")
        its_own = "hf_tokenizer_name" not in text
        given = text.section("tokenizer_kwargs")
        if unread := sorted(given.keys() - {"clean", "strip_sep_token"}):
            raise given.refusal(unread[0], "only clean and strip_sep_token")
        name = given.choice("clean", tuple(cleaning.BY_NAME), "lower" if its_own else "whitespace")
        dropped = self._id("sep_token") if given.flag("strip_sep_token", False) else None
        return cleaning.BY_NAME[name], 0 if its_own else self._padding_id(layout), dropped

    def _padding_id(self, layout: Layout) -> int:
        """The padding token: from the files of the tokenizer, or else from the configuration."""
        number = self._id("pad_token")
        if number is None:
            others = Settings.read_if_there(layout.texts / "special_tokens_map.json")
            number = self._id("pad_token", others)
        if number is not None:
            return number
        if self._tokenizer.padding:
            return int(self._tokenizer.padding["pad_id"])
        text = layout.config.section("text_config")
        return text.integer("pad_token_id", 0, LARGEST_VOCABULARY, 0)

    def _id(self, name: str, given: Settings | None = None) -> int | None:
        token = (given or self._given).get(name)
        content = token.get("content") if isinstance(token, dict) else token
        number = self._tokenizer.token_to_id(content) if isinstance(content, str) else None
        return None if number is None else int(number)

    def _check_ends(self, path: Path) -> None:
        """Refuse a tokenizer that leaves out the start or end token which its settings promise."""
        for flag, token, place in (("add_bos_token", "bos_token", 0), ("add_eos_token", "eos_token", -1)):
            number = self._id(token)
            if self._given.get(flag) is True and number is not None and self._encode("a")[place] != number:
                raise heron.InvalidInput(
                    f"{path} does not add the {token}, which {self._given.place} says it does"
                )


def _is_of_siglip_2(given: Settings) -> bool:
    """Whether a tokenizer is one of Gemma, as SigLIP 2 has them, or Siglip2Tokenizer."""
    kind = str(given.get("tokenizer_class"))
    return "Gemma" in kind or "Siglip2" in kind


def _pads_on_the_left(given: Settings) -> bool:
    """Those of SigLIP 2 pad on the left, unless their settings say otherwise."""
    usual = "left" if _is_of_siglip_2(given) else "right"
    return given.choice("padding_side", ("left", "right"), usual) == "left"


def _tokenizer(folder: Path, layout: Layout) -> Tokenizer:
    path = folder / "tokenizer.json"
    if layout.model and not path.exists():
        its_own = "the tokenizer of CLIP, as in openai/clip-vit-base-patch32"
        named = layout.model.section("text_cfg").get("hf_tokenizer_name")
        raise heron.NotFound(
            f"tokenizer.json is missing in the model directory {folder}",
            hint=f"open_clip does not write it: copy that of {shown(named) if named else its_own}",
        )
    text = read_text(path)
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # tokenizers raises Exception itself
        raise heron.InvalidInput(f"{path} is not a tokenizer: {one_line(error)}") from error
