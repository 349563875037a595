"""The record of one option of a contribution, and how values are checked and stored: secrets by reference only."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from attrs import field, frozen

from heron.errors import InvalidInput
from heron.models import Json
from heron.references import FORMS, checked, is_reference, resolve

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}  # fmt: skip

_MAY_HOLD_A_SECRET = re.compile(r"https?://.*[@?]|://[^/?#\s]*:[^/?#\s]*@", re.IGNORECASE | re.DOTALL)
"""A URL with a user name, a password or a query, which may be a signature."""


def _choices(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f"expected a list of texts, got the text {given!r}")
    return tuple(given)


@frozen
class Option:
    """One option of a contribution: of a storage backend, as an integration sets it; of all others, as `heron plugins configure` does.

    The value of a `secret` one is never stored: the catalogue stores a reference to it (`env:NAME`,
    `file:PATH`, `keyring:SERVICE/NAME`), and `load` gets the secret itself. Without a value, an option has its `default`; for a
    storage backend it is left out. A contribution with a `required` one is not loaded without a value.
    """

    name: str
    summary: str
    type: Literal["text", "number", "boolean"] = "text"
    secret: bool = False
    choices: Sequence[str] = field(default=(), converter=_choices)
    default: Json = None
    required: bool = False


def stored_options(what: str, options: Iterable[Option], given: Mapping[str, Json]) -> dict[str, Json]:
    """Values as they are stored: of known options, each of its type, with references in place of secrets. Raises InvalidInput."""
    known = {option.name: option for option in options}
    kept = {}
    for name, value in given.items():
        option = known.get(name)
        if option is None:
            close = difflib.get_close_matches(name, known, n=1)
            raise InvalidInput(
                f"{what} has no option {name!r}",
                hint=f"did you mean {close[0]}?" if close else f"there is: {', '.join(known) or 'none'}",
            )
        kept[name] = checked(value, f"option {name}") if is_reference(value) else _given(option, value)
    return kept


def resolved_value(option: Option | None, value: Json, what: str) -> Json:
    """A stored value; for a reference, what it refers to, which may be a secret. Raises BadCredentials and InvalidInput."""
    if not isinstance(value, str) or not is_reference(value):
        return value
    found = resolve(value, what)
    try:
        return typed(option, found) if option is not None else found
    except ValueError as reason:  # the value may be a secret that was meant for another option
        raise InvalidInput(f"{what}: {reason}, and {value} is something else") from None


def typed(option: Option, text: str) -> Json:
    """A text as a value of the option's type; raises ValueError that says what was expected, without the text."""
    if option.type == "boolean":
        if text.lower() not in _WORDS:
            raise ValueError("expected yes or no")
        return _WORDS[text.lower()]
    if option.type == "number":
        return _number(text)
    if option.choices and text not in option.choices:
        raise ValueError(f"expected {' or '.join(option.choices)}")
    return text


def _given(option: Option, value: Json) -> Json:
    """The value of an option as it is stored; raises InvalidInput, whose message never contains a possible secret."""
    if option.secret:
        raise InvalidInput(
            f"option {option.name} is a secret, and secrets are never stored: give a reference to it",
            hint=f"write {FORMS}",
        )
    if not isinstance(value, str | int | float):
        raise InvalidInput(f"option {option.name}: expected text, got {type(value).__name__}")
    text = str(value).strip()
    if not text:
        raise InvalidInput(f"option {option.name} is empty")
    if _MAY_HOLD_A_SECRET.search(text):
        raise InvalidInput(
            f"option {option.name} is a URL with a user name, a password or a query, and secrets are never stored",
            hint="leave these out; there are separate options for secrets",
        )
    try:
        return typed(option, text)
    except ValueError as reason:
        raise InvalidInput(f"option {option.name}: {reason}, got {text[:80]!r}") from None


def _number(text: str) -> float:
    try:
        number = float(text) if "." in text else int(text)
    except ValueError:
        raise ValueError("expected a number") from None
    if not math.isfinite(number) or abs(number) >= 2**63:
        raise ValueError("expected a smaller number")
    return number
