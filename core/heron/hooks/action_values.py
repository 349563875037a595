"""The values of the options of an action, checked against what it declares."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

from heron.errors import InvalidInput
from heron.hooks.actions import ActionOption, ItemAction

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def values_of(action: ItemAction, given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of each option, of its type; texts are read as the command line gives them.

    Raises InvalidInput for an unknown option, one that is missing, and a value of another type.
    """
    known = {option.name: option for option in action.options}
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            options = f"there is: {', '.join(known)}" if known else "it has no options"
            raise InvalidInput(
                f"action {action.name} has no option {name!r:.80}",
                hint=f"did you mean {close[0]}?" if close else options,
            )
    found: dict[str, Any] = {}
    for name, option in known.items():
        value = given.get(name)
        if value is None:
            if option.required:
                raise InvalidInput(f"action {action.name} needs the option {name}: {option.summary}")
            found[name] = option.default
        else:
            found[name] = _value(action, option, value)
    return found


def _value(action: ItemAction, option: ActionOption, value: Any) -> Any:
    read = _read(option, value)
    if read is None:
        raise InvalidInput(f"action {action.name}: {option.name} is {value!r:.80}, expected a {option.type}")
    if option.choices and str(read) not in option.choices:
        raise InvalidInput(
            f"action {action.name}: {option.name} is {value!r:.80}, expected one of {', '.join(option.choices)}"
        )
    return read


def _read(option: ActionOption, value: Any) -> Any:
    """The value in the type of the option; None if it has another type."""
    if option.type == "text":
        return value if isinstance(value, str) else None
    if option.type == "boolean":
        return (
            value
            if isinstance(value, bool)
            else _WORDS.get(value.lower())
            if isinstance(value, str)
            else None
        )
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number
