"""The metadata schema, in the two forms that the API has: types by key, and options by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heron import InvalidInput, Schema, SchemaKey
from heron_sdk_api.calls import Call
from heron_sdk_api.fields import Fields
from heron_sdk_api.wire import made_up

_V1 = {"varchar": "string", "text": "long_string", "uuid": "string"}
"""How v1 calls types of Heron, where it has another name."""

_FROM_V1 = {"string": "varchar", "long_string": "text"}
_V1_TYPES = ("number", "string", "boolean", "datetime", "geospatial", "enum", "embedding", "long_string")
_HINTS = ("number", "varchar", "text", "boolean", "datetime", "uuid")


def read_v1(call: Call) -> Any:
    """The types of the active keys, or null without any; a type that v1 does not know is left out."""
    types = {key.name: _V1.get(key.type, key.type) for key in call.ws.schema.show() if key.state == "active"}
    known = {name: type for name, type in types.items() if type in _V1_TYPES}
    if not known:
        return None
    return {
        "uuid": made_up("schema", str(call.ws.root)),
        "metadataSchema": known,
        "organisationId": 1,
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": "2024-01-01T00:00:00Z",
    }


def write_v1(call: Call) -> Any:
    """Replace the schema by types; an enum or embedding keeps the options or the size that the key has already."""
    given = {}
    for name in call.fields.values:
        type = call.fields.one_of(name, _V1_TYPES)
        known = _key(call, name)
        if known is not None and known.state != "spent" and type == _V1.get(known.type, known.type):
            given[name] = known.describe()  # string is varchar and uuid: the key stays what it is
        elif type in ("enum", "embedding"):
            raise InvalidInput(
                f"key {name!r}: v1 of the schema cannot say which {'options' if type == 'enum' else 'size'} it has",
                hint=f"use metadata_schema().add_{type}()",
            )
        else:
            given[name] = _FROM_V1.get(type, type)
    call.ws.schema.set_from_dict(given)
    return made_up("schema", str(call.ws.root))


def read_v2(call: Call) -> Any:
    """The options of all keys, deleted ones as tombstones; types that only Heron or a plugin has are left out."""
    options = {key.name: _option_of(key) for key in call.ws.schema.show()}
    return {name: option for name, option in options.items() if option is not None}


def write_v2(call: Call) -> Any:
    """Replace the schema by options. A key that is not given stays as it is deleted, and one of a plugin's type as it is."""
    given = call.fields
    with call.ws.schema.edit() as schema:
        for name in given.values:
            _apply(schema, name, Fields(given.values[name], f"key {name!r}"))
        for key in schema.all():
            if key.state == "active" and key.name not in given.values and _option_of(key) is not None:
                schema.delete_key(key.name)
    return None


def _apply(schema: Schema, name: str, option: Fields) -> None:
    """Give a key the type of an option."""
    known = next((key for key in schema.all() if key.name == name), None)
    if option.text("ty") == "tombstone":
        _bury(schema, name, option, known)
        return
    type, parameters = _type_of(option)
    if (
        known is not None
        and known.state == "active"
        and known.type == type
        and known.parameters == parameters
    ):
        return
    if known is not None and known.state == "active" and type == "enum" == known.type:
        options, before = parameters["options"], known.parameters["options"]
        if set(before) <= set(options):
            schema.add_enum_options(name, options)
            return
    if known is not None and known.state == "deleted":
        known = schema.restore_key(name)
    if known is None or known.type != type or known.parameters != parameters:
        if known is not None and known.state == "active":
            schema.put(name, None)
        schema.add(name, type, **parameters)


def _bury(schema: Schema, name: str, option: Fields, known: SchemaKey | None) -> None:
    """Delete a key, for good if its option does not say what it was."""
    was = option.object("deleted_ty", None)
    if known is None:
        type, parameters = _type_of(Fields(was, option.place)) if was else ("varchar", {})
        schema.add(name, type, **parameters)
        schema.delete_key(name, hard=was is None)
    elif known.state == "active" or (known.state == "deleted" and was is None):
        schema.delete_key(name, hard=was is None)


def _type_of(option: Fields) -> tuple[str, dict[str, Any]]:
    """The type of Heron that an option means, and its parameters."""
    type = option.text("ty")
    if type == "variant":
        hint = option.one_of("hint", (*_HINTS, *_FROM_V1), "text")
        return _FROM_V1.get(hint, hint), {}
    if type == "enum":
        return "enum", {"options": option.texts("values")}
    if type == "embedding":
        if option.object("api", None):
            raise InvalidInput(f"{option.place}: Heron calls no service for embeddings", hint="leave out api")
        return "embedding", {"size": option.whole("size", least=1, most=4096)}
    if type in (*_HINTS, "geospatial"):
        return type, {}
    raise InvalidInput(f"{option.place}: there is no type {type!r}")


def _option_of(key: SchemaKey) -> Mapping[str, Any] | None:
    """The option of a key; None for a type that the API does not have."""
    if key.state == "spent":
        return {"ty": "tombstone", "deleted_ty": None}
    option: dict[str, Any] | None = None
    if key.type in _HINTS:
        option = {"ty": "variant", "hint": key.type}
    elif key.type == "enum":
        option = {"ty": "enum", "values": list(key.parameters["options"])}
    elif key.type == "embedding":
        option = {"ty": "embedding", "size": key.parameters["size"], "api": None}
    elif key.type == "geospatial":
        option = {"ty": "geospatial"}
    if option is not None and key.state == "deleted":
        return {"ty": "tombstone", "deleted_ty": option}
    return option


def _key(call: Call, name: str) -> SchemaKey | None:
    return next((key for key in call.ws.schema.show() if key.name == name), None)
