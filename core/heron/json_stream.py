"""Large JSON files, element by element: the memory needed is that of the largest element, not of the file."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import IO, Any, NoReturn

from heron.errors import InvalidInput
from heron.models import Json

CHUNK = 1 << 20
"""Bytes read at a time."""

_BLANK = re.compile(r"[ \t\n\r]*")
_ENDS = frozenset(" \t\n\r,]}")


class Repeated(dict[str, Json]):
    """A JSON object in which a key stands more than once; the last one counts, and `key` is the first such key."""

    key: str


def elements(stream: IO[bytes], name: str, *, mark_repeated: bool = False) -> Iterator[tuple[str, Json]]:
    """The elements of a JSON file as (path, value).

    With `mark_repeated`, objects in which a key stands twice come as `Repeated`. An array gives `$[0]`, `$[1]` and so on. An object gives `$.key` for each member, and where that is an array
    its elements, as `$.key[0]`. Raises InvalidInput with line and column for what is no JSON, or is cut short.
    """
    yield from _Reader(stream, name, _marked if mark_repeated else None).document()


class _Reader:
    def __init__(
        self, stream: IO[bytes], name: str, pairs_hook: Callable[[list[tuple[str, Json]]], Json] | None
    ) -> None:
        self._stream = stream
        self._name = name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._value = json.JSONDecoder(
            parse_constant=_refuse_constant, object_pairs_hook=pairs_hook
        ).raw_decode
        self._text = ""
        self._position = 0
        self._lines = 1
        """Lines before the text at hand."""
        self._is_whole = False

    def document(self) -> Iterator[tuple[str, Json]]:
        first = self._peek()
        if first == "[":
            yield from self._array("$")
        elif first == "{":
            yield from self._object()
        else:
            self._fail("expected an object or an array")
        if self._peek():
            self._fail("unexpected text after the end")

    def _array(self, path: str) -> Iterator[tuple[str, Json]]:
        self._position += 1
        number = 0
        if self._peek() == "]":
            self._position += 1
            return
        while True:
            yield f"{path}[{number}]", self._element()
            number += 1
            if self._comma("]"):
                return

    def _object(self) -> Iterator[tuple[str, Json]]:
        self._position += 1
        if self._peek() == "}":
            self._position += 1
            return
        while True:
            if self._peek() != '"':
                self._fail("expected a key in double quotes")
            key = self._element()
            if self._peek() != ":":
                self._fail("expected : after the key")
            self._position += 1
            if self._peek() == "[":
                yield from self._array(f"$.{key}")
            else:
                yield f"$.{key}", self._element()
            if self._comma("}"):
                return

    def _comma(self, end: str) -> bool:
        """Step over a comma, or over the end, and say whether it was the end."""
        found = self._peek()
        if found not in (",", end):
            self._fail(f"expected , or {end}")
        self._position += 1
        return found == end

    def _element(self) -> Json:
        """The value here, whatever it takes to have all of it in the text at hand."""
        self._peek()
        while True:
            try:
                value, end = self._value(self._text, self._position)
            except json.JSONDecodeError as error:
                if self._is_whole:
                    self._fail(error.msg, error.pos)
            except RecursionError:
                self._fail("nested too deeply")
            except ValueError as error:
                self._fail(str(error))
            else:
                # a number, and a word, may go on in the next chunk
                if self._is_whole or self._text[end - 1] in '"]}' or self._text[end : end + 1] in _ENDS:
                    self._position = end
                    return value
            self._read()

    def _peek(self) -> str:
        """The next character that is no blank, or nothing at the end."""
        while True:
            match = _BLANK.match(self._text, self._position)
            self._position = match.end() if match else self._position
            if self._position < len(self._text):
                return self._text[self._position]
            if self._is_whole:
                return ""
            self._read()

    def _read(self) -> None:
        """Drop the text that was used and read on, at least as much again as is at hand."""
        self._lines += self._text.count("\n", 0, self._position)
        self._text = self._text[self._position :]
        self._position = 0
        data = self._stream.read(max(CHUNK, len(self._text)))
        try:
            self._text += self._decode(data, not data)
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{self._name} is no UTF-8 text: {error.reason}") from error
        self._is_whole = not data

    def _fail(self, reason: str, position: int | None = None) -> NoReturn:
        at = self._position if position is None else position
        before = self._text[:at]
        line = self._lines + before.count("\n")
        column = at - (before.rfind("\n") + 1) + 1
        if at >= len(self._text):
            reason = f"it ends too early ({reason[0].lower()}{reason[1:]})"
        raise InvalidInput(f"{self._name} is no valid JSON: line {line}, column {column}: {reason}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _marked(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = Repeated(found)
    names = [name for name, _ in pairs]
    repeated.key = next(name for name in names if names.count(name) > 1)
    return repeated
