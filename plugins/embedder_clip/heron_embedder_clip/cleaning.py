"""Cleans texts as the library does with which a model was trained."""

from __future__ import annotations

import html
import string
from collections.abc import Callable, Mapping

import heron

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def whitespace(text: str) -> str:
    """As `clean: whitespace` of open_clip: repaired, with single spaces."""
    return _single_spaces(_repaired(text))


def lower(text: str) -> str:
    """As `clean: lower` of open_clip, and in lower case."""
    return whitespace(text).lower()


def canonicalize(text: str) -> str:
    """As `clean: canonicalize` of open_clip: repaired, in lower case, without ASCII punctuation, with single spaces."""
    spaced = _repaired(text).replace("_", " ")
    return _single_spaces(spaced.translate(_NO_PUNCTUATION).lower())


def siglip(text: str) -> str:
    """As SiglipTokenizer of transformers: in lower case, without ASCII punctuation, with single spaces."""
    return _single_spaces(text.lower().translate(_NO_PUNCTUATION))


def small_letters(text: str) -> str:
    """As Siglip2Tokenizer of transformers: in lower case."""
    return text.lower()


def unchanged(text: str) -> str:
    """As CLIPTokenizer of transformers, whose `tokenizer.json` says all."""
    return text


BY_NAME: Mapping[str, Callable[[str], str]] = {
    "whitespace": whitespace,
    "lower": lower,
    "canonicalize": canonicalize,
}
"""The cleanings that a file of open_clip can name."""


def require_repairs() -> None:
    """Raises PluginError if the package that open_clip repairs texts with is missing."""
    try:
        import ftfy  # noqa: F401
    except ImportError as error:
        raise heron.PluginError(
            "texts for models of open_clip are cleaned with the package ftfy, which is not installed",
            hint="pip install ftfy",
        ) from error


def _repaired(text: str) -> str:
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def _single_spaces(text: str) -> str:
    return " ".join(text.split())
