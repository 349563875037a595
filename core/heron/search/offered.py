"""The names that conditions, sorts and facets can use in a workspace, for whoever offers them while somebody types."""

from __future__ import annotations

from collections.abc import Iterable

from heron.answers import QueryName
from heron.hooks.query_functions import QueryFunction
from heron.metadata.schema import Schema
from heron.search.fields import FRAME_NAMES, ITEM_NAMES

_CONDITIONS = (
    QueryName("match", "function", "condition", "a text key holds these words", arguments=("key", "words")),
    QueryName("in_collection", "function", "condition", "the item is in this collection", arguments=("title",)),
    QueryName("in_dataset", "function", "condition", "the dataset has a row of the item", arguments=("title",)),
    QueryName("in_folder", "function", "condition", "the item is in this folder, or below it", arguments=("path",)),
    QueryName("has_file", "function", "condition", "a file of the item has this name", arguments=("name",)),
    QueryName("now", "function", "datetime", "this moment"),
)  # fmt: skip
"""What looks like a function, and is part of the language itself."""


def offered(
    schema: Schema,
    facts: Iterable[str],
    loose: Iterable[str],
    functions: Iterable[QueryFunction],
    *,
    frames: bool,
) -> list[QueryName]:
    """Keys of the schema, fields of items and frames, media facts, keys that the schema does not know, and functions."""
    found = [
        QueryName(key.name, "key", key.type, "", tuple(key.parameters.get("options", ())))
        for key in schema.all()
        if key.state == "active" and key.type != "embedding"
    ]
    names = dict(ITEM_NAMES) | ({f"frame.{name}": of for name, of in FRAME_NAMES.items()} if frames else {})
    found += [QueryName(name, "field", str(field.compares), field.about) for name, field in names.items()]
    found += [QueryName(name, "fact", "any", "media fact") for name in sorted(facts)]
    found += [QueryName(name, "loose", "text", "a key that the schema does not know") for name in loose]
    found += [
        QueryName(
            each.name, "function", each.result, _about(each), arguments=tuple(each.arguments), operator=each.operator or ""
        )
        for each in functions
    ]  # fmt: skip
    taken: dict[str, QueryName] = {}
    for name in (*found, *_CONDITIONS):
        taken.setdefault(name.name, name)
    return list(taken.values())


def _about(function: QueryFunction) -> str:
    """What a function does, and how it is written as an operator."""
    if function.operator is None:
        return function.summary
    left, right = function.arguments
    return f"{function.summary}; also written {left} {function.operator} {right}"
