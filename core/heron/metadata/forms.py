"""Whether a stored value has the form of its key's type, and how a value of another form is converted without loss."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn

from attrs import frozen

from heron.convert import dumps
from heron.errors import HeronError, PluginError
from heron.models import Json

if TYPE_CHECKING:
    from heron.metadata.schema import Schema, SchemaKey

JSON_TYPES = {
    "boolean": ("true", "false"),
    "number": ("integer", "real"),
    "varchar": ("text",),
    "text": ("text",),
    "enum": ("text",),
}
"""For these types, the JSON types that SQLite names decide whether a value can be compared as one of the key's."""

BESIDE = "a text beside values that are no texts; heron schema convert converts it"
"""Why a text is left alone in a key whose other values show that their writer could tell `3` and `"3"` apart."""

_FINE = re.compile(r"[.,][0-9]{6}[0-9]*[1-9]")
"""A fraction of a second with more than six digits."""


@frozen
class Form:
    """What decides whether a stored value can be compared as a value of its key.

    `types` are the JSON types that decide by themselves; where they are None, `fits` has to be asked for each value.
    """

    fits: Callable[[Json], bool]
    types: tuple[str, ...] | None = None


def form_of(schema: Schema, key: SchemaKey) -> Form:
    """The form of the values of a key; raises PluginError if its type is not there."""
    types = JSON_TYPES.get(key.type)
    if types is None:
        faults = Faults(schema, key)
        return Form(lambda value: faults(value) is None)
    return Form(lambda value: json_type(value) in types, types)


def json_type(value: Json) -> str:
    """The type of a value of JSON, as SQLite names it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {str: "text", int: "integer", float: "real", list: "array", dict: "object"}
    return names.get(type(value), "null")


class Faults:
    """Says why a stored value is not what the type of a key stores; None if it is."""

    def __init__(self, schema: Schema, key: SchemaKey) -> None:
        self._encode = schema.encoder(key)
        self._decode = schema.decoder(key)

    def __call__(self, value: Json) -> str | None:
        """The reason, or None."""
        try:
            shown = value if self._decode is None else self._decode(value)
            encoded = self._encode(shown)
        except Exception as error:  # noqa: BLE001 - code of a plugin, with a value that it never stored
            return self._reason(value) if self._decode is not None else str(error)
        if type(encoded) is type(value) and encoded == value:
            return None
        return "not in the form in which the type stores it; heron schema convert converts it"

    def _reason(self, value: Json) -> str:
        """Why a value is refused that is not the stored form of any."""
        try:
            self._encode(value)
        except Exception as error:  # noqa: BLE001 - code of a plugin
            return str(error)
        return "not in the form in which the type stores it; heron schema convert converts it"


def faults_of(schema: Schema) -> dict[str, Faults]:
    """The keys that have values which do not fit, with the functions that find these; normally there are none."""
    found = {}
    for name in filter(schema.not_fitting, schema.keys()):
        key = schema.require(name)
        try:
            if not schema.type_of(key).vector:
                found[name] = Faults(schema, key)
        except PluginError:
            continue
    return found


class Converter:
    """Converts stored values of a key into the form of its type, if nothing is lost.

    A value that the type accepts is stored as the type stores it. A text is read as the cell of a CSV file is: `3`, `1e3`
    and `true` are a number and a boolean, `007`, `+3` and a number with more digits than a float keeps are not. A number or a
    boolean becomes the text that JSON writes. `before` is the key as it was until now: values of a type with a shown form
    are converted from this form.
    """

    def __init__(self, schema: Schema, key: SchemaKey, before: SchemaKey | None) -> None:
        kind = schema.type_of(key)
        self.affinity = kind.affinity
        self._is_time = kind.compares == "datetime"
        self._encode = schema.encoder(key)
        self._before = _shown_form(schema, before) if before is not None and before.type != key.type else None

    def __call__(self, value: Json, *, texts: bool = True) -> Json:
        """The converted value; raises ValueError with a reason. Without `texts`, no text becomes a number or boolean."""
        shown = self.shown(value)
        try:
            if self._is_time and isinstance(shown, str) and _FINE.search(shown):
                raise _Lossy("expected at most six digits of a second")
            return self._encoded(shown)
        except _Lossy:
            raise
        except ValueError as refusal:
            other = self._read(shown)
            if other is None:
                raise
            try:
                encoded = self._encoded(other)
            except ValueError:
                raise refusal from None
            if not texts and isinstance(shown, str):
                raise ValueError(BESIDE) from None
            return encoded

    def shown(self, value: Json) -> Json:
        """The form in which people saw a value until now; the value itself where that is the stored form."""
        return value if self._before is None else self._before(value)

    def _encoded(self, value: Json) -> Json:
        try:
            return self._encode(value)
        except ValueError:
            raise
        except Exception as error:
            raise ValueError(f"the type cannot read it ({error})") from error

    def _read(self, value: Json) -> Json:
        """The other way to write a value: a text as JSON, a number or boolean as text; None if there is none."""
        if self.affinity == "text":
            return dumps(value) if isinstance(value, bool | int | float) else None
        return exact(value) if isinstance(value, str) else None


def exact(text: str) -> Json:
    """The value of JSON, or of `True` and `False`, that a text writes; None if it writes none, or digits would be lost."""
    if text in ("True", "False"):
        return text == "True"
    if not text.isascii() or len(text) > 10_000:
        return None
    try:
        return json.loads(text, parse_float=_exact, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _exact(text: str) -> float:
    number = float(text)
    if number - number != 0 or Decimal(text) not in (Decimal(number), Decimal(repr(number))):
        raise ValueError(f"{text} has more digits than a number keeps")
    return number


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


class _Lossy(ValueError):
    """A value that the type would accept, but change."""


def _shown_form(schema: Schema, key: SchemaKey) -> Callable[[Json], Json] | None:
    """The function that makes the shown form of a value of a key, and returns a value that is none of its values unchanged."""
    try:
        decode, faults = schema.decoder(key), Faults(schema, key)
    except (PluginError, HeronError):
        return None
    if decode is None:
        return None
    return lambda value: decode(value) if faults(value) is None else value
