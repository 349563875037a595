"""The schema of an export beside that of a workspace: which keys are new, which clash, and what the schema would be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import evolve

from heron.catalog.portable.matching import Clashes
from heron.convert import dumps
from heron.errors import InvalidInput, PluginError
from heron.metadata.forms import Faults
from heron.metadata.keys import check_key, printable
from heron.metadata.schema import Schema, SchemaKey
from heron.metadata.validation import Validator, written
from heron.models import Json

_STATES = ("active", "deleted", "spent")


def key_of(
    name: str, type: str, parameters: dict[str, Json], state: str, indexed: int, schema: Schema
) -> SchemaKey:
    """A key of an export, checked; raises InvalidInput, also if the plugin of its type is missing."""
    check_key(name)
    if state not in _STATES:
        raise InvalidInput(
            f"key {name!r}: {printable(state)} is not a state of a key", hint=f"one of {', '.join(_STATES)}"
        )
    key = SchemaKey(name, type, parameters, state, bool(indexed))  # type: ignore[arg-type]
    if state == "active":
        kind = schema._type(name, type)
        if schema._parameters(name, kind, parameters) != parameters:
            raise InvalidInput(f"key {name!r}: {printable(parameters)} are not parameters of the type {type}")
        if indexed and kind.affinity == "json":
            raise InvalidInput(f"key {name!r} is of type {type}, which cannot be indexed")
    return key


class MergedKeys:
    """The schema after a merge. `changed` are the keys that a workspace gets, `new` and `same` their numbers."""

    def __init__(self, here: Schema, there: Sequence[SchemaKey], clashes: Clashes) -> None:
        self.before = here.all()
        self.schema = here.copy()
        self.changed: list[SchemaKey] = []
        self.new = self.same = 0
        known = {key.name: key for key in here.all()}
        for key in there:
            self._add(known.get(key.name), key, clashes)

    def _add(self, here: SchemaKey | None, key: SchemaKey, clashes: Clashes) -> None:
        if here is None:
            self.new += 1
            self._put(key)
        elif key.state != "active" or _is_within(key, here):
            self.same += 1
        elif here.state == "spent":
            if clashes.add("keys", key.name, "it was deleted for good here") == "take":
                raise InvalidInput(
                    f"key {key.name!r} was deleted for good here, its name cannot be used again",
                    hint="choose --clashes keys=keep, which keeps its values as those of an unknown key",
                )
        elif here.state == "deleted":
            if clashes.add("keys", key.name, "it is deleted here") == "take":
                self._put(key)
        elif (here.type, key.type) == ("enum", "enum"):
            more = [
                option for option in key.parameters["options"] if option not in here.parameters["options"]
            ]
            if (
                clashes.add("keys", key.name, f"has no option {', '.join(map(printable, more[:5]))} here")
                == "take"
            ):
                self._put(evolve(here, parameters={"options": [*here.parameters["options"], *more]}))
        elif (
            clashes.add(
                "keys", key.name, f"of type {_shown(here)} here, and of type {_shown(key)} in the export"
            )
            == "take"
        ):
            self._put(evolve(key, indexed=here.indexed))

    def _put(self, key: SchemaKey) -> None:
        self.schema.put(key.name, key)
        self.changed.append(key)


def _is_within(key: SchemaKey, here: SchemaKey) -> bool:
    if here.state != "active" or here.type != key.type:
        return False
    if key.type == "enum":
        return set(key.parameters["options"]) <= set(here.parameters["options"])
    return here.parameters == key.parameters


def _shown(key: SchemaKey) -> str:
    return f"{key.type} {dumps(key.parameters)}" if key.parameters else key.type


class StoredMetadata:
    """Checks metadata in its stored form. Values that their key's type does not accept are kept, and counted."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._names = Validator(schema)
        self._faults: dict[str, Faults | None] = {}
        self.misfits: Counter[str] = Counter()

    @property
    def unknown(self) -> set[str]:
        """The keys met so far that the schema does not know."""
        return self._names.unknown

    def __call__(self, metadata: Mapping[str, Json] | None, place: str) -> str:
        """The metadata as text; raises MetadataError for a key that cannot be one, and for more than 10 MB."""
        if not metadata:
            return "{}"
        for key, value in metadata.items():
            if key not in self._faults:
                self._names._prepare(key, place)
                self._faults[key] = self._fault(key)
            faults = self._faults[key]
            if faults is not None and value is not None and faults(value) is not None:
                self.misfits[key] += 1
        return written(metadata, place)

    def _fault(self, key: str) -> Faults | None:
        known = self._schema.get(key)
        try:
            if known is None or self._schema.type_of(known).vector:
                return None
            return Faults(self._schema, known)
        except PluginError:
            return None
