"""Names in conditions and sorts: which field a name means, and a suggestion if it means none."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import evolve

from heron.errors import PluginError, QueryError
from heron.fields import RecordField
from heron.hooks.contributions import PREFIXES
from heron.metadata.absent import Refusal
from heron.metadata.forms import form_of
from heron.metadata.keys import printable
from heron.metadata.schema import Schema, SchemaKey
from heron.models import DERIVED_FIELDS, FRAME_FIELDS, ITEM_FIELDS, Json
from heron.search.tree import AFFINITIES, Field, Home, ValueType

if TYPE_CHECKING:
    from heron.hooks.interfaces import Encode
    from heron.media.kinds import Kinds
    from heron.search.namespaces import Namespaces

Place = Literal["name", "value", "sort"]
"""Where a name is used: in a condition, where a literal would also be allowed, or in a sort."""

ITEM_NAMES = {name: field for name, field in {**ITEM_FIELDS, **DERIVED_FIELDS}.items() if field.compares}
"""The names of the fields of every item."""

_REFUSED_IF_LOOSE = frozenset({"path", "store"})
"""Fields of items that came after users had keys of these names, so that conditions would change their meaning."""

ITEM_UUID = Field("uuid", "column", ("uuid",), "text", "text", "text")
"""The field of the UUID."""

FRAME_NAMES = {name: field for name, field in FRAME_FIELDS.items() if field.compares}
"""The names of the fields of every frame, without `frame.`"""


class Fields:
    """Resolves names against one schema.

    A name is looked up in the schema's keys, then in the item's fields, then in media facts such as
    `exif.Model`, then in keys that are in use but not in the schema; a name found in both of the last two is refused,
    and so are `path` and `store` if they are keys in use that are not in the schema. A prefix `metadata.`, `item.` or `facts.` selects one of these. In a search for `frames`, `frame.number` and the
    like are fields, `frame.KEY` is a key of the frame's own metadata, and `metric.NAME` is a metric of the frame; all
    other names are about the frame's item.
    """

    def __init__(
        self,
        schema: Schema,
        namespaces: Namespaces,
        kinds: Kinds,
        unknown: Iterable[str] = (),
        *,
        path: Callable[[str], str] = str,
        held: Callable[[str, str], bool] | None = None,
        sees_all: bool = True,
        frames: bool = False,
    ) -> None:
        """`path` gives the form in which the catalogue knows the path of a file.

        `held` says whether something has a value of a key. Without `sees_all`, `notes` say nothing of how many values do not fit.
        """
        self._schema = schema
        self._namespaces = namespaces
        self._kinds = kinds
        self._unknown = frozenset(unknown)
        self._path = path
        self._held = held
        self._sees_all = sees_all
        self._frames = frames
        self.facts: dict[str, None] = {}
        """The names of the media facts that were resolved."""
        self.notes: dict[str, None] = {}
        """What is to be known of the values of the fields that were resolved, as sentences."""

    def resolve(self, parts: Sequence[str], place: Place = "name") -> Field:
        """The field of a dotted name; raises QueryError with a suggestion."""
        name = ".".join(parts)
        if len(parts) > 1:
            rest = ".".join(parts[1:])
            if self._frames and (field := self._of_frame(parts[0], rest)):
                return field
            if parts[0] == "frame" and not self._frames and rest in FRAME_NAMES and not self._key(name):
                raise QueryError(f"{name} is a field of frames", hint="search frames: heron search --frames")
            if parts[0] == "metadata" and (field := self._metadata(rest)):
                return field
            if parts[0] == "item" and (field := self._item(rest)):
                return field
            if parts[0] == "facts" and len(parts) > 2:
                return _fact(parts[1:])
        found = self._key(name)
        if found is None and name in _REFUSED_IF_LOOSE & self._unknown:
            raise QueryError(
                f"{name} is a field of items, and a key that the schema does not know",
                hint=f"write item.{name} or metadata.{name}",
            )
        found = found or self._item(name)
        if found is None and len(parts) > 1 and parts[0] in self._namespaces:
            if name in self._unknown:
                raise QueryError(
                    f"{printable(name)} is a media fact, and a key that the schema does not know",
                    hint=f"write facts.{name} or metadata.{name}",
                )
            found = _fact(parts)
            self.facts[name] = None
        found = found or self._loose(name)
        if found is None:
            raise QueryError(f"there is no field {printable(name)}", hint=self._suggest(parts, place))
        return found

    def knows(self, name: str) -> bool:
        """Whether a metadata key has this name, in the schema or in use."""
        return self._schema.get(name) is not None or name in self._unknown

    def full_text(self) -> list[Field]:
        """The fields with a full-text index."""
        notes = dict(self.notes)
        found = [self._key(name) for name in self._schema.keys()]  # noqa: SIM118 - not a mapping
        self.notes = notes
        return [field for field in found if field is not None and field.full_text]

    def _of_frame(self, space: str, name: str) -> Field | None:
        if space == "metric":
            _check_reachable(name)
            return Field(f"metric.{name}", "frame metric", (name,), "number", "number", "number")
        if space != "frame":
            return None
        if name in FRAME_NAMES:
            return _declared(FRAME_NAMES[name], "frame", f"frame.{name}")
        found = self._metadata(name)
        if found is None:
            return None
        home: Home = "frame vector" if found.home == "vector" else "frame metadata"
        return evolve(
            found, name=f"frame.{name}", home=home, full_text=False
        )  # only items have a full-text index

    def _metadata(self, name: str) -> Field | None:
        return self._key(name) or self._loose(name)

    def _key(self, name: str) -> Field | None:
        key = self._schema.get(name)
        if key is None:
            return None
        try:
            kind = self._schema.type_of(key)
            encode, decode = self._schema.encoder(key), self._schema.decoder(key)
            encode_bound = self._schema.bound_encoder(key)
        except PluginError as error:
            return self._absent(key, error)
        if decode is not None and kind.compares in AFFINITIES:
            raise QueryError(
                f"key {name!r}: the type {key.type} shows other values than it stores, so they do not compare as {kind.compares}",
                hint="its plugin has to leave out compares, or to name a word of its own",
            )
        type: ValueType = kind.compares or (key.type if decode is not None else kind.affinity)
        home: Home = "vector" if kind.vector else "metadata"
        is_ordered = kind.ordered and kind.affinity != "json"
        form = None
        if home == "metadata" and self._schema.not_fitting(name) != 0:
            form = form_of(self._schema, key)
            self._note_not_fitting(key)
            if key.type == "enum":
                encode = self._former(name, encode)
        return Field(
            name, home, (name,), type, key.type, kind.affinity, encode, encode_bound, decode, is_ordered, kind.full_text,
            form,
        )  # fmt: skip

    def _absent(self, key: SchemaKey, error: PluginError) -> Field:
        """The field of a key whose plugin is gone: its values are seen as they are stored, and none can be written in a condition."""
        found = self._schema.absent(key)
        if found is None:
            raise QueryError(f"key {key.name!r}: {error.message}", hint=error.hint) from error
        origin, refuse = found[0], Refusal(error)
        is_ordered = origin.ordered and origin.affinity != "json"
        return Field(
            key.name, "metadata", (key.name,), key.type, key.type, origin.affinity, refuse, refuse, None, is_ordered, False, None
        )  # fmt: skip

    def _note_not_fitting(self, key: SchemaKey) -> None:
        count = self._schema.not_fitting(key.name)
        if not count or not self._sees_all:
            return
        values, many = ("1 value is", False) if count == 1 else (f"{count:,} values are", True)
        if key.type == "enum":
            what = f"{values} not among its options"
        else:
            what = f"{values} not of type {key.type} and {'count' if many else 'counts'} as missing"
        self.notes[f"{key.name}: {what}; heron metadata verify lists {'them' if many else 'it'}"] = None

    def _former(self, name: str, encode: Encode) -> Encode:
        """An encoder that also takes options that went, as long as something has them."""

        def former(value: Json) -> Json:
            try:
                return encode(value)
            except ValueError:
                if not isinstance(value, str) or self._held is None or not self._held(name, value):
                    raise
            self.notes[f"{name}: {printable(value)} is no longer an option, but there are values of it"] = (
                None
            )
            return value

        return former

    def _item(self, name: str) -> Field | None:
        known = ITEM_NAMES.get(name)
        if known is None:
            return None
        found = _declared(known, "column" if known.sql else "derived", name)
        encoders = {"kind": self._kind, "path": self._as_path}
        return evolve(found, encode=encoders[name], encode_bound=_text) if name in encoders else found

    def _kind(self, value: Json) -> Json:
        if not isinstance(value, str) or self._kinds.get(value) is None:
            names = ", ".join(kind.name for kind in self._kinds.all())
            raise ValueError(f"expected one of {names}")
        return value

    def _as_path(self, value: Json) -> Json:
        return self._path(_text(value))

    def _loose(self, name: str) -> Field | None:
        if name not in self._unknown:
            return None
        _check_reachable(name)
        return Field(name, "metadata", (name,), "loose", "text", "text")

    def _suggest(self, parts: Sequence[str], place: Place) -> str:
        name = ".".join(parts)
        known = [*self._schema.keys(), *ITEM_NAMES, *self._unknown, *self._facts_like(parts)]
        by_lower = {candidate.lower(): candidate for candidate in reversed(known)}
        cutoff = 0.8 if place == "value" else 0.6
        close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=cutoff)
        if close:
            return f"did you mean {by_lower[close[0]]}?"
        if place == "value":
            return f"write text in single quotes: {_quoted(name)}"
        if len(parts) > 1 and all(part.isidentifier() for part in parts) and parts[0] not in PREFIXES:
            return f"a fact that no plugin here declares is written facts.{name}; heron schema show lists the keys"
        if place == "sort":
            return "heron schema show lists the keys"
        return "write text in single quotes; heron schema show lists the keys"

    def _facts_like(self, parts: Sequence[str]) -> Iterator[str]:
        """The fact of that name in the namespace that is written most like the first part."""
        if len(parts) > 1:
            spaces = {space.lower(): space for space in self._namespaces}
            for space in difflib.get_close_matches(parts[0].lower(), spaces, n=1):
                yield ".".join((spaces[space], *parts[1:]))


def _quoted(text: str) -> str:
    doubled = printable(text)[1:-1].replace("'", "''")
    return f"'{doubled}'"


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError("expected text")
    return value


def _declared(known: RecordField, home: Home, name: str) -> Field:
    assert known.compares is not None
    type = known.compares
    return Field(name, home, (known.name,), type, type, AFFINITIES[type])


def _check_reachable(name: str) -> None:
    """Refuse a key that JSON writes with escapes, since SQLite's JSON paths cannot name it."""
    if any(character in '"\\' or character < " " for character in name):
        raise QueryError(
            f"{printable(name)} contains a double quote, a backslash or a control character and cannot be filtered by"
        )


def _fact(parts: Sequence[str]) -> Field:
    _check_reachable(".".join(parts))
    return Field(".".join(parts), "fact", tuple(parts), "any", "media fact", "any")
