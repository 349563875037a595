"""The schema of a workspace: its keys, their types, and the methods that change it, without storage."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import evolve, frozen

from heron.errors import AlreadyExists, MetadataError, NotFound, PluginError
from heron.metadata.absent import TypeOrigin
from heron.metadata.keys import check_key, printable
from heron.models import Json

if TYPE_CHECKING:
    from heron.answers import Conversion
    from heron.hooks import Codec, MetadataType, PluginManager
    from heron.hooks.interfaces import Decode, Encode

State = Literal["active", "deleted", "spent"]


@frozen
class SchemaKey:
    """One key: its type's name, that type's parameters, and whether it is active, deleted (restorable) or
    spent (deleted for good).
    """

    name: str
    type: str
    parameters: dict[str, Json]
    state: State = "active"
    indexed: bool = False

    def describe(self) -> Json:
        """The key as it stands in a schema file: the type's name, or a table with its parameters."""
        return {"type": self.type, **self.parameters} if self.parameters else self.type


class Schema:
    """The keys of a workspace. The methods change this object; the schema service saves it."""

    def __init__(
        self,
        plugins: Callable[[], PluginManager],
        keys: Iterable[SchemaKey] = (),
        not_fitting: Mapping[str, int | None] | None = None,
        origins: Callable[[], Mapping[str, TypeOrigin]] = dict,
    ) -> None:
        """`plugins` gives the manager once a type is looked up. `not_fitting` is how many stored values of a key do not have the form of its type; None: not counted."""
        self._plugins = plugins
        self._origins = origins
        self._keys: dict[str, SchemaKey] = {key.name: key for key in keys}
        self._not_fitting = dict(not_fitting or {})
        self._types: dict[str, MetadataType] = {}
        self.conversions: Sequence[Conversion] = ()
        """After an edit: what it did to stored values, by key."""

    def copy(self) -> Schema:
        """An independent copy, to change and then to save."""
        return Schema(self._plugins, self._keys.values(), self._not_fitting, self._origins)

    def not_fitting(self, name: str) -> int | None:
        """How many stored values of a key did not have its type's form when they were last counted; None: not counted."""
        return self._not_fitting.get(name)

    def counted(self, name: str, number: int) -> None:
        """Note how many stored values of a key do not have its type's form."""
        self._not_fitting[name] = number

    def count_again(self, name: str) -> None:
        """Note that the stored values of a key have to be counted again."""
        self._not_fitting.pop(name, None)

    # Reading

    def all(self) -> list[SchemaKey]:
        """Every key ever made, deleted and spent ones too."""
        return list(self._keys.values())

    def keys(self) -> list[str]:
        """The names of the active keys."""
        return [key.name for key in self._keys.values() if key.state == "active"]

    def get(self, name: str) -> SchemaKey | None:
        """The key of that name if it is active."""
        key = self._keys.get(name)
        return key if key is not None and key.state == "active" else None

    def require(self, name: str) -> SchemaKey:
        """The key of that name; raises NotFound with a suggestion."""
        key = self.get(name)
        if key is None:
            raise NotFound(
                f"the schema has no key {name!r}",
                hint=suggestion(name, self.keys()) or "see heron schema show",
            )
        return key

    def type_of(self, key: SchemaKey) -> MetadataType:
        """The metadata type of a key; raises PluginError, which names who brought it, when its plugin is not there."""
        known = self._types.get(key.type)
        if known is None:
            try:
                known = self._types[key.type] = self._plugins().metadata_type(key.type)
            except PluginError as error:
                absent = self.absent(key)
                raise absent[1] if absent is not None else error from error
        return known

    def absent(self, key: SchemaKey) -> tuple[TypeOrigin, PluginError] | None:
        """Who brought the type of a key, and the error that says so, if no plugin brings it now and that is known."""
        plugins = self._plugins()
        if plugins.knows_type(key.type):
            return None
        origin = self._origins().get(key.type)
        return None if origin is None else (origin, origin.error(plugins.statuses))

    def encoder(self, key: SchemaKey) -> Encode:
        """The function that checks a value of this key and returns what is stored."""
        return self._behind(key, "encode", self.codec(key).encoder(key.parameters))

    def decoder(self, key: SchemaKey) -> Decode | None:
        """The function that makes the shown form of a stored value; None where that is the stored form."""
        from heron.hooks.interfaces import ShownCodec

        codec = self.codec(key)
        if not isinstance(codec, ShownCodec):
            return None
        return self._behind(key, "decode", codec.decoder(key.parameters))

    def bound_encoder(self, key: SchemaKey) -> Encode:
        """The function that encodes the bound of a range of this key's values."""
        from heron.hooks.interfaces import RangeCodec

        codec = self.codec(key)
        if isinstance(codec, RangeCodec):
            return self._behind(key, "encode", codec.bound_encoder(key.parameters))
        return self._behind(key, "encode", codec.encoder(key.parameters))

    def _behind(self, key: SchemaKey, verb: str, convert: Encode) -> Encode:
        from heron.metadata.door import behind

        kind = self.type_of(key)
        return behind(self._plugins().named(kind), kind, verb, convert)

    def codec(self, key: SchemaKey) -> Codec:
        """The rules of a key's type; raises PluginError when its plugin is not there or cannot be loaded."""
        codec: Codec = self._plugins().load(self.type_of(key))
        return codec

    def vector_keys(self) -> frozenset[str]:
        """The keys whose values are vectors."""
        return frozenset(key.name for key in self._keys.values() if self._holds_vectors(key))

    def _holds_vectors(self, key: SchemaKey) -> bool:
        try:
            return key.state == "active" and self.type_of(key).vector
        except PluginError:
            return False

    def to_dict(self) -> dict[str, Json]:
        """The active keys, ready for JSON or TOML; `set_from_dict` reads it back."""
        return {key.name: self._describe(key) for key in self._keys.values() if key.state == "active"}

    def _describe(self, key: SchemaKey) -> Json:
        """The key as it stands in a schema file; its index only where it is not what the type has by itself."""
        try:
            by_itself = self.type_of(key).indexed
        except PluginError:
            by_itself = False
        if key.indexed == by_itself:
            return key.describe()
        return {"type": key.type, **key.parameters, "indexed": key.indexed}

    # Changing

    def add_scalar(self, name: str, type: str) -> SchemaKey:
        """Add a key of a type without parameters: boolean, datetime, number, uuid, varchar, text, geospatial."""
        kind = self._type(name, type)
        if not kind.scalar:
            raise MetadataError(
                f"key {name!r}: {kind.name} is not a scalar type", hint=f"use add_{kind.name}"
            )
        return self._add(name, kind, {})

    def add_enum(self, name: str, options: Iterable[str]) -> SchemaKey:
        """Add a key that holds one of 1 to 256 options."""
        return self._add(name, self._type(name, "enum"), {"options": _as_list(options)})

    def add_enum_options(self, name: str, options: Iterable[str]) -> SchemaKey:
        """Add options to an enum key; existing ones are skipped."""
        key = self.require(name)
        if key.type != "enum":
            raise MetadataError(f"key {name!r} is of type {key.type}, only an enum has options")
        known: list[str] = key.parameters["options"]
        more = [option for option in dict.fromkeys(_as_list(options)) if option not in known]
        changed = evolve(
            key, parameters=self._parameters(name, self.type_of(key), {"options": [*known, *more]})
        )
        self._keys[name] = changed
        return changed

    def rename_option(self, name: str, old: str, new: str, *, merge: bool = False) -> SchemaKey:
        """Rename an option of an enum key; onto an option that exists only if `merge`, which joins the two."""
        key = self.require(name)
        if key.type != "enum":
            raise MetadataError(f"key {name!r} is of type {key.type}, only an enum has options")
        options: list[str] = key.parameters["options"]
        if old == new:
            raise MetadataError(f"key {name!r}: the option is called {printable(old)} already")
        if new in options and not merge:
            raise AlreadyExists(
                f"key {name!r} has an option {printable(new)} already",
                hint="join the two with --merge (in Python merge=True)",
            )
        if new not in options and old not in options:
            options = [*options, new]  # an option that went, of which items still hold the name
        changed = [
            new if option == old else option for option in options if option != old or new not in options
        ]
        self._keys[name] = evolve(
            key, parameters=self._parameters(name, self.type_of(key), {"options": changed})
        )
        return self._keys[name]

    def put(self, name: str, key: SchemaKey | None) -> None:
        """Put a key into its earlier state, or forget it for None."""
        if key is None:
            self._keys.pop(name, None)
        else:
            self._keys[name] = key

    def add_embedding(self, name: str, size: int) -> SchemaKey:
        """Add a key that holds a vector of `size` numbers, 1 to 4096."""
        return self._add(name, self._type(name, "embedding"), {"size": size})

    def add(self, name: str, type: str, **parameters: Json) -> SchemaKey:
        """Add a key of any type, including types of plugins."""
        return self._add(name, self._type(name, type), parameters)

    def delete_key(self, name: str, *, hard: bool = False) -> None:
        """Delete a key. Soft: `restore_key` restores it. Hard: the name can never be used again.

        Stored values stay where they are in both cases.
        """
        key = self._keys.get(name)
        if key is None or key.state == "spent" or (key.state == "deleted" and not hard):
            self.require(name)
            return
        self._keys[name] = evolve(key, state="spent" if hard else "deleted", indexed=key.indexed and not hard)

    def restore_key(self, name: str) -> SchemaKey:
        """Restore a softly deleted key."""
        key = self._keys.get(name)
        if key is None or key.state != "deleted":
            raise NotFound(
                f"there is no deleted key {name!r} to restore",
                hint="a key deleted with --hard is gone for good",
            )
        self._keys[name] = evolve(key, state="active")
        return self._keys[name]

    def set_indexed(self, name: str, indexed: bool) -> SchemaKey:
        """Ask for, or drop, a database index over a key's values."""
        key = self.require(name)
        if indexed and self.type_of(key).affinity == "json":
            raise MetadataError(f"key {name!r} is of type {key.type}, which cannot be indexed")
        self._keys[name] = evolve(key, indexed=indexed)
        return self._keys[name]

    def set_from_dict(self, data: Mapping[str, Json]) -> None:
        """Replace the whole schema. Keys that are no longer named are softly deleted; values stay.

        `data` maps each key to a type name, or to a table such as `{"type": "enum", "options": ["a"]}`.
        All keys are checked before the first one is changed.
        """
        if not isinstance(data, Mapping):
            raise MetadataError("a schema is a table of keys and types")
        draft = Schema(
            self._plugins, (k if k.state == "spent" else evolve(k, state="deleted") for k in self.all())
        )
        for name, given in data.items():
            parameters = dict(given) if isinstance(given, Mapping) else {"type": given}
            kind = parameters.pop("type", None)
            indexed = parameters.pop("indexed", None)
            if not isinstance(kind, str) or not isinstance(indexed, bool | None):
                raise MetadataError(
                    f"key {name!r}: expected a type name, or a table with a type",
                    hint='write a key with a dot in quotes in TOML: "video.description" = "text"',
                )
            known = draft._keys.get(name)
            if known is not None and known.state == "deleted":
                del draft._keys[name]
            new = draft._add(name, draft._type(name, kind), parameters)
            if indexed is not None:
                draft._keys[name] = evolve(new, indexed=indexed)
                draft.set_indexed(name, indexed)
            elif known is not None and known.type == new.type:
                draft._keys[name] = evolve(new, indexed=known.indexed)
        self._keys = draft._keys

    def _type(self, name: str, type: str) -> MetadataType:
        try:
            return self._plugins().metadata_type(type)
        except PluginError as error:
            raise MetadataError(f"key {name!r}: {error.message}", hint=error.hint) from error

    def _parameters(self, name: str, kind: MetadataType, given: Mapping[str, Json]) -> dict[str, Json]:
        from heron.hooks.door import guarded

        codec: Codec = self._plugins().load(kind)
        try:
            with guarded(self._plugins().named(kind), "parameters", f"key {name!r}", PluginError):
                try:
                    return dict(codec.parameters(given))
                except ValueError as error:
                    raise MetadataError(f"key {name!r}: {kind.name} {error}") from error
        except PluginError as error:
            raise MetadataError(error.message, hint=error.hint) from error

    def _add(self, name: str, kind: MetadataType, parameters: Mapping[str, Json]) -> SchemaKey:
        check_key(name)
        known = self._keys.get(name)
        if known is not None:
            if known.state == "spent":
                raise AlreadyExists(f"key {name!r} was deleted for good, its name cannot be used again")
            if known.state == "deleted":
                raise AlreadyExists(
                    f"key {name!r} is deleted", hint=f"bring it back with heron schema restore {name!r}"
                )
            raise AlreadyExists(f"the schema has a key {name!r} already, of type {known.type}")
        key = SchemaKey(name, kind.name, self._parameters(name, kind, parameters), indexed=kind.indexed)
        self._keys[name] = key
        return key


def suggestion(name: str, names: Sequence[str]) -> str | None:
    """The question whether another name was meant, if there is one that is much alike."""
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else None


def _as_list(options: Iterable[str]) -> list[str]:
    return [options] if isinstance(options, str) else list(options)
