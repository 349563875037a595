"""The JSON files of a model directory, checked while they are read: each error names the file and the key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import heron

MOST_BYTES = 64 * 1024 * 1024
"""The largest size of a JSON file, in bytes; the largest tokenizers in use have about 20 MB."""


_LARGEST = 1_000_000


class Settings:
    """One JSON object and where it was read from. A key that is missing or null has the given default."""

    def __init__(self, values: dict[str, Any], place: str) -> None:
        self._values = values
        self.place = place

    @classmethod
    def read(cls, path: Path) -> Settings:
        """The settings of a file; raises InvalidInput if it is not a JSON object, and NotFound if it is missing."""
        text = read_text(path)
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise heron.InvalidInput(f"{path} is not valid JSON: {one_line(error)}") from error
        if not isinstance(values, dict):
            raise heron.InvalidInput(f"{path} is not a JSON object")
        return cls(values, str(path))

    @classmethod
    def read_if_there(cls, path: Path) -> Settings:
        """The settings of a file; empty if it is missing."""
        return cls.read(path) if path.is_file() else cls({}, str(path))

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def keys(self) -> set[str]:
        """The keys that are there."""
        return set(self._values)

    def get(self, key: str) -> Any:
        """The value from the JSON; None if it is missing."""
        return self._values.get(key)

    def section(self, key: str) -> Settings:
        """The object at a key; an empty one if it is missing."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, dict):
            raise self.refusal(key, "an object")
        return Settings(value or {}, f"{self.place}: {key}")

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.refusal(key, "true or false")
        return value

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`; required if there is no default."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.refusal(key, f"a whole number from {low} to {high:,}")
        return value

    def number(self, key: str, default: float) -> float:
        """A number between minus and plus a million."""
        return self._number(key, self._value(key, default))

    def required_number(self, key: str) -> float:
        """A number between minus and plus a million, which must be there."""
        if key not in self:
            raise self.refusal(key, "a number")
        return self._number(key, self.get(key))

    def three_numbers(self, key: str, default: tuple[float, float, float]) -> tuple[float, float, float]:
        """Three such numbers, one for each of red, green and blue; one number stands for three."""
        value = self._value(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = [value] * 3
        if not isinstance(value, list | tuple) or len(value) != 3:
            raise self.refusal(key, "three numbers")
        first, second, third = (self._number(key, number) for number in value)
        return first, second, third

    def pair(self, key: str, low: int, high: int, default: int | None = None) -> tuple[int, int]:
        """Two whole numbers from `low` to `high`, the height first; one number stands for both."""
        value = self._value(key, default)
        both = value if isinstance(value, list) and len(value) == 2 else [value, value]
        if any(isinstance(one, bool) or not isinstance(one, int) or not low <= one <= high for one in both):
            raise self.refusal(key, f"a whole number from {low} to {high:,}, or two")
        return both[0], both[1]

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of some words."""
        value = self._value(key, default)
        if value not in choices:
            raise self.refusal(key, f"one of {', '.join(choices)}")
        return str(value)

    def refusal(self, key: str, expected: str) -> heron.InvalidInput:
        """The error for a value that is not what was expected."""
        value = self._values.get(key)
        found = "is missing" if value is None else f"is {shown(value)}"
        return heron.InvalidInput(f"{self.place}: {key} {found}, expected {expected}")

    def _value(self, key: str, default: Any) -> Any:
        value = self._values.get(key)
        return default if value is None else value

    def _number(self, key: str, value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not -_LARGEST <= value <= _LARGEST:
            raise self.refusal(key, "numbers of at most a million")
        return float(value)


def read_text(path: Path) -> str:
    """The text of a file of at most `MOST_BYTES`; raises NotFound and InvalidInput."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise heron.NotFound(
            f"{path.name} is missing in the model directory {path.parent}",
            hint="an export has config.json, preprocessor_config.json (or open_clip_config.json), tokenizer.json and ONNX files",
        ) from None
    except OSError as error:
        raise heron.InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise heron.InvalidInput(f"{path} is refused: it has more than {MOST_BYTES:,} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise heron.InvalidInput(f"{path} is not UTF-8 text") from error


def shown(value: object) -> str:
    """A value from a file, for a message: on one line of at most 80 characters."""
    return one_line(repr(value))[:80]


def one_line(error: object) -> str:
    """The message of a library's error, on one line of at most 300 characters."""
    return " ".join(str(error).split())[:300].encode(errors="replace").decode()


def not_of_a_fixed_resolution(place: object) -> heron.InvalidInput:
    """What is raised for a file or folder of a model that takes pictures of any shape."""
    return heron.InvalidInput(
        f"{place} belongs to a SigLIP 2 model of the kind NaFlex, which takes pictures of any shape as patches; such models are not read",
        hint="use one of a fixed resolution, such as siglip2-base-patch16-224",
    )
