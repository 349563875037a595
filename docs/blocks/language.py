"""The types of metadata, the fields of items, and the functions of the query language."""

from __future__ import annotations

import inspect


def types() -> str:
    """The table of metadata types."""
    from heron.metadata.types import register_metadata_types

    rows = []
    for kind in register_metadata_types():
        about = inspect.cleandoc(type(kind.load()).__doc__ or "").replace("\n", " ").replace("|", "or")
        names = ", ".join(f"`{name}`" for name in (kind.name, *kind.aliases))
        rows.append(f"| {names} | {about} |")
    return "\n".join(["| type | what it holds |", "|---|---|", *rows])


def item_fields() -> str:
    """The table of the names that mean something of every item."""
    from heron.search.fields import ITEM_NAMES

    rows = [f"| `{f.name}` | {f.compares} | {f.unit or ''} | {f.about} |" for f in ITEM_NAMES.values()]
    return "\n".join(["| field | type | unit | what it is |", "|---|---|---|---|", *rows])


def query_functions() -> str:
    """The functions of the query language, and the conditions that look like functions."""
    from heron.search.functions import BUILT_IN

    names = {"geospatial": "key", "datetime": "time"}
    lines = ["| function | value |", "|---|---|"]
    for function in BUILT_IN.values():
        given = [names.get(kind, kind) for kind in function.arguments]
        arguments = "key, latitude, longitude" if given == ["key", "number", "number"] else ", ".join(given)
        lines.append(f"| `{function.name}({arguments})` | {function.summary} |")
    lines += [
        "| `now()` | this moment; also `CURRENT_TIMESTAMP` |",
        "| `match(key, words)` | condition: a text key holds these words, see below |",
        "| `in_collection(title)` | condition: the item is in the collection of this title or UUID |",
        "| `in_project(title)` | condition: a dataset of the project of this title or UUID has a row of the item |",
        "| `in_dataset(title)` | condition: the dataset of this title or UUID has a row of the item |",
        "| `has_file(name)` | condition: the file of the item, or a member of it, has this name, or a path that ends with it; % stands for anything |",
        "| `in_folder(path)` | condition: the item is in this folder or one below it |",
    ]
    return "\n".join(lines)
