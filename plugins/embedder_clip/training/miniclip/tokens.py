"""A small tokenizer like CLIP's: lower case, byte-level BPE with `</w>` at the end of words; any text has ids."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

START, END = "<|startoftext|>", "<|endoftext|>"
LONGEST = 20
"""Tokens of a text, with the start and end tokens; longer texts are cut."""

_END_OF_WORD = "</w>"
_WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_ENTRIES = 800
"""The most entries of the vocabulary, not counting those for the bytes."""


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """A tokenizer for texts like these. Padding is the end token, of which CLIP reads only the first."""
    learner = _bare(BPE(end_of_word_suffix=_END_OF_WORD))
    trainer = BpeTrainer(vocab_size=_ENTRIES, show_progress=False, end_of_word_suffix=_END_OF_WORD)
    learner.train_from_iterator(texts, trainer)
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = [*letters, *(letter + _END_OF_WORD for letter in letters), *map("".join, merges), START, END]
    vocabulary = {entry: number for number, entry in enumerate(entries)}
    tokenizer = _bare(
        BPE(vocabulary, merges, unk_token=END, continuing_subword_prefix="", end_of_word_suffix=_END_OF_WORD)
    )
    tokenizer.add_special_tokens([START, END])
    start, end = vocabulary[START], vocabulary[END]
    tokenizer.post_processor = processors.RobertaProcessing((END, end), (START, start), trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding(pad_id=end, pad_token=END)
    return tokenizer


def _bare(model: BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])  # fmt: skip
    return tokenizer
