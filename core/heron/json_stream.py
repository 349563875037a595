"""Reads large JSON files element by element: memory grows with the largest element, not with the file."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any, NoReturn

from heron.errors import InvalidInput
from heron.models import Json

CHUNK = 1 << 20
"""Bytes read at a time."""

LONGEST = 1 << 28
"""The most characters of one value, or bytes of a line, that are held in memory: 256 MB, far above what an entry needs."""

_CUT = 16
"""A syntax error within this many characters of the end of the text may exist only because the text is cut."""

_UNTERMINATED = "Unterminated string"
_WHITE = " \t\n\r"
_BLANK = re.compile(rf"[{_WHITE}]*")
_DELIMITER = re.compile(rf'[{_WHITE},:"\[\]{{}}]')
_ENDS = frozenset(" \t\n\r,]}")


class Repeated(dict[str, Json]):
    """A JSON object in which `key` occurs more than once, directly or in a nested object; the last value counts."""

    def __init__(self, value: dict[str, Json], key: str) -> None:
        super().__init__(value)
        self.key = key


def elements(stream: IO[bytes], name: str, *, mark_repeated: bool = False) -> Iterator[tuple[str, Json]]:
    """The elements of a JSON file as (path, value).

    An array gives `$[0]`, `$[1]` and so on. An object gives `$.key` for each member, or, if that is an array,
    its elements as `$.key[0]`. With `mark_repeated`, objects in which a key occurs twice are `Repeated`.
    Raises InvalidInput with line and column for invalid or incomplete JSON.
    """
    yield from _Reader(stream, name, mark_repeated).document()


class LineReader:
    """Reads complete JSON texts, such as the lines of JSONL; an object in which a key occurs twice is `Repeated`."""

    def __init__(self) -> None:
        self._value = _Decoder(mark_repeated=True)

    def __call__(self, line: bytes) -> Json:
        """The value of a line; raises InvalidInput with the column."""
        try:
            text = line.decode("utf-8-sig").strip(_WHITE)
            value, end = self._value(text, 0)
        except UnicodeDecodeError as error:
            raise InvalidInput(f"not UTF-8 text: {error.reason}") from error
        except json.JSONDecodeError as error:
            raise InvalidInput(f"not valid JSON: column {error.pos + 1}: {error.msg}") from error
        except ValueError as error:
            raise InvalidInput(f"not valid JSON: {error}") from error
        if end < len(text):
            raise InvalidInput(f"not valid JSON: column {end + 1}: unexpected text after the end")
        return value


class _Decoder:
    """Decodes the value at a position of a text; raises ValueError, and JSONDecodeError for a syntax error."""

    def __init__(self, *, mark_repeated: bool) -> None:
        hook = self._pairs if mark_repeated else None
        self._decode = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=hook).raw_decode
        self._repeated: str | None = None

    def __call__(self, text: str, position: int) -> tuple[Json, int]:
        self._repeated = None
        try:
            value, end = self._decode(text, position)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        except json.JSONDecodeError:
            raise
        except ValueError as error:
            long = "Exceeds the limit" in str(error)
            raise ValueError("a number has too many digits" if long else str(error)) from error
        if self._repeated is not None and isinstance(value, dict):
            return Repeated(value, self._repeated), end
        return value, end

    def _pairs(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            self._repeated = next(name for name in names if names.count(name) > 1)
        return found


class _Reader:
    def __init__(self, stream: IO[bytes], name: str, mark_repeated: bool) -> None:
        self._stream = stream
        self._name = name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._value = _Decoder(mark_repeated=mark_repeated)
        self._text = ""
        self._position = 0
        self._lines = 1
        self._columns = 0
        """The line in which the buffered text begins, and the number of columns before it."""
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
        """Skip a comma, or the closing bracket; returns whether it was the bracket."""
        found = self._peek()
        if found not in (",", end):
            self._fail(f"expected , or {end}")
        self._position += 1
        return found == end

    def _element(self) -> Json:
        """The value at the current position; reads on until it is complete."""
        self._peek()
        while True:
            try:
                value, end = self._value(self._text, self._position)
            except json.JSONDecodeError as error:
                if self._is_whole or not self._may_be_cut(error):
                    self._fail(error.msg, error.pos)
            except ValueError as error:
                self._fail(str(error))
            else:
                # a number or a word may continue in the next chunk
                if self._is_whole or self._text[end - 1] in '"]}' or self._text[end : end + 1] in _ENDS:
                    self._position = end
                    return value
            self._read()

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether a value may be valid once more text is read."""
        return error.msg.startswith(_UNTERMINATED) or error.pos > len(self._text) - _CUT

    def _is_cut(self, reason: str, position: int) -> bool:
        """Whether only the end of a value is missing: an open string, or part of a word, number or escape."""
        return reason.startswith(_UNTERMINATED) or not _DELIMITER.search(self._text, position)

    def _peek(self) -> str:
        """The next character that is not whitespace, or an empty string at the end."""
        while True:
            match = _BLANK.match(self._text, self._position)
            self._position = match.end() if match else self._position
            if self._position < len(self._text):
                return self._text[self._position]
            if self._is_whole:
                return ""
            self._read()

    def _read(self) -> None:
        """Drop the text already used and read more, at least as much as is left."""
        last = self._text.rfind("\n", 0, self._position)
        self._columns = self._position - last - 1 if last >= 0 else self._columns + self._position
        self._lines += self._text.count("\n", 0, self._position)
        self._text = self._text[self._position :]
        self._position = 0
        if len(self._text) > LONGEST:
            raise InvalidInput(f"{self._name}, line {self._lines}: a value is longer than {LONGEST >> 20} MB")
        data = self._stream.read(max(CHUNK, len(self._text)))
        try:
            self._text += self._decode(data, not data)
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{self._name} is not UTF-8 text: {error.reason}") from error
        self._is_whole = not data

    def _fail(self, reason: str, position: int | None = None) -> NoReturn:
        at = self._position if position is None else position
        line = self._lines + self._text.count("\n", 0, at)
        last = self._text.rfind("\n", 0, at)
        column = at - last if last >= 0 else self._columns + at + 1
        if at >= len(self._text) or (position is not None and self._is_cut(reason, at)):
            reason = f"it ends too early ({reason[0].lower()}{reason[1:]})"
        raise InvalidInput(f"{self._name} is not valid JSON: line {line}, column {column}: {reason}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
