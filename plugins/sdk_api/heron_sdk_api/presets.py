"""Presets: saved queries of Heron, as filters of the API.

The API does not say what a filter is. Two forms are read here: `{"key", "include", "values"}`, that the value of a key, or of a
field of items, is (or is not) among some, and `{"key": "$heron", "query"}`, which is a query of Heron. A preset is given in the
second form, whoever made it.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from heron import InvalidInput, NotFound, Preset, Query, Workspace
from heron_sdk_api.calls import Call
from heron_sdk_api.fields import Fields
from heron_sdk_api.paging import page, sliced
from heron_sdk_api.wire import made_up, named

OWN = "$heron"
"""The key of a filter that is a query of Heron."""

_NOWHERE = str(UUID(int=0))
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_PARTS = (
    "where",
    "folder",
    "recursive",
    "sort",
    "limit",
    "words",
    "text",
    "key",
    "nearest",
    "min_score",
    "min_sure",
)


def listed(call: Call) -> Any:
    """Presets by name, or those of some UUIDs."""
    wanted = {str(uuid) for uuid in call.query.uuids("uuids")}
    found = [each for each in call.ws.presets.list() if not wanted or made_up("preset", each.name) in wanted]
    results, token = sliced(found, call.query, f"presets {sorted(wanted)}")
    return page([_wire(each) for each in results], token)


def _wire(preset: Preset) -> dict[str, Any]:
    return {
        "uuid": made_up("preset", preset.name),
        "name": preset.name,
        "description": preset.description,
        "createdAt": preset.created_at,
        "lastUpdatedAt": preset.created_at,
    }


def of_uuid(ws: Workspace, uuid: UUID) -> Preset:
    """The preset of a UUID; raises NotFound."""
    for preset in ws.presets.list():
        if named("preset", preset.name, uuid):
            return preset
    raise NotFound(f"there is no preset {uuid}", hint="a preset that was renamed has another UUID")


def create(call: Call) -> Any:
    """Save filters under a name."""
    given = call.fields
    query = query_of(given.object("filterPresetJson"), "the body.filterPresetJson")
    call.ws.search.notes(query)  # raises QueryError for a condition that is wrong
    saved = call.ws.presets.create(given.text("name"), query, description=given.text("description", ""))
    return made_up("preset", saved.name)


def get(call: Call) -> Any:
    """The filters of a preset."""
    return filters_of(of_uuid(call.ws, call.uuid("preset")).query)


def update(call: Call) -> Any:
    """Change name, description or filters; with its name, a preset changes its UUID."""
    preset = of_uuid(call.ws, call.uuid("preset"))
    name = call.fields.text("name", preset.name)
    description = call.fields.text("description", preset.description)
    filters = call.fields.object("filterPreset", None)
    query = preset.query if filters is None else query_of(filters, "the body.filterPreset")
    call.ws.search.notes(query)  # raises QueryError for a condition that is wrong
    with call.ws.atomic():
        call.ws.presets.create(name, query, description=description, replace=name == preset.name)
        if name != preset.name:
            call.ws.presets.delete(preset.name)


def delete(call: Call) -> Any:
    """Delete a preset."""
    call.ws.presets.delete(of_uuid(call.ws, call.uuid("preset")).name)


def filters_of(query: Query) -> dict[str, Any]:
    """A query as filters."""
    parts = {name: getattr(query, name) for name in _PARTS if getattr(query, name) != getattr(Query(), name)}
    if query.like:
        parts["like"] = query.like
    return {
        "local_filters": {_NOWHERE: {"filters": []}},
        "global_filters": {"filters": [{"key": OWN, "query": parts}]},
    }


def query_of(given: Any, place: str) -> Query:
    """Filters as a query; raises InvalidInput for a filter whose meaning is not known."""
    fields = Fields(given, place)
    conditions, query = [], Query()
    lists = [fields.object("global_filters", {}), *fields.object("local_filters", {}).values()]
    for filters in lists:
        for number, each in enumerate(Fields(filters, place).list("filters", ())):
            one = Fields(each, f"{place}, filter {number}")
            if one.text("key") == OWN:
                query = _own(one)
            else:
                conditions.append(_condition(one))
    if query.where:
        conditions.insert(0, f"({query.where})" if conditions else query.where)
    return Query(
        **{name: getattr(query, name) for name in (*_PARTS, "like") if name != "where"},
        where=" AND ".join(conditions) or None,
    )


def _own(given: Fields) -> Query:
    parts = given.object("query")
    unknown = [name for name in parts if name not in (*_PARTS, "like")]
    if unknown:
        raise InvalidInput(f"{given.place}: a query has no part {', '.join(unknown)}")
    try:
        return Query(**parts)
    except TypeError as error:
        raise InvalidInput(f"{given.place}: {error}") from error


def _condition(given: Fields) -> str:
    """A filter as a condition of Heron."""
    if not given.has("values"):
        raise InvalidInput(
            f"{given.place}: Heron reads filters with key, include and values, and those with the key {OWN}"
        )
    values = [_value(value, given.place) for value in given.list("values")]
    key = given.text("key")
    name = key if _PLAIN.fullmatch(key) else _quoted(key)
    condition = f"{name} IN ({', '.join(values)})" if values else "item.kind = ''"
    return f"({condition})" if given.flag("include", True) else f"(NOT ({condition}) OR {name} IS NULL)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(value: Any, place: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise InvalidInput(f"{place}: a value has to be a text, a number, true or false")
